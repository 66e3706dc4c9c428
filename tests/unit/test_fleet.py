"""Fleets: many machines from one file, and every one of them the same each time."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fm_device.firmware.franking import Printed
from hw.clock import MemoryWallClock
from hw.scales.simulated import SimulatedScale
from protocol.registers import MachineState
from rmfs_tools.fleet import FleetError, FleetPlan, Item
from rmfs_tools.fleet_file import read_fleet_file
from rmfs_tools.fleet_folder import read_fleet
from rmfs_tools.fleet_memory import make_fleet
from tests.house.sources import ROOT

SAMPLE = ROOT / "rmfs_tools" / "samples" / "fleet-offices.toml"
SMALL = b'count = 3\nfirst_licence = "N000009"\n'


def refused(text: str) -> str:
    with pytest.raises(FleetError) as caught:
        read_fleet_file(SMALL + text.encode())
    return str(caught.value)


def the_sample() -> FleetPlan:
    return read_fleet_file(SAMPLE.read_bytes())


def test_each_machine_has_names_of_its_own() -> None:
    members = list(read_fleet_file(SMALL).members())
    assert [one.licence for one in members] == ["N000009", "N000010", "N000011"]
    assert [one.psd_serial for one in members] == ["FLT00001", "FLT00002", "FLT00003"]
    assert members[1].licence_number == "KN0000010"
    assert members[1].licensee == "Fleet office 2"


def test_the_machines_dial_one_after_the_other() -> None:
    minutes = [member.dial_minute for member in the_sample().members()]
    assert minutes[0] == 21 * 60
    assert minutes == sorted(set(minutes))
    assert minutes[-1] < 22 * 60 + 30


def test_the_same_seed_makes_the_same_mail_and_another_seed_another() -> None:
    plan = the_sample()
    one = [member.mail(day) for member in plan.members() for day in (0, 1)]
    assert one == [member.mail(day) for member in plan.members() for day in (0, 1)]
    other = replace(plan, seed=2)
    assert one != [member.mail(day) for member in other.members() for day in (0, 1)]
    first = next(plan.members())
    assert first.mail(0) != first.mail(1)


def test_the_mail_is_as_the_file_says() -> None:
    plan = the_sample()
    mail = [item for member in plan.members() for item in member.mail(5)]
    sizes = {len(member.mail(5)) for member in plan.members()}
    assert min(sizes) >= 20
    assert max(sizes) <= 120
    assert len(sizes) > 5
    letters = [item for item in mail if item.product_class == 3]
    assert 0.6 < len(letters) / len(mail) < 0.8
    assert all(5 <= item.grams <= 60 for item in letters)
    assert {item.zone for item in mail if item.product_class == 6} == {"LOCAL"}


def test_scenarios_are_dealt_out_in_turn() -> None:
    plan = read_fleet_file(SMALL + b'scenarios = ["ordinary-day", "noisy-line"]')
    names = [member.scenario for member in plan.members()]
    assert names == ["ordinary-day", "noisy-line", "ordinary-day"]
    assert next(read_fleet_file(SMALL).members()).scenario == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("size = 3", "size: no such key; possible: title, count, first_licence"),
        ("seed = -1", "seed: -1 is not possible: give a whole number"),
        ('serial_prefix = "AB"', "serial_prefix: 'AB' is not possible: give 3 capital"),
        ('circle = "kn"', "circle: 'kn' is not possible: give 2 capital letters"),
        (
            'scenarios = ["noisy-lin"]',
            "scenarios[0]: no scenario is called 'noisy-lin'",
        ),
        ('scenarios = "a"', "scenarios: 'a' is not possible: give a list of names"),
        ('[dial]\nfrom = "25:00"', "dial.from: '25:00' is not possible: give a time"),
        ('[dial]\nfrom = "22:00"\nuntil = "21:00"', "dial.until: it is before"),
        ("[mail]\nitems_a_day = 3", "mail.items_a_day: 3 is not possible: give the"),
        ("[mail]\nitems_a_day = [3, 2]", "mail.items_a_day: [3, 2] is not possible"),
        ("[mail]\nkinds = []", "mail.kinds: a fleet without mail has nothing to do"),
        ('[[mail.kinds]]\nclass = "L"', "mail.kinds[0].grams: it is missing"),
        (
            '[[mail.kinds]]\nclass = "XX"\ngrams = [1, 2]\nshare = 1',
            "mail.kinds[0].class: 'XX' is no product class",
        ),
        (
            '[[mail.kinds]]\nclass = "99"\ngrams = [1, 2]\nshare = 1',
            "mail.kinds[0].class: no tariff has it",
        ),
        (
            '[[mail.kinds]]\nclass = "SP"\ngrams = [1, 2]\nshare = 1',
            "mail.kinds[0].zone: its zones are: LOCAL, 200",
        ),
        ("mail = 3", "mail: 3 is not possible: give a table, written [mail]"),
        ("count", "it is not TOML"),
    ],
)
def test_what_is_not_possible_is_refused_with_its_place(text: str, said: str) -> None:
    assert refused(text).startswith(said)


def test_a_fleet_needs_a_count_and_room_for_its_licences() -> None:
    with pytest.raises(FleetError, match="first_licence: it is missing"):
        read_fleet_file(b"count = 3")
    with pytest.raises(FleetError, match="leaves no room for 3"):
        read_fleet_file(b'count = 3\nfirst_licence = "N999998"')
    with pytest.raises(FleetError, match="as N200001"):
        read_fleet_file(b'count = 3\nfirst_licence = "999998"')


def test_a_folder_without_a_fleet_says_how_to_make_one() -> None:
    with pytest.raises(FleetError, match="rmfs fleet new FILE"):
        read_fleet(ROOT / "nowhere")


def test_the_fleet_in_the_document_is_one() -> None:
    text = (ROOT / "docs" / "fleets.md").read_text("utf-8")
    shown, _troubles = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    plan = read_fleet_file(shown.encode())
    assert (plan.count, plan.first_licence, len(plan.kinds)) == (20, "N200001", 2)
    fields = ("title", "seed", "scenarios", "dial.until", "funds.recharge_paise")
    assert all(f"`{name}`" in text for name in fields)


def test_a_fleet_in_memory_is_in_service_and_franks() -> None:
    clock = MemoryWallClock(datetime(2026, 11, 21, 6, 0, tzinfo=UTC))
    fleet = make_fleet(3, 1, clock)
    keys = set()
    for machine in fleet:
        assert machine.psd.state is MachineState.IN_SERVICE
        scale = machine.parts.scale
        assert isinstance(scale, SimulatedScale)
        scale.put(Item(3, "", 18).grams)
        assert isinstance(machine.franking.frank(), Printed)
        keys.add(machine.psd.credential.ccs)
    assert len(keys) == 3
    again = make_fleet(3, 1, clock)
    assert {machine.psd.credential.ccs for machine in again} == keys
