"""Messages in the database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from dop_gateway.identity.model import PersonId
from dop_gateway.outbox.model import (
    TABLE,
    AskedAgain,
    Channel,
    Delivered,
    Language,
    Message,
    MessageId,
    MessageState,
    PutOff,
    Refused,
    To,
)
from dop_gateway.outbox.tables import message
from dop_gateway.store.matching import Matching
from protocol.values import EpochSeconds


def add(
    connection: Connection,
    template: str,
    language: Language,
    variables: Mapping[str, str],
    to: To,
    *,
    created_by: PersonId,
    now: EpochSeconds,
) -> MessageId:
    """Keep a message; its first attempt is due at once."""
    return MessageId(
        connection.execute(
            insert(message)
            .values(
                channel=to.channel.name,
                template=template,
                language=language.name,
                variables=_write(variables),
                recipient=to.address,
                state=TABLE.initial.name,
                attempts=0,
                next_attempt_at=now,
                leased_until=0,
                last_error="",
                created_at=now,
                created_by=created_by,
                provider_id="",
            )
            .returning(message.c.id)
        ).scalar_one()
    )


def next_due(
    connection: Connection, channels: Sequence[Channel], now: EpochSeconds
) -> Message | None:
    """Find the message that is due first and that nobody is sending, and lock it.

    What another transaction has locked is passed over; SQLite has one writer only.
    """
    kept = message.c
    row = connection.execute(
        select(message)
        .where(
            kept.state == MessageState.WAITING.name,
            kept.channel.in_([channel.name for channel in channels]),
            kept.next_attempt_at <= now,
            kept.leased_until <= now,
        )
        .order_by(kept.next_attempt_at, kept.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return None if row is None else _message(row)


def lease(connection: Connection, of: Message, until: EpochSeconds) -> Message:
    """Begin an attempt: it is counted before anything is sent.

    The end of the lease is later than that of any lease before, so that it names it.
    """
    connection.execute(
        update(message)
        .where(message.c.id == of.id)
        .values(attempts=of.attempts + 1, leased_until=until)
    )
    return replace(of, attempts=of.attempts + 1, leased_until=until)


def get(connection: Connection, of: MessageId, *, lock: bool = False) -> Message | None:
    """Read a message."""
    asked = select(message).where(message.c.id == of)
    row = connection.execute(asked.with_for_update() if lock else asked).one_or_none()
    return None if row is None else _message(row)


def list_messages(
    connection: Connection,
    states: Sequence[MessageState],
    after: MessageId,
    rows_max: int,
) -> list[Message]:
    """List messages in the order in which they were put in, from behind one of them."""
    rows = connection.execute(
        select(message)
        .where(
            message.c.id > after,
            message.c.state.in_([state.name for state in states]),
        )
        .order_by(message.c.id)
        .limit(rows_max)
    )
    return [_message(row) for row in rows]


def deliver(
    connection: Connection,
    of: Message,
    upon: Delivered,
    variables: Mapping[str, str],
    now: EpochSeconds,
) -> None:
    """Note that a message is sent."""
    _move(
        connection,
        of,
        upon,
        variables=_write(variables),
        leased_until=0,
        sent_at=now,
        provider_id=upon.provider_id,
    )


def put_off(
    connection: Connection, of: Message, upon: PutOff, next_attempt_at: EpochSeconds
) -> None:
    """Note that an attempt failed, and when the next is due."""
    _move(
        connection,
        of,
        upon,
        last_error=f"{upon.code} {upon.words}",
        leased_until=0,
        next_attempt_at=next_attempt_at,
    )


def give_up(
    connection: Connection, of: Message, upon: Refused, variables: Mapping[str, str]
) -> None:
    """Note that a message is not tried any more."""
    _move(
        connection,
        of,
        upon,
        last_error=f"{upon.code} {upon.words}",
        variables=_write(variables),
        leased_until=0,
    )


def ask_again(
    connection: Connection, of: Message, upon: AskedAgain, now: EpochSeconds
) -> None:
    """Let a message begin from its first attempt; one that runs is left alone."""
    _move(connection, of, upon, attempts=0, next_attempt_at=now)


def messages_matching(
    *,
    state: MessageState | None = None,
    channel: Channel | None = None,
    template: str = "",
) -> Matching[Message]:
    """Give the messages that a filter lets through."""
    rows = select(message)
    if state is not None:
        rows = rows.where(message.c.state == state.name)
    if channel is not None:
        rows = rows.where(message.c.channel == channel.name)
    if template:
        rows = rows.where(message.c.template == template)
    orders = {
        "number": (message.c.id,),
        "next_attempt_at": (message.c.next_attempt_at, message.c.id),
    }
    return Matching(rows, orders, _message)


def _move(connection: Connection, of: Message, upon: object, **columns: object) -> None:
    """Do what the life of a message says.

    Raises:
        NoTransitionError: It is not in a state in which that can be.
    """
    to = TABLE.row(of.state, upon).to
    connection.execute(
        update(message).where(message.c.id == of.id).values(state=to.name, **columns)
    )


def _write(variables: Mapping[str, str]) -> str:
    return json.dumps(dict(variables), ensure_ascii=False, sort_keys=True)


def _message(row: Row[Any]) -> Message:
    return Message(
        id=MessageId(row.id),
        template=row.template,
        language=Language[row.language],
        variables=json.loads(row.variables),
        to=To(Channel[row.channel], row.recipient),
        state=MessageState[row.state],
        attempts=row.attempts,
        next_attempt_at=EpochSeconds(row.next_attempt_at),
        leased_until=EpochSeconds(row.leased_until),
        last_error=row.last_error,
        created_at=EpochSeconds(row.created_at),
        sent_at=None if row.sent_at is None else EpochSeconds(row.sent_at),
        provider_id=row.provider_id,
    )
