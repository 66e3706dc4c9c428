"""What tests see of a line: sinks, and recharges that were recorded."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fm_device.dial_in import DialInReport
from fm_device.program import dial
from fm_device.psd.device import Psd
from hw.capture import CaptureDirection, LineEvent, NoFrame, create_capture
from hw.lines.exchange import CallPlan, every_call
from hw.seen.keylog import KeyLog
from hw.seen.lines import RecordedDialler
from hw.seen.reading import CaptureReader, SeenRecord
from hw.seen.tap import Tap
from protocol.channel import MachineChannel
from protocol.dialogue.machine import Request
from tests.system import LINE, System

UP = CaptureDirection.FROM_MACHINE
DOWN = CaptureDirection.TO_MACHINE


@dataclass
class SeenSink:
    """A `hw.seen.tap.Sink` that keeps what it is given."""

    frames: list[tuple[CaptureDirection, bytes]] = field(default_factory=list)
    others: list[tuple[CaptureDirection, NoFrame, bytes]] = field(default_factory=list)
    events: list[LineEvent] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def write_frame(
        self, direction: CaptureDirection, octets: bytes, comment: str = ""
    ) -> None:
        self.frames.append((direction, octets))

    def write_no_frame(
        self, direction: CaptureDirection, why: NoFrame, octets: bytes
    ) -> None:
        self.others.append((direction, why, octets))

    def write_event(
        self,
        event: LineEvent,
        words: str = "",
        direction: CaptureDirection | None = None,
    ) -> None:
        self.events.append(event)
        self.words.append(words)


class RawTap(Tap):
    """A tap that keeps the octets as well."""

    def __init__(self, sink: SeenSink) -> None:
        super().__init__(sink)
        self.raw = {UP: b"", DOWN: b""}

    def octets(self, direction: CaptureDirection, octets: bytes) -> None:
        self.raw[direction] += octets
        super().octets(direction, octets)


@dataclass(frozen=True)
class Recording:
    """A dial-in that was recorded.

    Attributes:
        capture: Its pcapng file.
        keys: Its key log.
        report: How it ended.
    """

    capture: Path
    keys: Path
    report: DialInReport

    @property
    def records(self) -> list[SeenRecord]:
        return read_capture(self.capture)


def read_capture(path: Path) -> list[SeenRecord]:
    reader = CaptureReader()
    records = list(reader.records(path.read_bytes()))
    assert reader.is_between_blocks
    return records


def record(
    system: System, request: Request, name: str, plan: CallPlan | None = None
) -> Recording:
    """Dial once, with a capture and a key log beside the system's folder."""
    capture = system.folder.parent / f"{name}.pcapng"
    keys = system.folder.parent / f"{name}.keys"
    log = KeyLog(keys)
    psd = Psd(system.nvram, system.wall, partial(MachineChannel, on_keys=log))
    with create_capture(capture, system.wall, "virtual") as writer:
        report = run_dial(system, psd, request, Tap(writer), plan)
    log.close()
    return Recording(capture, keys, report)


def run_dial(
    system: System, psd: Psd, request: Request, tap: Tap, plan: CallPlan | None = None
) -> DialInReport:
    """Dial once with a tap beside the machine's end of the line."""
    system.plan = plan or every_call(LINE)
    ended: list[DialInReport] = []
    dialler = RecordedDialler(system.line, tap, "virtual")
    dial(psd, request, dialler, system.reactor).addCallback(ended.append)
    system.run(lambda: bool(ended))
    return ended[0]
