"""Where images are put: a memory file system where there is one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a name in it is made by tempfile
"""Linux keeps it in memory; elsewhere it is not there."""


@contextmanager
def folder_for_images(parent: Path | None) -> Iterator[Path]:
    """Make a folder for a while.

    Nothing in it has to outlive the process, and many thousand files pass through it:
    a disk would only make it slow.

    Args:
        parent: Where; None: in memory where that can be had, else where temporary
            files are.
    """
    if parent is None and _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK):
        parent = _IN_MEMORY
    with tempfile.TemporaryDirectory(prefix="rmfs-", dir=parent) as made:
        yield Path(made)
