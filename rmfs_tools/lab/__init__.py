"""The lab's own units and its proof: reference machine and server, and the zoo."""
