"""A message to somebody: where it goes, where it stands, and what became of an attempt.

Nobody waits for a message to be sent: it is stored, tried until it is taken over by a
mail server or an operator, and given up after `BACKOFF_S`. Given up is told: the outbox
lists it, the audit trail has it, and a person may have it tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from protocol.table import Row, Table
from protocol.values import EpochSeconds

MessageId = NewType("MessageId", int)

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
BACKOFF_S: Final = (
    _MINUTE_S,
    5 * _MINUTE_S,
    30 * _MINUTE_S,
    2 * _HOUR_S,
    6 * _HOUR_S,
    24 * _HOUR_S,
    24 * _HOUR_S,
    24 * _HOUR_S,
)
"""How long is waited after each attempt that failed: 3 days and 9 hours in all."""
ATTEMPTS_MAX: Final = len(BACKOFF_S) + 1
LEASE_S: Final = 300
"""Who takes a message has it alone for so long; an attempt is over far sooner."""


class Channel(Enum):
    """How a message goes."""

    MAIL = "e-mail"
    SMS = "text message"


class Language(Enum):
    """In which language somebody is written to; the value is its BCP 47 tag."""

    EN = "en"
    HI = "hi"


class MessageState(Enum):
    """Where a message stands."""

    WAITING = "for its next attempt"
    SENT = "a mail server or an operator answers for it"
    GIVEN_UP = "it was refused, or too many attempts failed"


@dataclass(frozen=True, slots=True)
class To:
    """Where a message goes.

    Attributes:
        address: An e-mail address, or ten digits of a mobile number in India.
    """

    channel: Channel
    address: str


def ways_to(email: str, mobile: str) -> tuple[To, ...]:
    """List the ways to somebody: every one that they gave.

    Args:
        email: An address, or empty.
        mobile: Ten digits, or empty.

    Source: SR-13, SR-21.
    """
    ways = (To(Channel.MAIL, email), To(Channel.SMS, mobile))
    return tuple(to for to in ways if to.address)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is kept.

    Attributes:
        variables: What its template is filled with; a secret one is empty once the
            message is sent or given up.
        attempts: That were begun.
        next_attempt_at: Not before.
        leased_until: Whoever is sending it has it alone until then; 0: nobody is.
        last_error: Of the last attempt that failed; without addresses.
        provider_id: What the other side calls it, once it is sent.
    """

    id: MessageId
    template: str
    language: Language
    variables: Mapping[str, str]
    to: To
    state: MessageState
    attempts: int
    next_attempt_at: EpochSeconds
    leased_until: EpochSeconds
    last_error: str
    created_at: EpochSeconds
    sent_at: EpochSeconds | None
    provider_id: str

    @property
    def reference(self) -> str:
        """What the message is called outside, the same at each attempt.

        The moment is in it so that the messages of another database of this gateway,
        counted from 1 too, are not taken for this one.
        """
        return f"{self.id}-{self.created_at}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side answers for the message from now on.

    Attributes:
        provider_id: What it calls the message; may be empty.
    """

    provider_id: str


@dataclass(frozen=True, slots=True)
class PutOff:
    """An attempt failed; the next may succeed.

    Attributes:
        code: Stable, as in ``MSG-01-001``.
        words: What happened and what to do; without addresses.
    """

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side will never take it as it is.

    Attributes:
        code: Stable, as in ``MSG-01-001``.
        words: What happened and what to do; without addresses.
    """

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """A person wants it tried again, at once and from the first attempt on."""


Outcome = Delivered | PutOff | Refused
"""What became of an attempt."""


def _rows() -> tuple[Row[MessageState, type], ...]:
    state = MessageState
    # What follows from a row is one UPDATE: `store` writes the state that it names.
    return (
        Row(state.WAITING, Delivered, Delivered, state.SENT),
        Row(state.WAITING, PutOff, PutOff, state.WAITING),
        Row(state.WAITING, Refused, Refused, state.GIVEN_UP),
        Row(state.WAITING, AskedAgain, AskedAgain, state.WAITING),
        # An attempt that outlived its lease and succeeded after all.
        Row(state.GIVEN_UP, Delivered, Delivered, state.SENT),
        Row(state.GIVEN_UP, AskedAgain, AskedAgain, state.WAITING),
    )


TABLE: Final = Table(MessageState.WAITING, _rows())
"""The life of a message."""
