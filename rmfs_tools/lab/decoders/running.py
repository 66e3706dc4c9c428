"""Running targets under Atheris, each in a process of its own, and what comes of it."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from protocol.errors import RmfsError
from rmfs_tools.lab.decoders.target import Target
from rmfs_tools.planting import ROOT

INPUT_S_MAX: Final = 20
"""A decoder that takes longer over one input hangs."""
PROCESS_S_MAX: Final = 600
"""Beyond the time that it was given, a process that has not ended has failed."""
_NAME_DIGITS: Final = 10
_TAIL: Final = 600

_ENVIRONMENT: Final = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}
"""Of the child, and nothing else: the same seed leads to the same inputs."""
_RUNS: Final = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_COVERAGE: Final = re.compile(r"cov: (\d+) ft: \d+ corp: (\d+)/")
_RAISED: Final = re.compile(r"Uncaught Python exception: ===\s*\n(.*)")
_STOPPED: Final = re.compile(r"ERROR: libFuzzer: (.*)")


class HarnessError(RmfsError):
    """Atheris is missing, or a process ended for no input: nothing is said."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How targets are run.

    Attributes:
        seed: Decides which inputs are tried.
        crashes: Folder in which inputs that failed are kept; it is made for the first.
        time_s: For so long each, and not for the runs of its table.
        corpus: Folder with a folder for each target, in which inputs that reached
            something new are kept and begun with.
        root: The folder of the product's packages.
    """

    seed: int
    crashes: Path
    time_s: int | None = None
    corpus: Path | None = None
    root: Path = ROOT


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one target.

    Attributes:
        target: Which.
        runs: How many inputs were tried.
        reached: Places in the code that were reached.
        kept: Inputs that reached something new.
        crash: The file with the input that failed, or None.
        words: How it failed.
    """

    target: str
    runs: int
    reached: int
    kept: int
    crash: Path | None = None
    words: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "target": self.target,
            "runs": self.runs,
            "reached": self.reached,
            "kept": self.kept,
            "crash": None if self.crash is None else str(self.crash),
            "words": self.words,
        }


def check_atheris() -> None:
    """Look whether Atheris is here.

    Raises:
        HarnessError: It is not.
    """
    if find_spec("atheris") is None:
        raise HarnessError(
            "Atheris is not installed: there are wheels for Linux on x86-64 alone, "
            "and CPython 3.11 to 3.13. An input that has failed elsewhere is played "
            "without it: rmfs lab decoders --again FILE"
        )


def run_targets(
    chosen: Mapping[str, tuple[str, Target]], plan: Plan, processes: int = 1
) -> Iterator[Ran]:
    """Run targets, and give what came of them in their order.

    Raises:
        HarnessError: Atheris is missing, or a process ended for no input.
    """
    check_atheris()
    with ThreadPoolExecutor(processes) as pool:
        yield from pool.map(partial(_run, plan=plan), chosen.values())


def _run(found: tuple[str, Target], plan: Plan) -> Ran:
    group, target = found
    with TemporaryDirectory(prefix="decoders-") as folder:
        work = Path(folder)
        seeds = work / "seeds"
        seeds.mkdir()
        for number, seed in enumerate(target.seeds()):
            (seeds / f"{number:04d}").write_bytes(seed)
        corpora = [seeds]
        if plan.corpus is not None:
            own = plan.corpus.absolute() / target.id
            own.mkdir(parents=True, exist_ok=True)
            # libFuzzer adds to the first folder alone.
            corpora = [own, seeds]
        said, code = _play(group, target, plan, work, corpora)
        return _outcome(target, plan, work, said, code)


def _play(
    group: str, target: Target, plan: Plan, work: Path, corpora: list[Path]
) -> tuple[str, int]:
    limit = (
        f"-runs={target.runs}"
        if plan.time_s is None
        else f"-max_total_time={plan.time_s}"
    )
    done = subprocess.run(  # noqa: S603 (our own module)
        [
            *(sys.executable, "-m", "rmfs_tools.lab.decoders.child"),
            *(group, target.id, ",".join(target.watched)),
            *(limit, f"-seed={plan.seed}"),
            *(f"-max_len={target.octets_max}", f"-timeout={INPUT_S_MAX}"),
            # An input that is only slow leaves no file that looks like a finding.
            *("-print_final_stats=1", f"-report_slow_units={PROCESS_S_MAX}"),
            # Neither the folder nor the clock is to say what is tried next.
            *("-reload=0", "-entropic=0"),
            *(f"-artifact_prefix={work}/", *map(str, corpora)),
        ],
        cwd=plan.root,
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PROCESS_S_MAX + (plan.time_s or 0),
        check=False,
    )
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    return said, done.returncode


def _outcome(target: Target, plan: Plan, work: Path, said: str, code: int) -> Ran:
    reached = _COVERAGE.findall(said)
    runs = _RUNS.search(said)
    inputs = [path for path in work.iterdir() if path.is_file()]
    if code and not inputs:
        raise HarnessError(
            f"{target.id} ended with {code}, for no input:\n{said[-_TAIL:]}"
        )
    words = crash = None
    if inputs:
        octets = inputs[0].read_bytes()
        digits = inputs[0].name.rpartition("-")[2][:_NAME_DIGITS]
        plan.crashes.mkdir(parents=True, exist_ok=True)
        crash = plan.crashes / f"{target.id}.{digits}"
        crash.write_bytes(octets)
        words = _RAISED.search(said) or _STOPPED.search(said)
    return Ran(
        target.id,
        int(runs[1]) if runs else 0,
        int(reached[-1][0]) if reached else 0,
        int(reached[-1][1]) if reached else 0,
        crash,
        words[1].strip() if words else "",
    )
