"""The line of a panel: dial-ins in real time, in whatever thread asks for them."""

from pathlib import Path
from typing import Final

from fm_device.dial_in import DialInReport, OnProgress
from fm_device.firmware.machine import Machine
from fm_device.program import OnFrame, run_dial_in
from hw.clock import WallClock
from hw.lines.strings import LineAddress
from protocol.dialogue.machine import Request

ATTEMPTS: Final = 3
"""How often a dial-in is tried by itself when the line fails; then the operator is."""


class SystemLine:
    """Dials a line string; a `fm_device.panel.driver.Line`."""

    def __init__(
        self,
        machine: Machine,
        line: LineAddress,
        clock: WallClock,
        capture: Path | None = None,
        *,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Say where to dial.

        Args:
            machine: Whose dial-ins they are.
            line: Where.
            clock: For the time stamps of captures.
            capture: Where the first dial-in is captured; those after it get a number
                behind the name.
            attempts: How often one dial-in is tried when the line fails.
        """
        self._machine = machine
        self._line = line
        self._clock = clock
        self._capture = capture
        self._attempts = attempts
        self._dialled = 0

    def __call__(
        self, request: Request, on_progress: OnProgress, on_frame: OnFrame
    ) -> DialInReport:
        """Dial in and wait for the end.

        Raises:
            RmfsError: What stopped the machine itself.
        """
        self._dialled += 1
        return run_dial_in(
            self._machine.psd,
            request,
            self._line,
            attempts=self._attempts,
            clock=self._clock,
            capture=self._numbered(),
            on_progress=on_progress,
            on_frame=on_frame,
            signals=False,
        )

    def _numbered(self) -> Path | None:
        if self._capture is None or self._dialled == 1:
            return self._capture
        name = f"{self._capture.stem}-{self._dialled}{self._capture.suffix}"
        return self._capture.with_name(name)
