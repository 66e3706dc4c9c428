"""The real panel, pressed by keys: the terminal, the machine, and a real server."""

import asyncio
import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot
from textual.widgets import Checkbox, Static, TabbedContent

from fm_device.folder import open_machine
from fm_device.panel.driver import Panel
from fm_device.panel.keys import DialBegan, DialEnded
from fm_device.panel.lines import SystemLine
from fm_device.panel.terminal import Display, LargeFrank, PanelApp
from fm_device.psd.pins import Role
from hw.clock import SystemWallClock
from hw.lines.strings import parse_line_string
from hw.scales.simulated import SimulatedScale
from protocol.registers import MachineState
from rmfs_tools.cli import EXIT_DONE, EXIT_USAGE
from rmfs_tools.pictures import FOLDER, FRANK, SCENES, make_pictures, settled, words_of
from tests.machines import Bench, a_machine
from tests.processes import ROOT, TIMEOUT_S, UNSIGNED, Server, done, rmfs

SMALL: Final = (80, 24)
FUND_FILE: Final = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"

AppPilot = Pilot[None]

# textual-image reads pixels by a method that Pillow 14 will no longer have.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Image.Image.getdata is deprecated:DeprecationWarning"
)


def run(
    panel: Panel,
    story: Callable[[PanelApp, AppPilot], Coroutine[Any, Any, None]],
    size: tuple[int, int] = SMALL,
) -> None:
    """Run a story in a terminal of the smallest size."""

    async def play() -> None:
        app = PanelApp(panel, look_every_s=None)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await story(app, pilot)

    asyncio.run(play())


