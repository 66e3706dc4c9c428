"""Make the Python environment that `./rmfs` runs in, from the lock with hashes.

Run by `./rmfs` with whatever Python the machine has, before any package is installed:
the standard library only, and `-I -S`. Rules:

- A finished environment holds `made-from.lock`, a copy of the lock, renamed into place
  after everything else was synced to disk. Without it, or with another lock in it, an
  environment is never used: after Ctrl-C or a power failure the next call starts again.
- Only a folder that holds `made-by-rmfs` (written first) is ever deleted.
- One process at a time: the others wait for it and then use what it made.
"""

import contextlib
import fcntl
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

GLIBC_MIN: Final = (2, 34)
"""The newest glibc that a wheel in the lock asks for (manylinux_2_34)."""

MACHINES: Final = ("x86_64", "aarch64")

EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_INTERRUPTED: Final = 130

_OWNED: Final = "made-by-rmfs"
_STAMP: Final = "made-from.lock"


class EnvironmentRefusedError(Exception):
    """The environment cannot be made here; the message says what to do."""


def check_platform(system: str, machine: str, libc: str, libc_version: str) -> None:
    """Refuse a platform for which the lock has no wheels.

    Args:
        system: As `sys.platform` says it.
        machine: As `platform.machine()` says it.
        libc: Name of the C library, ``glibc`` or empty.
        libc_version: Its version, as in ``2.36``.

    Raises:
        EnvironmentRefusedError: With the sentence for the person at the terminal.
    """
    if system != "linux":
        message = f"only Linux is supported, and this is {system}"
        raise EnvironmentRefusedError(message)
    if machine not in MACHINES:
        supported = " and ".join(MACHINES)
        message = f"only {supported} are supported, and this is {machine}"
        raise EnvironmentRefusedError(message)
    needed = ".".join(str(part) for part in GLIBC_MIN)
    if libc != "glibc":
        message = f"glibc {needed} or newer is needed, and this is another C library"
        raise EnvironmentRefusedError(message)
    found = tuple(int(part) for part in libc_version.split(".")[:2])
    if found < GLIBC_MIN:
        message = f"glibc {needed} or newer is needed, and this is {libc_version}"
        raise EnvironmentRefusedError(message)


def is_finished(folder: Path, lock: Path) -> bool:
    """Say whether `folder` was made completely, from this very lock."""
    try:
        stamp = (folder / _STAMP).read_bytes()
    except OSError:
        return False
    return os.access(folder / "bin" / "python", os.X_OK) and stamp == lock.read_bytes()


def make(folder: Path, lock: Path) -> None:
    """Make the environment, or wait for the process that is making it.

    Raises:
        EnvironmentRefusedError: The folder holds something that is not ours.
        subprocess.CalledProcessError: pip failed; it has said why.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _held(folder.with_name(folder.name + ".lock")):
        if is_finished(folder, lock):
            return
        _clear(folder)
        version = platform.python_version()
        _say(f"making {folder} with Python {version} (first use, or a new lock)")
        (folder / _OWNED).touch()
        venv.EnvBuilder(symlinks=True, with_pip=True).create(folder)
        _install(folder, lock)
        os.sync()
        partial = folder / (_STAMP + ".partial")
        shutil.copyfile(lock, partial)
        os.sync()
        partial.rename(folder / _STAMP)
        _say("ready")


def _clear(folder: Path) -> None:
    """Leave `folder` existing and empty, unless it is somebody else's."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / _OWNED).exists():
            message = (
                f"{folder} exists and was not made by ./rmfs: remove it, "
                "or name another folder in RMFS_VENV"
            )
            raise EnvironmentRefusedError(message)
        # The stamp goes first and the mark of ownership last: a removal that is cut
        # short leaves a folder that is unfinished and ours.
        (folder / _STAMP).unlink(missing_ok=True)
        for entry in sorted(folder.iterdir(), key=lambda path: path.name == _OWNED):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
    folder.mkdir(exist_ok=True)


def _install(folder: Path, lock: Path) -> None:
    command = [
        *(str(folder / "bin" / "python"), "-I", "-m", "pip", "install"),
        *("--require-hashes", "--no-deps", "--only-binary", ":all:"),
        *("--no-input", "--disable-pip-version-check", "--requirement", str(lock)),
    ]
    # pip's lines are the progress. They go to stderr: stdout belongs to the command
    # that the person asked for.
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # noqa: S603 (our own pip)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another ./rmfs is making the environment: waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _say(sentence: str) -> None:
    sys.stderr.write(f"rmfs: {sentence}\n")
    sys.stderr.flush()


def main(arguments: list[str]) -> int:
    """Make the environment in folder `arguments[0]` from the lock `arguments[1]`."""
    folder, lock = (Path(argument).absolute() for argument in arguments)
    try:
        check_platform(sys.platform, platform.machine(), *platform.libc_ver())
        make(folder, lock)
    except EnvironmentRefusedError as refusal:
        _say(str(refusal))
        return EXIT_REFUSED
    except subprocess.CalledProcessError as failure:
        _say(f"making the environment failed (exit {failure.returncode}): see above")
        return EXIT_FAILED
    except OSError as failure:
        _say(f"making the environment failed: {failure}")
        return EXIT_FAILED
    except KeyboardInterrupt:
        _say("interrupted: the next call starts again")
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
