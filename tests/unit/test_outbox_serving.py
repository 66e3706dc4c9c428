"""What runs beside the server sends what is due, and outlives a database that fails."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dop_gateway.outbox.model import (
    Channel,
    Delivered,
    Language,
    MessageId,
    MessageState,
    Outcome,
    To,
)
from dop_gateway.outbox.service import Carriers, Delivery
from dop_gateway.outbox.serving import LOOKED_EVERY_S, PAUSE_S, serve
from dop_gateway.outbox.store import list_messages
from dop_gateway.outbox.templates import Letter
from tests.gateway import ASHA
from tests.gateway_desk import Gateway, new_gateway


@dataclass
class Post:
    """Takes every e-mail over."""

    sent: list[str] = field(default_factory=list)

    def send(self, reference: str, letter: Letter, to: str) -> Outcome:
        """Keep what it is given."""
        self.sent.append(to)
        return Delivered(reference)


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return new_gateway(f"sqlite:///{tmp_path / 'gateway.sqlite'}")


def _put(gateway: Gateway, count: int) -> None:
    to = To(Channel.MAIL, "asha@example.org")
    gateway.administrator()
    templates = gateway.parts.outbox.templates
    name, template = next(
        (name, one) for name, one in templates.by_id.items() if not one.has_secrets
    )
    variables = dict.fromkeys(template.variables, "1")
    with gateway.store.writing("test") as connection:
        for _ in range(count):
            gateway.parts.outbox.put(
                connection, name, Language.EN, variables, to=to, by=ASHA
            )


async def _serve(delivery: Delivery, rounds: int) -> list[float]:
    pauses: list[float] = []

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) == rounds:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await serve(delivery, sleep)
    return pauses


def test_all_that_is_due_is_sent_before_anybody_waits(gateway: Gateway) -> None:
    _put(gateway, 103)
    post = Post()
    parts = gateway.parts
    delivery = Delivery(
        parts.store, parts.clock, parts.outbox.templates, Carriers(post, None)
    )
    assert asyncio.run(_serve(delivery, 2)) == [LOOKED_EVERY_S, LOOKED_EVERY_S]
    assert len(post.sent) == 103


def test_without_anybody_to_carry_them_messages_wait(gateway: Gateway) -> None:
    _put(gateway, 1)
    asyncio.run(serve(gateway.parts.delivery))
    with gateway.store.reading() as connection:
        waiting = list_messages(connection, [MessageState.WAITING], MessageId(0), 10)
    assert len(waiting) == 1


def test_a_database_that_fails_is_waited_for(gateway: Gateway) -> None:
    _put(gateway, 1)
    parts = gateway.parts
    delivery = Delivery(
        parts.store, parts.clock, parts.outbox.templates, Carriers(Post(), None)
    )
    with gateway.store.writing("test") as connection:
        connection.exec_driver_sql("ALTER TABLE message RENAME TO hidden")
    assert asyncio.run(_serve(delivery, 1)) == [PAUSE_S]
