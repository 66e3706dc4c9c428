"""A real terminal server before a pseudo-terminal: Debian's ser2net.

It is not asked whether it is ready by calling it: a call opens its device.
"""

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.free_ports import free_port
from tests.witness.programs import needs

START_TIMEOUT_S: Final = 20.0
_LOOK_S: Final = 0.02
_LISTENING: Final = "0A"

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "terminal-servers.md"
DOCUMENTED: Final = ("127.0.0.1,7200", "/dev/ttyUSB0")
"""Address and device of the configuration that the document shows."""


def configuration(port: int, device: str) -> str:
    """Write the configuration that the document shows, for a port and a device."""
    shown = DOCUMENT.read_text().partition("```yaml\n")[2].partition("```")[0]
    for said in DOCUMENTED:
        assert said in shown
    address, shown_device = DOCUMENTED
    shown = shown.replace(address, f"127.0.0.1,{port}")
    return shown.replace(shown_device, device)


class TerminalServer:
    """ser2net at a free port of this host, in front of one device.

    Attributes:
        port: The TCP port.
    """

    def __init__(self, folder: Path, device: str) -> None:
        program = needs("ser2net")
        self.port = free_port()
        file = folder / "ser2net.yaml"
        file.write_text(configuration(self.port, device))
        self._process = subprocess.Popen(
            [program, "-n", "-c", file, "-P", folder / "ser2net.pid"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _is_listening(self.port):
            assert time.monotonic() < deadline, "ser2net does not listen"
            try:
                code = self._process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"ser2net ended with {code}")
        return self

    def kill(self) -> None:
        """SIGKILL: it hangs nothing up itself."""
        self._process.kill()
        self._process.wait(START_TIMEOUT_S)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(START_TIMEOUT_S)


def _is_listening(port: int) -> bool:
    # Source: proc_pid_net(5): the second field is the local address, the fourth the
    # state, all in hexadecimal digits.
    rows = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    local = f"0100007F:{port:04X}"
    return any(row.split()[1:4:2] == [local, _LISTENING] for row in rows)
