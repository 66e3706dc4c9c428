"""`rmfs dop outbox` shows what waits, and has it tried again."""

import json
from pathlib import Path

import pytest

from dop_gateway.folder import create_gateway, read_gateway
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.outbox.model import Language, MessageId, Refused
from dop_gateway.outbox.service import Carriers, Delivery, Outbox
from dop_gateway.outbox.templates import shipped_templates
from dop_gateway.settings import Settings
from hw.clock import MemoryWallClock
from hw.database import open_store
from hw.entropy import SeededEntropy
from rmfs_tools.cli import main
from tests.outbox_desk import ASHA, ASHAS_MOBILE, BEGAN, DEPOSIT, Taker
from tests.system import OPENED

REFUSED = Refused("MSG-01-006", "the mail server refused the recipient (550)")


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    """Make a gateway with one message that was given up and one that waits."""
    folder = tmp_path / "gateway"
    create_gateway(folder, Settings(), SeededEntropy(b"outbox"))
    store = open_store(read_gateway(folder).database_url)
    OPENED.append(store)
    clock, templates = MemoryWallClock(BEGAN), shipped_templates()
    by = By(GATEWAY, clock.now(), "a-test", "a test")
    with store.writing("test") as connection:
        for to in (ASHA, ASHAS_MOBILE):
            Outbox(templates).put(
                connection, "deposit-received", Language.EN, DEPOSIT, to=to, by=by
            )
    refusing = Carriers(Taker(lambda _: REFUSED), None)
    assert Delivery(store, clock, templates, refusing).deliver_due().given_up == [
        MessageId(1)
    ]
    return folder


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["dop", "outbox", *words]) == 0
    return capsys.readouterr().out


def test_what_waits_and_what_was_given_up_is_shown_without_addresses(
    gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = run(capsys, "show", "--gateway", str(gateway))
    assert shown == (
        "1 GIVEN_UP deposit-received en by e-mail to a***@example.invalid, 1 attempts: "
        "MSG-01-006 the mail server refused the recipient (550)\n"
        "2 WAITING deposit-received en by text message to ******3210, 0 attempts, "
        "next 2026-11-16T09:00:00+05:30\n"
        "2 messages\n"
    )


def test_it_is_shown_to_programs_too(
    gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = json.loads(run(capsys, "show", "--json", "--gateway", str(gateway)))
    assert [(one["number"], one["state"]) for one in shown] == [
        (1, "GIVEN_UP"),
        (2, "WAITING"),
    ]
    assert not {"variables", "recipient"} & shown[0].keys()


def test_what_was_given_up_is_tried_again_with_a_reason(
    gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = run(capsys, "retry", "1", "--reason", "moved", "--gateway", str(gateway))
    assert again == "1 messages are tried again\n"
    waiting = ["show", "--state", "WAITING", "--json", "--gateway", str(gateway)]
    shown = json.loads(run(capsys, *waiting))
    assert [(one["number"], one["attempts"]) for one in shown] == [(1, 0), (2, 0)]


def test_of_several_all_are_tried_again_or_none(
    gateway: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["retry", "1", "99", "--reason", "moved", "--gateway", str(gateway)]
    assert main(["dop", "outbox", *words]) == 1
    assert "there is no message 99" in capsys.readouterr().err
    given_up = ["show", "--state", "GIVEN_UP", "--json", "--gateway", str(gateway)]
    assert len(json.loads(run(capsys, *given_up))) == 1
