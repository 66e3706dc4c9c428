"""`rmfs machine` at the desk and on paper, as a person types it."""

import json
import shlex
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from fm_device.cli import add_commands
from fm_device.firmware.desk import AT_DESK, Service
from fm_device.firmware.faults import MachineFault
from fm_device.firmware.printing import MemoryPrinter
from fm_device.firmware.reporting import REPORTS
from fm_device.folder import FLASH, create_machine, open_machine, read_papers
from fm_device.postage.factory import factory_tariff
from hw.clock import MemoryWallClock, SystemWallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from hw.scales.simulated import SimulatedScale
from protocol.contents import Body, Slogan
from protocol.errors import RmfsError
from protocol.keys import Realm, write_private_key, write_provisioning
from rmfs_tools.cli import EXIT_FAILED, EXIT_LINE, EXIT_USAGE, Contribution, main
from tests.machines import Bench
from tests.witness import small_server
from tests.witness.small_server import LICENCE, MAKER_KEY, REAL

OURS = (Contribution(("machine",), add_commands),)


class Typist:
    """A person at a terminal with a machine's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def type(self, command: str, *words: object, keys: str = "") -> Result:
        """Run a command; `keys` is what is typed when it asks."""
        root = click.Group()
        add_commands(root)
        arguments = ["machine", command, str(self.folder), *map(str, words)]
        return CliRunner().invoke(root, arguments, input=keys, standalone_mode=False)

    def said(self, command: str, *words: object, keys: str = "") -> str:
        result = self.type(command, *words, keys=keys)
        if result.exception is not None:
            raise result.exception
        assert result.return_value in (None, 0), result.output
        return result.stdout

    def refused(self, command: str, *words: object, keys: str = "") -> str:
        result = self.type(command, *words, keys=keys)
        if result.exception is not None:
            raise result.exception
        assert result.return_value == EXIT_FAILED, result.output
        return result.stderr

    def json(self, command: str, *words: object) -> Any:
        return json.loads(self.said(command, *words, "--json"))

    def bring(self, *bodies: Body) -> None:
        """Bring contents by orders, without a line."""
        clock, scale = MemoryWallClock(SystemWallClock().utc()), SimulatedScale()
        nothing = MemoryNvram(b"")
        with open_machine(self.folder, clock, "test") as machine:
            bench = Bench(
                machine, scale, clock, MemoryPrinter(), nothing, nothing, REAL
            )
            for body in bodies:
                bench.bring(body)

    def frank(self, *words: object, grams: int = 18) -> None:
        self.said("frank", "--on-scale", grams, *words)


@pytest.fixture
def desk(tmp_path: Path) -> Typist:
    """A machine with Rs 2,000, recharged without a line."""
    (tmp_path / "maker.pem").write_text(write_private_key(MAKER_KEY.signing.scalar))
    (tmp_path / "server.json").write_text(
        write_provisioning(small_server.PROVISIONING, MAKER_KEY)
    )
    folder = tmp_path / "office-1"
    create_machine(
        folder,
        read_papers(tmp_path / "maker.pem", tmp_path / "server.json", Realm.TEST),
        psd_serial="PSD00001",
        licence=LICENCE,
        entropy=SeededEntropy(b"made"),
        clock=SystemWallClock(),
    )
    with open_machine(folder, SystemWallClock(), "test") as machine:
        small_server.recharged(machine.psd, REAL)
    return Typist(folder)


# PINs.


def test_a_pin_is_asked_for_twice_and_never_shown(desk: Typist) -> None:
    result = desk.type("pin", "set", "operator", keys="1234\n1234\n")
    assert "the PIN of the operator is set" in result.stdout
    assert "1234" not in result.output
    assert "accepted" in desk.said("pin", "check", "operator", keys="1234\n")
    assert desk.type("pin", "check", "operator", "--pin", "9999").return_value == 1


def test_a_supervisors_pin_guards_what_the_supervisor_does(desk: Typist) -> None:
    desk.said("pin", "set", "supervisor", "--pin", "22222")
    for guarded in (
        ("set", "pins=on"),
        ("department", "add", 1, "--name", "Sales"),
        ("pin", "set", "funding", "--pin", "333333"),
        ("pin", "clear", "supervisor"),
    ):
        assert "WRONG PIN" in desk.refused(*guarded, "--supervisor-pin", "9999")
        desk.said("pin", "check", "supervisor", "--pin", "22222")
    assert "pins=on" in desk.said("set", "pins=on", keys="22222\n")
    assert "taken away" in desk.said(
        "pin", "clear", "supervisor", "--supervisor-pin", "22222"
    )
    desk.said("set", "pins=off")


def test_a_pin_has_four_to_eight_digits(desk: Typist) -> None:
    with pytest.raises(RmfsError, match="4 to 8 digits"):
        desk.said("pin", "set", "operator", "--pin", "12")


def test_a_machine_that_asks_for_a_pin_franks_with_it_only(desk: Typist) -> None:
    assert "has no PIN yet" in desk.type("set", "pins=on").stderr
    desk.frank()
    desk.said("pin", "set", "operator", "--pin", "1234")
    assert "has no PIN yet" not in desk.type("set", "pins=on").stderr
    assert "PIN: enter" in desk.refused("frank", "--on-scale", 18)
    desk.frank("--pin", "1234")
    asked = desk.said("report", "mailing", keys="1234\n")
    assert "STATEMENT OF MAILING" in asked


def test_mail_whose_rows_are_lost_is_stated_by_total_by_the_supervisor(
    desk: Typist,
) -> None:
    desk.said("pin", "set", "supervisor", "--pin", "22222")
    desk.frank()
    desk.said("report", "mailing")
    before = _flash(desk).read_bytes()
    desk.frank()
    desk.said("report", "mailing")
    _flash(desk).write_bytes(before)
    desk.frank()
    assert "FMW-12-011" in desk.refused("report", "mailing")
    by_total = ("report", "mailing", "--by-total")
    assert "WRONG PIN" in desk.refused(*by_total, "--supervisor-pin", "9999")
    told = desk.said(*by_total, "--supervisor-pin", "22222")
    assert "all classes" in told
    assert "-000003" in told
    for wrong in (("funds", "--by-total"), ("mailing", "--again", "--by-total")):
        assert isinstance(desk.type("report", *wrong).exception, click.UsageError)


def _flash(desk: Typist) -> Path:
    return desk.folder / FLASH


# Settings.


def test_what_is_set_is_shown_as_it_is_typed(desk: Typist) -> None:
    typed = {
        "high-value": "500.00",
        "low-funds": "1500.00",
        "date-ahead": "7",
        "next-day-from": "16:30",
        "pins": "on",
        "departments": "on",
        "auto-dial": "22:00,tcp:127.0.0.1:7120",
        "office": "Bengaluru GPO",
        "medium": "tape",
    }
    desk.said("set", *(f"{name}={value}" for name, value in typed.items()))
    assert desk.json("set") == typed
    with_help = desk.said("set")
    assert "medium=tape  (paper or tape)" in with_help
    never = ("next-day-from=never", "auto-dial=never", "office=")
    assert desk.said("set", *never).splitlines() == list(never)


@pytest.mark.parametrize(
    "typed",
    [
        *("pins", "pins=yes", "paper=on", "high-value=-5", "medium=parchment"),
        *("date-ahead=400", "next-day-from=24:00", "auto-dial=22:00"),
        *("auto-dial=22:00,nowhere", f"office={'x' * 40}", "office=\u0915"),
    ],
)
def test_a_setting_that_is_not_possible_is_said_and_changes_nothing(
    desk: Typist, typed: str
) -> None:
    before = (desk.folder / "flash.bin").read_bytes()
    result = desk.type("set", typed)
    assert isinstance(result.exception, click.UsageError)
    again = desk.json("set")
    assert again["pins"] == "off"
    assert len(before) == (desk.folder / "flash.bin").stat().st_size


def test_a_setting_typed_twice_is_a_mistake(desk: Typist) -> None:
    result = desk.type("set", "pins=on", "pins=off")
    assert "typed twice" in str(result.exception)


def test_departments_are_added_listed_and_dropped(desk: Typist) -> None:
    desk.said("department", "add", 3, "--name", "Sales", "--limit", "10")
    desk.said("department", "add", 1, "--name", "Post room", "--pin-needed")
    desk.frank("--department", 3)
    assert desk.json("department", "list") == [
        {
            "number": 1,
            "name": "Post room",
            "limit_paise": 0,
            "pin_needed": True,
            "spent_paise": 0,
        },
        {
            "number": 3,
            "name": "Sales",
            "limit_paise": 1000,
            "pin_needed": False,
            "spent_paise": 500,
        },
    ]
    assert "DEPARTMENT HAS MAIL" in desk.refused("department", "drop", 3)
    desk.said("report", "mailing")
    assert "Post room" in desk.said("department", "drop", 3)
    assert "NO SUCH DEPARTMENT" in desk.refused("department", "drop", 3)
    desk.said("department", "drop", 1)
    assert desk.said("department", "list") == ""


def test_a_department_needs_a_number_and_a_name(desk: Typist) -> None:
    for typed in (("add",), ("drop",), ("add", 3), ("add", 60, "--name", "X")):
        assert isinstance(
            desk.type("department", *typed).exception, click.UsageError
        ), typed


def test_a_slogan_that_is_not_on_hand_cannot_be_chosen(desk: Typist) -> None:
    assert desk.json("slogan", "list") == []
    assert "NO SUCH SLOGAN" in desk.refused("slogan", "choose", 2)
    assert desk.said("slogan", "off") == ""


def test_a_slogan_on_hand_is_listed_chosen_and_printed(desk: Typist) -> None:
    water = Slogan(2, "water", ("SAVE WATER", "EVERY DROP"), 0, "KN/1/2026")
    coffee = Slogan(3, "coffee", ("MALNAD COFFEE",), 7, "KN/2/2026")
    desk.bring(water, coffee)
    listed = desk.said("slogan", "list").splitlines()
    assert listed == [
        "  2 water: SAVE WATER / EVERY DROP (KN/1/2026)",
        "  3 coffee: MALNAD COFFEE (KN/2/2026, for department 7 only)",
    ]
    assert desk.said("slogan", "choose", 3).splitlines()[1].startswith("* 3 coffee")
    assert "SLOGAN OF ANOTHER CUSTOMER" in desk.refused("frank", "--on-scale", 18)
    desk.said("slogan", "choose", 2)
    assert [one["chosen"] for one in desk.json("slogan", "list")] == [True, False]
    desk.frank()
    desk.said("slogan", "off")
    assert not any(one["chosen"] for one in desk.json("slogan", "list"))


# Service, and the world around the machine.


@pytest.mark.parametrize("what", AT_DESK, ids=lambda what: what.name)
def test_every_service_action_is_in_the_log(desk: Typist, what: Service) -> None:
    typed = "scale" if what is Service.SCALE_ZEROED else what.name.lower()
    desk.said("service", typed)
    words = what.name.lower().replace("_", " ")
    found = [one for one in desk.json("log") if one["event"] == "SERVICE"]
    assert [one["detail"] for one in found] == [f"{words} by the operator"]


def test_a_sound_flash_is_given_up_only_with_a_yes(desk: Typist) -> None:
    said = desk.refused("service", "new-flash")
    assert said.startswith("FLASH NOT FAULTY: a new one has no settings, tariffs")
    assert "--yes confirms it" in said
    assert desk.json("tariff")["in_force"] is not None
    desk.said("pin", "set", "supervisor", "--pin", "22222")
    wrong = ("service", "new-flash", "--yes", "--supervisor-pin", "1234")
    assert "WRONG PIN" in desk.refused(*wrong)
    told = desk.said("service", "new-flash", "--yes", "--supervisor-pin", "22222")
    assert "have the tariff ordered again" in told
    found = [one["detail"] for one in desk.json("log") if one["event"] == "SERVICE"]
    assert found == ["new flash by the supervisor"]
    standing = [one["name"] for one in desk.json("faults") if one["stands"]]
    assert standing == ["TARIFF_DAMAGED"]


def test_a_battery_that_is_changed_loses_the_clock(desk: Typist) -> None:
    result = desk.type("service", "battery")
    assert result.return_value == 0
    assert desk.json("show")["time"] is None
    assert "CLOCK NOT SET" in desk.refused("frank", "--on-scale", 18)


def test_what_the_sensors_tell_stops_a_frank_until_service_mends_it(
    desk: Typist,
) -> None:
    told = desk.json("sense", "ink_ul=0", "paper_jam=true")
    assert set(told["faults"]) == {"PRN-05-002", "PRN-07-002"}
    assert desk.json("show")["faults"] == told["faults"]
    assert "PAPER JAM" in desk.refused("frank", "--on-scale", 18)
    desk.said("service", "jam")
    assert "OUT OF INK" in desk.refused("frank", "--on-scale", 18)
    desk.said("service", "ink")
    desk.frank()
    typed = desk.said("sense").split()
    assert "ink_ul=39988" in typed
    assert desk.said("sense", *typed).split() == typed


@pytest.mark.parametrize(
    "typed", ["ink_ul=-1", "ink_ul=many", "cover_open=yes", "scale=heavy", "rain=true"]
)
def test_what_no_sensor_tells_is_a_mistake(desk: Typist, typed: str) -> None:
    assert isinstance(desk.type("sense", typed).exception, click.UsageError)


def test_a_machine_is_tampered_with_only_when_that_is_meant(desk: Typist) -> None:
    assert isinstance(desk.type("tamper").exception, click.UsageError)
    assert desk.json("show")["keys_erased"] is False
    assert "Rs 2,000.00 is left" in desk.said("tamper", "--yes")
    assert desk.json("show")["keys_erased"] is True
    assert "FAULT" in desk.refused("frank", "--on-scale", 18)
    assert "TAMPER" in {one["event"] for one in desk.json("log")}
    for name in ("funds", "errors"):
        assert desk.json("report", name)[0]["machine"]["state"] == "fault"


# Paper and display.


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_text_json_and_pdf(
    desk: Typist, name: str, tmp_path: Path
) -> None:
    desk.frank()
    text = desk.said("report", name)
    assert max(map(len, text.splitlines())) <= 40
    again = ("--again",) if name == "mailing" else ()
    (shown,) = desk.json("report", name, *again)
    assert shown["machine"]["licence_identifier"] == "N123456"
    wide = desk.said("report", name, "--width", 80, *again)
    assert any(len(line) > 40 for line in wide.splitlines())
    pdf = tmp_path / "report.pdf"
    assert desk.said("report", name, "--pdf", pdf, *again) == ""
    assert pdf.read_bytes().startswith(b"%PDF-")


def test_a_pdf_is_not_written_over_and_then_nothing_is_closed(
    desk: Typist, tmp_path: Path
) -> None:
    desk.frank()
    pdf = tmp_path / "report.pdf"
    pdf.write_text("evidence")
    for place in (pdf, tmp_path / "nowhere" / "report.pdf"):
        result = desk.type("report", "mailing", "--pdf", place)
        assert isinstance(result.exception, click.UsageError)
    assert "NO STATEMENT OF MAILING yet" in desk.refused("report", "mailing", "--again")
    assert desk.json("report", "mailing")[0]["som_number"] == "N123456-000001"


def test_statements_of_customers_come_in_one_file_and_one_by_one_again(
    desk: Typist, tmp_path: Path
) -> None:
    for number, name in ((1, "Sales"), (2, "Accounts")):
        desk.said("department", "add", number, "--name", name)
    desk.said("set", "departments=on")
    desk.frank("--department", 1)
    desk.frank("--department", 2, grams=35)
    assert "DEPARTMENT: choose" in desk.refused("frank", "--on-scale", 18)
    made = desk.json("report", "mailing", "--pdf", tmp_path / "day.pdf")
    assert [one["customer"] for one in made] == ["Sales", "Accounts"]
    assert (tmp_path / "day.pdf").stat().st_size > 2000
    assert "NOTHING FRANKED" in desk.refused("report", "mailing")
    (again,) = desk.json("report", "mailing", "--again", "--customer", 2)
    assert again["som_number"] == "N123456-000002"
    assert desk.json("report", "mailing", "--again", "--customer", 9) == []


@pytest.mark.parametrize(
    "typed", [("funds", "--again"), ("mailing", "--customer", 1), ("weather",)]
)
def test_a_report_that_makes_no_sense_is_a_mistake(
    desk: Typist, typed: tuple[object, ...]
) -> None:
    assert isinstance(desk.type("report", *typed).exception, click.UsageError)


def test_the_log_is_told_newest_first_and_as_much_as_asked_for(desk: Typist) -> None:
    desk.said("sense", "cover_open=true")
    newest = desk.said("log", "--count", 3).splitlines()
    assert len(newest) == 3
    numbers = [one["number"] for one in desk.json("log")]
    assert numbers == sorted(numbers, reverse=True)
    told = desk.said("log")
    assert "PRN-07-001  COVER OPEN: close the cover" in told


def test_the_tariff_is_shown_with_its_prices(desk: Typist) -> None:
    told = desk.said("tariff")
    assert told.startswith("Tariff 1, in force from 01-10-2025: Postage from")
    lines = [" ".join(line.split()) for line in told.splitlines()]
    at = lines.index("L letter, at most 500 g")
    assert lines[at + 1 : at + 3] == ["up to 20 g Rs 5.00", "each further 20 g Rs 5.00"]
    assert "and registration Rs 5.00" in lines
    assert "LOCAL 200 500 1000 2000 OVER" in lines
    found = desk.json("tariff")
    assert found["in_force"]["number"] == 1
    assert found["coming"] == []


def test_a_tariff_that_comes_is_shown_behind_the_one_in_force(desk: Typist) -> None:
    day = date(2099, 1, 1)
    desk.bring(replace(factory_tariff(), number=2, valid_from=day, name="Later"))
    found = desk.json("tariff")
    assert found["in_force"]["number"] == 1
    assert [one["number"] for one in found["coming"]] == [2]
    assert "Tariff 2, comes from 01-01-2099: Later" in desk.said("tariff")


def test_without_a_clock_no_tariff_is_in_force(desk: Typist) -> None:
    desk.said("service", "battery")
    assert "CLOCK NOT SET" in desk.refused("tariff")


def test_a_dial_in_needs_the_pins_that_were_set(desk: Typist) -> None:
    nowhere = "tcp:127.0.0.1:1"
    desk.said("pin", "set", "funding", "--pin", "333333")
    desk.said("pin", "set", "supervisor", "--pin", "22222")
    recharge = ("dial", nowhere, "--recharge", 100)
    assert "FUNDING PIN: enter" in desk.refused(*recharge)
    assert "WRONG PIN" in desk.refused(*recharge, "--pin", "1234")
    asked = desk.refused("dial", nowhere, "--supervisor", keys="1234\n")
    assert "WRONG PIN" in asked
    result = desk.type(*recharge, "--pin", "333333", "--supervisor-pin", "22222")
    assert result.return_value == EXIT_LINE


def test_what_an_item_costs_is_told_and_nothing_is_franked(desk: Typist) -> None:
    assert desk.said("price", "--on-scale", 35) == "L 35 g: Rs 10.00\n"
    shown = desk.json("price", "--class", "SP", "--zone", "500", "--on-scale", 45)
    assert shown == {
        "value_paise": 4700,
        "product_class": 6,
        "letters": "SP",
        "weight_g": 45,
        "zone": "500",
        "tariff": 1,
    }
    assert "ZONE: choose" in desk.refused("price", "--class", "SP", "--on-scale", 45)
    assert "NO WEIGHT" in desk.refused("price")
    assert "DATE TOO FAR" in desk.refused("price", "--date", "+90", "--on-scale", 9)
    assert desk.json("show")["registers"]["items"] == 0


def test_every_code_is_told_once_with_words_and_what_stands_is_marked(
    desk: Typist,
) -> None:
    desk.said("sense", "cover_open=true")
    found = desk.json("faults")
    codes = [one["code"] for one in found]
    assert codes == sorted(set(codes))
    assert {fault.code for fault in MachineFault} <= set(codes)
    assert [one["name"] for one in found if one["stands"]] == ["COVER_OPEN"]
    told = desk.said("faults")
    assert "* PRN-07-001  stop     COVER OPEN: close the cover" in told


def test_the_program_turns_refusals_and_mistakes_into_exit_codes(desk: Typist) -> None:
    folder = str(desk.folder)
    assert main(["machine", "report", folder, "mailing"], OURS) == EXIT_FAILED
    assert main(["machine", "set", folder, "pins=maybe"], OURS) == EXIT_USAGE
    assert main(["machine", "pin", folder, "set", "operator", "--pin", "1"], OURS) == 1
    assert main(["machine", "log", str(desk.folder / "none")], OURS) == EXIT_FAILED
    assert main(["machine", "tariff", folder], OURS) == 0


DOCUMENT = Path(__file__).parents[2] / "docs" / "by-hand.md"
TYPED = {
    "set supervisor": "22222\n22222\n",
    "set operator": "22222\n1234\n1234\n",
    "pins=on": "22222\n",
    "add 3": "22222\n",
}
"""What is typed when a command of the document asks, by how its words go on."""


@pytest.mark.parametrize(
    "section", ["A day's mail", "Who may do what", "When something is wrong"]
)
def test_the_commands_of_the_document_do_what_it_says(
    desk: Typist, tmp_path: Path, section: str
) -> None:
    text = DOCUMENT.read_text("utf-8").partition(f"## {section}\n")[2]
    shown = text.partition("```sh\n")[2].partition("```")[0].splitlines()
    for line in shown:
        rmfs, machine, command, folder, *words = shlex.split(line)
        assert (rmfs, machine, folder) == ("rmfs", "machine", "office-1")
        place = {"mailing-1.pdf": tmp_path / "m.pdf", "franks": tmp_path / "franks"}
        keys = "".join(keys for said, keys in TYPED.items() if said in line)
        desk.said(command, *(place.get(word, word) for word in words), keys=keys)
