"""How much memory is this process's own, as the kernel counts it.

What it maps of files is left out: the kernel takes that away when memory is short, and
it comes back when the process goes on, which is no growth. What was swapped out counts.
"""

import re
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_OWN: Final = re.compile(rb"(?m)^(?:RssAnon|VmSwap):\s+(\d+) kB$")
"""Source: proc_pid_status(5)."""


def own_memory_octets() -> int | None:
    """Read it; None where the kernel does not say it."""
    try:
        found = _OWN.findall(_STATUS.read_bytes())
    except OSError:
        return None
    return sum(map(int, found)) * 1024 if found else None
