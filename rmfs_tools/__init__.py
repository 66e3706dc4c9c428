"""What stands around the product: the one command `rmfs`, its check and its set-up.

This package may import every other one; nothing imports it.
"""

__version__ = "0.1.0"
