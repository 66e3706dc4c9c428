"""What a dialogue asks of the books, as a value: many can be answered together.

A question by itself is answered in a transaction of its own when it is called. The
writer gathers those that wait, and lets the books answer them in one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from hw.database.gathering import Gathering
from protocol.dialogue.server import CredentialFound, CredentialMissing
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.judging import Case
from rmfs_server.store.machines import Machine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """The machine of a question, under lock.

    Attributes:
        page: Gathers what is written.
        machine: None when it is not enrolled.
        case: All that judging needs, where a message is judged; None as `machine`.
    """

    page: Gathering
    machine: Machine | None
    case: Case | None


class Answering(Protocol):
    """Answers questions together."""

    def answer(self, questions: "Sequence[Question[Any]]") -> list[Any]:
        """Answer questions about machines of which each is named once."""
        ...

    def find_credentials(
        self, licences: Sequence[LicenceIdentifier]
    ) -> list[CredentialFound | CredentialMissing]:
        """Look machines up."""
        ...


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """Something about one machine that is written down before it is answered.

    Attributes:
        name: What is asked, for hooks.
        digest: Of the message that is judged; None: only the machine is looked at.
        decide: Decides with the machine under lock; what it gives is the answer once
            the transaction is durable.
    """

    books: Answering
    name: str
    licence: LicenceIdentifier
    now: EpochSeconds
    digest: bytes | None
    decide: Callable[[Found], T]

    def __call__(self) -> T:
        """Ask it alone."""
        answer: T = self.books.answer([self])[0]
        return answer


@dataclass(frozen=True, slots=True)
class Lookup:
    """Which credential a machine has to prove itself with."""

    books: Answering
    licence: LicenceIdentifier

    def __call__(self) -> CredentialFound | CredentialMissing:
        """Ask it alone."""
        return self.books.find_credentials([self.licence])[0]
