// Dot product of three u4 elements with loadable u4 weights and a bias; written by hand to test the
// bench. A load is three weights, then the bias.
module serial(input clk, input rst,
              input [3:0] i_payload, input i_valid, output i_ready,
              input [7:0] p_payload, input p_valid, output p_ready,
              output [15:0] o_payload, output o_valid, input o_ready);
  reg [7:0] w [0:3];
  reg [1:0] column = 0, index = 0;
  reg loaded = 0, done = 0, valid = 0;
  reg [15:0] total, result;
  wire move = o_ready | ~valid;
  assign p_ready = index == 0 & ~done & ~valid;
  assign i_ready = move & (index != 0 | loaded & ~p_valid);
  assign o_valid = valid;
  assign o_payload = result + w[3];
  wire take = i_valid & i_ready;
  always @(posedge clk) begin
    if (p_valid & p_ready) begin
      w[column] <= p_payload;
      column <= column + 1;
      loaded <= column == 3;
    end
    if (take) begin
      total <= (index == 0 ? 0 : total) + w[index] * i_payload;
      index <= index == 2 ? 0 : index + 1;
    end
    if (move) begin
      done <= take & index == 2;
      valid <= done;
      result <= total;
    end
    if (rst) begin index <= 0; done <= 0; valid <= 0; column <= 0; end
  end
endmodule
