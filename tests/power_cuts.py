"""A machine whose power fails at any write of either of its memories.

PSD and flash hang on one supply: when it fails at a write of the one, the other is dead
as well. `after_every_cut` tells a story once to the end, to learn its writes, and then
once for each cut, and gives the machine as it is found when it is switched on again: a
new machine over what the memories hold, with the same clock, scale and paper.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from fm_device.firmware.machine import Machine, Parts
from fm_device.firmware.printing import MemoryPrinter
from fm_device.frank import FrankFace
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram, Nvram, PowerCut, PowerCutError, every_power_cut
from hw.scales.simulated import SimulatedScale
from tests.machines import Bench
from tests.recharge_office import Office
from tests.witness.small_server import Channels

LETTER_G = 18
"""What lies on the scale of every machine here."""
EVERY = pytest.mark.parametrize(
    "every",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["some octets", "many octets"],
)
"""At how many octets of each write it is cut: many in the longer tier."""


class NotingPrinter(MemoryPrinter):
    """A printer that keeps every frank: what is on paper stays there."""

    def __init__(self) -> None:
        super().__init__()
        self.faces: list[FrankFace] = []

    def put(self, face: FrankFace) -> None:
        super().put(face)
        self.faces.append(face)

    @property
    def items(self) -> list[int]:
        """Numbers of the franks that came out, in order."""
        return [face.item for face in self.faces if face.item is not None]


@dataclass(frozen=True)
class Strike:
    """A moment at which the power fails.

    Attributes:
        cut: Where, counting the writes of both memories together.
        garbage: The octets that were being written hold anything.
    """

    cut: PowerCut
    garbage: bool = False


class Supply:
    """The power of both memories: counts their writes, and fails where it is told.

    Attributes:
        lengths: Octets of each write since the supply was armed.
        memories: Which memory each of these writes went to.
    """

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.memories: list[str] = []
        self.dead = False
        self._strike: Strike | None = None

    def arm(self, strike: Strike | None) -> None:
        """Count from now on, and fail where the strike says."""
        self.lengths.clear()
        self.memories.clear()
        self._strike = strike

    def feed(self, name: str, inner: Nvram) -> "FedNvram":
        """Hang a memory on this supply."""
        return FedNvram(self, name, inner)

    def check(self) -> None:
        if self.dead:
            raise PowerCutError("the power is off")

    def write(self, name: str, inner: Nvram, address: int, octets: bytes) -> None:
        self.check()
        self.lengths.append(len(octets))
        self.memories.append(name)
        strike = self._strike
        if strike is None or strike.cut.at_write != len(self.lengths):
            inner.write(address, octets)
            return
        self.dead = True
        torn = strike.cut.torn_octets
        stored = octets if torn is None else octets[:torn]
        if strike.garbage:
            noise = SeededEntropy(b"page %d" % strike.cut.at_write)
            stored += noise.octets(len(octets) - len(stored))
        if stored:
            inner.write(address, stored)
        raise PowerCutError(f"the power failed at write {len(self.lengths)}")


class FedNvram:
    """One memory on a supply."""

    def __init__(self, supply: Supply, name: str, inner: Nvram) -> None:
        self._supply = supply
        self._name = name
        self._inner = inner

    @property
    def size_octets(self) -> int:
        return self._inner.size_octets

    def read(self, address: int, length: int) -> bytes:
        self._supply.check()
        return self._inner.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        self._supply.write(self._name, self._inner, address, octets)


@dataclass
class CutBench(Bench):
    """A bench whose power may fail, and a printer that keeps everything.

    Attributes:
        supply: The power.
        paper: The printer, which is not cleared by a new start.
        office: The server that it dials in to.
    """

    supply: Supply
    paper: NotingPrinter
    office: Office = field(default_factory=Office)

    def switch_on_again(self, *, cut: Strike | None = None) -> None:
        """Put a new machine over what the memories hold, and switch it on.

        Args:
            cut: Where the power fails in this start, or None: it does not.
        """
        self.supply = Supply()
        self.supply.arm(cut)
        old = self.machine
        parts = replace(
            old.parts,
            nvram=self.supply.feed("psd", self.nvram),
            flash=self.supply.feed("flash", self.flash),
        )
        self.machine = Machine(parts, old.sensors)
        self.machine.switch_on()


def copy_of(bench: Bench) -> CutBench:
    """Copy a machine: the same memories, time and surroundings; it is off."""
    supply = Supply()
    nvram, flash = MemoryNvram(bench.nvram.image()), MemoryNvram(bench.flash.image())
    scale, paper = SimulatedScale(), NotingPrinter()
    scale.put(LETTER_G)
    clock = MemoryWallClock(bench.clock.utc())
    channels = Channels(real=bench.channels.real)
    parts = Parts(
        supply.feed("psd", nvram),
        supply.feed("flash", flash),
        clock,
        scale,
        paper,
        channels.machine,
        replace(bench.machine.parts.seal),
    )
    machine = Machine(parts, bench.machine.sensors)
    office = Office()
    if isinstance(bench, CutBench):
        paper.faces = list(bench.paper.faces)
        office = bench.office.copy()
    return CutBench(
        machine, scale, clock, paper, nvram, flash, channels, supply, paper, office
    )


Act = Callable[[CutBench], object]


def switch_on(bench: CutBench) -> None:
    """The first step of most stories."""
    bench.machine.switch_on()


@dataclass(frozen=True)
class Found:
    """What a cut left behind, switched on again.

    Attributes:
        strike: The cut.
        memory: Which memory was being written: ``psd`` or ``flash``.
        bench: The machine, on again with whole power.
    """

    strike: Strike
    memory: str
    bench: CutBench


def after_every_cut(
    bench: Bench,
    act: Act,
    *,
    prepare: Act = switch_on,
    every: bool = False,
    stride: int = 1,
    only: int = 1,
) -> Iterator[Found]:
    """Cut the power before, inside and after each write of an act.

    Args:
        bench: The machine before; it is not touched.
        act: What is cut.
        prepare: What comes before, with whole power, each time anew.
        every: Cut at every octet of every write, not at some.
        stride: With `every`, at each octet of so many.
        only: Try one cut of so many.
    """
    found = strikes_of(bench, act, prepare=prepare, every=every, stride=stride)
    for strike, memory in found[::only]:
        struck = struck_by(bench, act, strike, prepare=prepare)
        struck.switch_on_again()
        yield Found(strike, memory, struck)


def strikes_of(
    bench: Bench,
    act: Act,
    *,
    prepare: Act = switch_on,
    every: bool = False,
    stride: int = 1,
) -> list[tuple[Strike, str]]:
    """List every cut of an act, with the memory that it strikes."""
    whole = copy_of(bench)
    prepare(whole)
    whole.supply.arm(None)
    act(whole)
    lengths, memories = tuple(whole.supply.lengths), tuple(whole.supply.memories)
    assert lengths, "an act without a write cannot be cut"
    return [
        (Strike(cut, garbage), memories[cut.at_write - 1])
        for cut in every_power_cut(lengths)
        for garbage in (False, True)
        if _is_tried(cut, lengths[cut.at_write - 1], garbage, every, stride)
    ]


def struck_by(
    bench: Bench, act: Act, strike: Strike, *, prepare: Act = switch_on
) -> CutBench:
    """Let the power fail once; the machine is left as it was when it failed."""
    struck = copy_of(bench)
    prepare(struck)
    struck.supply.arm(strike)
    with pytest.raises(PowerCutError):
        act(struck)
    return struck


def _is_tried(
    cut: PowerCut, length: int, garbage: bool, every: bool, stride: int
) -> bool:
    """Choose cuts at the edges of a write, in its head, its middle and its checksum."""
    torn = cut.torn_octets
    if torn is None:
        return not garbage
    if garbage:
        return torn in (1, length // 2)
    if every:
        return torn % stride == 0 or torn == length - 1
    return torn in (0, 1, 13, length // 2, length - 9, length - 1)
