"""A secret of a message that waits is of no use to who has a copy of the database."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from dop_gateway.outbox.sealing import Sealing
from dop_gateway.outbox.service import Outbox
from dop_gateway.outbox.tables import message
from dop_gateway.outbox.templates import shipped_templates
from hw.entropy import SeededEntropy
from tests.outbox_desk import ASHA, PASSWORD, PostRoom, open_post_room

SEALING = Sealing(bytes(range(32)), SeededEntropy(b"sealing"))
OTHER = Sealing(bytes(32), SeededEntropy(b"sealing"))
SECRET = PASSWORD["password"]


@pytest.fixture
def room(store_place: str) -> PostRoom:
    room = open_post_room(store_place)
    room.outbox = Outbox(shipped_templates(), SEALING)
    return room


def test_a_secret_waits_sealed_and_is_sent_as_it_is(room: PostRoom) -> None:
    room.put(ASHA, "password-given", PASSWORD)
    with room.store.reading() as connection:
        kept = connection.execute(select(message.c.variables)).scalar_one()
    assert SECRET not in kept
    assert PASSWORD["login"] in kept
    worker = replace(room.worker(), sealing=SEALING)
    assert worker.deliver_due().sent == 1
    assert SECRET in room.taker.got[0][1].body


def test_what_was_sealed_with_another_key_is_given_up(room: PostRoom) -> None:
    number = room.put(ASHA, "password-given", PASSWORD)
    worker = replace(room.worker(), sealing=OTHER)
    assert worker.deliver_due().given_up == [number]
    assert "MSG-03-003" in room.message(number).last_error
    assert not room.taker.got


def test_what_waited_before_there_were_seals_is_sent(room: PostRoom) -> None:
    room.outbox = Outbox(shipped_templates())
    room.put(ASHA, "password-given", PASSWORD)
    worker = replace(room.worker(), sealing=SEALING)
    assert worker.deliver_due().sent == 1


def test_what_is_no_secret_is_never_opened(room: PostRoom) -> None:
    room.put(ASHA, "password-given", {**PASSWORD, "login": "sealed:x"})
    worker = replace(room.worker(), sealing=SEALING)
    assert worker.deliver_due().sent == 1
