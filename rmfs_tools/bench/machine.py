"""What a frank costs, what a thousand machines take up, and whether barcodes are read.

Costs are CPU milliseconds of the process, not seconds on the wall: a disk that is slow
to say that it has everything is not the machine's doing. A frank is the whole of one:
weighed, priced, debited in three steps with its keys, and logged, on real files that
are synchronised at every write. With a picture it is also drawn, as PNG at 300 dots an
inch and as SVG, and both are stored.

The fleet is measured in a process of its own, which has franked once with every machine
so that nothing is still to be loaded. Barcodes are those of franks of all classes that
can be weighed, worn as the post wears them (`rmfs_tools.paper`) and read back.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine
from fm_device.firmware.printing import FolderPrinter, MemoryPrinter, Printer
from fm_device.folder import create_machine, open_machine, read_papers, write_file
from fm_device.frank import draw_frank, render_png
from fm_device.presets import preset_machine, read_preset
from hw.clock import SystemWallClock
from hw.entropy import SeededEntropy, SystemEntropy
from hw.scales.simulated import SimulatedScale
from hw.scanner import read_symbols
from protocol.errors import InvariantError
from protocol.keys import Realm
from protocol.values import LicenceIdentifier
from rmfs_server.folder import Settings, create_server
from rmfs_tools.fleet import Item
from rmfs_tools.fleet_memory import make_fleet
from rmfs_tools.paper import degrade, draw_wear

Say = Callable[[str], None]

FRANK_MS_MAX: Final = 20.0
FRANK_PICTURE_MS_MAX: Final = 150.0
FLEET_MB_MAX: Final = 500.0
BARCODE_READ_PCT_LEAST: Final = 99.0
FLEET_MACHINES: Final = 1_000
FRANKS: Final = 200
BARCODES: Final = 1_000
_QUICK: Final = 20
_WARM: Final = 5
_SEED: Final = 3
_FRANKS_EACH: Final = 100
"""As many as the funds of a machine in memory are good for."""
_MAIL: Final = (
    Item(3, "", 18),
    Item(1, "", 3),
    Item(3, "", 140),
    Item(6, "LOCAL", 45),
    Item(4, "", 400),
    Item(2, "", 5),
    Item(8, "OVER", 20),
    Item(3, "", 25),
)
_GRAMS: Final = (5, 18, 20, 55, 140, 400)
_TELL_EVERY: Final = 100
_IN_SERVICE: Final = b"""\
[state]
standing = "IN_SERVICE"
[registers]
descending_paise = 100_000_000_000
[calls]
complete_at = "now"
[clock]
offset_s = 0
"""


@dataclass
class MachineResult:
    """What the run gave; the counts say what it stands on."""

    frank_ms: float
    frank_ms_p95: float
    frank_picture_ms: float
    frank_picture_ms_p95: float
    franks: int
    fleet_1000_mb: float
    fleet_machines: int
    fleet_growth_mb: float
    barcode_read_pct: float
    barcodes: int
    barcodes_read: int

    @property
    def is_good(self) -> bool:
        """Whether every figure keeps its limit."""
        return (
            self.frank_ms <= FRANK_MS_MAX
            and self.frank_picture_ms <= FRANK_PICTURE_MS_MAX
            and self.fleet_1000_mb <= FLEET_MB_MAX
            and self.barcode_read_pct >= BARCODE_READ_PCT_LEAST
        )


def run(say: Say, progress: Say, *, as_json: bool, quick: bool) -> int:
    """Measure, tell, and judge.

    Args:
        say: Told of the results.
        progress: Told of what is going on.
        as_json: End with one line of JSON.
        quick: Measure little, to see that it works.

    Returns:
        0, or 1 when a limit is passed.
    """
    count = _QUICK if quick else FRANKS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder)
        plain = measure_franks(folder, MemoryPrinter(), count)
        progress(f"{count} franks without a picture")
        (folder / "tray").mkdir()
        printer = FolderPrinter(folder / "tray", write_file)
        drawn = measure_franks(folder, printer, count)
        progress(f"{count} franks with a picture")
    machines = _QUICK if quick else FLEET_MACHINES
    total_mb, growth_mb = _measure_fleet(machines)
    progress(f"{machines} machines switched on")
    barcodes = _QUICK if quick else BARCODES
    read = read_back(barcodes, progress)
    result = MachineResult(
        frank_ms=_median(plain),
        frank_ms_p95=_p95(plain),
        frank_picture_ms=_median(drawn),
        frank_picture_ms_p95=_p95(drawn),
        franks=count,
        fleet_1000_mb=round(
            total_mb - growth_mb + growth_mb * FLEET_MACHINES / machines, 1
        ),
        fleet_machines=machines,
        fleet_growth_mb=round(growth_mb, 1),
        barcode_read_pct=round(100 * read / barcodes, 2),
        barcodes=barcodes,
        barcodes_read=read,
    )
    for line in _shown(result):
        say(line)
    if as_json:
        say(json.dumps(asdict(result)))
    return 0 if result.is_good else 1


def measure_franks(folder: Path, printer: Printer, count: int) -> list[float]:
    """Frank on real files.

    Args:
        folder: Holds the machine that `run` has made.
        printer: Where the franks go.
        count: How many are measured, after a few that are not.

    Returns:
        CPU milliseconds of each.
    """
    scale, clock = SimulatedScale(), SystemWallClock()
    taken = []
    with open_machine(
        folder / "machine", clock, "bench", scale=scale, printer=printer
    ) as machine:
        for number in range(_WARM + count):
            scale.put(_GRAMS[number % len(_GRAMS)])
            began = time.process_time()
            done = machine.franking.frank()
            ended = time.process_time()
            _check_printed(done)
            if number >= _WARM:
                taken.append((ended - began) * 1000)
    return taken


def read_back(count: int, progress: Say) -> int:
    """Frank, wear and read; the same seed wears the same.

    Args:
        count: How many franks.
        progress: Told now and then.

    Returns:
        How many were read back, every octet of them.
    """
    fleet = make_fleet(-(-count // _FRANKS_EACH), _SEED, SystemWallClock())
    entropy = SeededEntropy(b"bench %d" % _SEED)
    read = 0
    for number in range(count):
        item = _MAIL[number % len(_MAIL)]
        face = _frank(fleet[number % len(fleet)], item).face
        worn = degrade(render_png(draw_frank(face)), draw_wear(entropy), entropy)
        read += read_symbols(worn) == [face.indicium]
        if (number + 1) % _TELL_EVERY == 0:
            progress(f"{read} of {number + 1} barcodes read")
    return read


def fleet_memory(count: int) -> tuple[float, float]:
    """Switch on so many machines and frank once with each.

    Returns:
        Resident mebibytes of this process then, and how many of them the fleet added.
    """
    clock = SystemWallClock()
    warm = make_fleet(1, _SEED, clock)
    _frank(warm[0], _MAIL[0])
    gc.collect()
    before = _resident_mb()
    fleet = make_fleet(count, _SEED + 1, clock)
    for machine in fleet:
        _frank(machine, _MAIL[0])
    gc.collect()
    after = _resident_mb()
    return after, after - before


def _measure_fleet(count: int) -> tuple[float, float]:
    """Measure in a process of its own, which nothing else has filled."""
    root = str(Path(__file__).parents[2])
    program = (
        "import json; from rmfs_tools.bench.machine import fleet_memory; "
        f"print(json.dumps(fleet_memory({count})))"
    )
    found = subprocess.run(  # noqa: S603  # our own interpreter and our own words
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        check=True,
        text=True,
    )
    total, growth = json.loads(found.stdout)
    return float(total), float(growth)


def _frank(machine: Machine, item: Item) -> Printed:
    scale = machine.parts.scale
    if isinstance(scale, SimulatedScale):
        scale.put(item.grams)
    machine.franking.choose_class(item.product_class)
    machine.franking.choose_zone(item.zone)
    return _check_printed(machine.franking.frank(confirmed=True))


def _check_printed(done: object) -> Printed:
    if not isinstance(done, Printed):
        raise InvariantError(f"the machine of the bench does not frank: {done}")
    return done


def _make(folder: Path) -> None:
    """Make a machine on disk, in service."""
    clock, entropy = SystemWallClock(), SystemEntropy()
    server = folder / "server"
    settings = Settings(name="BENCH", realm=Realm.TEST)
    create_server(server, settings, entropy=entropy, clock=clock)
    papers = read_papers(server / "maker.pem", server / "server.json", Realm.TEST)
    create_machine(
        folder / "machine",
        papers,
        psd_serial="BENCH001",
        licence=LicenceIdentifier("N123456"),
        entropy=entropy,
        clock=clock,
    )
    preset_machine(folder / "machine", read_preset(_IN_SERVICE), clock)


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text("ascii")
    row = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(row.split()[1]) / 1024


def _median(taken: list[float]) -> float:
    return round(statistics.median(taken), 3)


def _p95(taken: list[float]) -> float:
    return round(statistics.quantiles(taken, n=20)[-1], 3)


def _shown(result: MachineResult) -> list[str]:
    drawn, worst = result.frank_picture_ms, "for the slowest twentieth"
    scaled = f"from {result.fleet_growth_mb} MB for {result.fleet_machines}"
    return [
        f"frank      {result.frank_ms:8.2f} ms of CPU, {result.frank_ms_p95} {worst}",
        f"           {FRANK_MS_MAX:8.0f} allowed; {result.franks} measured",
        f"+ picture  {drawn:8.2f} ms, {result.frank_picture_ms_p95} {worst}",
        f"           {FRANK_PICTURE_MS_MAX:8.0f} allowed; {result.franks} measured",
        f"fleet      {result.fleet_1000_mb:8.1f} MB for {FLEET_MACHINES}, {scaled}",
        f"           {FLEET_MB_MAX:8.0f} allowed",
        f"barcodes   {result.barcode_read_pct:8.2f} % of {result.barcodes} read",
        f"           {BARCODE_READ_PCT_LEAST:8.0f} needed",
    ]
