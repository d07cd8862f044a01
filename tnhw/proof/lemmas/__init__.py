"""What is shown of numbers: sums taken apart, loaded parameters, the netlist."""
