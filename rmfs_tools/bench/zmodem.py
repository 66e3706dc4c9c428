"""ZMODEM by `sz` and `rz` (Debian's lrzsz) over virtual lines, as a peer to measure.

Each program has a pseudo-terminal of its own, and the product's virtual line carries
octets between the two, in real time. All lines run side by side.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import tty
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from hw.lines.port import Line, LineLoss
from hw.lines.virtual import VirtualLine, VirtualLineParameters
from hw.reactor import MonotonicReactor
from rmfs_tools.parties import run_on_a_reactor

GIVEN_UP_S: Final = 60.0
_LOOK_S: Final = 0.05
_STARTING_S: Final = 1.0
"""Lines are laid so much after the programs have started: what comes before they have
set their terminals is lost."""
_READ_OCTETS: Final = 16_384


@dataclass(frozen=True)
class Zmodem:
    """Where the two programs are."""

    sends: str
    receives: str


def find_zmodem() -> Zmodem | None:
    """Find both programs, if they are on this computer."""
    sends, receives = shutil.which("sz"), shutil.which("rz")
    return Zmodem(sends, receives) if sends and receives else None


def send_by_zmodem(
    zmodem: Zmodem, octets: bytes, lines: Sequence[VirtualLineParameters]
) -> list[float | None]:
    """Send octets over each line, all at the same time.

    Returns:
        Seconds for each line; None where it did not arrive whole within a minute.
    """
    reactor = MonotonicReactor()
    with tempfile.TemporaryDirectory(prefix="rmfs-zmodem-") as folder:
        sent = Path(folder) / "sent.bin"
        sent.write_bytes(octets)
        transfers = []
        for number, line in enumerate(lines):
            place = Path(folder) / f"line-{number}"
            place.mkdir()
            transfers.append(_Transfer(reactor, zmodem, sent, place, line))
            transfers[-1].start()

        def whole() -> "Deferred[None]":
            over = gatherResults(
                [
                    deferLater(reactor, _STARTING_S, transfer.connect)
                    for transfer in transfers
                ]
            )
            return over.addCallback(lambda _: None)

        try:
            run_on_a_reactor(reactor, whole)
        finally:
            for transfer in transfers:
                transfer.end()
        return [transfer.took_s for transfer in transfers]


class _Transfer:
    """One file over one line."""

    def __init__(
        self,
        reactor: MonotonicReactor,
        zmodem: Zmodem,
        sent: Path,
        place: Path,
        parameters: VirtualLineParameters,
    ) -> None:
        self.took_s: float | None = None
        self._reactor = reactor
        self._sent = sent
        self._arrived = place / sent.name
        self._parameters = parameters
        self._over: Deferred[None] = Deferred()
        self._sender = _Program(
            reactor, [zmodem.sends, "--binary", "--quiet", str(sent)], place
        )
        self._receiver = _Program(
            reactor, [zmodem.receives, "--binary", "--quiet"], place
        )
        self._began_at = 0.0

    def start(self) -> None:
        self._sender.start()
        self._receiver.start()

    def connect(self) -> "Deferred[None]":
        self._began_at = self._reactor.seconds()
        VirtualLine(self._reactor, self._parameters, self._sender, self._receiver)
        self._reactor.callLater(_LOOK_S, self._look)
        return self._over

    def end(self) -> None:
        """Let go of both programs."""
        self._sender.end()
        self._receiver.end()

    def _look(self) -> None:
        took_s = self._reactor.seconds() - self._began_at
        # The programs may go on to say goodbye, for half a minute where a word is lost.
        if self._is_whole():
            self.took_s = took_s
        if self.took_s or self._receiver.is_over or took_s > GIVEN_UP_S:
            self.end()
            self._over.callback(None)
        else:
            self._reactor.callLater(_LOOK_S, self._look)

    def _is_whole(self) -> bool:
        try:
            return self._arrived.read_bytes() == self._sent.read_bytes()
        except OSError:
            return False


class _Program(FileDescriptor):
    """A program on a pseudo-terminal, which is one end of a line."""

    def __init__(
        self, reactor: MonotonicReactor, command: list[str], place: Path
    ) -> None:
        super().__init__(reactor)
        self._command = command
        self._place = place
        self._here: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Line | None = None

    @property
    def is_over(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        here, there = os.openpty()
        tty.setraw(there)
        os.set_blocking(here, False)
        self._process = subprocess.Popen(  # noqa: S603  # ours, found by name
            self._command,
            cwd=self._place,
            stdin=there,
            stdout=there,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(there)
        self._here = here

    def line_up(self, line: Line) -> None:
        self._line = line
        self.startReading()  # type: ignore[no-untyped-call]

    def octets_received(self, octets: bytes) -> None:
        # A terminal that is full loses what comes, as a UART without flow control.
        if self._here is not None:
            with contextlib.suppress(OSError):
                os.write(self._here, octets)

    def line_lost(self, loss: LineLoss) -> None:
        self._line = None

    def end(self) -> None:
        """End the program, and let go of its terminal."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._here is not None:
            self.stopReading()  # type: ignore[no-untyped-call]
            os.close(self._here)
            self._here = None
        if self._line is not None:
            self._line.drop()

    def fileno(self) -> int:
        return -1 if self._here is None else self._here

    def doRead(self) -> None:  # noqa: N802  # Twisted's name
        if self._here is None:
            return
        try:
            octets = os.read(self._here, _READ_OCTETS)
        except BlockingIOError:
            return
        except OSError:
            # The program has closed its terminal.
            self.stopReading()  # type: ignore[no-untyped-call]
            return
        if self._line is not None and octets:
            self._line.send(octets)

    def connectionLost(self, reason: Failure) -> None:  # noqa: N802  # Twisted's name
        """The reactor has let go; `end` closes the terminal."""
