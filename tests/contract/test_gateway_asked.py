"""A request with a key is done once, and answered the same each time (GW-05)."""

from collections.abc import Callable
from threading import Thread

import pytest
from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import Connection, select
from starlette.datastructures import URL

from dop_gateway.access import Permit
from dop_gateway.asked.jobs import KEPT_S, forget
from dop_gateway.asked.tables import answered
from dop_gateway.audit import trail
from dop_gateway.audit.tables import audit
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, KeyUsedError
from dop_gateway.identity import store
from dop_gateway.identity.model import GATEWAY, By, PersonId
from dop_gateway.identity.signing_in import Known
from dop_gateway.web.asking import AskingOnce
from tests.at_once import with_patience
from tests.gateway_desk import Gateway, new_gateway

KEY = "8e03978e-40d5-43e6-bc93-6894a57f9324"


class Entered(BaseModel):
    """What the act of these tests answers."""

    number: int
    words: str


class Entry(BaseModel):
    """What it is asked."""

    words: str


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    return new_gateway(store_place)


def _asking(gateway: Gateway, key: str = KEY, path: str = "/entries") -> AskingOnce:
    with gateway.store.reading() as connection:
        person = store.get_person(connection, GATEWAY.person)
    assert person is not None
    now = gateway.clock.now()
    known = Known(GATEWAY, person, b"", now, ())
    return AskingOnce(
        gateway.parts,
        known,
        Permit(GATEWAY, ()),
        now,
        "test",
        URL(path),
        route="POST /entries",
        key=key,
        response=Response(),
    )


def _enter(asking: AskingOnce, words: str) -> Entered:
    def task(connection: Connection) -> Entered:
        by = By(GATEWAY, asking.now, "test")
        trail.add(connection, by, "enter", Subject("entry", words))
        return Entered(number=trail.head(connection).number, words=words)

    return asking.once("enter", Entry(words=words), Entered, task)


def _entered(gateway: Gateway) -> int:
    with gateway.store.reading() as connection:
        rows = connection.execute(select(audit).where(audit.c.move == "enter"))
        return len(rows.all())


def test_the_same_request_again_does_nothing_and_is_answered_the_same(
    gateway: Gateway,
) -> None:
    first, second = _asking(gateway), _asking(gateway)
    assert _enter(first, "ink") == _enter(second, "ink")
    assert _entered(gateway) == 1
    assert "Idempotent-Replayed" not in first.response.headers
    assert second.response.headers["Idempotent-Replayed"] == "true"


def test_another_key_is_another_request(gateway: Gateway) -> None:
    _enter(_asking(gateway), "ink")
    _enter(_asking(gateway, KEY[::-1]), "ink")
    assert _entered(gateway) == 2


@pytest.mark.parametrize(
    ("path", "words"), [("/entries", "paper"), ("/entries/2", "ink")]
)
def test_a_key_that_comes_with_another_request_is_refused(
    gateway: Gateway, path: str, words: str
) -> None:
    _enter(_asking(gateway), "ink")
    with pytest.raises(KeyUsedError, match="draw a new one"):
        _enter(_asking(gateway, path=path), words)
    assert _entered(gateway) == 1


def test_what_was_refused_is_judged_again(gateway: Gateway) -> None:
    def refuse(_connection: Connection) -> Entered:
        raise ConflictError("not yet")

    body = Entry(words="ink")
    with pytest.raises(ConflictError):
        _asking(gateway).once("enter", body, Entered, refuse)
    _enter(_asking(gateway), "ink")
    assert _entered(gateway) == 1


def test_the_same_request_twice_at_once_is_done_once(gateway: Gateway) -> None:
    with_patience(gateway.store)
    given: list[Entered] = []
    tasks = [Thread(target=_collect, args=(given, _asking(gateway))) for _ in range(4)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert len(given) == len(tasks)
    assert all(one == given[0] for one in given)
    assert _entered(gateway) == 1


def _collect(given: list[Entered], asking: AskingOnce) -> None:
    given.append(_enter(asking, "ink"))


def test_an_act_that_answers_nothing_is_done_once_too(gateway: Gateway) -> None:
    done: list[int] = []
    task: Callable[[Connection], None] = lambda _connection: done.append(1)  # noqa: E731
    for _ in range(2):
        _asking(gateway).once("enter", None, type(None), task)
    assert done == [1]


def test_keys_of_two_people_are_two_keys(gateway: Gateway) -> None:
    gateway.administrator()
    _enter(_asking(gateway), "ink")
    with gateway.store.reading() as connection:
        assert connection.execute(select(answered.c.person)).scalars().all() == [
            PersonId(1)
        ]


def test_an_answer_is_kept_for_a_day_and_forgotten_then(gateway: Gateway) -> None:
    _enter(_asking(gateway), "ink")
    gateway.clock.advance(KEPT_S)
    assert forget(gateway.parts, gateway.clock.now()).ending.name == "NOTHING_TO_DO"
    _enter(_asking(gateway), "ink")
    assert _entered(gateway) == 1
    gateway.clock.advance(1)
    assert forget(gateway.parts, gateway.clock.now()).ending.name == "DONE"
    _enter(_asking(gateway), "ink")
    assert _entered(gateway) == 2
