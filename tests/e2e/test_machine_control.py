"""The control port as a rig has it: a real process, real HTTP, a real recharge."""

import http.client
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path

import pytest

from fm_device.folder import LOCK, open_machine
from hw.clock import SystemWallClock
from tests.processes import ROOT, UNSIGNED, Point, Server, Tap, done, rmfs
from tests.rig import TIMEOUT_S, Opened, Rig

FUND_FILE = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
LETTER = "18.4"
RUN = 9_999
"""More than is franked while a busy computer keeps a test from going on."""
RUN_KEYS = ["MENU", "6", "9", "9", "9", "9", "OK"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server and a machine that has Rs 2,000 from it."""
    place = tmp_path_factory.mktemp("rig")
    books, office = place / "books", place / "office-1"
    done("server", "init", "--server", books)
    done(
        *("machine", "new", office, "--licence", "N123456"),
        *("--maker", books / "maker.pem", "--server", books / "server.json"),
    )
    done(
        *("server", "enrol", office / "provisioning.json", "--server", books),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    done("server", "import-funds", FUND_FILE, *UNSIGNED, "--server", books)
    with Server(books) as server:
        line = (server.line, "--attempts", 3)
        done("machine", "dial", office, *line, "--recharge", "2000")
    return place


@pytest.fixture
def place(prepared: Path, tmp_path: Path) -> Path:
    # A server that was killed leaves its socket there, which is no file to copy.
    sockets = shutil.ignore_patterns("running")
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True, ignore=sockets)
    return tmp_path


@pytest.fixture
def opened(place: Path) -> Iterator[Opened]:
    with Opened(place / "office-1") as found:
        yield found


@pytest.fixture
def rig(opened: Opened) -> Rig:
    return opened.rig


@pytest.fixture(scope="module")
def unchanged(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    """A port for many tests, whose machine none of them changes."""
    office = tmp_path_factory.mktemp("unchanged") / "office-1"
    shutil.copytree(prepared / "office-1", office)
    with Opened(office) as found:
        yield found


def _put_letter(rig: Rig) -> None:
    rig.done("PUT", "/v1/scale/load", {"grams": LETTER})


def _put_funds(rig: Rig, letters: int) -> None:
    """Let the machine have funds for so many letters."""
    rig.done("POST", "/v1/power", {"action": "off"})
    rig.done("PUT", "/v1/registers", {"descending_paise": 500 * letters})
    rig.done("POST", "/v1/power", {"action": "on"})


def test_a_letter_is_weighed_priced_and_franked(rig: Rig) -> None:
    _put_letter(rig)
    chosen = rig.done("PATCH", "/v1/selection", {"product_class": "L"})
    assert chosen["class_letters"] == "L"
    price = rig.get("/v1/price")
    assert price == {"value_paise": 500, "class_letters": "L", "weight_g": 19}
    frank = rig.done("POST", "/v1/franks", {})
    assert (frank["mark"], frank["value_paise"], frank["weight_g"]) == (
        "VALID",
        500,
        19,
    )
    assert rig.get("/v1/registers") == {
        "ascending_paise": 500,
        "descending_paise": 199_500,
        "control_total_paise": 200_000,
        "items": 1,
        "items_with_zero": 1,
    }
    assert rig.get("/v1/franks/last") == frank
    svg = rig.ask("GET", "/v1/franks/last.svg")
    assert svg.octets.startswith(b"<?xml") or svg.octets.startswith(b"<svg")
    png = rig.ask("GET", "/v1/franks/last.png")
    assert png.octets.startswith(b"\x89PNG\r\n")


def test_keys_do_what_they_do_at_the_panel(rig: Rig) -> None:
    _put_letter(rig)
    panel = rig.done("POST", "/v1/panel/keys", {"keys": ["FRANK"]})
    assert panel["screen"] == "HOME"
    assert "Rs 5.00" in panel["frank"]
    assert rig.get("/v1/registers")["items"] == 1
    panel = rig.done("POST", "/v1/panel/keys", {"keys": ["POWER"]})
    assert rig.get("/v1/state")["power"] == "off"
    panel = rig.done("POST", "/v1/panel/keys", {"keys": ["POWER"]})
    assert panel == rig.get("/v1/panel")
    assert rig.get("/v1/state")["power"] == "on"


def test_the_same_frank_asked_for_twice_is_franked_once(rig: Rig) -> None:
    _put_letter(rig)
    first = rig.ask("POST", "/v1/franks", {}, Idempotency_Key="letter-1")
    again = rig.ask("POST", "/v1/franks", {}, Idempotency_Key="letter-1")
    assert again.json == first.json
    assert again.headers["idempotency-replayed"] == "true"
    assert rig.get("/v1/registers")["items"] == 1
    rig.refused(
        "CTL-02-009",
        "POST",
        "/v1/franks",
        {"confirmed": True},
        Idempotency_Key="letter-1",
    )
    rig.done("POST", "/v1/franks", {}, Idempotency_Key="letter-2")
    assert rig.get("/v1/registers")["items"] == 2


def test_a_run_franks_until_it_is_done_and_once_for_its_key(rig: Rig) -> None:
    _put_letter(rig)
    with rig.listening() as events:
        done = rig.done("POST", "/v1/runs", {"count": 5}, Idempotency_Key="run-1")
        heard = list(takewhile(lambda event: event.kind != "state", events))
    assert (done["count"], done["done"], done["value_paise"]) == (5, 5, 2_500)
    assert (done["last"]["item"], done["refused"]) == (5, None)
    items = [event.data["item"] for event in heard if event.kind == "frank"]
    assert items == [1, 2, 3, 4, 5]
    again = rig.ask("POST", "/v1/runs", {"count": 5}, Idempotency_Key="run-1")
    assert again.json == done
    assert again.headers["idempotency-replayed"] == "true"
    rig.done("POST", "/v1/runs", {"count": 2, "zero": True})
    registers = rig.get("/v1/registers")
    assert (registers["items"], registers["items_with_zero"]) == (5, 7)


def test_a_run_stops_at_the_first_refusal_and_says_which(rig: Rig) -> None:
    refused = rig.done("POST", "/v1/runs", {"count": 3})
    assert (refused["done"], refused["last"]) == (0, None)
    assert refused["refused"]["code"] == "FMW-05-003"
    _put_letter(rig)
    rig.done("PATCH", "/v1/settings", {"high_value_paise": 400})
    assert rig.done("POST", "/v1/runs", {"count": 3})["refused"]["name"] == (
        "CONFIRM_VALUE"
    )
    # A run that takes more than 30 s is answered before it is over.
    _put_funds(rig, 40)
    _put_letter(rig)
    short = rig.done("POST", "/v1/runs", {"count": 50, "confirmed": True})
    assert (short["done"], short["value_paise"]) == (40, 20_000)
    assert short["refused"]["code"] == "PSD-01-001"
    assert rig.get("/v1/registers")["descending_paise"] == 0


def test_a_run_is_stopped_between_two_items(rig: Rig) -> None:
    _put_funds(rig, RUN)
    _put_letter(rig)
    with ThreadPoolExecutor(1) as pool, rig.listening() as events:
        asked = pool.submit(rig.done, "POST", "/v1/runs", {"count": RUN})
        next(event for event in events if event.kind == "frank")
        rig.done("POST", "/v1/runs/stop")
        run = asked.result(TIMEOUT_S)
    assert 1 <= run["done"] < RUN
    assert run["refused"] is None
    assert rig.get("/v1/registers")["items"] == run["done"]


def test_keys_begin_a_run_and_stop_it(rig: Rig) -> None:
    _put_funds(rig, 2 * RUN)
    _put_letter(rig)
    with rig.listening() as events:
        begun = rig.done("POST", "/v1/panel/keys", {"keys": RUN_KEYS})
        assert begun["screen"] == "RUNNING"
        next(event for event in events if event.kind == "frank")
        stopped = rig.done("POST", "/v1/panel/keys", {"keys": ["CLEAR"]})
    items = rig.get("/v1/registers")["items"]
    assert stopped["lines"] == [f"STOPPED: {items} of {RUN} franked"]
    assert 1 <= items < RUN
    rig.done("POST", "/v1/panel/keys", {"keys": ["OK", *RUN_KEYS]})
    rig.done("POST", "/v1/power", {"action": "off"})
    rig.done("POST", "/v1/power", {"action": "on"})
    assert items <= rig.get("/v1/registers")["items"] < items + RUN


def test_a_power_cut_ends_a_run(rig: Rig) -> None:
    _put_letter(rig)
    rig.done("PUT", "/v1/power/cut", {"at": "print", "number": 4})
    run = ("POST", "/v1/runs", {"count": 9})
    rig.refused("CTL-03-002", *run, Idempotency_Key="cut")
    rig.done("POST", "/v1/power", {"action": "on"})
    rig.refused("CTL-03-002", *run, Idempotency_Key="cut")
    assert rig.get("/v1/registers")["items"] == 4


def test_mail_whose_rows_are_lost_is_stated_by_total(rig: Rig) -> None:
    _put_letter(rig)
    rig.done("POST", "/v1/franks", {})
    rig.done("POST", "/v1/reports/mailing")
    rig.done("POST", "/v1/franks", {})
    rig.done("POST", "/v1/service/new-flash", {"meant": True})
    rig.refused("FMW-12-011", "POST", "/v1/reports/mailing")
    rig.refused("CTL-03-006", "POST", "/v1/reports/funds?by_total=true")
    rig.refused("CTL-03-006", "POST", "/v1/reports/mailing?by_total=true&again=true")
    (made,) = rig.done("POST", "/v1/reports/mailing?by_total=true")["reports"]
    assert made["items"] == 1


def test_what_was_refused_may_be_asked_for_again_with_its_key(rig: Rig) -> None:
    rig.done("PATCH", "/v1/sensors", {"cover_open": True})
    _put_letter(rig)
    rig.refused("PRN-07-001", "POST", "/v1/franks", {}, Idempotency_Key="a")
    assert [fault["code"] for fault in rig.get("/v1/faults")] == ["PRN-07-001"]
    rig.done("PATCH", "/v1/sensors", {"cover_open": False})
    assert rig.done("POST", "/v1/franks", {}, Idempotency_Key="a")["item"] == 1


def test_a_power_cut_in_a_print_is_accounted_once(rig: Rig) -> None:
    _put_letter(rig)
    armed = rig.done("PUT", "/v1/power/cut", {"at": "print"})
    assert armed["cut_at"] == "print"
    rig.refused("CTL-03-002", "POST", "/v1/franks", {}, Idempotency_Key="cut")
    state = rig.get("/v1/state")
    assert (state["power"], state["machine"]) == ("off", None)
    rig.refused("CTL-03-001", "GET", "/v1/registers")
    assert rig.done("POST", "/v1/power", {"action": "on"})["boot"] == "READY"
    rig.refused("CTL-03-002", "POST", "/v1/franks", {}, Idempotency_Key="cut")
    registers = rig.get("/v1/registers")
    assert (registers["items"], registers["ascending_paise"]) == (1, 500)
    assert registers["descending_paise"] == 199_500
    assert rig.get("/v1/state")["machine"]["unprinted"] == 1
    assert rig.done("POST", "/v1/franks", {})["item"] == 2


@pytest.mark.parametrize("memory", ["nvram", "flash"])
def test_a_power_cut_in_any_of_the_first_writes_leaves_a_sound_machine(
    rig: Rig, memory: str
) -> None:
    _put_letter(rig)
    franked = 0
    for number in (1, 2, 3):
        cut = {"at": memory, "number": number, "torn_octets": 7}
        rig.done("PUT", "/v1/power/cut", cut)
        while rig.ask("POST", "/v1/franks", {}).status == 200:
            franked += 1
            if memory == "flash" and franked > 5:
                # A frank writes nothing into the firmware's memory: a setting does.
                rig.ask("PATCH", "/v1/settings", {"high_value_paise": 10_000 + number})
        assert rig.get("/v1/state")["power"] == "off"
        assert rig.done("POST", "/v1/power", {"action": "on"})["boot"] == "READY"
        registers = rig.get("/v1/registers")
        assert franked <= registers["items"] <= franked + 1
        franked = registers["items"]
        assert registers["ascending_paise"] == 500 * franked
        assert registers["ascending_paise"] + registers["descending_paise"] == 200_000


def test_a_recharge_is_an_operation_that_can_be_followed(place: Path) -> None:
    with (
        Server(place / "books") as server,
        Opened(place / "office-1", "--line", server.line) as opened,
    ):
        rig = opened.rig
        before = rig.get("/v1/state")["last_event"]
        over = rig.dialled({"kind": "RECHARGE", "amount_paise": 100_000})
        assert over["state"] == "ended", over
        assert over["report"]["outcome"] == "CONFIRMED"
        assert "voucher 2: RECHARGE Rs 1,000.00 stored" in over["progress"]
        assert rig.get("/v1/registers")["descending_paise"] == 300_000
        told = []
        with rig.listening(before) as events:
            for event in events:
                told.append(event)
                if event.kind == "dial-in" and event.data["state"] == "ended":
                    break
        frames = [event.data for event in told if event.kind == "frame"]
        assert {frame["from"] for frame in frames} == {"machine", "server"}
        assert all(bytes.fromhex(frame["octets"]) for frame in frames)
        assert [event.number for event in told] == sorted(
            event.number or 0 for event in told
        )
        assert rig.get("/v1/panel")["lines"]
        assert [one["id"] for one in rig.get("/v1/dial-ins")] == ["1"]
        assert opened.program.err == ""


def test_keys_dial_in_too(place: Path) -> None:
    with (
        Server(place / "books") as server,
        Opened(place / "office-1", "--line", server.line) as opened,
        opened.rig.listening() as events,
    ):
        keys = {"keys": ["FUNDS", "1", "1", "0", "0", "OK"]}
        panel = opened.rig.done("POST", "/v1/panel/keys", keys)
        assert (panel["screen"], panel["dial_in"]) == ("DIALLING", "1")
        for event in events:
            if event.kind == "dial-in" and event.data["state"] != "running":
                break
        assert event.data["report"]["outcome"] == "CONFIRMED", event
        assert opened.rig.get("/v1/registers")["descending_paise"] == 210_000


def test_while_it_dials_it_is_looked_at_but_not_changed(place: Path) -> None:
    with Tap() as tap, Opened(place / "office-1") as opened:
        rig = opened.rig
        body = {"kind": "INSPECTION", "line": tap.line}
        begun = rig.ask("POST", "/v1/dial-ins", body, Idempotency_Key="one")
        assert begun.status == 202
        path = begun.headers["location"]
        assert rig.get(path)["state"] == "running"
        problem = rig.refused("FMW-36-006", "POST", "/v1/franks", {})
        assert problem["dial_in"] == "1"
        assert rig.get("/v1/state")["dial_in"] == "1"
        assert rig.get("/v1/panel")["screen"] == "DIALLING"
        rig.done("POST", f"{path}/hang-up")
        with rig.listening(0) as events:
            for event in events:
                if event.kind == "dial-in" and event.data["state"] != "running":
                    break
        assert rig.get(path)["state"] in ("ended", "failed")
        rig.refused("CTL-04-003", "POST", f"{path}/hang-up")
        _put_letter(rig)
        assert rig.done("POST", "/v1/franks", {})["item"] == 1


def test_the_power_is_cut_in_the_middle_of_a_recharge_which_is_added_once(
    place: Path,
) -> None:
    with (
        Server(place / "books") as server,
        Tap() as tap,
        Opened(place / "office-1", "--line", server.line) as opened,
    ):
        rig = opened.rig
        body = {"kind": "RECHARGE", "amount_paise": 100_000, "line": tap.line}
        rig.done("POST", "/v1/dial-ins", body)
        tap.answer(server.port)
        assert tap.carry(Point("VOUCHER", passed=False))
        power = rig.done("POST", "/v1/power", {"action": "cut"})
        assert (power["power"], power["boot"]) == ("off", "OFF")
        assert rig.get("/v1/dial-ins/1")["state"] == "failed"
        tap.hang_up()
        rig.done("POST", "/v1/power", {"action": "on"})
        pending = rig.get("/v1/state")["machine"]["pending"]
        assert pending == {"kind": "RECHARGE", "amount_paise": 100_000}
        over = rig.dialled({"kind": "INSPECTION"})
        assert over["kind"] == "RECHARGE"
        assert over["report"]["outcome"] == "CONFIRMED"
        assert rig.get("/v1/registers")["control_total_paise"] == 300_000


def test_what_no_one_answers_leaves_a_report_and_a_free_machine(rig: Rig) -> None:
    rig.refused("CTL-04-002", "POST", "/v1/dial-ins", {"kind": "INSPECTION"})
    rig.refused(
        "CTL-03-006", "POST", "/v1/dial-ins", {"kind": "INSPECTION", "line": "nowhere"}
    )
    over = rig.dialled({"kind": "INSPECTION", "line": "tcp:127.0.0.1:1"})
    assert over["state"] == "ended"
    assert over["report"]["failure"] is None
    assert rig.get("/v1/state")["dial_in"] is None
    rig.refused("CTL-04-001", "GET", "/v1/dial-ins/7")


@pytest.mark.parametrize("keys", [["FUNDS"], ["MENU", "DOWN"], ["DATE"], ["FRANK"]])
def test_a_dial_in_begins_whatever_the_display_shows(rig: Rig, keys: list[str]) -> None:
    body = {"kind": "INSPECTION", "line": "tcp:127.0.0.1:1"}
    for _ in range(2):
        assert rig.dialled(body)["state"] == "ended"
        rig.done("POST", "/v1/panel/keys", {"keys": keys})
    assert rig.dialled(body)["state"] == "ended"


# Who may ask.


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": "Bearer rmfs-control-wrong"}, 401, "CTL-01-001"),
        ({"Authorization": ""}, 401, "CTL-01-001"),
        ({"Authorization": "Basic cm1mcw=="}, 401, "CTL-01-001"),
        ({"Host": "evil.example"}, 421, "CTL-01-002"),
        ({"Host": "127.0.0.1"}, 421, "CTL-01-002"),
        ({"Origin": "http://evil.example"}, 403, "CTL-01-003"),
    ],
)
def test_whoever_may_not_ask_is_told_nothing(
    unchanged: Opened, headers: dict[str, str], status: int, code: str
) -> None:
    rig = unchanged.rig
    for path in ("/v1/state", "/openapi.json", "/nothing"):
        answer = rig.raw("GET", path, None, headers)
        assert (answer.status, answer.json["code"]) == (status, code)
        assert rig.token.encode() not in answer.octets


def test_the_token_is_for_its_owner_and_leaves_with_the_port(
    opened: Opened, place: Path
) -> None:
    file = opened.program.token_file
    assert file == place / "office-1" / "control-token"
    assert file.stat().st_mode & 0o777 == 0o600
    opened.program.signal(signal.SIGTERM)
    assert opened.program.ended() == 0
    assert not file.exists()
    assert opened.rig.token not in opened.program.out + opened.program.err


def test_a_file_that_is_no_token_is_not_written_over(place: Path) -> None:
    key = place / "books" / "maker.pem"
    before = key.read_bytes()
    said = rmfs("machine", "control", place / "office-1", "--token-file", key)
    assert said.code == 1
    assert "is no token file" in said.err
    assert key.read_bytes() == before


@pytest.mark.parametrize("name", ["provisioning.json", "server.json"])
def test_a_paper_that_is_missing_is_told(place: Path, name: str) -> None:
    paper = place / "office-1" / name
    paper.unlink()
    said = rmfs("machine", "control", place / "office-1")
    assert said.code == 1
    assert said.err == f"rmfs: {paper} cannot be read: No such file or directory\n"
    assert not (place / "office-1" / "control-token").exists()


def test_it_listens_on_the_loopback_alone(unchanged: Opened) -> None:
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f"{unchanged.program.port:04X}"
    listening = [row.split()[1] for row in rows if row.split()[3] == "0A"]
    assert [one for one in listening if one.endswith(":" + wanted)] == [
        f"0100007F:{wanted}"
    ]


def test_a_second_port_is_told_who_has_the_machine(opened: Opened, place: Path) -> None:
    said = rmfs("machine", "control", place / "office-1")
    assert said.code == 1
    assert "is in use by process" in said.err
    assert "(machine control)" in said.err
    assert opened.rig.get("/v1/state")["power"] == "on"


# What is asked wrongly.


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/franks", {"postage": 500}),
        ("POST", "/v1/franks", {"confirmed": "yes"}),
        ("POST", "/v1/franks", []),
        ("PATCH", "/v1/sensors", {"ink_ul": -1}),
        ("PATCH", "/v1/sensors", {"ink_ul": 1.5}),
        ("PATCH", "/v1/settings", {"som_number": 1}),
        ("PUT", "/v1/scale/load", {"grams": "1e9"}),
        ("PUT", "/v1/scale/load", {"grams": 18}),
        ("POST", "/v1/panel/keys", {"keys": ["ESCAPE"]}),
        ("POST", "/v1/panel/keys", {"keys": ["OK"] * 65}),
        ("POST", "/v1/power", {"action": "reboot"}),
        ("PUT", "/v1/power/cut", {"at": "nvram", "number": 0}),
        ("POST", "/v1/dial-ins", {"kind": "RECHARGE", "amount_paise": 2**64}),
        ("PUT", "/v1/departments/51", {"name": "x"}),
        ("POST", "/v1/reports/secrets", None),
    ],
)
def test_what_is_not_described_is_refused_and_changes_nothing(
    unchanged: Opened, method: str, path: str, body: object
) -> None:
    rig = unchanged.rig
    before = rig.get("/v1/state")["machine"]
    rig.refused("CTL-02-003", method, path, body)
    assert rig.get("/v1/state")["machine"] | {"time": 0} == before | {"time": 0}


def test_a_pin_that_was_mistyped_is_not_repeated_to_anybody(unchanged: Opened) -> None:
    answer = unchanged.rig.ask(
        "POST", "/v1/pins/enter", {"role": "OPERATOR", "pin": "98765432109"}
    )
    assert answer.status == 422
    assert b"98765" not in answer.octets
    assert "98765" not in unchanged.program.err


def test_bodies_are_small_and_json(unchanged: Opened) -> None:
    rig = unchanged.rig
    large = b'{"name":"' + b"x" * 70_000 + b'"}'
    assert rig.raw("POST", "/v1/preset", large).json["code"] == "CTL-02-001"
    chunked = (
        rig.raw("POST", "/v1/preset", large, {"Transfer-Encoding": "chunked"})
        if False
        else None
    )
    assert chunked is None
    text = {"Content-Type": "text/plain"}
    assert rig.raw("POST", "/v1/franks", b"{}", text).json["code"] == "CTL-02-004"
    assert rig.raw("POST", "/v1/franks", b"{").json["code"] == "CTL-02-003"
    assert rig.raw("GET", "/v1/nothing").json["code"] == "CTL-02-007"
    assert rig.raw("DELETE", "/v1/state").json["code"] == "CTL-02-008"


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(unchanged: Opened) -> None:
    connection = http.client.HTTPConnection(
        "127.0.0.1", unchanged.program.port, timeout=TIMEOUT_S
    )
    headers = {
        "Authorization": f"Bearer {unchanged.program.token}",
        "Content-Type": "application/json",
    }
    parts = iter([b"x" * 10_000] * 7)
    connection.request("POST", "/v1/preset", parts, headers, encode_chunked=True)
    answer = connection.getresponse()
    assert json.loads(answer.read())["code"] == "CTL-02-001"
    connection.close()


def test_many_at_a_time_are_served_one_after_the_other(rig: Rig) -> None:
    _put_letter(rig)
    with ThreadPoolExecutor(12) as pool:
        franks = list(
            pool.map(lambda _: rig.raw("POST", "/v1/franks", b"{}").json, range(40))
        )
    assert sorted(frank["item"] for frank in franks) == list(range(1, 41))
    assert rig.get("/v1/registers")["ascending_paise"] == 40 * 500


def test_one_key_in_many_hands_is_one_frank(rig: Rig) -> None:
    _put_letter(rig)
    key = {"Idempotency-Key": "the-one"}
    with ThreadPoolExecutor(12) as pool:
        franks = list(
            pool.map(
                lambda _: rig.raw("POST", "/v1/franks", b"{}", key).json, range(12)
            )
        )
    assert [frank["item"] for frank in franks] == [1] * 12


# Events.


def test_a_listener_hears_what_was_done_in_its_order(rig: Rig) -> None:
    with rig.listening() as events:
        _put_letter(rig)
        rig.done("POST", "/v1/franks", {})
        rig.done("PATCH", "/v1/sensors", {"cover_open": True})
        rig.done("POST", "/v1/power", {"action": "off"})
        heard = list(
            takewhile(
                lambda event: event.kind != "state" or event.data["power"] == "on",
                events,
            )
        )
    kinds = [event.kind for event in heard]
    assert "frank" in kinds
    logged = [event.data["code"] for event in heard if event.kind == "log"]
    assert logged[-1] == "PRN-07-001"
    numbers = [event.number for event in heard]
    assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers)))


def test_listeners_are_few(unchanged: Opened) -> None:
    rig = unchanged.rig

    def listen(left: int) -> None:
        if left:
            with rig.listening():
                listen(left - 1)
        else:
            rig.refused("CTL-02-010", "GET", "/v1/events")

    listen(8)


# The rest of what there is.


def test_every_route_answers_as_it_is_described(rig: Rig) -> None:
    _put_letter(rig)
    for path in ("state", "power", "panel", "settings", "sensors", "faults", "scale"):
        rig.get(f"/v1/{path}")
    for path in ("selection", "price", "registers", "presets", "log", "dial-ins"):
        rig.get(f"/v1/{path}")
    rig.done("POST", "/v1/panel/keys", {"keys": ["MENU", "CLEAR"]})
    rig.done("PUT", "/v1/power/cut", {"at": "nvram", "number": 1000})
    assert rig.done("DELETE", "/v1/power/cut")["cut_at"] is None
    changed = rig.done(
        "PATCH", "/v1/settings", {"auto_dial": {"minute": 1320, "line": "tcp:h:1"}}
    )
    assert changed["auto_dial"] == {"minute": 1320, "line": "tcp:h:1"}
    rig.done("PUT", "/v1/departments/7", {"name": "Sales", "limit_paise": 1000})
    rig.done("PATCH", "/v1/selection", {"department": 7, "day": 1, "slogan": 0})
    rig.done("POST", "/v1/franks", {})
    rig.done("POST", "/v1/trials")
    rig.done("POST", "/v1/runs", {"count": 1, "zero": True})
    rig.done("POST", "/v1/runs/stop")
    rig.done("PUT", "/v1/departments/8", {"name": "Nobody"})
    rig.done("DELETE", "/v1/departments/8")
    rig.done("PATCH", "/v1/selection", {"department": 0})
    rig.done("PATCH", "/v1/sensors", {"ink_ul": 100})
    rig.done("POST", "/v1/service", {"service": "INK"})
    rig.refused("FMW-01-005", "POST", "/v1/service/new-flash", {})
    rig.done("PUT", "/v1/scale/fault", {"fault": "OVERLOAD"})
    assert rig.get("/v1/scale")["fault"] == "OVERLOAD"
    rig.refused("SCL-01-002", "POST", "/v1/franks", {})
    rig.done("DELETE", "/v1/scale/fault")
    rig.done("POST", "/v1/scale/shake", {"readings": 3})
    assert not rig.get("/v1/scale")["stable"]
    rig.done("DELETE", "/v1/scale/load")
    rig.done("POST", "/v1/scale/zero")
    rig.done("PUT", "/v1/pins/OPERATOR", {"pin": "4711"})
    wrong = rig.refused(
        "PSD-15-002", "POST", "/v1/pins/enter", {"role": "OPERATOR", "pin": "1234"}
    )
    assert wrong["attempts_left"] == 19
    rig.done("POST", "/v1/pins/enter", {"role": "OPERATOR", "pin": "4711"})
    rig.done("POST", "/v1/pins/leave")
    for path in ("franks/last", "franks/last.svg", "franks/last.png", "image"):
        assert rig.ask("GET", f"/v1/{path}").status == 200
    for name in ("funds", "recharge", "recharges", "classes", "departments"):
        rig.done("POST", f"/v1/reports/{name}")
    for name in ("configuration", "errors", "mailing"):
        rig.done("POST", f"/v1/reports/{name}")
    text = rig.ask("POST", "/v1/reports/funds?form=text").octets.decode()
    assert "Rs 1,995.00" in text.replace("\u00a0", " ")
    assert rig.ask("POST", "/v1/reports/mailing?form=pdf&again=true").octets.startswith(
        b"%PDF"
    )
    over = rig.dialled({"kind": "INSPECTION", "line": "tcp:127.0.0.1:1"})
    rig.ask("POST", f"/v1/dial-ins/{over['id']}/hang-up")
    with rig.listening():
        rig.seen.add(("GET", "/v1/events", 200))
    rig.done("POST", "/v1/power", {"action": "off"})
    rig.done("PUT", "/v1/registers", {"ascending_paise": 700, "items": 9})
    rig.done("POST", "/v1/preset", {"name": "low-funds"})
    rig.done("POST", "/v1/power", {"action": "on"})
    rig.done("POST", "/v1/tamper")
    assert rig.get("/v1/state")["machine"]["keys_erased"]
    routes = {
        (method.upper(), path)
        for path, operations in rig.described["paths"].items()
        for method in operations
    }
    assert {(method, path) for method, path, _ in rig.seen} == routes


def test_registers_are_written_while_the_machine_is_off(rig: Rig) -> None:
    rig.refused("CTL-03-007", "PUT", "/v1/registers", {"items": 3})
    rig.done("POST", "/v1/power", {"action": "off"})
    rig.done("PUT", "/v1/registers", {"descending_paise": 300})
    rig.done("POST", "/v1/power", {"action": "on"})
    assert rig.get("/v1/registers")["control_total_paise"] == 300
    _put_letter(rig)
    rig.refused("PSD-01-001", "POST", "/v1/franks", {})


def test_a_new_flash_is_put_in_and_kept(opened: Opened, place: Path) -> None:
    rig, path = opened.rig, "/v1/service/new-flash"
    _put_letter(rig)
    rig.done("POST", "/v1/franks", {})
    rig.done("PATCH", "/v1/settings", {"office_name": "Mumbai GPO"})
    rig.refused("FMW-01-005", "POST", path, {})
    assert rig.get("/v1/settings")["office_name"] == "Mumbai GPO"
    with rig.listening() as events:
        rig.done("POST", path, {"meant": True})
        told = [next(events) for _ in range(3)]
    assert {event.kind for event in told} == {"log"}
    assert rig.get("/v1/settings")["office_name"] == ""
    assert rig.get("/v1/registers")["items"] == 1
    logged = rig.get("/v1/log")
    assert "new flash by the operator" in [event["detail"] for event in logged]
    rig.refused("FMW-16-002", "POST", "/v1/franks", {})
    told_why = rig.refused("CTL-03-006", "POST", path, {"meant": True})
    assert "move it elsewhere first" in told_why["detail"]
    assert rig.get("/v1/power")["power"] == "on"
    opened.program.signal(signal.SIGTERM)
    assert opened.program.ended() == 0
    with open_machine(place / "office-1", SystemWallClock(), "test") as machine:
        assert machine.log.last_number > len(logged)
        assert machine.settings.office_name == ""


def test_a_machine_that_is_off_gets_no_new_flash(rig: Rig) -> None:
    rig.done("POST", "/v1/power", {"action": "off"})
    rig.refused("CTL-03-001", "POST", "/v1/service/new-flash", {"meant": True})


def test_an_image_is_one_that_restores(opened: Opened, place: Path) -> None:
    rig = opened.rig
    image = place / "before.image"
    image.write_bytes(rig.ask("GET", "/v1/image").octets)
    _put_letter(rig)
    rig.done("POST", "/v1/franks", {})
    opened.program.signal(signal.SIGINT)
    assert opened.program.ended() == 0
    done("machine", "restore", place / "office-1", image)
    with open_machine(place / "office-1", SystemWallClock(), "test") as machine:
        assert machine.record.registers.items == 0


def test_a_description_says_of_every_route_what_it_does(unchanged: Opened) -> None:
    rig = unchanged.rig
    for path, operations in rig.described["paths"].items():
        for method, operation in operations.items():
            assert len(operation["description"]) > 10, (method, path)
    assert rig.described["security"] == [{"token": []}]


# The end.


def test_a_signal_ends_it_in_order(opened: Opened, place: Path) -> None:
    rig = opened.rig
    rig.done("PATCH", "/v1/sensors", {"ink_ul": 1234})
    with rig.listening() as events:
        opened.program.signal(signal.SIGTERM)
        last = list(events)[-1]
    assert (last.kind, last.data) == ("end", {"words": "the port is closed"})
    assert opened.program.ended() == 0
    assert opened.program.err == ""
    assert (place / "office-1" / LOCK).read_text() == ""
    with open_machine(place / "office-1", SystemWallClock(), "test") as machine:
        assert machine.sensors.ink_ul == 1234
        codes = [event.code for event in machine.log.entries(4)]
    assert 2 in codes, "it was switched off in order"


def test_a_signal_ends_a_dial_in_too(place: Path) -> None:
    with Tap() as tap, Opened(place / "office-1") as opened:
        opened.rig.done(
            "POST", "/v1/dial-ins", {"kind": "INSPECTION", "line": tap.line}
        )
        opened.program.signal(signal.SIGTERM)
        assert opened.program.ended() == 0
        assert opened.program.err == ""


@pytest.mark.parametrize("keys", [True, False])
def test_a_signal_ends_a_run_between_two_items(place: Path, *, keys: bool) -> None:
    with Opened(place / "office-1") as opened, ThreadPoolExecutor(1) as pool:
        rig = opened.rig
        _put_funds(rig, RUN)
        _put_letter(rig)
        with rig.listening() as events:
            if keys:
                rig.done("POST", "/v1/panel/keys", {"keys": RUN_KEYS})
            else:
                pool.submit(rig.raw, "POST", "/v1/runs", b'{"count": %d}' % RUN)
            next(event for event in events if event.kind == "frank")
            opened.program.signal(signal.SIGTERM)
        assert opened.program.ended() == 0
        assert opened.program.err == ""
    with open_machine(place / "office-1", SystemWallClock(), "test") as machine:
        assert 1 <= machine.record.registers.items < RUN
        assert machine.record.unprinted == 0


def test_the_rig_of_the_documentation_works(place: Path) -> None:
    text = (ROOT / "docs" / "control.md").read_text()
    program = text.split("```python\n")[1].split("```")[0]
    assert len([line for line in program.strip().splitlines() if line]) <= 20
    with Opened(place / "office-1") as opened:
        said = subprocess.run(
            [
                sys.executable,
                "-c",
                program,
                opened.program.address,
                opened.program.token_file,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    assert said.returncode == 0, said.stderr
    assert text.split("prints:\n\n```text\n")[1].startswith(said.stdout), said.stdout
