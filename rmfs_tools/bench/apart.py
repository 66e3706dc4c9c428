"""A measurement in a process of its own, so that time and memory are of it alone."""

import os
import subprocess
import sys
from pathlib import Path


def run_apart(program: str) -> str:
    """Run a program of Python, ours to import; gives what it prints.

    Raises:
        CalledProcessError: It ended with an error, which it has told on stderr.
    """
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own words
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


def peak_mb() -> float:
    """Say the most memory that this process ever had, in mebibytes."""
    status = Path("/proc/self/status").read_text("ascii")
    row = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(row.split()[1]) / 1024
