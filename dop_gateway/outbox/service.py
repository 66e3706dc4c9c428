"""Put a message in, with what it tells; send what is due, after it.

- `Outbox.put` works in the caller's transaction: no act without its messages, and no
  message of an act that was rolled back.
- `Delivery.deliver_due` takes one message after the other: a transaction that leases
  it, the attempt outside of any transaction, a transaction that stores the outcome.
  Whoever dies in between leaves a lease that ends, and the message is sent again: the
  receiver may get it twice, with the same reference.
- Two workers never send one message at the same time, because an attempt is far shorter
  than its lease. A clock that is set forward by minutes ends leases early.
- The audit trail has what was put in, given up and asked for again: by number, template
  and channel. Addresses and variables are in the outbox alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.outbox import store as rows
from dop_gateway.outbox.model import (
    ATTEMPTS_MAX,
    BACKOFF_S,
    LEASE_S,
    AskedAgain,
    Channel,
    Delivered,
    Language,
    Message,
    MessageId,
    MessageState,
    Outcome,
    PutOff,
    Refused,
    To,
)
from dop_gateway.outbox.ports import Mailer, TextMessages
from dop_gateway.outbox.sealing import SealError, Sealing
from dop_gateway.outbox.templates import Templates
from hw.clock import WallClock
from hw.database import Store
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds

MESSAGES_AT_ONCE_MAX: Final = 100
_WORKER: Final = "outbox"
_NO_OUTCOME: Final = PutOff(
    "MSG-03-001", "nobody knows what became of the last attempt: it may have arrived"
)
_NO_TEMPLATE: Final = Refused(
    "MSG-03-002", "its template is not there any more, or has other variables"
)
_NOT_OURS: Final = Refused(
    "MSG-03-003", "its secret was sealed with another key: make a new one"
)


@dataclass(frozen=True, slots=True)
class Carriers:
    """Who takes messages over; a channel without one keeps its messages waiting."""

    mailer: Mailer | None
    texts: TextMessages | None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """List the channels that are served."""
        by_channel = {Channel.MAIL: self.mailer, Channel.SMS: self.texts}
        return tuple(one for one, by in by_channel.items() if by is not None)


NOBODY: Final = Carriers(None, None)
"""All messages wait."""


@dataclass(slots=True)
class Round:
    """What one call of `Delivery.deliver_due` did.

    Attributes:
        sent: How many were taken over.
        put_off: How many are tried again.
        given_up: Which are not: a person has to look.
    """

    sent: int
    put_off: int
    given_up: list[MessageId]


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where messages are put in.

    Attributes:
        templates: What is said.
        sealing: Seals what is secret; None: it waits as it is.
    """

    templates: Templates
    sealing: Sealing | None = None

    def put(
        self,
        connection: Connection,
        template: str,
        language: Language,
        variables: Mapping[str, str],
        *,
        to: To,
        by: By,
    ) -> MessageId:
        """Keep a message with what it tells; it is sent once that is committed.

        Args:
            connection: The writing transaction of what it tells.
            template: What is said, as in ``deposit-received``.
            language: In which language.
            variables: All variables of the template, each a single line.
            to: One way to somebody; `ways_to` lists all.
            by: Who does what it tells.

        Raises:
            LocalProtocolError: There is no such template, or the variables are not its
                own.
        """
        known = self.templates.get(template)
        said = known.fit(variables)
        if self.sealing is not None:
            said = self.sealing.seal(known, said, to)
        number = rows.add(
            connection,
            template,
            language,
            said,
            to,
            created_by=by.actor.person,
            now=by.now,
        )
        kept = rows.get(connection, number)
        if kept is not None:
            _tell(connection, by, "put in", kept)
        return number

    def ask_again(self, connection: Connection, of: MessageId, by: By) -> None:
        """Have a message tried again at once, and from its first attempt on.

        Raises:
            NotFoundError: There is no such message.
            ConflictError: It was sent, or what was secret in it is forgotten.
        """
        message = rows.get(connection, of, lock=True)
        if message is None:
            raise NotFoundError(f"there is no message {of}")
        if message.state is MessageState.SENT:
            raise ConflictError(f"message {of} was sent: it is not sent again")
        given_up = message.state is MessageState.GIVEN_UP
        known = self.templates.by_id.get(message.template)
        if given_up and known is not None and known.has_secrets:
            words = "its secret was forgotten when it was given up: make a new one"
            raise ConflictError(f"message {of} cannot be sent again, {words}")
        rows.ask_again(connection, message, AskedAgain(), by.now)
        _tell(connection, by, "ask again", message)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Sends what is due; several may do so on one database.

    Attributes:
        store: The database.
        clock: The time of day.
        templates: What is said.
        carriers: Who takes messages over.
        sealing: Opens what `Outbox` sealed.
    """

    store: Store
    clock: WallClock
    templates: Templates
    carriers: Carriers
    sealing: Sealing | None = None

    def deliver_due(self, messages_max: int = MESSAGES_AT_ONCE_MAX) -> Round:
        """Send what is due, one after the other.

        It blocks while it sends: a gateway runs it in a thread of its own.

        Args:
            messages_max: After so many attempts it returns.

        Raises:
            StoreError: The database failed; what was being sent is sent again.
        """
        done = Round(0, 0, [])
        for _ in range(messages_max):
            message = self._take(done)
            if message is None:
                break
            outcome = self._attempt(message)
            with self.store.writing("store what became of a message") as connection:
                self._settle(connection, message, outcome, done)
        return done

    def _take(self, done: Round) -> Message | None:
        """Lease the next message for an attempt, unless it had its last one."""
        while True:
            with self.store.writing("take a message") as connection:
                now = self.clock.now()
                due = rows.next_due(connection, self.carriers.channels, now)
                if due is None:
                    return None
                if due.attempts < ATTEMPTS_MAX:
                    return rows.lease(connection, due, EpochSeconds(now + LEASE_S))
                # Each of its attempts ended with a worker that died.
                self._settle(connection, due, _NO_OUTCOME, done)

    def _attempt(self, message: Message) -> Outcome:
        try:
            template = self.templates.get(message.template)
            known = message.variables
            if self.sealing is not None:
                known = self.sealing.open(template, known, message.to)
            variables = template.fit(known)
        except LocalProtocolError:
            return _NO_TEMPLATE
        except SealError:
            return _NOT_OURS
        carriers, address = self.carriers, message.to.address
        if message.to.channel is Channel.MAIL and carriers.mailer is not None:
            letter = template.letter(message.language, variables)
            return carriers.mailer.send(message.reference, letter, address)
        if message.to.channel is Channel.SMS and carriers.texts is not None:
            text = template.text(message.language, variables)
            return carriers.texts.send(message.reference, text, address)
        raise LocalProtocolError(f"nobody carries {message.to.channel.name}")

    def _settle(
        self, connection: Connection, tried: Message, outcome: Outcome, done: Round
    ) -> None:
        """Store what became of an attempt, if it is still the one that counts."""
        now = self.clock.now()
        message = rows.get(connection, tried.id, lock=True)
        if message is None or message.state is MessageState.SENT:
            return
        known = self.templates.by_id.get(message.template)
        kept = {} if known is None else known.without_secrets(message.variables)
        if isinstance(outcome, Delivered):
            # That is so even if somebody else has begun another attempt meanwhile.
            rows.deliver(connection, message, outcome, kept, now)
            done.sent += 1
            return
        if message.leased_until != tried.leased_until:
            return
        if isinstance(outcome, PutOff) and message.attempts < ATTEMPTS_MAX:
            # A person may have asked again while it was tried: it begins anew.
            wait_s = BACKOFF_S[max(message.attempts, 1) - 1]
            rows.put_off(connection, message, outcome, EpochSeconds(now + wait_s))
            done.put_off += 1
            return
        refused = Refused(outcome.code, outcome.words)
        rows.give_up(connection, message, refused, kept)
        by = By(GATEWAY, now, _WORKER, outcome.code)
        _tell(connection, by, "give up", message)
        done.given_up.append(message.id)


def _tell(connection: Connection, by: By, move: str, message: Message) -> None:
    subject = Subject("message", str(message.id))
    channel = message.to.channel.name
    trail.add(connection, by, move, subject, template=message.template, channel=channel)
