"""How often somebody may ask: by person, and by address for who is not signed in yet.

Each key has one number, the moment up to which it has used its share (GCRA): so much a
minute in the long run, and a minute's share at once. Memory is fixed: of more keys than
`KEYS_MAX` the one that asked longest ago is forgotten, which lets it ask again.

Each process counts for itself.

Source: requirements, section 11 no. 12; RFC 6585 for 429.
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import Final

from dop_gateway.errors import TooManyError
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

KEYS_MAX: Final = 10_000
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Rates:
    """How often somebody may ask.

    Attributes:
        sign_ins_per_minute: From one address.
        requests_per_minute: Of one person.
    """

    sign_ins_per_minute: int = 60
    requests_per_minute: int = 600


USUAL_RATES: Final = Rates()


class Gate:
    """Lets each key through so often a minute."""

    def __init__(self, per_minute: int, what: str) -> None:
        """Let each key through so often.

        Args:
            per_minute: At least 1.
            what: For people, as in ``requests``.

        Raises:
            LocalProtocolError: It would let nobody through.
        """
        if per_minute < 1:
            raise LocalProtocolError(f"0 {what} a minute would let nobody in")
        self._interval_s = _MINUTE_S / per_minute
        self._what = what
        self._per_minute = per_minute
        self._used_up_to: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def pass_through(self, key: str, now: EpochSeconds) -> None:
        """Count that somebody asks.

        Raises:
            TooManyError: Too often; it was not counted.
        """
        with self._lock:
            known = self._used_up_to.get(key, 0.0)
            if known > now + _MINUTE_S:
                # The clock was set back: nobody is made to wait for that.
                known = 0.0
            used_up_to = max(known, float(now)) + self._interval_s
            over_s = used_up_to - now - _MINUTE_S
            if over_s <= 0:
                self._used_up_to[key] = used_up_to
            self._used_up_to.move_to_end(key)
            if len(self._used_up_to) > KEYS_MAX:
                self._used_up_to.popitem(last=False)
        if over_s > 0:
            words = f"more than {self._per_minute} {self._what} in a minute: wait"
            raise TooManyError(words, ceil(over_s))


class Gates:
    """The gates of one gateway."""

    def __init__(self, rates: Rates) -> None:
        """Let people through so often."""
        self.sign_ins = Gate(rates.sign_ins_per_minute, "sign-ins from your address")
        self.requests = Gate(rates.requests_per_minute, "requests of yours")
