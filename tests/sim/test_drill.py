"""The restore drill: an old copy of the books put back under machines that went on.

In CI two machines play every case; the long tier lets a thousand of them do it. Costs
in CI: 19 s of one core; on a busy machine the rest waits for the disk.
"""

import json
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from protocol.values import LicenceIdentifier
from rmfs_server.proposing import Action
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_tools.simulation import drill_cli
from rmfs_tools.simulation.drill import Drill
from rmfs_tools.simulation.drill_bodies import Dice, Life
from rmfs_tools.simulation.drill_cases import CASES, Case
from rmfs_tools.simulation.drill_operator import (
    REASON,
    Actions,
    OfficeOperator,
    Operator,
)
from rmfs_tools.simulation.drill_report import rows, show, summary
from rmfs_tools.simulation.drill_result import DrillResult
from rmfs_tools.simulation.drill_world import EXPIRES, DrillWorld
from tests.processes import Program

SAMPLE = (
    "two recharges since",
    "in doubt, settled, two recharges",
    "taken back since",
    "withdrawal since",
    "enrolled since, one recharge",
    "two, the file is found late",
    "a new life, one recharge in it",
)
"""Cases that need every command between them."""


def cases(*names: str) -> list[Case]:
    by_name = {case.name: case for case in CASES}
    return [by_name[name] for name in names]


def drilled(
    folder: Path,
    chosen: list[Case],
    operator: Callable[[DrillWorld], Operator],
    seed: int = 1,
) -> DrillResult:
    drill = Drill(folder, len(chosen), seed, print, chosen)
    drill.use_and_copy()
    drill.go_on()
    drill.lose_and_put_back()
    return drill.settle(operator(drill.world))


def office(world: DrillWorld) -> OfficeOperator:
    return OfficeOperator(world, print)


def check(result: DrillResult, machines: int) -> None:
    assert [row for row in rows(result) if row.settled != row.machines] == []
    found = summary(result)
    assert (found["machines"], found["settled"]) == (machines, machines)
    assert (found["lost_paise"], found["doubled_paise"]) == (0, 0)
    assert (found["suspense_paise"], found["findings"]) == (0, 0)
    assert result.holds


def test_every_case_is_settled_and_not_a_paisa_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    result = Drill(tmp_path / "drill", 2 * len(CASES), 1, print).run()
    check(result, 2 * len(CASES))
    found = {row.case: (set(row.found), set(row.actions)) for row in rows(result)}
    assert found["nothing since"] == ({"nothing"}, {"nothing"})
    assert found["franked and inspected since"] == ({"MARK_WRONG"}, {"adopt"})
    assert found["two recharges since"] == ({"NUMBER_AHEAD"}, {"post, adopt"})
    assert found["taken back since"] == ({"CONTROL_TOTAL_HISTORY"}, {"reverse, adopt"})
    late = found["two, the file is found late"]
    assert late == ({"NUMBER_AHEAD"}, {"post, adopt, explain"})
    assert found["withdrawal, a new life"] == ({"nothing"}, {"close"})
    lived_on = found["a new life, one recharge in it"]
    assert lived_on == ({"NUMBER_AHEAD"}, {"close, post, adopt"})
    # The file with the funds of the first new life is imported after it was closed.
    assert found["two new lives"] == ({"nothing"}, {"close, close, explain"})
    assert result.rounds == 2
    # The copy was behind by money, or the drill would prove nothing.
    assert result.totals["put back"].booked < result.totals["lost"].booked
    assert "0 findings in the books" in list(show(result))[-1]


def test_the_same_seed_gives_the_same_history(tmp_path: Path) -> None:
    chosen = cases("two recharges since", "taken back since")
    first, again, other = (
        drilled(tmp_path / str(place), chosen, office, seed).history
        for place, seed in enumerate((1, 1, 2))
    )
    assert first == again
    assert first != other


def test_an_operator_at_a_terminal_settles_all_with_the_documented_commands(
    tmp_path: Path,
) -> None:
    result = drilled(tmp_path / "drill", cases(*SAMPLE), CommandOperator)
    check(result, len(SAMPLE))


def test_registers_that_are_adopted_where_a_voucher_explains_them_are_found(
    tmp_path: Path,
) -> None:
    chosen = cases("two recharges since", "five recharges since")
    result = drilled(tmp_path / "drill", chosen, AdoptingOperator)
    assert result.settled == 0
    assert result.totals["settled"].suspense < 0
    assert result.doubled_paise > 0
    assert not result.holds


def test_to_revoke_a_former_life_is_not_enough_and_does_no_harm(
    tmp_path: Path,
) -> None:
    chosen = cases("withdrawal, a new life", "recharge, withdrawal, a new life")
    check(drilled(tmp_path / "drill", chosen, RevokingOperator), 2)


def test_a_fund_file_that_is_not_imported_again_is_found(tmp_path: Path) -> None:
    chosen = cases("recharge of funds that came since", "nothing since")
    result = drilled(tmp_path / "drill", chosen, ForgetfulOperator)
    assert result.doubled_paise > 0
    assert result.totals["settled"].suspense < 0
    assert not result.holds