async def press(pilot: AppPilot, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def shown(app: PanelApp) -> str:
    """What stands on the display of the terminal."""
    return str(app.query_one("#display", Display).render())


def words(app: PanelApp, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


@pytest.fixture
def bench() -> Bench:
    return a_machine()


@pytest.fixture
def panel(bench: Bench) -> Panel:
    return Panel(bench.machine)


def test_a_letter_is_weighed_and_franked_by_keyboard_alone(
    bench: Bench, panel: Panel
) -> None:
    async def story(app: PanelApp, pilot: AppPilot) -> None:
        await press(pilot, "g", "1", "8", "enter")
        assert "18 g" in shown(app)
        await press(pilot, "space")
        assert "FRANKED Rs 5.00, item 1" in shown(app)
        assert words(app, "frank-words").startswith("VALID, Rs 5.00")
        assert app.query_one("#tabs", TabbedContent).active == "frank"
        await press(pilot, "v")
        assert isinstance(app.screen, LargeFrank)
        await press(pilot, "escape")
        assert app.focused is app.query_one("#display")

    run(panel, story)
    assert bench.machine.record.registers.ascending_paise == 500


def test_a_run_is_franked_and_a_key_stops_it_between_two_items(
    bench: Bench, panel: Panel
) -> None:
    async def story(app: PanelApp, pilot: AppPilot) -> None:
        await press(pilot, "g", "1", "8", "enter", "m", "6", "7", "enter")
        assert shown(app).startswith("7 of 7 franked")
        for key in ("m", "6", "9", "9", "9"):
            await pilot.press(key)
        await pilot.press("enter", "escape")
        await settled(pilot)
        assert "of 999 franked" in shown(app)
        assert shown(app).startswith("STOPPED: ")

    run(panel, story)
    assert 7 <= bench.machine.record.registers.items < 999 + 7


def test_a_weight_that_is_none_changes_nothing(bench: Bench, panel: Panel) -> None:
    async def story(app: PanelApp, pilot: AppPilot) -> None:
        for text in ("x", "-5", "nan", "1e9"):
            await press(pilot, "g")
            app.query_one("#grams").clear()  # type: ignore[attr-defined]
            await press(pilot, *("minus" if one == "-" else one for one in text))
            await press(pilot, "enter")
            assert " 0 g" in shown(app)

    run(panel, story)


def test_an_open_cover_is_a_fault_until_it_is_closed(
    bench: Bench, panel: Panel
) -> None:
    bench.scale.put(18)

    async def story(app: PanelApp, pilot: AppPilot) -> None:
        box = app.query_one("#cover", Checkbox)
        await press(pilot, "g", "tab", "tab", "space")
        assert bench.machine.sensors.cover_open
        assert "FAULT" in words(app, "lamps")
        await press(pilot, "escape", "space")
        assert "COVER OPEN" in shown(app)
        assert "PRN-07-001" in shown(app)
        await press(pilot, "g", "tab", "tab", "space", "escape", "space")
        assert not box.value
        assert "FRANKED" in shown(app)

    run(panel, story)


def test_every_trouble_around_the_machine_is_provoked_and_mended(
    bench: Bench, panel: Panel
) -> None:
    async def story(app: PanelApp, pilot: AppPilot) -> None:
        for box in app.query(Checkbox):
            box.toggle()
            await settled(pilot)
            if box.id != "tape":
                assert panel.facts.stop is not None, box.id
            box.toggle()
            await settled(pilot)
            assert panel.facts.stop is None, box.id

    run(panel, story)


def test_a_wrong_pin_is_told_and_the_right_one_franks(
    bench: Bench, panel: Panel
) -> None:
    bench.machine.desk.set_pin(Role.OPERATOR, "4711")
    bench.machine.desk.change(pins_on=True)
    bench.scale.put(18)

    async def story(app: PanelApp, pilot: AppPilot) -> None:
        await press(pilot, "space", *"1111", "enter")
        assert "WRONG PIN: try again" in shown(app)
        assert bench.machine.record.registers.items == 0
        await press(pilot, *"4711", "enter")
        assert "FRANKED" in shown(app)

    run(panel, story)


def test_a_report_lies_beside_the_machine_as_paper(bench: Bench, panel: Panel) -> None:
    bench.franked()

    async def story(app: PanelApp, pilot: AppPilot) -> None:
        await press(pilot, "r", "4")
        assert app.query_one("#tabs", TabbedContent).active == "paper"
        assert "STATEMENT OF MAILING" in words(app, "sheet")
        await press(pilot, "pagedown", "t")
        assert app.query_one("#tabs", TabbedContent).active == "around"

    run(panel, story)


def test_a_key_cap_can_be_clicked(bench: Bench, panel: Panel) -> None:
    bench.scale.put(18)

    async def story(app: PanelApp, pilot: AppPilot) -> None:
        await pilot.click(".frank")
        await settled(pilot)
        assert "FRANKED" in shown(app)
        await pilot.click(".power")
        await settled(pilot)
        assert shown(app).strip() == ""

    run(panel, story)


def test_a_machine_that_is_switched_off_is_dark_and_comes_back(
    bench: Bench, panel: Panel
) -> None:
    async def story(app: PanelApp, pilot: AppPilot) -> None:
        await press(pilot, "p")
        assert not bench.machine.is_on
        assert app.query_one("#display").has_class("dark")
        await press(pilot, "space", "p")
        assert "IN SERVICE" in shown(app)

    run(panel, story)


def test_the_panel_fits_eighty_columns_and_twenty_four_lines(panel: Panel) -> None:
    async def story(app: PanelApp, _pilot: AppPilot) -> None:
        for widget in app.query(".cap, #display, #lamps, #hint, #help"):
            region = widget.region
            assert region.right <= SMALL[0], widget
            assert region.bottom <= SMALL[1], widget
            assert region.area, widget
            # Nothing is cut off by what it stands in.
            assert app.screen.find_widget(widget).visible_region == region, widget

    run(panel, story)


@dataclass(frozen=True)
class Office:
    """A server's folder and a machine that is enrolled there and has funds."""

    server: Path
    machine: Path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    office = Office(folder / "rmfs-server", folder / "office-1")
    done("server", "init", "--server", office.server)
    done(
        *("machine", "new", office.machine, "--licence", "N123456"),
        *("--maker", office.server / "maker.pem"),
        *("--server", office.server / "server.json"),
    )
    done(
        *("server", "enrol", office.machine / "provisioning.json"),
        *("--server", office.server, "--number", "KN0600065"),
        *("--licensee", "Bharat Stationers, Bengaluru", "--expires", "2031-08-15"),
    )
    done("server", "import-funds", FUND_FILE, *UNSIGNED, "--server", office.server)
    return folder


@pytest.fixture
def office(prepared: Path, tmp_path: Path) -> Office:
    """A copy of the prepared folders, to be changed at will."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return Office(tmp_path / "rmfs-server", tmp_path / "office-1")


def test_a_recharge_runs_over_a_real_line_and_a_letter_is_franked(
    office: Office, tmp_path: Path
) -> None:
    clock, scale = SystemWallClock(), SimulatedScale()
    capture = tmp_path / "panel.pcapng"

    async def story(app: PanelApp, pilot: AppPilot) -> None:
        assert "INSTALLED" in shown(app)
        await press(pilot, "f", "1", *"2000", "enter")
        assert "RECHARGED" in shown(app)
        assert "Rs 2,000.00" in shown(app)
        assert "GREETING_1" in words(app, "frames")
        await press(pilot, "enter", "g", "1", "8", "enter", "space")
        assert "FRANKED Rs 5.00, item 1" in shown(app)
        await press(pilot, "f", "2")
        assert "INSPECTED" in shown(app)

    with (
        Server(office.server) as server,
        open_machine(office.machine, clock, "test", scale=scale) as machine,
    ):
        line = SystemLine(machine, parse_line_string(server.line), clock, capture)
        run(Panel(machine, line), story)
        assert machine.psd.state is MachineState.IN_SERVICE
        assert machine.record.registers.descending_paise == 199_500
        assert not machine.record.unclosed
    assert capture.stat().st_size
    assert capture.with_name("panel-2.pcapng").stat().st_size


def test_a_line_that_nobody_answers_is_told_and_the_keys_come_back(
    office: Office,
) -> None:
    clock = SystemWallClock()

    async def story(app: PanelApp, pilot: AppPilot) -> None:
        await press(pilot, "f", "2")
        assert "DIAL-IN FAILED" in shown(app)
        assert not app.dialling
        await press(pilot, "enter")
        assert "INSTALLED" in shown(app)

    with open_machine(office.machine, clock, "test") as machine:
        line = SystemLine(
            machine, parse_line_string("tcp:127.0.0.1:1"), clock, attempts=1
        )
        run(Panel(machine, line), story)


class Terminal:
    """A terminal of the system, with `rmfs` running in it."""

    def __init__(self, *arguments: object) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rmfs_tools", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._seen = b""

    def shows(self, words: str) -> None:
        """Wait until these words were drawn since the last key."""
        while words.encode() not in self._seen:
            ready, _, _ = select.select([self._ours], [], [], TIMEOUT_S)
            assert ready, f"it never showed {words!r}: {self._seen!r}"
            self._seen += os.read(self._ours, 65_536)

    def press(self, keys: str) -> None:
        self._seen = b""
        os.write(self._ours, keys.encode())

    def ended(self) -> int:
        """Read to its end, as a terminal does; the exit code."""
        with contextlib.suppress(OSError):
            while os.read(self._ours, 65_536):
                pass
        return self.process.wait(TIMEOUT_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


def test_the_command_runs_in_a_terminal_of_the_system(
    office: Office, tmp_path: Path
) -> None:
    capture, franks = tmp_path / "panel.pcapng", tmp_path / "franks"
    with Server(office.server) as server:
        terminal = Terminal(
            *("machine", "panel", office.machine, "--line", server.line),
            *("--scale", "simulated:?grams=18", "--pictures", franks),
            *("--capture", capture),
        )
        try:
            terminal.shows("Dial in once to begin")
            terminal.press("z")
            terminal.shows("SPECIMEN imprint")
            terminal.press("f")
            terminal.shows("Dial in for an inspection")
            terminal.press("2")
            terminal.shows("INSPECTED")
            terminal.press("q")
            assert terminal.ended() == EXIT_DONE
        finally:
            terminal.close()
    assert capture.stat().st_size
    assert {path.suffix for path in franks.iterdir()} == {".png", ".svg"}


def test_without_a_terminal_the_command_says_what_it_needs(tmp_path: Path) -> None:
    said = rmfs("machine", "panel", tmp_path)
    assert said.code == EXIT_USAGE
    assert "a panel needs a terminal" in said.err


def test_nobody_leaves_before_the_end_of_a_dial_in_is_shown(
    bench: Bench, panel: Panel
) -> None:
    """Its thread may still be at work then; a key that comes at once counts."""

    async def story(app: PanelApp, pilot: AppPilot) -> None:
        app.dialling = True
        panel.hear(DialBegan(""))
        await press(pilot, "q")
        assert app.is_running
        app._hear(DialEnded(("INSPECTED",)))
        assert "INSPECTED" in shown(app)
        await press(pilot, "q")
        assert not app.is_running

    run(panel, story)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_words_of_a_picture_are_those_of_the_panel_today(
    pictures: dict[str, str], scene: Any
) -> None:
    stored = (FOLDER / f"{scene.name}.svg").read_text("utf-8")
    assert words_of(stored) == words_of(pictures[scene.name]), (
        "make them anew: python -m rmfs_tools.pictures"
    )


def test_every_picture_is_in_the_guide_and_the_guide_has_no_other() -> None:
    guide = (ROOT / "docs" / "machine.md").read_text("utf-8")
    for path in FOLDER.iterdir():
        assert f"pictures/{path.name}" in guide, path.name
    for scene in SCENES:
        assert f"pictures/{scene.name}.svg" in guide


def test_the_frank_in_the_guide_is_the_one_of_its_pictures(
    pictures: dict[str, str],
) -> None:
    def printed(svg: str) -> list[str]:
        return re.findall(r">([^<]+)</text>", svg)

    stored = (FOLDER / f"{FRANK}.svg").read_text("utf-8")
    assert printed(stored) == printed(pictures[FRANK])


def test_no_picture_fetches_anything() -> None:
    for path in FOLDER.glob("*.svg"):
        text = path.read_text("utf-8")
        assert "@font-face" not in text
        assert "url(http" not in text
