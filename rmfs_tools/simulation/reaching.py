"""What runs of a profile should reach sometimes, so that a blind run is seen."""

from collections.abc import Mapping
from typing import Final

_LINE: Final = (
    "bit errors",
    "bursts",
    "carrier lost",
    "modem hung",
    "delivered twice",
    "heard late",
    "stale frames heard",
    "old voucher put before a PSD",
    "other voucher put before a PSD",
    "dial-in IN_DOUBT",
    "older call dropped by the server",
)
_POWER: Final = (
    "power failed at a write",
    "power failed while starting",
    "plug pulled",
    "plug pulled in a dial-in",
    "clock jumped",
)
_SERVER: Final = (
    "server killed after a commit",
    "server killed between two commits",
    "server killed inside a transaction",
    "database busy",
    "database error",
    "database full",
    "database gone",
    "database refused",
    "database unknown",
)
_PEOPLE: Final = (
    "VOID given",
    "licence WITHHELD",
    "licence BLOCKED",
    "licence EXPIRED",
    "licence REGISTERED",
    "licence CANCELLED",
    "new life begun",
    "order LOCK",
    "order UNLOCK",
    "order FUNDS_LIMIT",
    "another amount asked for while one is pending",
)
_CHEATS: Final = ("clone", "image restored", "forged", "recording replayed")
_BACKUPS: Final = (
    "server killed and its disk lost",
    "freeze ended by POST",
    "freeze ended by ADOPT",
    "former life closed",
)
_ALWAYS: Final = (
    "dial-in CONFIRMED",
    "dial-in INSPECTED",
    "dial-in REFUSED",
    "franks",
    "RECHARGE refused by the machine",
)
_EVERYTHING: Final = (
    *_ALWAYS,
    *_LINE,
    *_POWER,
    *_SERVER,
    *_PEOPLE,
    *_CHEATS,
    *_BACKUPS,
)
REACHED_BY: Final[dict[str, tuple[str, ...]]] = {
    "none": _ALWAYS,
    "line": (*_ALWAYS, *_LINE),
    "power": (*_ALWAYS, *_POWER),
    "server": (*_ALWAYS, *_SERVER),
    "people": (*_ALWAYS, *_PEOPLE),
    "cheats": (*_ALWAYS, *_CHEATS),
    "backups": (*_ALWAYS, *_BACKUPS),
    "all": _EVERYTHING,
    "storm": _EVERYTHING,
}
"""By profile, the counters that must be above zero over enough seeds."""


def never_reached(counts: Mapping[str, int], profile: str) -> list[str]:
    """Name what these runs should have reached and did not."""
    return [name for name in REACHED_BY[profile] if not counts.get(name)]