def test_the_command_prints_a_row_for_each_case_and_a_last_line(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "kept"
    group = click.Group()
    drill_cli.add_commands(group)
    words = ["drill", "--machines", "4", "--keep", str(folder), "--json"]
    done = CliRunner().invoke(group, words, standalone_mode=False)
    assert done.return_value == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 5
    last = lines[-1]
    assert list(last)[:4] == ["machines", "settled", "lost_paise", "doubled_paise"]
    assert (last["machines"], last["settled"]) == (4, 4)
    assert (folder / "copy.sqlite").is_file()
    again = CliRunner().invoke(group, words, standalone_mode=False)
    assert isinstance(again.exception, click.UsageError)


@pytest.mark.long
def test_a_thousand_machines_are_settled(tmp_path: Path) -> None:
    check(Drill(tmp_path / "drill", 1_000, 1, print).run(), 1_000)


def test_dice_throw_every_number_of_their_range() -> None:
    dice = Dice(b"a test")
    assert {dice.among(3, 5) for _ in range(50)} == {3, 4, 5}


def rmfs(*words: str, codes: Container[int] = (0,)) -> str:
    """Run a command as a process; it must exit with one of these codes."""
    with Program(*words) as program:
        code = program.ended()
        assert code in codes, program.out + program.err
        return program.out


class CommandOperator:
    """Types each command: a process of its own."""

    def __init__(self, world: DrillWorld) -> None:
        self._world = world
        self._who = ("--by", "asha", "--second", "ravi")

    def _server(self, *words: str, codes: Container[int] = (0,)) -> str:
        folder = str(self._world.server.folder)
        return rmfs("server", *words, "--server", folder, codes=codes)

    def enrol(self, life: Life) -> None:
        file = self._world.archive.provisioning(life.licence)
        licence = ("--number", life.number, "--licensee", life.licensee)
        self._server("enrol", str(file), *licence, "--expires", EXPIRES.isoformat())

    def close(self, former: Life, life: Life) -> None:
        file = self._world.archive.provisioning(life.licence)
        closing = ("--next-life", str(file), "--action", "close", "--old-copy")
        said = self._server(
            "resolve", former.licence, *closing, "--reason", REASON, *self._who
        )
        assert f"{former.licence} is closed" in said

    def import_funds(self, path: Path) -> None:
        unsigned = ("--unsigned", "--reason", REASON)
        report = json.loads(
            self._server("import-funds", str(path), "--json", *unsigned)
        )
        assert report["suspended"] == []

    def resolve_proposed(self) -> Actions:
        listed = json.loads(self._server("frozen", "--old-copy", "--json"))["frozen"]
        assert all(row["proposed"] is not None for row in listed)
        # One of them by hand, step by step, the others at once.
        licence = LicenceIdentifier(listed[0]["licence"])
        step = ("--action", listed[0]["proposed"], "--reason", REASON)
        self._server("resolve", licence, *step, *self._who, codes=(0, 1))
        batch = ("--proposed", "--old-copy", "--yes", "--json", "--reason", REASON)
        done = json.loads(self._server("resolve", *batch, *self._who))
        actions: Actions = {
            LicenceIdentifier(name): found for name, found in done["actions"].items()
        }
        before = [listed[0]["proposed"]]
        return {**actions, licence: [*before, *actions.get(licence, [])]}

    def explain(self) -> list[LicenceIdentifier]:
        listed = self._server("explain")
        if listed == "nothing stands in suspense\n":
            return []
        found = dict.fromkeys(line.split()[0] for line in listed.splitlines())
        for licence in found:
            self._server("explain", licence, "--reason", "it came late", *self._who)
        return [LicenceIdentifier(licence) for licence in found]

    def verify(self) -> int:
        return len(json.loads(self._server("verify", "--json"))["findings"])


class AdoptingOperator(OfficeOperator):
    """Adopts every frozen machine's registers and explains nothing."""

    def __init__(self, world: DrillWorld) -> None:
        super().__init__(world, print)
        self._books = world

    def resolve_proposed(self) -> Actions:
        resolving = Resolving(self._books.store, two_persons=True)
        done: Actions = {}
        for licence in resolving.frozen():
            resolving.resolve(licence, Action.ADOPT, self._books.by(REASON))
            done[licence] = ["adopt"]
        return done

    def explain(self) -> list[LicenceIdentifier]:
        return []


class RevokingOperator(OfficeOperator):
    """Revokes a former life and leaves it at that."""

    def __init__(self, world: DrillWorld) -> None:
        super().__init__(world, print)
        self._books = world

    def close(self, former: Life, life: Life) -> None:
        office = self._books.administration
        office.revoke(former.licence, self._books.by(REASON))
        with pytest.raises(MoveRefusedError, match="that are not in these books"):
            self.enrol(life)
        super().close(former, life)


class ForgetfulOperator(OfficeOperator):
    """Imports the first fund file alone."""

    def __init__(self, world: DrillWorld) -> None:
        super().__init__(world, print)
        self._first = world.archive.fund_files[0]

    def import_funds(self, path: Path) -> None:
        if path == self._first:
            super().import_funds(path)

    def explain(self) -> list[LicenceIdentifier]:
        # The funds are too little for it, as it says.
        with suppress(MoveRefusedError):
            return super().explain()
        return []
