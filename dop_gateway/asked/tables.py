"""Tables of answered requests."""
