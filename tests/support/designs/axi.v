// Sum of four u4 elements, two a beat, in AXI4-Stream; written by hand to test the bench.
module axi(input clk, input rst, output reg error,
           input [15:0] s_axis_tdata, input s_axis_tvalid, input s_axis_tlast, output s_axis_tready,
           output [7:0] m_axis_tdata, output m_axis_tvalid, output m_axis_tlast, input m_axis_tready);
  reg second = 0, valid = 0, dropping = 0, was = 0;
  reg [7:0] half, result;
  wire free = m_axis_tready | ~valid;
  assign s_axis_tready = free | dropping;
  assign m_axis_tdata = result;
  assign m_axis_tvalid = valid;
  assign m_axis_tlast = 1;
  wire take = s_axis_tvalid & free & ~dropping;
  wire wrong = take & s_axis_tlast != second;
  wire [7:0] sum = s_axis_tdata[3:0] + s_axis_tdata[11:8];
  initial error = 0;
  always @(posedge clk) begin
    error <= wrong;
    if (free) valid <= take & second & ~wrong;
    if (take) begin
      second <= ~second & ~wrong;
      half <= sum;
      result <= half + sum;
    end
    if (wrong | dropping & s_axis_tvalid) dropping <= ~s_axis_tlast;
    if (rst) begin dropping <= 0; second <= 0; valid <= 0; error <= 0; end
  end
endmodule
