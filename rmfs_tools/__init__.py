"""The one command `rmfs`, and the tools that join the parts: demo, bench, check."""
