"""Routes of messages to people: where they stand, never what they say."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit
from dop_gateway.errors import NotFoundError
from dop_gateway.exports.table import Column, Kind, Row
from dop_gateway.identity.model import Role
from dop_gateway.outbox import store
from dop_gateway.outbox.masking import masked
from dop_gateway.outbox.model import (
    Channel,
    Language,
    Message,
    MessageId,
    MessageState,
)
from dop_gateway.store.matching import Selection
from dop_gateway.web.asking import Asked
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.lists import ListQuery, WebList, answer_list, listed

ROUTES: Final = APIRouter(tags=["messages"])
_SEE: Final = frozenset(
    {Role.ADMINISTRATOR, Role.AUDITOR, Role.DCR_OPERATOR, Role.DCR_SUPERVISOR}
)
_RETRY: Final = frozenset({Role.DCR_OPERATOR, Role.DCR_SUPERVISOR})
ChannelName = Annotated[Channel, ByName(Channel)]
LanguageName = Annotated[Language, ByName(Language)]
MessageStateName = Annotated[MessageState, ByName(MessageState)]

ACCESS: Final = (
    Access("GET", "/messages", _SEE),
    Access("GET", "/messages/{number}", _SEE),
    Access("POST", "/messages/{number}/retry", _RETRY),
)


class MessagesQuery(ListQuery):
    """Which messages."""

    state: MessageStateName | None = None
    channel: ChannelName | None = None
    template: Annotated[str, Field(max_length=80)] = ""
    sort: Literal["number", "-number", "next_attempt_at", "-next_attempt_at"] = (
        "-number"
    )


class MessageShown(BaseModel):
    """A message without what it says; the address whole for a DCR_SUPERVISOR only."""

    number: int
    reference: str
    state: MessageStateName
    template: str
    language: LanguageName
    channel: ChannelName
    to: str
    attempts: int
    next_attempt_at: str | None
    last_error: str
    created_at: str
    sent_at: str | None
    provider_id: str

    @classmethod
    def of(cls, message: Message, *, whole: bool = False) -> Self:
        """Tell of a message.

        Args:
            message: The message.
            whole: The address is not masked.
        """
        waits = message.state is MessageState.WAITING
        sent_at = message.sent_at
        return cls(
            number=message.id,
            reference=message.reference,
            state=message.state,
            template=message.template,
            language=message.language,
            channel=message.to.channel,
            to=message.to.address if whole else masked(message.to),
            attempts=message.attempts,
            next_attempt_at=show_moment(message.next_attempt_at) if waits else None,
            last_error=message.last_error,
            created_at=show_moment(message.created_at),
            sent_at=None if sent_at is None else show_moment(sent_at),
            provider_id=message.provider_id,
        )


class RetryBody(Body):
    """Why a message is tried again."""

    reason: Reason


def _matching(
    _connection: Connection, _permit: Permit, query: MessagesQuery
) -> Selection[Message]:
    return store.messages_matching(
        state=query.state, channel=query.channel, template=query.template
    )


def _show(_connection: Connection, found: Sequence[Message]) -> list[MessageShown]:
    return [MessageShown.of(one) for one in found]


def _cells(one: Message) -> Row:
    return (
        one.id,
        one.state.name,
        one.template,
        one.language.name,
        one.to.channel.name,
        masked(one.to),
        one.attempts,
        one.last_error,
        one.created_at,
        one.sent_at,
    )


MESSAGES: Final = WebList(
    "messages",
    "Messages",
    (
        Column("number", "Number", Kind.COUNT),
        Column("state", "State"),
        Column("template", "Template"),
        Column("language", "Language"),
        Column("channel", "Channel"),
        Column("to", "To"),
        Column("attempts", "Attempts", Kind.COUNT),
        Column("last_error", "Last error"),
        Column("created_at", "Put in at", Kind.MOMENT),
        Column("sent_at", "Sent at", Kind.MOMENT),
    ),
    _matching,
    _show,
    _cells,
)


@ROUTES.get("/messages", **listed(MessageShown))
def list_messages(asking: Asked, query: Annotated[MessagesQuery, Query()]) -> Any:
    """List messages with masked addresses, or have the list as a file."""
    return answer_list(asking, MESSAGES, query)


@ROUTES.get("/messages/{number}")
def show_message(
    asking: Asked, number: Annotated[int, Path(ge=1, le=2**53)]
) -> MessageShown:
    """Show where a message stands, and what went wrong."""
    with asking.reading() as connection:
        found = store.get(connection, MessageId(number))
    if found is None:
        raise NotFoundError(f"there is no message {number}")
    whole = asking.permit.actor.has(Role.DCR_SUPERVISOR)
    return MessageShown.of(found, whole=whole)


@ROUTES.post("/messages/{number}/retry", status_code=HTTPStatus.NO_CONTENT)
def retry_message(
    asking: Asked, number: Annotated[int, Path(ge=1, le=2**53)], body: RetryBody
) -> None:
    """Have a message tried again at once, and from its first attempt on."""
    with asking.writing("ask again for a message") as connection:
        outbox, by = asking.parts.outbox, asking.by(body.reason)
        outbox.ask_again(connection, MessageId(number), by)
