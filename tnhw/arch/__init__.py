"""Rule-blind hardware: how terms are summed in time and space."""
