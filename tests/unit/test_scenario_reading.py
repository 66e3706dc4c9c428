"""What a scenario file may say, and what a person is told of one that is wrong."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from fm_device.firmware.dates import NextWorkingDay
from fm_device.scenarios.expectations import KEYS
from fm_device.scenarios.form import ScenarioError
from fm_device.scenarios.library import library_file, library_names, library_scenario
from fm_device.scenarios.moments import Moment, moment
from fm_device.scenarios.reading import VERBS, read_scenario
from fm_device.scenarios.scenario import Scenario, StartState
from fm_device.scenarios.steps import DialIn, FrankItems, GiveOrder, Repeat, Step
from protocol.parameters import INDIA
from protocol.values import Paise
from rmfs_tools.scenarios import play
from tests.house.sources import ROOT

HEAD = 'title = "A test"\n'
NOW = datetime(2026, 11, 23, 10, 30, tzinfo=INDIA)


def read(text: str) -> Scenario:
    return read_scenario((HEAD + text).encode(), "test.toml")


def step(text: str) -> Step:
    return read(f"[[steps]]\n{text}\n").steps[0]


def refused(text: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as error:
        read(text)
    return error.value


def refused_step(text: str) -> ScenarioError:
    return refused(f"[[steps]]\n{text}\n")


def test_a_frank_is_read_with_everything_that_may_be_chosen() -> None:
    found = step(
        'frank = { class = ["L", "BP"], weight = "18.4", department = "1-3", '
        'day = "next-working-day", count = 5, confirm = true }'
    )
    assert found.action == FrankItems(
        classes=("L", "BP"),
        weight_g=Decimal("18.4"),
        departments=(1, 2, 3),
        day=NextWorkingDay.WANTED,
        count=5,
        confirm=True,
    )


def test_amounts_are_rupees_and_never_floating_point() -> None:
    found = step('dial = { for = "recharge", amount = "2000.50" }').action
    assert found == DialIn("recharge", Paise(200_050))
    assert step('dial = { for = "recharge", amount = 2000 }').action == DialIn(
        "recharge", Paise(200_000)
    )
    error = refused_step('dial = { for = "recharge", amount = 2000.5 }')
    assert error.place == "steps[1].dial.amount"
    assert error.reason == 'paise are written in quotes: "2000.50"'


def test_an_order_with_a_content_says_what_it_is_made_from() -> None:
    found = step('order = { kind = "slogan", number = 3, lines = ["A", "B"] }').action
    assert found == GiveOrder(
        "slogan", None, {"number": 3, "lines": ("A", "B"), "customer": 0}
    )


def test_repetitions_hold_steps_of_their_own() -> None:
    found = read(
        '[[steps]]\nrepeat = { times = 3, every = "+7d" }\n'
        "[[steps.steps]]\nzero = 1\n[[steps.steps]]\nzero = 2\n"
    )
    action = found.steps[0].action
    assert isinstance(action, Repeat)
    assert (action.times, action.every) == (3, timedelta(days=7))
    places = [one.place for one in found.every_step()]
    assert places == ["steps[1]", "steps[1].steps[1]", "steps[1].steps[2]"]


def test_what_is_left_out_is_an_ordinary_machine_in_service() -> None:
    start = read("[[steps]]\nzero = 1\n").start
    assert start.state is StartState.IN_SERVICE
    assert start.funds_paise == Paise(200_000)
    assert start.at.tzinfo is INDIA


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("10:30", NOW),
        ("10:29", NOW + timedelta(days=1, minutes=-1)),
        ("22:00:05", NOW.replace(hour=22, minute=0, second=5)),
        ("+2d 3h 4m 5s", NOW + timedelta(days=2, hours=3, minutes=4, seconds=5)),
        ("+31d 09:00", NOW.replace(month=12, day=24, hour=9, minute=0)),
        ("2026-11-01 00:00", NOW.replace(day=1, hour=0, minute=0)),
    ],
)
def test_a_time_is_a_moment_a_clock_or_a_lapse(text: str, then: datetime) -> None:
    assert moment(text).after(NOW) == then
    assert moment(text).after(NOW.astimezone(UTC)) == then


def test_toml_has_moments_of_its_own() -> None:
    assert step("at = 10:45:00\nzero = 1").at == Moment(clock=moment("10:45").clock)
    assert step("at = 2026-12-01T10:00:00\nzero = 1").at == moment("2026-12-01 10:00")


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("frnk = {}", "steps[1].frnk", "no such verb; is frank meant?"),
        (
            "frank = { cuont = 3 }",
            "steps[1].frank.cuont",
            "no such key here; is count meant?",
        ),
        (
            'frank = { class = "L" }\nzero = 1',
            "steps[1]",
            "one thing a step: frank and zero are two",
        ),
        ("frank = { count = 0 }", "steps[1].frank.count", "0 is not in 1 to 100000"),
        (
            'frank = { day = "tomorow" }',
            "steps[1].frank.day",
            "'tomorow' is no day: write 3 for in three days, 2026-12-01, or",
        ),
        ('dial = { for = "recharg" }', "steps[1].dial.for", "is recharge meant?"),
        ("dial = {}", "steps[1].dial", "for is missing"),
        (
            'zero = 1\nexpect = { refused = "FUNDS_SHRT" }',
            "steps[1].expect.refused",
            "'FUNDS_SHRT' is none; is FUNDS_SHORT meant?",
        ),
        (
            "zero = 1\nexpect = { itmes = 3 }",
            "steps[1].expect.itmes",
            "is items meant?",
        ),
        (
            'zero = 1\nexpect = { log = "power-of" }',
            "steps[1].expect.log",
            "is power-off meant?",
        ),
        ('at = "25 o\'clock"\nzero = 1', "steps[1].at", "is no time: write"),
        ('at = "+1000000d"\nzero = 1', "steps[1].at", "is no time: write"),
        ("tamper = false", "steps[1].tamper", "write true, or leave the step out"),
        ("frank = 3", "steps[1].frank", "a table is needed, not 3"),
        ('say = "idle"', "steps[1]", "nothing to do, nothing expected"),
        (
            "repeat = { times = 2 }",
            "steps[1].repeat",
            "no steps to repeat: write [[steps.steps]]",
        ),
        (
            'order = { kind = "firmware", version = "1.2" }',
            "steps[1].order.version",
            'write "0.2.0"',
        ),
        (
            'order = { kind = "lock", value = 3 }',
            "steps[1].order.value",
            "no such key here",
        ),
    ],
)
def test_a_step_that_is_wrong_is_told_with_its_place(
    text: str, place: str, reason: str
) -> None:
    error = refused_step(text)
    assert error.place == place
    assert reason in error.reason
    assert error.line is not None


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("", "", "there are no steps: write [[steps]]"),
        ("[[stps]]\nzero = 1", "stps", "is steps meant?"),
        ("steps = 3", "steps", "a list of tables is needed"),
        ('[start]\nstate = "in service"', "start.state", "is in-service meant?"),
        ("[start]\nfunds = 250", "start.funds", "go in steps of Rs 100"),
        ("[start]\nfunds = 500\ndeposited = 0", "start", "at least Rs 2,000.00"),
        (
            "[start.registers]\nitems = 3\nimprints = 2",
            "start.registers",
            "at least as many as items",
        ),
        ("[line]\nbit-s = 9", "line.bit-s", "9 is not in 50 to 10000000"),
        ("[machine]\ndrift = 3", "machine.drift", "is drift-ppm meant?"),
        ('[machine.pins]\nfunding = "12"', "machine.pins.funding", "4 to 8 digits"),
        ('[machine]\noffice = " x"', "machine", "office name"),
        (
            2 * '[[machine.departments]]\nnumber = 1\nname = "A"\n',
            "machine.departments",
            "each number stands once",
        ),
        (
            '[[machine.departments]]\nnumber = 1\nname = ""',
            "machine.departments[1]",
            "department name",
        ),
        ('[machine.pins]\nboss = "1"', "machine.pins.boss", "possible: funding"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_place(
    text: str, place: str, reason: str
) -> None:
    error = refused(f"{text}\n")
    assert error.place == place
    assert reason in error.reason


def test_the_line_is_that_of_the_key() -> None:
    error = refused(
        "[[steps]]\nzero = 1\n\n[[steps]]\nsay = 'x'\nfrank = { conut = 3 }\n"
    )
    assert error.line == 7
    assert str(error).startswith("test.toml, line 7, steps[2].frank.conut: ")


def test_the_line_of_a_repeated_step_is_found_too() -> None:
    error = refused(
        "[[steps]]\nzero = 1\n[[steps]]\nrepeat = { times = 2 }\n"
        "[[steps.steps]]\nzero = 1\n[[steps.steps]]\nzero = 0\n"
    )
    assert (error.place, error.line) == ("steps[2].steps[2].zero", 9)


@pytest.mark.parametrize(
    ("octets", "line", "reason"),
    [
        (b'title = "x"\ntitle = "y"\n', None, "it is not TOML"),
        (b"title = \n", 1, "it is not TOML"),
        (b'title = "x"\n# \xff\n', 2, "it is not UTF-8"),
        (b" " * 300_000, None, "262,144 are allowed"),
        (b"x = " + b"[" * 5000, None, "it is not TOML"),
    ],
)
def test_octets_that_are_no_scenario_are_refused(
    octets: bytes, line: int | None, reason: str
) -> None:
    with pytest.raises(ScenarioError) as error:
        read_scenario(octets, "x.toml")
    assert reason in error.value.reason
    if line is not None:
        assert error.value.line == line


def test_a_title_that_is_missing_is_asked_for() -> None:
    with pytest.raises(ScenarioError, match="title is missing"):
        read_scenario(b"[[steps]]\nzero = 1\n", "x.toml")


def test_a_name_that_nobody_has_shipped_is_told_with_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="is ordinary-day meant"):
        library_file("ordinry-day")


def test_every_verb_is_used_by_a_shipped_scenario() -> None:
    used = {
        one.verb
        for name in library_names()
        for one in library_scenario(name).every_step()
    }
    assert set(VERBS) <= used


def test_days_are_days_and_not_moments() -> None:
    found = step("zero = 1\nexpect = { printed-on = 2026-12-01 }")
    assert found.expect["printed-on"] == date(2026, 12, 1)
    assert refused_step("zero = 1\nexpect = { printed-on = 2026-12-01T10:00:00 }")


def _words() -> str:
    return (ROOT / "docs" / "scenarios.md").read_text()


def test_every_verb_and_every_key_is_in_the_documentation() -> None:
    words = _words()
    assert not [name for name in (*VERBS, *KEYS) if f"`{name}`" not in words]


def test_the_example_in_the_documentation_goes_as_it_says() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", _words(), re.DOTALL)
    found = play(read_scenario(example.encode(), "example.toml"))
    assert not found.unmet
