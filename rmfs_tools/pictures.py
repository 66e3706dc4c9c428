"""The pictures of docs/machine.md, made by driving the real panel.

    python -m rmfs_tools.pictures          writes docs/pictures/*.svg anew

A server and a machine are made in a temporary folder from seeds; the panel is pressed
as the guide says, and each step is drawn by the terminal's own screenshot. Clock, line
and keys are the same in every run; only signatures differ, which show nowhere but in
the modules of a frank's barcode. A test compares the words of every picture with those
of the panel today.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from textual.pilot import Pilot
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from fm_device.dial_in import DialInReport, OnProgress
from fm_device.folder import create_machine, open_machine, read_papers
from fm_device.frank import draw_frank, render_svg
from fm_device.panel.driver import Panel
from fm_device.panel.terminal import PanelApp
from fm_device.program import OnFrame, dial
from hw.clock import MemoryWallClock
from hw.database import Store
from hw.entropy import SeededEntropy
from hw.lines.exchange import VirtualExchange
from hw.lines.virtual import VirtualLineParameters
from hw.scales.simulated import SimulatedScale
from protocol.channel import ServerChannel
from protocol.dialogue.machine import Request
from protocol.errors import LinkDownError
from protocol.keys import Realm
from protocol.ports import Entropy
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.enrolling import NewLicence
from rmfs_server.folder import Settings, create_server, open_books, read_server
from rmfs_server.funds import import_fund_file
from rmfs_server.limits import Limits
from rmfs_server.store.acts import By
from rmfs_server.writer import ImmediateWriter
from rmfs_tools.parties import FUNDS, LICENCE, LICENSEE, NUMBER, SERIAL

FOLDER: Final = Path(__file__).parent.parent / "docs" / "pictures"
NOON: Final = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
"""12:00 in India, a Monday."""
LINE: Final = VirtualLineParameters(bit_s=9600, delay_s=0.02)
LINE_SHOWN: Final = "tcp:127.0.0.1:7120"
SIZE: Final = (92, 24)
FRANK: Final = "frank"
"""Beside the scenes: the frank itself, as the machine prints it."""
_BLANK: Final = "&#160;"
_CELL: Final = 12.2
"""Width of a character in the terminal's screenshot."""
_TEXT: Final = re.compile(
    r'<text class="(?P<style>[^"]*)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" '
    r'textLength="(?P<length>[\d.]+)"(?P<rest>[^>]*)>(?P<words>[^<]*)</text>'
)
_STEPS_MAX: Final = 100_000

AppPilot = Pilot[None]


@dataclass(frozen=True)
class Scene:
    """A step of the guide: the keys that lead to it, and the name of its picture."""

    name: str
    title: str
    keys: tuple[str, ...]


SCENES: Final = (
    Scene("panel-new", "A machine that has not dialled yet", ()),
    Scene("panel-funds", "FUNDS", ("f",)),
    Scene("panel-amount", "Rs 2,000 are typed", ("1", "2", "0", "0", "0")),
    Scene("panel-recharged", "The recharge is done", ("enter",)),
    Scene("panel-scale", "Something is put on the scale", ("enter", "g", "1", "8")),
    Scene("panel-letter", "A letter of 18 g", ("enter",)),
    Scene("panel-franked", "The frank", ("space",)),
    Scene("panel-class", "Product classes", ("c",)),
    Scene("panel-zone", "Speed post asks how far", ("6",)),
    Scene("panel-speed", "A speed post article", ("2", "space")),
    Scene("panel-count", "A run of franks", ("m", "6", "1", "2")),
    Scene("panel-run", "The run is over", ("enter",)),
    Scene("panel-reports", "REPORT", ("enter", "r")),
    Scene("panel-mailing", "The statement of mailing", ("4",)),
    Scene(
        "panel-cover",
        "The cover is open",
        ("enter", "g", "tab", "tab", "space", "escape", "space"),
    ),
)


def make_pictures(folder: Path) -> dict[str, str]:
    """Drive a panel through every scene.

    Args:
        folder: A new one, for server and machine.

    Returns:
        SVG text by the name of its scene, and the frank itself.
    """
    return asyncio.run(_drive(folder))


def words_of(svg: str) -> list[str]:
    """Read the words of a picture, line by line."""
    lines: dict[float, list[tuple[float, str]]] = {}
    for found in _TEXT.finditer(svg):
        words = unescape(found["words"]).replace("\N{NO-BREAK SPACE}", " ").strip()
        lines.setdefault(float(found["y"]), []).append((float(found["x"]), words))
    return [" ".join(words for _, words in sorted(lines[at])) for at in sorted(lines)]


