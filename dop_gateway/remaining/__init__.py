"""What licences still have at their makers' servers, as the makers tell it (RMFS-33).

The last snapshot of each licence is kept; the exchange keeps the files themselves.
"""
