"""Power, performance, area: what a design costs, side by side with others."""
