"""What goes on, as a table that grows by a line for each part of the time."""

from collections.abc import Callable
from typing import Final

from rmfs_tools.load.heard import Heard

_HEADS: Final = (
    *("until s", "due", "served", "failed", "left out"),
    *("busy", "redials", "under way", "p50 ms", "p99 ms"),
)
_WIDTH: Final = 9
_EVERY: Final = 20
"""Lines from one head to the next, so that one is always on the screen."""
_MS: Final = 1_000
_SHARES: Final = (0.5, 0.99)


class Table:
    """Lines for parts of the time, below a head that is said again and again."""

    def __init__(self, say: Callable[[str], None], every_s: int) -> None:
        """Say nothing yet; parts are so long."""
        self._say = say
        self._every_s = every_s

    def tell(self, at: int, heard: Heard) -> None:
        """Tell of a part, counted from 0."""
        if at % _EVERY == 0:
            self._say(_line(_HEADS))
        self._say(_line(row((at + 1) * self._every_s, heard)))

    def keep_silent(self, at: int, heard: Heard) -> None:
        """Tell nothing: nobody watches."""


def row(end_s: int, heard: Heard) -> tuple[str, ...]:
    """Write what was heard until then, in the order of the table's columns."""
    counts = (
        *(end_s, heard.due, heard.confirmed, heard.failed, heard.left_out),
        *(heard.busy, heard.redials, heard.under_way),
    )
    waits = [f"{heard.waits.at(share) * _MS:,.0f}" for share in _SHARES]
    if not heard.waits.total:
        waits = ["-"] * len(_SHARES)
    return (*(f"{count:,}" for count in counts), *waits)


def _line(cells: tuple[str, ...]) -> str:
    return "  ".join(f"{cell:>{_WIDTH}}" for cell in cells)
