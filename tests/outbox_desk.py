"""An outbox of a test: who takes messages over, and a process that dies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.outbox import store as rows
from dop_gateway.outbox.model import (
    Channel,
    Delivered,
    Language,
    Message,
    MessageId,
    Outcome,
    To,
)
from dop_gateway.outbox.service import Carriers, Delivery, Outbox
from dop_gateway.outbox.templates import Letter, Text, shipped_templates
from dop_gateway.store.migrations import migrate
from hw.clock import MemoryWallClock
from hw.database import NoHook, Store, open_store
from tests.migrated import open_migrated
from tests.system import OPENED

BEGAN = datetime(2026, 11, 16, 3, 30, tzinfo=UTC)
ASHA = To(Channel.MAIL, "asha@example.invalid")
ASHAS_MOBILE = To(Channel.SMS, "9876543210")
DEPOSIT = {
    "licence": "N123456",
    "amount": "2,000.00",
    "receipt": "R-42",
    "office": "Bengaluru GPO",
}
PASSWORD = {"login": "asha", "password": "seven-brown-foxes"}


class DiedError(BaseException):
    """The process is gone; nothing of it catches this."""


class DyingHook(NoHook):
    """Lets the process die before or after a commit of one name."""

    def __init__(self) -> None:
        self.at: tuple[str, str] | None = None

    def before_commit(self, name: str) -> None:
        self._die("before", name)

    def after_commit(self, name: str) -> None:
        self._die("after", name)

    def _die(self, when: str, name: str) -> None:
        if self.at == (when, name):
            self.at = None
            raise DiedError


@dataclass
class Taker:
    """Takes everything over, or answers what it is told; both kinds of messages."""

    answer: Callable[[str], Outcome] = Delivered
    got: list[tuple[str, Letter | Text, str]] = field(default_factory=list)

    def send(self, reference: str, said: Any, to: str) -> Outcome:
        self.got.append((reference, said, to))
        return self.answer(reference)

    @property
    def references(self) -> list[str]:
        return [reference for reference, _, _ in self.got]


@dataclass
class PostRoom:
    """An outbox on a database of its own, with one worker."""

    url: str
    store: Store
    hook: DyingHook
    clock: MemoryWallClock = field(default_factory=lambda: MemoryWallClock(BEGAN))
    taker: Taker = field(default_factory=Taker)
    outbox: Outbox = field(default_factory=lambda: Outbox(shipped_templates()))

    def by(self, reason: str = "a test") -> By:
        return By(GATEWAY, self.clock.now(), "a-test", reason)

    def put(
        self,
        to: To = ASHA,
        template: str = "deposit-received",
        variables: dict[str, str] | None = None,
        language: Language = Language.EN,
    ) -> MessageId:
        with self.store.writing("test") as connection:
            said = DEPOSIT if variables is None else variables
            return self.outbox.put(
                connection, template, language, said, to=to, by=self.by()
            )

    def worker(self, carriers: Carriers | None = None) -> Delivery:
        """Begin a worker with connections of its own, as another process has."""
        store = open_store(self.url)
        OPENED.append(store)
        return self._delivery(store, carriers)

    def deliver(self, carriers: Carriers | None = None) -> tuple[int, int, int]:
        """Deliver what is due: how many were sent, put off, given up."""
        done = self._delivery(self.store, carriers).deliver_due()
        return done.sent, done.put_off, len(done.given_up)

    def message(self, of: MessageId) -> Message:
        with self.store.reading() as connection:
            found = rows.get(connection, of)
        assert found is not None
        return found

    def _delivery(self, store: Store, carriers: Carriers | None) -> Delivery:
        chosen = Carriers(self.taker, self.taker) if carriers is None else carriers
        return Delivery(store, self.clock, self.outbox.templates, chosen)


def open_post_room(url: str) -> PostRoom:
    """Open a post room on an empty database; it is closed behind the test."""
    hook = DyingHook()
    store = open_migrated(url, migrate, hook)
    OPENED.append(store)
    return PostRoom(url, store, hook)
