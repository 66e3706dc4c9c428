"""The folder of a campaign: how far it is, what it has found, what it has reached.

campaign.json           to go on with; written anew after each round
coverage.json           what was reached, for programs
index.html              the campaign, its findings and its coverage, for people
findings/F-….toml       the smallest case that shows a finding, to be replayed
findings/F-….html       the same with everything that was seen
findings/F-….pcapng     its traffic, and beside it in .keys the keys to read it
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hw.lab.fuzz.coverage import read_coverage
from hw.lab.fuzz.fuzz_case import Origin, write_fuzz_case
from protocol.errors import RmfsError
from rmfs_tools.lab.fuzz.campaigning import Campaign, Found, Key
from rmfs_tools.lab.fuzz.fuzz_pages import FuzzPages
from rmfs_tools.lab.run_files import capture, key_log

FORMAT: Final = "rmfs-fuzz-1"
FINDINGS: Final = "findings"
_STATE: Final = "campaign.json"
_OCTETS_MAX: Final = 16 * 1024 * 1024
_NEW: Final = ".new"
_NO_STATE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading the state of a campaign ends with, where it is none."""


class FuzzFolderError(RmfsError):
    """A folder of a campaign cannot be read or written; it says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One finding, as lists show it.

    Attributes:
        name: Of its files.
        key: What it is.
        reason: In which way, with values.
        steps: How many steps it takes.
        round: In which round it was found.
        cases: After how many cases.
        flaky: It did not happen again at once.
    """

    name: str
    key: Key
    reason: str
    steps: int
    round: int
    cases: int
    flaky: bool

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        oracle, clause, words = self.key
        return {
            "id": self.name,
            "oracle": oracle,
            "clause": clause,
            "reason": self.reason,
            "words": words,
            "steps": self.steps,
            "round": self.round,
            "cases": self.cases,
            "flaky": self.flaky,
        }


class FuzzFolder:
    """Writes the files of a campaign as it goes.

    Attributes:
        rows: Its findings, in the order in which they came.
    """

    def __init__(self, path: Path, rows: tuple[Row, ...] = ()) -> None:
        """Know where.

        Args:
            path: The folder.
            rows: What was found before.
        """
        self.path = path
        self.rows = list(rows)
        self._pages = FuzzPages()

    def begin(self) -> None:
        """Make the folder.

        Raises:
            FuzzFolderError: It is there already, or cannot be made.
        """
        if self.path.exists():
            raise FuzzFolderError(
                f"{self.path} is there already: go on with it by --resume, or name a "
                f"new folder"
            )
        try:
            self.path.mkdir(parents=True)
        except OSError as error:
            raise FuzzFolderError(f"{self.path}: {error.strerror}") from error

    def save(self, campaign: Campaign) -> None:
        """Write how far the campaign is.

        Raises:
            FuzzFolderError: It cannot be written.
        """
        reached = campaign.coverage.as_json()
        rows = [row.as_json() for row in self.rows]
        state = {
            "format": FORMAT,
            "target": campaign.target,
            "seed": campaign.seed,
            "presets": list(campaign.presets),
            "goal": campaign.goal,
            "rounds": campaign.rounds,
            "cases": campaign.cases,
            "shrinks": campaign.shrinks,
            "lasted_s": round(campaign.lasted_s, 3),
            "findings": rows,
            "coverage": reached,
        }
        self._write("coverage.json", _json(reached))
        self._write("coverage.html", self._pages.coverage(state))
        self._write("index.html", self._pages.index(state))
        # The last one: whoever finds it finds all the others as they belong to it.
        self._write(_STATE, _json(state))

    def keep(self, found: Found, campaign: Campaign, at: datetime) -> Row:
        """Write what was found.

        Args:
            found: It.
            campaign: In which.
            at: When.

        Raises:
            FuzzFolderError: It cannot be written.
        """
        row = row_of(found, self._free_name(found.case.id))
        self.rows.append(row)
        name, trace = f"{FINDINGS}/{row.name}", found.result.trace
        page = self._pages.finding(found, campaign, row.name)
        self._write(f"{name}.toml", finding_text(found, campaign, at).encode())
        self._write(f"{name}.pcapng", capture(trace, campaign.target))
        self._write(f"{name}.keys", key_log(trace))
        self._write(f"{name}.html", page)
        return row

    def _free_name(self, name: str) -> str:
        """Name a finding; one case may show several of them."""
        taken = {row.name for row in self.rows}
        names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
        return next(one for one in names if one not in taken)

    def _write(self, name: str, octets: bytes) -> None:
        place = self.path / name
        new = place.with_name(place.name + _NEW)
        try:
            place.parent.mkdir(exist_ok=True)
            new.write_bytes(octets)
            new.replace(place)
        except OSError as error:
            raise FuzzFolderError(f"{place}: {error.strerror}") from error


def row_of(found: Found, name: str) -> Row:
    """Show a finding in a list.

    Args:
        found: It.
        name: Of its files.
    """
    return Row(
        name=name,
        key=found.key,
        reason=found.finding.reason,
        steps=len(found.case.steps),
        round=found.round,
        cases=found.cases,
        flaky=found.flaky,
    )


def finding_text(found: Found, campaign: Campaign, at: datetime) -> str:
    """Write the file of a finding.

    Args:
        found: It.
        campaign: In which.
        at: When.
    """
    origin = Origin(
        seed=campaign.seed,
        found=at.astimezone(UTC).isoformat(timespec="seconds"),
        oracle=found.finding.oracle.value,
        clause=found.finding.clause,
        reason=found.finding.reason,
        target=campaign.target,
    )
    return write_fuzz_case(found.case, origin)


def read_folder(path: Path) -> tuple[FuzzFolder, Campaign]:
    """Read how far a campaign is, to go on with it.

    Args:
        path: Its folder.

    Raises:
        FuzzFolderError: There is none, or it cannot be read.
    """
    place = path / _STATE
    try:
        with place.open("rb") as file:
            octets = file.read(_OCTETS_MAX)
    except OSError as error:
        raise FuzzFolderError(
            f"{place} cannot be read: {error.strerror}; a campaign that is not begun "
            f"is begun without --resume"
        ) from error
    try:
        state = json.loads(octets)
        if state["format"] != FORMAT:
            raise FuzzFolderError(f"{place}: its format is not {FORMAT}")
        rows = tuple(_row(one) for one in state["findings"])
        campaign = Campaign(
            target=str(state["target"]),
            seed=int(state["seed"]),
            presets=tuple(str(one) for one in state["presets"]),
            coverage=read_coverage(state["coverage"]),
            rounds=int(state["rounds"]),
            cases=int(state["cases"]),
            shrinks=int(state["shrinks"]),
            lasted_s=float(state["lasted_s"]),
            known=frozenset(row.key for row in rows),
            goal=None if state["goal"] is None else int(state["goal"]),
        )
    except _NO_STATE as error:
        raise FuzzFolderError(f"{place} is not of a campaign: {error!r}") from error
    return FuzzFolder(path, rows), campaign


def _row(one: Mapping[str, Any]) -> Row:
    return Row(
        name=str(one["id"]),
        key=(str(one["oracle"]), str(one["clause"]), str(one["words"])),
        reason=str(one["reason"]),
        steps=int(one["steps"]),
        round=int(one["round"]),
        cases=int(one["cases"]),
        flaky=bool(one["flaky"]),
    )


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
