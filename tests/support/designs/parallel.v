// Sum of four u4 elements, and the first less the last, as s8; written by hand to test the bench.
module parallel(input clk, input rst,
                input [15:0] i_payload, input i_valid, output i_ready,
                output [15:0] o_payload, output o_valid, input o_ready);
  reg [15:0] a, b;
  reg va = 0, vb = 0;
  wire move = o_ready | ~vb;
  assign i_ready = move;
  assign o_valid = vb;
  assign o_payload = b;
  wire [7:0] sum = a[3:0] + a[7:4] + a[11:8] + a[15:12];
  wire [7:0] difference = a[3:0] - a[15:12];
  reg tick = 0;
  always @(posedge clk) begin
    tick <= ~tick;
    if (move) begin
      va <= i_valid;
      a <= i_payload;
      vb <= va;
      b <= {difference, sum};
    end
    if (rst) begin va <= 0; vb <= 0; end
  end
endmodule
