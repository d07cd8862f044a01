// Plays one load and some vectors into a core, and compares its results: beats of p.hex, i.hex, o.hex in FOLDER.
module player #(parameter NAME = "", FOLDER = "", WI = 1, WP = 1, WO = 1, NI = 1, NP = 0, NO = 1, BI = 1) (
    input clk, input rst, output reg done = 0,
    output [WI-1:0] i, output i_valid, output i_last, input i_ready,
    output [WP-1:0] p, output p_valid, output p_last, input p_ready,
    input [WO-1:0] o, input o_valid, output o_ready, input error);
  reg [WI-1:0] is[0:NI-1];
  reg [WP-1:0] ps[0:(NP ? NP - 1 : 0)];
  reg [WO-1:0] os[0:NO-1];
  integer sent = 0, loaded = 0, received = 0;
  initial begin
    $readmemh({FOLDER, "/i.hex"}, is);
    if (NP) $readmemh({FOLDER, "/p.hex"}, ps);
    $readmemh({FOLDER, "/o.hex"}, os);
  end
  assign p = ps[loaded], p_valid = ~rst && loaded < NP, p_last = loaded == NP - 1;
  assign i = is[sent], i_valid = ~rst && loaded == NP && sent < NI, i_last = sent % BI == BI - 1;
  assign o_ready = 1;
  always @(posedge clk) if (!rst) begin
    if (p_valid & p_ready) loaded <= loaded + 1;
    if (i_valid & i_ready) sent <= sent + 1;
    if (error) begin $display("FAIL %0s: error", NAME); $finish; end
    if (o_valid) begin
      if (o !== os[received]) begin $display("FAIL %0s: %h is not %h", NAME, o, os[received]); $finish; end
      received <= received + 1;
      done <= received == NO - 1;
    end
  end
endmodule
