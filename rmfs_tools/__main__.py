"""`python -m rmfs_tools`, which is what `./rmfs` runs."""

import sys

from rmfs_tools.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
