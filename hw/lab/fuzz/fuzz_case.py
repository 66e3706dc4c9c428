"""A fuzz case: role of the unit, preset, steps; as text, and read again.

As a file it is TOML with one table::

    [fuzz]
    role = "machine"
    preset = "none"
    seed = 7
    found = "2026-11-22T10:15:00Z"
    oracle = "MONEY"
    clause = "REG-6"
    reason = "CT rose by 1 without a voucher"
    target = "zoo:voucher-replay-accepted"
    steps = [
      "dial RECHARGE 20000",
      "send VOUCHER signature=wrong",
    ]

Everything but role and steps may be left out.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, Final

from hw.lab.catalogue import Case, Ends
from hw.lab.steps import Step, StepError, parse_step
from hw.lab.verbs import check_step
from hw.lab.verdicts import Level
from protocol.errors import RmfsError
from protocol.link import Role

NO_PRESET: Final = "none"
"""The unit is as it is."""
_TABLE: Final = "fuzz"
_ID_DIGITS: Final = 10


class FuzzCaseError(RmfsError):
    """A fuzz case cannot be read: which file, which place, and why."""


@dataclass(frozen=True, slots=True)
class FuzzCase:
    """What is played.

    Attributes:
        role: Of the unit under test.
        preset: Name of what its registers are at first, or `NO_PRESET`.
        steps: What is said and done, in order.
    """

    role: Role
    preset: str
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        """Its name: the same for the same content, everywhere."""
        digest = sha256()
        for part in (self.role.value, self.preset, *self.texts):
            digest.update(part.encode() + b"\0")
        return f"F-{digest.hexdigest()[:_ID_DIGITS]}"

    @property
    def texts(self) -> tuple[str, ...]:
        """Its steps as they are written."""
        return tuple(step.text for step in self.steps)

    @property
    def as_case(self) -> Case:
        """It, dressed up as a case of the catalogue: what a player plays."""
        return Case(
            id=self.id,
            clause="",
            role=self.role,
            level=Level.MUST,
            text="",
            title="a fuzz case",
            needs=(),
            steps=self.steps,
            ends=Ends.NOTHING,
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """How a fuzz case was found, for people and for replays.

    Attributes:
        seed: Of the campaign; 0 for a case that somebody wrote.
        found: When, as text.
        oracle: Which oracle failed; empty for none.
        clause: The clause that was broken.
        reason: In which way.
        target: Which unit it was.
    """

    seed: int = 0
    found: str = ""
    oracle: str = ""
    clause: str = ""
    reason: str = ""
    target: str = ""


def fuzz_case(role: Role, preset: str, texts: Iterable[str]) -> FuzzCase:
    """Make a fuzz case of written steps.

    Raises:
        StepError: A step cannot be carried out against such a unit.
    """
    steps = tuple(parse_step(text) for text in texts)
    for step in steps:
        check_step(step, role)
    return FuzzCase(role, preset, steps)


def write_fuzz_case(case: FuzzCase, origin: Origin) -> str:
    """Write a fuzz case as TOML."""
    lines = [f"[{_TABLE}]", f"role = {_quoted(case.role.value)}"]
    lines.append(f"preset = {_quoted(case.preset)}")
    for member in fields(Origin):
        value = getattr(origin, member.name)
        shown = str(value) if isinstance(value, int) else _quoted(value)
        lines.append(f"{member.name} = {shown}")
    steps = [f"  {_quoted(text)}," for text in case.texts]
    return "\n".join([*lines, "steps = [", *steps, "]", ""])


def read_fuzz_case(text: str, name: str) -> tuple[FuzzCase, Origin]:
    """Read a fuzz case.

    Args:
        text: The TOML.
        name: Of the file, for errors.

    Raises:
        FuzzCaseError: It is none, and where.
    """
    try:
        document = tomllib.loads(text)
    # A number of thousands of digits is a ValueError that is no TOMLDecodeError.
    except (ValueError, RecursionError) as error:
        raise FuzzCaseError(f"{name}: {error}") from error
    table = document.get(_TABLE)
    if set(document) != {_TABLE} or not isinstance(table, dict):
        raise FuzzCaseError(f"{name}: it holds one table [{_TABLE}] and nothing else")
    given = dict(table)
    try:
        role = Role(given.pop("role"))
    except (KeyError, ValueError):
        raise FuzzCaseError(f"{name}: role is to be machine or server") from None
    preset, texts = given.pop("preset", NO_PRESET), given.pop("steps", None)
    if not isinstance(preset, str):
        raise FuzzCaseError(f"{name}: preset is to be the name of a preset")
    if not isinstance(texts, list):
        raise FuzzCaseError(f"{name}: steps is to be a list of steps")
    steps = tuple(_step(name, role, place, one) for place, one in enumerate(texts, 1))
    return FuzzCase(role, preset, steps), _origin(name, given)


def _step(name: str, role: Role, place: int, text: object) -> Step:
    if not isinstance(text, str):
        raise FuzzCaseError(f"{name}: step {place} is to be text, not {text!r}")
    try:
        step = parse_step(text)
        check_step(step, role)
    except StepError as error:
        raise FuzzCaseError(f"{name}: step {place}: {error}") from error
    return step


def _origin(name: str, given: Mapping[str, Any]) -> Origin:
    known = {member.name: member.type for member in fields(Origin)}
    for member, value in given.items():
        kind = known.get(member)
        if kind is None or not isinstance(value, int if kind is int else str):
            raise FuzzCaseError(f"{name}: {member} is unknown or of another type")
    return Origin(**given)


def _quoted(text: str) -> str:
    """Write a basic string of TOML; JSON escapes as that does, all but DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
