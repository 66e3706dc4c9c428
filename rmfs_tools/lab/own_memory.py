"""How much memory this process holds, as the kernel counts it."""

import resource
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")
_RESIDENT: Final = 1
"""Second number of the line: pages that are in memory (proc(5))."""


def own_memory_octets() -> int | None:
    """Read it; None where the kernel has no such file."""
    try:
        pages = int(_STATM.read_text("ascii").split()[_RESIDENT])
    except OSError:
        return None
    return pages * resource.getpagesize()