async def _drive(folder: Path) -> dict[str, str]:
    pictures: dict[str, str] = {}
    with _panel(folder) as panel:
        app = PanelApp(panel, line=LINE_SHOWN, look_every_s=None)
        async with app.run_test(size=SIZE) as pilot:
            for scene in SCENES:
                for key in scene.keys:
                    await pilot.press(key)
                    await settled(pilot)
                await settled(pilot)
                pictures[scene.name] = _plain(app.export_screenshot(title=scene.title))
                if scene.name == "panel-franked" and panel.facts.face is not None:
                    pictures[FRANK] = render_svg(draw_frank(panel.facts.face))
    return pictures


async def settled(pilot: AppPilot) -> None:
    """Wait until no dial-in is under way and everything is drawn."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def _plain(svg: str) -> str:
    """Take away what a viewer would fetch from elsewhere, and blanks around words.

    Some viewers drop blanks at the beginning of a text, and everything moves: so the
    text begins at its first word instead.
    """
    without = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    without = without.replace("Fira Code, monospace", "monospace")
    without = _TEXT.sub(_tight, without)
    return "\n".join(line.rstrip() for line in without.splitlines()) + "\n"


def _tight(found: re.Match[str]) -> str:
    words = found["words"]
    text = words.replace(_BLANK, " ").strip(" ").replace(" ", _BLANK)
    if not text:
        return ""
    before = re.match(f"(?:{_BLANK})*", words)
    blanks = (words.count(_BLANK) - text.count(_BLANK)) * _CELL
    x = float(found["x"]) + (before.end() // len(_BLANK) if before else 0) * _CELL
    length = float(found["length"]) - blanks
    return (
        f'<text class="{found["style"]}" x="{x:g}" y="{found["y"]}" '
        f'textLength="{length:g}"{found["rest"]}>{text}</text>'
    )


class _Office:
    """A recharge server in virtual time, and the line to it."""

    def __init__(self, store: Store, folder: Path, clock: MemoryWallClock) -> None:
        server = read_server(folder)
        self._reactor = Clock()
        self._exchange = Exchange(
            reactor=self._reactor,
            books=Books(store, server.credit_key, SeededEntropy(b"marks")),
            writer=ImmediateWriter(),
            make_channel=lambda: ServerChannel(server.identity),
            wall_clock=clock,
            limits=Limits(),
        )
        self.panel: Panel | None = None

    def __call__(
        self, request: Request, on_progress: OnProgress, on_frame: OnFrame
    ) -> DialInReport:
        """Dial in, stepping from one due time to the next."""
        if self.panel is None:
            raise LinkDownError("there is no machine yet")
        between = VirtualExchange(self._reactor, lambda _call: LINE)
        between.listen(self._exchange.answer)
        ended: list[Any] = []
        dial(
            self.panel.machine.psd,
            request,
            between,
            self._reactor,
            on_progress=on_progress,
            on_frame=on_frame,
        ).addBoth(ended.append)
        for _ in range(_STEPS_MAX):
            calls = self._reactor.getDelayedCalls()
            if ended or not calls:
                break
            due = min(call.getTime() for call in calls)
            self._reactor.advance(max(0.0, due - self._reactor.seconds()))
        if isinstance(ended[0], Failure):
            ended[0].raiseException()
        report: DialInReport = ended[0]
        return report


@contextmanager
def _panel(folder: Path) -> Iterator[Panel]:
    clock, entropy = MemoryWallClock(NOON), SeededEntropy(b"pictures")
    _make(folder, clock, entropy)
    with (
        open_books(folder / "rmfs-server") as store,
        open_machine(
            folder / "office-1", clock, "pictures", scale=SimulatedScale()
        ) as machine,
    ):
        office = _Office(store, folder / "rmfs-server", clock)
        panel = Panel(machine, office)
        office.panel = panel
        yield panel


def _make(folder: Path, clock: MemoryWallClock, entropy: Entropy) -> None:
    """Make what `rmfs server init`, `rmfs machine new` and the rest would make."""
    server_folder, machine_folder = folder / "rmfs-server", folder / "office-1"
    server = create_server(
        server_folder,
        Settings(name="TEST-OEM", realm=Realm.TEST),
        entropy=entropy,
        clock=clock,
    )
    papers = read_papers(
        server_folder / "maker.pem", server_folder / "server.json", Realm.TEST
    )
    create_machine(
        machine_folder,
        papers,
        psd_serial=SERIAL,
        licence=LICENCE,
        entropy=entropy,
        clock=clock,
    )
    enrolment = server.read_enrolment(machine_folder / "provisioning.json")
    text = files("rmfs_tools").joinpath("samples", FUNDS).read_bytes()
    with open_books(server_folder) as store:
        Administration(store, server.credit_key).enrol(
            enrolment,
            NewLicence(NUMBER, LICENSEE, date(2031, 8, 15)),
            By("rmfs", "made for pictures", clock.now()),
        )
        import_fund_file(store, text, clock.now())


def main(say: Callable[[str], None] = print) -> int:
    """Write the pictures of the guide anew."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, svg in make_pictures(Path(folder)).items():
            (FOLDER / f"{name}.svg").write_text(svg, "utf-8")
            say(f"{FOLDER.name}/{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
