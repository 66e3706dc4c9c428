"""No message is lost by a crash, and each is tried in bounded time (GW-07, SR-28)."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from dop_gateway.audit import trail
from dop_gateway.audit.tables import audit
from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.outbox.model import (
    ATTEMPTS_MAX,
    BACKOFF_S,
    LEASE_S,
    Delivered,
    MessageId,
    MessageState,
    Outcome,
    PutOff,
    Refused,
)
from dop_gateway.outbox.service import Carriers
from dop_gateway.outbox.templates import Letter, Templates
from protocol.errors import InvariantError, LocalProtocolError
from tests.at_once import with_patience
from tests.outbox_desk import (
    ASHA,
    ASHAS_MOBILE,
    DEPOSIT,
    PASSWORD,
    DiedError,
    PostRoom,
    Taker,
    open_post_room,
)

STORES = "store what became of a message"
TAKES = "take a message"
AWAY = PutOff("MSG-01-005", "the mail server did not do as it should")
NEVER = Refused("MSG-01-006", "the mail server refused the recipient (550)")


@pytest.fixture
def room(store_place: str) -> PostRoom:
    return open_post_room(store_place)


def test_a_message_is_sent_once_and_says_what_it_was_told(room: PostRoom) -> None:
    number = room.put()
    assert room.deliver() == (1, 0, 0)
    assert room.deliver() == (0, 0, 0)
    message = room.message(number)
    assert message.state is MessageState.SENT
    assert message.provider_id == message.reference
    [(reference, said, to)] = room.taker.got
    assert (reference, to) == (message.reference, ASHA.address)
    assert isinstance(said, Letter)
    assert said.subject == "Deposit of Rs 2,000.00 received, receipt R-42"


def test_a_message_of_an_act_that_was_rolled_back_is_never_sent(room: PostRoom) -> None:
    room.hook.at = ("before", "test")
    with pytest.raises(DiedError):
        room.put()
    assert room.deliver() == (0, 0, 0)


def test_a_message_is_committed_before_it_is_sent(room: PostRoom) -> None:
    room.hook.at = ("after", "test")
    with pytest.raises(DiedError):
        room.put()
    assert room.taker.got == []
    assert room.deliver() == (1, 0, 0)


@pytest.mark.parametrize(
    ("when", "name", "sendings"),
    [("before", TAKES, 1), ("after", TAKES, 1), ("before", STORES, 2)],
)
def test_a_worker_that_dies_at_any_commit_loses_nothing(
    room: PostRoom, when: str, name: str, sendings: int
) -> None:
    """Died between sending and storing, it is sent again, under the same reference."""
    number = room.put()
    room.hook.at = (when, name)
    with pytest.raises(DiedError):
        room.deliver()
    room.clock.advance(LEASE_S)
    assert room.deliver() == (1, 0, 0)
    assert room.taker.references == [room.message(number).reference] * sendings


def test_what_a_dead_worker_was_sending_waits_for_the_end_of_its_lease(
    room: PostRoom,
) -> None:
    room.put()
    room.hook.at = ("before", STORES)
    with pytest.raises(DiedError):
        room.deliver()
    room.clock.advance(LEASE_S - 1)
    assert room.deliver() == (0, 0, 0)
    room.clock.advance(1)
    assert room.deliver() == (1, 0, 0)


def test_workers_that_die_each_time_do_not_send_for_ever(room: PostRoom) -> None:
    number = room.put()
    for _ in range(ATTEMPTS_MAX):
        room.hook.at = ("before", STORES)
        with pytest.raises(DiedError):
            room.deliver()
        room.clock.advance(LEASE_S)
    assert room.deliver() == (0, 0, 1)
    assert len(room.taker.got) == ATTEMPTS_MAX
    assert "MSG-03-001" in room.message(number).last_error


def test_nobody_sends_what_somebody_else_is_sending(room: PostRoom) -> None:
    other = room.worker()
    found = []

    def look(reference: str) -> Outcome:
        found.append(other.deliver_due())
        return Delivered(reference)

    room.taker.answer = look
    room.put()
    assert room.deliver() == (1, 0, 0)
    assert [(one.sent, one.put_off) for one in found] == [(0, 0)]
    assert len(room.taker.got) == 1


def test_two_workers_share_what_is_due_and_send_each_message_once(
    room: PostRoom,
) -> None:
    numbers = [room.put() for _ in range(12)]
    deliveries = [room.worker() for _ in range(2)]
    for one in deliveries:
        with_patience(one.store)
    workers = [threading.Thread(target=one.deliver_due) for one in deliveries]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wanted = [room.message(number).reference for number in numbers]
    assert sorted(room.taker.references) == sorted(wanted)


def test_an_attempt_that_outlived_its_lease_changes_nothing_of_the_next(
    room: PostRoom,
) -> None:
    """The slow one failed, the other sent it meanwhile: it stays sent."""
    other = room.worker(Carriers(Taker(), None))

    def late(_reference: str) -> Outcome:
        room.clock.advance(LEASE_S)
        assert other.deliver_due().sent == 1
        return AWAY

    room.taker.answer = late
    number = room.put()
    assert room.deliver() == (0, 0, 0)
    assert room.message(number).state is MessageState.SENT


def test_an_attempt_that_outlived_its_lease_and_succeeded_counts(
    room: PostRoom,
) -> None:
    other = room.worker(Carriers(Taker(lambda _: NEVER), None))

    def late(reference: str) -> Outcome:
        room.clock.advance(LEASE_S)
        assert len(other.deliver_due().given_up) == 1
        return Delivered(reference)

    room.taker.answer = late
    number = room.put()
    assert room.deliver() == (1, 0, 0)
    assert room.message(number).state is MessageState.SENT


def test_attempts_are_further_and_further_apart_and_end(room: PostRoom) -> None:
    room.taker.answer = lambda _: AWAY
    number = room.put()
    for wait_s in BACKOFF_S:
        assert room.deliver() == (0, 1, 0)
        room.clock.advance(wait_s - 1)
        assert room.deliver() == (0, 0, 0)
        room.clock.advance(1)
    assert BACKOFF_S[:6] == (60, 300, 1_800, 7_200, 21_600, 86_400)
    assert room.deliver() == (0, 0, 1)
    message = room.message(number)
    assert message.state is MessageState.GIVEN_UP
    assert message.attempts == ATTEMPTS_MAX
    assert message.last_error == f"{AWAY.code} {AWAY.words}"


def test_a_refusal_is_final_at_once(room: PostRoom) -> None:
    room.taker.answer = lambda _: NEVER
    number = room.put()
    assert room.deliver() == (0, 0, 1)
    assert room.message(number).last_error == f"{NEVER.code} {NEVER.words}"
    room.clock.advance(10 * 86_400)
    assert room.deliver() == (0, 0, 0)


def test_a_channel_that_nobody_carries_keeps_its_messages(room: PostRoom) -> None:
    mail, sms = room.put(), room.put(ASHAS_MOBILE)
    assert room.deliver(Carriers(room.taker, None)) == (1, 0, 0)
    assert room.message(mail).state is MessageState.SENT
    assert room.message(sms).attempts == 0
    assert room.deliver(Carriers(None, room.taker)) == (1, 0, 0)
    assert room.deliver(Carriers(None, None)) == (0, 0, 0)


def test_messages_go_in_the_order_in_which_they_are_due(room: PostRoom) -> None:
    numbers = [room.put() for _ in range(3)]
    room.deliver()
    wanted = [room.message(number).reference for number in numbers]
    assert room.taker.references == wanted


def test_a_person_has_it_tried_again_from_the_first_attempt(room: PostRoom) -> None:
    room.taker.answer = lambda _: NEVER
    number = room.put()
    room.deliver()
    room.taker.answer = Delivered
    with room.store.writing("test") as connection:
        room.outbox.ask_again(connection, number, room.by("the address is right"))
    assert room.deliver() == (1, 0, 0)
    assert room.message(number).attempts == 1


def test_what_was_sent_or_is_not_there_is_not_sent_again(room: PostRoom) -> None:
    number = room.put()
    room.deliver()
    for wrong, kind in ((number, ConflictError), (MessageId(99), NotFoundError)):
        with (
            pytest.raises(kind),
            room.store.writing("test") as connection,
        ):
            room.outbox.ask_again(connection, wrong, room.by())


@pytest.mark.parametrize("answer", [Delivered("7"), NEVER], ids=["sent", "given up"])
def test_a_secret_is_forgotten_when_nobody_needs_it_any_more(
    room: PostRoom, answer: Outcome
) -> None:
    room.taker.answer = lambda _: answer
    number = room.put(ASHA, "password-given", PASSWORD)
    assert room.message(number).variables == PASSWORD
    room.deliver()
    assert room.message(number).variables == {"login": "asha", "password": ""}
    with (
        pytest.raises(ConflictError, match="sent"),
        room.store.writing("test") as connection,
    ):
        room.outbox.ask_again(connection, number, room.by())


def test_a_message_whose_template_is_gone_is_given_up(room: PostRoom) -> None:
    number = room.put()
    worker = replace(room.worker(), templates=Templates({}))
    assert worker.deliver_due().given_up == [number]
    assert "MSG-03-002" in room.message(number).last_error
    assert room.message(number).variables == {}


def test_a_message_that_cannot_be_said_is_not_kept(room: PostRoom) -> None:
    with pytest.raises(LocalProtocolError):
        room.put(variables={**DEPOSIT, "amount": "two\nlines"})
    assert room.deliver() == (0, 0, 0)


def test_no_address_and_no_variable_is_in_the_audit_trail_or_in_a_log(
    room: PostRoom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    room.put(ASHA, "password-given", PASSWORD)
    number = room.put(ASHAS_MOBILE)
    room.taker.answer = lambda _: NEVER
    assert room.deliver() == (0, 0, 2)
    with room.store.writing("test") as connection:
        room.outbox.ask_again(connection, number, room.by())
    room.taker.answer = Delivered
    room.deliver()
    with room.store.reading() as connection:
        found = connection.execute(select(audit).order_by(audit.c.number)).all()
        assert list(trail.verify(connection)) == []
    moves = [row.move for row in found]
    assert moves == ["put in", "put in", "give up", "give up", "ask again"]
    told = " ".join(str(row) for row in found) + caplog.text
    personal: Sequence[str] = (
        ASHA.address,
        ASHAS_MOBILE.address,
        *PASSWORD.values(),
        *DEPOSIT.values(),
    )
    assert not [word for word in personal if word in told]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE message SET recipient = 'x@example.invalid'",
        "UPDATE message SET template = 'licence-issued'",
        "UPDATE message SET state = 'WAITING', sent_at = NULL",
    ],
)
def test_a_message_stays_as_it_was_put_in_and_is_sent_once(
    room: PostRoom, change: str
) -> None:
    room.put()
    room.deliver()
    with (
        pytest.raises(InvariantError, match="stays as it was put in"),
        room.store.writing("by hand") as connection,
    ):
        connection.execute(text(change))
