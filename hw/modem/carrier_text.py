"""Noticing the end of a call on a port without DCD: by NO CARRIER, and by silence.

The text may stand in data as well. It counts only as a modem sends it, between line
ends, and only if nothing follows for `BELIEVED_S`: no modem says anything behind it,
and data that stop right there for so long are the one case in which this is wrong. A
port with DCD has no such case.

What may be the beginning of it is held back for `HELD_S` at most, which is several
octets at 300 bit/s; everything that turns out to be data is passed on, in order.
"""

from typing import Final

TEXT: Final = b"\r\nNO CARRIER\r\n"
BELIEVED_S: Final = 1.0
HELD_S: Final = 0.25


class CarrierText:
    """Looks for the text at the end of what comes."""

    def __init__(self) -> None:
        """Hold nothing back."""
        self._held = b""
        self._deadline: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `look` is due."""
        return self._deadline

    def take(self, octets: bytes, now: float) -> bytes:
        """Take what came; give what is certainly data."""
        whole = self._held + octets
        keep = next(
            (
                length
                for length in range(min(len(TEXT), len(whole)), 0, -1)
                if whole.endswith(TEXT[:length])
            ),
            0,
        )
        self._held = whole[len(whole) - keep :]
        self._deadline = None
        if keep:
            self._deadline = now + (BELIEVED_S if keep == len(TEXT) else HELD_S)
        return whole[: len(whole) - keep]

    def look(self, now: float) -> tuple[bytes, bool]:
        """Look at the time; give what was data, and whether the call is over."""
        if self._deadline is None or now < self._deadline:
            return b"", False
        self._deadline = None
        held, self._held = self._held, b""
        return (b"", True) if held == TEXT else (held, False)

    def give_back(self) -> bytes:
        """Give what is held back, without waiting."""
        self._deadline = None
        held, self._held = self._held, b""
        return held
