"""Logins that nobody has are locked as those are that somebody has.

Otherwise a few wrong passwords would tell which logins there are. What is counted is
kept in memory, by a hash of what was typed: of very many the oldest are forgotten, and
each process counts for itself.

Source: ASVS 5.0.0, V6.3.8 (docs/asvs.md).
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Final

from dop_gateway.errors import TooManyError
from protocol.values import EpochSeconds

STRANGERS_MAX: Final = 10_000
LOCKED_WORDS: Final = "too many wrong attempts: wait"


@dataclass(slots=True)
class _Stranger:
    attempts: int = 0
    locked_until: int = 0


class Strangers:
    """Counts attempts for logins that nobody has."""

    def __init__(self, attempts_max: int, locked_s: int) -> None:
        """Lock for so long after so many attempts."""
        self._attempts_max = attempts_max
        self._locked_s = locked_s
        self._known: OrderedDict[bytes, _Stranger] = OrderedDict()
        self._lock = Lock()

    def check(self, login: str, now: EpochSeconds) -> None:
        """Look whether a login is locked.

        Raises:
            TooManyError: It is, as one that somebody has would be.
        """
        with self._lock:
            found = self._known.get(self._key(login))
            left_s = 0 if found is None else found.locked_until - now
        if left_s > 0:
            raise TooManyError(LOCKED_WORDS, left_s)

    def count(self, login: str, now: EpochSeconds) -> None:
        """Count an attempt, which was wrong: there is nobody."""
        with self._lock:
            one = self._known.setdefault(self._key(login), _Stranger())
            one.attempts += 1
            if one.attempts >= self._attempts_max:
                one.attempts, one.locked_until = 0, now + self._locked_s
            self._known.move_to_end(self._key(login))
            if len(self._known) > STRANGERS_MAX:
                self._known.popitem(last=False)

    @staticmethod
    def _key(login: str) -> bytes:
        return sha256(login.encode()).digest()
