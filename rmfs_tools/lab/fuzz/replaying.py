"""Findings are played again, on the unit that showed them or on another one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from hw.lab.fuzz.oracles import Finding
from hw.lab.fuzz.playing import FuzzResult
from protocol.errors import RmfsError
from rmfs_tools.lab.fuzz.campaigning import Key, key_of, normalised
from rmfs_tools.lab.fuzz.fuzz_files import FuzzFile
from rmfs_tools.lab.fuzz.targets import StoppedError, Target, TargetError


class Outcome(Enum):
    """What a replay says."""

    FIXED = "FIXED"
    """Nothing is found any more."""
    FAILED = "FAILED"
    """Something is found: the same, or something else."""
    ERROR = "ERROR"
    """The case could not be played: nothing is known of the unit."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a case came out when it was played again.

    Attributes:
        file: The case.
        target: On which.
        outcome: How.
        reason: Why.
        result: What was seen, unless it could not be played.
    """

    file: FuzzFile
    target: str
    outcome: Outcome
    reason: str
    result: FuzzResult | None = None

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "id": self.file.case.id,
            "file": str(self.file.path),
            "target": self.target,
            "outcome": self.outcome.value,
            "reason": self.reason,
        }


def by_target(
    files: Iterable[FuzzFile], target: str | None
) -> dict[str, list[FuzzFile]]:
    """Sort cases by what they are played on.

    Args:
        files: The cases.
        target: On which all are played; None: each on the one that showed it.

    Raises:
        TargetError: A case does not say on which.
    """
    found: dict[str, list[FuzzFile]] = {}
    for file in files:
        name = target or file.origin.target
        if not name:
            raise TargetError(f"{file.path} names no target: name one with --target")
        found.setdefault(name, []).append(file)
    return found


def replay(
    target: Target,
    files: Iterable[FuzzFile],
    tell: Callable[[Replayed], None],
    *,
    times: int = 1,
) -> bool:
    """Play cases again.

    Args:
        target: On which.
        files: The cases.
        tell: Told of each as it comes out.
        times: How often each is played, until something is found.

    Returns:
        Whether all were played: nobody has ended it.
    """
    for file in files:
        try:
            tell(_replay(target, file, times))
        except StoppedError:
            return False
    return True


def _replay(target: Target, file: FuzzFile, times: int) -> Replayed:
    result = None
    for _ in range(times):
        try:
            result = target.play(file.case)
        except RmfsError as error:
            return Replayed(file, target.name, Outcome.ERROR, str(error))
        if result.findings:
            words = _said(file, result.findings)
            return Replayed(file, target.name, Outcome.FAILED, words, result)
    return Replayed(file, target.name, Outcome.FIXED, "nothing is found", result)


def _said(file: FuzzFile, findings: tuple[Finding, ...]) -> str:
    """Say what was found, and whether it is what the file tells of."""
    origin = file.origin
    known: Key = (origin.oracle, origin.clause, normalised(origin.reason))
    for finding in findings:
        if key_of(finding) == known:
            return str(finding)
    other = "" if not origin.oracle else "something else than before: "
    return f"{other}{findings[0]}"
