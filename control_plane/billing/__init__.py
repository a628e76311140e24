"""What the builder bills its customers by: the usage of a month, closed once and for all, and signed."""
