"""Run Spin: generate the verifier, compile it, search, and read what it found.

Everything happens in a folder of the caller's. Only exhaustive modes are used: a search
that was cut short by depth or memory is an error, never a result.

Source: Spin 6.5's manual pages; `pan` prints its figures in the form that is read here.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from protocol.errors import RmfsError

SOURCE: Final = Path(__file__).parents[2] / "protocol" / "model" / "recharge.pml"
DEPTH_MAX: Final = 200_000
"""Steps of one run; the searches here need some hundred."""
RUN_MAX: Final = 5_000
"""Statements of a random run."""
MEMORY_MB: Final = 6_000

_DEBIAN: Final = {"spin": "spin", "gcc": "gcc libc6-dev"}
_STATES: Final = re.compile(r"^\s*([\d.e+]+) states, stored", re.MULTILINE)
_TRANSITIONS: Final = re.compile(r"^\s*([\d.e+]+) transitions", re.MULTILINE)
_DEPTH: Final = re.compile(r"depth reached (\d+), errors: (\d+)")
_TAKEN: Final = re.compile(r"^taken: (\w+) (\d+)$", re.MULTILINE)
_STEP: Final = re.compile(r"^\s*step: ([\w-]+)((?: -?\d+)*)\s*$", re.MULTILINE)
_BROKEN: Final = re.compile(r"^\s*broken: ([A-Z]+-\d+)", re.MULTILINE)
_VIOLATED: Final = re.compile(r"^pan:\d+: (.*) \(at depth", re.MULTILINE)
_CUT_SHORT: Final = ("max search depth too small", "out of memory", "aborting")


class ToolMissingError(RmfsError):
    """Spin or the compiler is not on this machine."""


class SpinError(RmfsError):
    """Spin, the compiler or the verifier did not do its work."""


@dataclass(frozen=True, slots=True)
class TakenStep:
    """One step of a run of the model.

    Attributes:
        name: As the model calls it.
        numbers: Body, call and what else the step is about.
    """

    name: str
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        """Show it as the model prints it."""
        return " ".join((self.name, *map(str, self.numbers)))


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        states: Stored.
        transitions: Taken.
        depth: Longest run, in transitions.
        errors: Properties seen broken: 0 or 1, the search stops at the first.
        broken: Name of the property, or what the verifier says, or empty.
        taken: How often each step was taken.
    """

    states: int
    transitions: int
    depth: int
    errors: int
    broken: str
    taken: dict[str, int]


def check_tools() -> None:
    """See that Spin and the compiler are here.

    Raises:
        ToolMissingError: One is not; the message names its Debian package.
    """
    for program, package in _DEBIAN.items():
        if shutil.which(program) is None:
            message = f"{program} is not on this machine: apt-get install {package}"
            raise ToolMissingError(message)


def search(folder: Path, switches: tuple[str, ...], *, shortest: bool = False) -> Found:
    """Search every state within the bounds for a broken property.

    Args:
        folder: Where the verifier is built; must exist.
        switches: Of the model.
        shortest: Breadth first: a counterexample is then a shortest one, and is left
            in the folder for `trail`.

    Raises:
        ToolMissingError: Spin or the compiler is missing.
        SpinError: The model is wrong, or the search was cut short.
    """
    flags = ("-O0", "-DBFS") if shortest else ("-O1",)
    _build(folder, switches, (*flags, "-DSAFETY"))
    return _named(folder, _read(_run(folder, "./pan", f"-m{DEPTH_MAX}")))


def search_endless(folder: Path, switches: tuple[str, ...]) -> Found:
    """Search for a run that goes on for ever; no step counts as progress.

    Raises:
        ToolMissingError: Spin or the compiler is missing.
        SpinError: The model is wrong, or the search was cut short.
    """
    _build(folder, switches, ("-O1", "-DNP"))
    return _read(_run(folder, "./pan", "-l", f"-m{DEPTH_MAX}"))


def trail(folder: Path) -> tuple[TakenStep, ...]:
    """Read the counterexample that the last `search` left in a folder.

    Raises:
        SpinError: There is none.
    """
    return _steps(_follow_trail(folder))


def _follow_trail(folder: Path) -> str:
    trails = sorted(folder.glob("*.trail"))
    if not trails:
        raise SpinError("the search has left no counterexample")
    return _run(folder, "./pan", "-r", trails[0].name, "-n")


def _named(folder: Path, found: Found) -> Found:
    """Say which property is broken, as the counterexample does."""
    if not found.errors:
        return found
    broken = _BROKEN.search(_follow_trail(folder))
    return found if broken is None else replace(found, broken=broken.group(1))


def random_run(
    folder: Path, switches: tuple[str, ...], seed: int
) -> tuple[TakenStep, ...]:
    """Take a random run of the model to its end; the seed chooses it.

    Raises:
        ToolMissingError: Spin is missing.
        SpinError: The model is wrong, or the run breaks something.
    """
    check_tools()
    command = ("spin", f"-n{seed}", f"-u{RUN_MAX}", *switches, str(SOURCE))
    output = _run(folder, *command)
    if "Error:" in output or "broken:" in output:
        raise SpinError(f"a random run breaks something:\n{output}")
    return _steps(output)


def _steps(output: str) -> tuple[TakenStep, ...]:
    return tuple(
        TakenStep(name, tuple(int(number) for number in numbers.split()))
        for name, numbers in _STEP.findall(output)
    )


def _build(folder: Path, switches: tuple[str, ...], flags: tuple[str, ...]) -> None:
    check_tools()
    output = _run(folder, "spin", "-a", *switches, str(SOURCE))
    if not (folder / "pan.c").exists() or "Error:" in output:
        raise SpinError(f"spin refused the model:\n{output}")
    _run(folder, "gcc", *flags, f"-DMEMLIM={MEMORY_MB}", "-w", "-o", "pan", "pan.c")


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(  # noqa: S603  # programs that are named above
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    if done.returncode and "errors: " not in output and "step: " not in output:
        message = f"{command[0]} ended with {done.returncode}"
        raise SpinError(f"{message}:\n{output}")
    return output


def _read(output: str) -> Found:
    if any(words in output for words in _CUT_SHORT):
        raise SpinError(f"the search was cut short:\n{output}")
    depth = _DEPTH.search(output)
    states, transitions = _STATES.search(output), _TRANSITIONS.search(output)
    if depth is None or states is None or transitions is None:
        raise SpinError(f"the verifier's figures are missing:\n{output}")
    broken = _VIOLATED.search(output)
    return Found(
        states=_whole(states.group(1)),
        transitions=_whole(transitions.group(1)),
        depth=int(depth.group(1)),
        errors=int(depth.group(2)),
        broken="" if broken is None else broken.group(1),
        taken={
            name.replace("_", "-"): int(times) for name, times in _TAKEN.findall(output)
        },
    )


def _whole(figure: str) -> int:
    """Read a figure, which has eight digits at most: 1.5033586e+08."""
    return int(float(figure))
