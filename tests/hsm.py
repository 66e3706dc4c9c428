"""Tokens for tests: SoftHSM in this process, or behind a server that can be killed."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hw.clock import MemoryMonotonicClock
from hw.hsm import HsmPlace
from hw.hsm.device import Hsm
from rmfs_tools.softhsm import throw_away_token
from tests.witness.programs import missing, needs

CREDIT_ID = b"credit 1"


def a_token(folder: Path) -> HsmPlace:
    """Make a token in a folder that is not there yet."""
    needs("softhsm2-util")
    folder.mkdir()
    return throw_away_token(folder)


def hsm_at(place: HsmPlace) -> Hsm:
    """Reach a token; no time passes."""
    return Hsm(place, MemoryMonotonicClock())


class RemoteHsm:
    """A token that another process serves over a socket, as an HSM in a network is.

    The server is p11-kit's, and so is the library that this process loads.
    """

    def __init__(self, folder: Path) -> None:
        self._program = needs("p11-kit")
        self._behind = a_token(folder)
        # The library looks for its server once, when it is loaded: a process has one.
        self._socket = Path(tempfile.gettempdir()) / f"rmfs-hsm-{os.getpid()}"
        self._process: subprocess.Popen[str] | None = None
        libraries = Path("/usr/lib").glob("*/pkcs11/p11-kit-client.so")
        module = next(libraries, None)
        if module is None:
            missing("p11-kit-client.so is not here (apt-get install p11-kit-modules)")
        self.place = replace(
            self._behind,
            module=module,
            environment={"P11_KIT_SERVER_ADDRESS": f"unix:path={self._socket}"},
        )

    def start(self) -> None:
        """Serve it, and wait until it is served."""
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                *(self._program, "server", "--foreground", "--name", self._socket),
                *("--provider", self._behind.module),
                f"pkcs11:token={self._behind.token}",
            ],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **self._behind.environment},
        )
        assert self._process.stdout is not None
        assert "P11_KIT_SERVER_ADDRESS" in self._process.stdout.readline()

    def hang(self) -> None:
        """Let it answer nothing, and refuse nothing either."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer what it was asked meanwhile."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Take it away, in the middle of whatever it does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None
            self._socket.unlink(missing_ok=True)


@contextmanager
def a_remote_hsm(folder: Path) -> Iterator[RemoteHsm]:
    """Serve a token for the length of a `with` block."""
    remote = RemoteHsm(folder)
    remote.start()
    try:
        yield remote
    finally:
        remote.kill()
