"""The catalogue: cases as data, each traced to the clause that it tests.

A file holds the cases of one area and role as TOML. Everything in it is checked when it
is read, so that a case that cannot run is found before anything does.

An id is ``DLG-08-03-S-N``: the clause (DLG-8), a running number in it, the role of the
unit under test (M machine, S server), and the kind (P the peer behaves, N it does not,
B a limit of what is allowed). An id is never given twice, and
never to another case.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from hw.lab.steps import Step, StepError, parse_step
from hw.lab.verbs import check_step
from hw.lab.verdicts import Level
from protocol.errors import RmfsError
from protocol.link import Role

CATALOGUE: Final = Path(__file__).parent / "cases"
"""The cases that belong to the product."""
VERSION: Final = "1"
"""Of the catalogue; a case that changes what it demands raises it."""

_ID: Final = re.compile(r"(?P<area>[A-Z]+)-(?P<clause>\d\d)-\d\d-(?P<role>[MS])-[PNB]")
_MEMBERS: Final = {
    "id": str,
    "clause": str,
    "level": str,
    "text": str,
    "title": str,
    "needs": list,
    "steps": list,
    "ends": str,
    "slow": str,
    "last": bool,
}
_NEEDED: Final = ("id", "clause", "text", "title", "steps")


class CatalogueError(RmfsError):
    """A case cannot be read: which file, which case, and why."""


class Ends(Enum):
    """What is looked at after the steps, by one more dial-in."""

    UNCHANGED = "unchanged"
    """Registers, number and whatever was pending are what they were before."""
    SERVED = "served"
    """The unit still works; what it states is not compared."""
    FROZEN = "frozen"
    """A server refuses with ACCOUNT_FROZEN."""
    NOTHING = "nothing"
    """No further dial-in: there is none to be had after this case."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        id: Its name, for ever.
        clause: The clause that it tests, such as ``DLG-8.3``.
        role: Of the unit under test.
        level: How binding the clause is.
        text: The words of the clause that are tested, as in SPEC.md.
        title: What is done, in a line.
        needs: Options that the unit must have declared; ``not …`` those it must not.
        steps: What is said and expected.
        ends: What is looked at afterwards.
        slow: Why it takes longer than a few seconds, or empty.
        last: It is played after all others: the unit is not the same afterwards.
    """

    id: str
    clause: str
    role: Role
    level: Level
    text: str
    title: str
    needs: tuple[str, ...]
    steps: tuple[Step, ...]
    ends: Ends
    slow: str = ""
    last: bool = False

    @property
    def kind(self) -> str:
        """P, N or B."""
        return self.id[-1]


def read_catalogue(folder: Path = CATALOGUE) -> tuple[Case, ...]:
    """Read all cases of a folder, in the order of their ids, those `last` behind.

    Raises:
        CatalogueError: A file or a case is wrong.
    """
    cases: dict[str, Case] = {}
    for path in sorted(folder.glob("*.toml")):
        for case in read_cases(path):
            if case.id in cases:
                raise CatalogueError(f"{path.name}: {case.id} is there twice")
            cases[case.id] = case
    return tuple(sorted(cases.values(), key=lambda case: (case.last, case.id)))


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read the cases of one file.

    Raises:
        CatalogueError: It cannot be read, or a case in it is wrong.
    """
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise CatalogueError(f"{path.name}: {error}") from error
    return parse_cases(octets, path.name)


def parse_cases(octets: bytes, name: str) -> tuple[Case, ...]:
    """Read the cases of a file from its octets.

    Args:
        octets: The TOML.
        name: How messages call the file.

    Raises:
        CatalogueError: It is not TOML, or a case in it is wrong.
    """
    try:
        document = tomllib.loads(octets.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{name}: {error}") from error
    tables = document.get("case")
    if set(document) != {"case"} or not isinstance(tables, list):
        raise CatalogueError(f"{name}: it holds tables [[case]] and nothing else")
    return tuple(_case(name, table) for table in tables)


def catalogue_hash(cases: Iterable[Case]) -> str:
    """Name what a set of cases demands: the hex of SHA-256 over all of it."""
    digest = sha256()
    for case in sorted(cases, key=lambda case: case.id):
        parts = [case.id, case.clause, case.level.value, case.text, case.ends.value]
        parts += [*case.needs, *(step.text for step in case.steps)]
        for part in parts:
            digest.update(part.encode() + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()


def selected(cases: Iterable[Case], prefixes: Iterable[str]) -> tuple[Case, ...]:
    """Take the cases whose id or clause begins with one of the prefixes; all for none.

    Args:
        cases: From which.
        prefixes: Whole parts of a clause or an id: ``DLG``, ``DLG-8``, ``DLG-8.3``,
            ``DLG-10-03``. ``DLG-1`` is not the beginning of ``DLG-12``.

    Raises:
        CatalogueError: A prefix takes none.
    """
    known = tuple(cases)
    wanted = tuple(prefixes)
    if not wanted:
        return known
    for prefix in wanted:
        if not any(_begins(case, prefix) for case in known):
            raise CatalogueError(
                f"no case begins with {prefix}: rmfs certify list shows them all"
            )
    return tuple(
        case for case in known if any(_begins(case, prefix) for prefix in wanted)
    )


def is_within(name: str, prefix: str) -> bool:
    """Say whether a clause or id is this one, or belongs to it: ``DLG``, ``DLG-8``."""
    return name == prefix or name.startswith((f"{prefix}.", f"{prefix}-"))


def _begins(case: Case, prefix: str) -> bool:
    return is_within(case.id, prefix) or is_within(case.clause, prefix)


def _case(file: str, table: Mapping[str, Any]) -> Case:
    name = table.get("id", "a case without id")
    where = f"{file}: {name}"
    for member, value in table.items():
        kind = _MEMBERS.get(member)
        if kind is None or not isinstance(value, kind):
            raise CatalogueError(f"{where}: {member} is unknown or of another type")
    for member in _NEEDED:
        if not table.get(member):
            raise CatalogueError(f"{where}: {member} is missing")
    found = _ID.fullmatch(name)
    if found is None:
        raise CatalogueError(f"{where}: an id is like DLG-08-03-S-N")
    clause = table["clause"]
    if clause.split(".")[0] != f"{found['area']}-{int(found['clause'])}":
        raise CatalogueError(f"{where}: {clause} is not the clause of its id")
    role = Role.MACHINE if found["role"] == "M" else Role.SERVER
    steps = tuple(_step(where, role, text) for text in table["steps"])
    try:
        level = Level(table.get("level", "MUST"))
        ends = Ends(table.get("ends", "unchanged" if name[-1] == "N" else "served"))
    except ValueError as error:
        raise CatalogueError(f"{where}: {error}") from error
    if ends is not Ends.UNCHANGED and not any(step.expects for step in steps):
        raise CatalogueError(f"{where}: it expects nothing")
    return Case(
        id=name,
        clause=clause,
        role=role,
        level=level,
        text=" ".join(table["text"].split()),
        title=table["title"],
        needs=tuple(table.get("needs", ())),
        steps=steps,
        ends=ends,
        slow=table.get("slow", ""),
        last=table.get("last", False),
    )


def _step(where: str, role: Role, text: object) -> Step:
    if not isinstance(text, str):
        raise CatalogueError(f"{where}: a step is text, not {text!r}")
    try:
        step = parse_step(text)
        check_step(step, role)
    except StepError as error:
        raise CatalogueError(f"{where}: {error}") from error
    return step
