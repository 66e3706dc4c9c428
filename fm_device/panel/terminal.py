"""A panel in a terminal: display, keys and lamps at the left, the rest at the right.

Beside the machine stand the line with its frames, the last frank as a picture, the last
report as paper, and what is around the machine: the scale's pan, cover, ink, tape.
Everything is done by keyboard; what can be clicked is only a second way.

The machine is used by one thread, never by the one that draws: a scale that answers
late, or a dial-in, holds no drawing up.
"""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, Final, TypeVar

from PIL import Image
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.css.query import NoMatches
from textual.events import Click
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, Label, Static, TabbedContent, TabPane
from textual_image.renderable import Image as BestRenderable
from textual_image.renderable import UnicodeImage as UnicodeRenderable
from textual_image.widget import AutoImage, HalfcellImage, SixelImage
from textual_image.widget import Image as BestImage

from fm_device.firmware.consumables import INK_UL_FULL, TAPE_MM_FULL
from fm_device.firmware.dialling import DialPlan
from fm_device.frank import FrankFace, draw_frank, render_png
from fm_device.model import MODEL
from fm_device.panel.display import COLUMNS, LINES
from fm_device.panel.driver import Panel, Paper
from fm_device.panel.facts import Facts
from fm_device.panel.keys import (
    ClassKey,
    Clear,
    DateKey,
    DialEnded,
    Digit,
    Down,
    FrankKey,
    FundsKey,
    HardKey,
    Left,
    MenuKey,
    News,
    Ok,
    PowerKey,
    ReportKey,
    Right,
    Up,
    ZeroKey,
)
from fm_device.panel.view import Lamp, Lamps, PanelView
from fm_device.reports.text import show_document
from hw.scales.port import ScaleFault
from hw.scales.simulated import SimulatedScale

T = TypeVar("T")
PictureWidget = AutoImage | HalfcellImage | SixelImage
Picture = type[AutoImage] | type[HalfcellImage] | type[SixelImage]

_LOOK_EVERY_S: Final = 1.0
_PICTURE_DPI: Final = 150
_GRAMS_MOST: Final = 100_000
_PAPER_COLUMNS: Final = 32
_TABS: Final = ("line", "frank", "paper", "around")


@dataclass(frozen=True, slots=True)
class Cap:
    """A key cap: its letters, the keyboard's keys, what it presses."""

    label: str
    keyboard: str
    key: HardKey
    kind: str = "function"

    @property
    def shown(self) -> str:
        """The keyboard's key as the cap bears it."""
        first = self.keyboard.partition(",")[0]
        return _SHOWN_KEYS.get(first, first)


_SHOWN_KEYS: Final = {
    "escape": "esc",
    "enter": "enter",
    "space": "space",
    "up": "",
    "down": "",
    "left": "",
    "right": "",
}

_FRANK: Final = Cap("FRANK", "space", FrankKey(), "frank")
_CAPS: Final[tuple[tuple[Cap, ...], ...]] = (
    (
        Cap("FUNDS", "f", FundsKey()),
        Cap("CLASS", "c", ClassKey()),
        Cap("DATE", "d", DateKey()),
        *(Cap(str(digit), str(digit), Digit(digit), "digit") for digit in (1, 2, 3)),
    ),
    (
        Cap("ZERO", "z", ZeroKey()),
        Cap("REPORT", "r", ReportKey()),
        Cap("MENU", "m", MenuKey()),
        *(Cap(str(digit), str(digit), Digit(digit), "digit") for digit in (4, 5, 6)),
    ),
    (
        Cap("\N{BLACK UP-POINTING TRIANGLE}", "up", Up()),
        Cap("\N{BLACK DOWN-POINTING TRIANGLE}", "down", Down()),
        Cap("POWER", "p", PowerKey(), "power"),
        *(Cap(str(digit), str(digit), Digit(digit), "digit") for digit in (7, 8, 9)),
    ),
    (
        Cap("\N{BLACK LEFT-POINTING TRIANGLE}", "left,backspace", Left()),
        Cap("\N{BLACK RIGHT-POINTING TRIANGLE}", "right", Right()),
        Cap("CLEAR", "escape", Clear(), "clear"),
        Cap("0", "0", Digit(0), "digit"),
        Cap("OK", "enter", Ok(), "ok"),
    ),
)
_ALL_CAPS: Final = (_FRANK, *(cap for row in _CAPS for cap in row))
_HELP: Final = (
    " g scale  Tab next box  Esc back  t next tab  PgUp PgDn  v large frank  q quit"
)

_LAMP_LOOK: Final = {
    Lamp.DARK: ("\N{WHITE CIRCLE}", "#7c8796"),
    Lamp.GREEN: ("\N{BLACK CIRCLE}", "#4ade80"),
    Lamp.AMBER: ("\N{BLACK DIAMOND}", "#fbbf24"),
    Lamp.RED: ("\N{BLACK SQUARE}", "#f87171"),
}
"""Sign and colour of a lamp: nobody has to tell colours apart."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something around the machine that can be provoked.

    Attributes:
        name: The name of its box.
        words: For people.
        provoked: What the sensors tell then.
        mended: What they tell else.
    """

    name: str
    words: str
    provoked: dict[str, Any]
    mended: dict[str, Any]

    def stands(self, facts: Facts) -> bool:
        """Whether the sensors tell so now."""
        return all(
            getattr(facts.sensors, name) == value
            for name, value in self.provoked.items()
        )


_TROUBLES: Final = (
    Trouble("cover", "cover open", {"cover_open": True}, {"cover_open": False}),
    Trouble("jam", "paper jam", {"paper_jam": True}, {"paper_jam": False}),
    Trouble(
        "absent", "no letter in it", {"paper_present": False}, {"paper_present": True}
    ),
    Trouble("ink", "ink empty", {"ink_ul": 0}, {"ink_ul": INK_UL_FULL}),
    Trouble("tape", "tape empty", {"tape_mm": 0}, {"tape_mm": TAPE_MM_FULL}),
    Trouble(
        "printer",
        "print head dead",
        {"printer_answers": False},
        {"printer_answers": True},
    ),
    Trouble("hot", "print head hot", {"printer_c": 60}, {"printer_c": 25}),
)


class KeyCap(Static):
    """A key that can be clicked; the keyboard presses it too."""

    class Clicked(Message):
        """Somebody clicked a key."""

        def __init__(self, key: HardKey) -> None:
            """Say which."""
            super().__init__()
            self.key = key

    def __init__(self, cap: Cap) -> None:
        """Make a cap."""
        text = Text(cap.label, "bold", justify="center")
        if cap.shown != cap.label:
            text.append(f"\n{cap.shown}", "not bold dim")
        super().__init__(text, classes=f"cap {cap.kind}")
        self._cap = cap
        self.tooltip = f"{cap.label}: {cap.keyboard}"

    def on_click(self, event: Click) -> None:
        """Press it."""
        event.stop()
        self.post_message(self.Clicked(self._cap.key))


class Box(Checkbox):
    """A box that bears a cross when it is checked, and is empty else."""

    BUTTON_INNER = " "

    def watch_value(self) -> None:
        """Cross it or clear it."""
        self.BUTTON_INNER = "X" if self.value else " "
        super().watch_value()


class Display(Static, can_focus=True):
    """The display of the machine."""


class LargeFrank(ModalScreen[None]):
    """The last frank over the whole terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v,escape,enter,space,q", "dismiss", "back")
    ]

    def __init__(self, picture: Picture, face: FrankFace, words: str) -> None:
        """Show a frank."""
        super().__init__()
        self._picture, self._face, self._words = picture, face, words

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield self._picture(picture_of(self._face), id="large")
        yield Static(self._words, id="large-words")


def picture_of(face: FrankFace) -> Image.Image:
    """Draw a frank for a terminal."""
    png = render_png(draw_frank(face), _PICTURE_DPI)
    return Image.open(io.BytesIO(png)).convert("RGB")


def best_picture() -> Picture:
    """The best that this terminal can: pixels (kitty, sixel), else half blocks."""
    return HalfcellImage if BestRenderable is UnicodeRenderable else BestImage


class PanelApp(App[None]):
    """The panel of one machine."""

    CSS_PATH = "terminal.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = f"{MODEL} franking machine"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(cap.keyboard, f"press({index})", cap.label, show=False)
            for index, cap in enumerate(_ALL_CAPS)
        ),
        Binding("g", "weigh", "letter on the scale", show=False),
        Binding("t", "next_tab", "next tab", show=False),
        Binding("v", "large", "large frank", show=False),
        Binding("pageup", "scroll(-1)", "page up", show=False),
        Binding("pagedown", "scroll(1)", "page down", show=False),
        Binding("q,ctrl+q", "quit", "quit", show=False),
    ]

    def __init__(
        self,
        panel: Panel,
        *,
        line: str = "",
        picture: Picture = HalfcellImage,
        look_every_s: float | None = _LOOK_EVERY_S,
    ) -> None:
        """Stand before a machine.

        Args:
            panel: The panel and its machine; this app uses both alone.
            line: The line string, for people; empty without a line.
            picture: The widget that shows franks.
            look_every_s: How often the machine is looked at by itself; None for never.
        """
        super().__init__()
        self.panel = panel
        self.dialling = False
        self._in_run = False
        self._line = line
        self._picture = picture
        self._look_every_s = look_every_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="machine")
        self._face: FrankFace | None = None
        self._paper: Paper | None = None
        self._shown_frames: tuple[tuple[bool, str], ...] = ()

    # Layout.

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static(self._head(), id="head")
        with Horizontal(id="body"):
            with Vertical(id="machine"):
                with Horizontal(id="front"):
                    yield Display(id="display", markup=False)
                    with Vertical(id="side"):
                        yield Static(id="lamps")
                        yield KeyCap(_FRANK)
                for row in _CAPS:
                    with Horizontal(classes="keys"):
                        for cap in row:
                            yield KeyCap(cap)
                yield Static(id="hint", markup=False)
            with TabbedContent(initial="frank", id="tabs"):
                yield from self._panes()
        yield Static(_HELP, id="help")

    def _panes(self) -> ComposeResult:
        with TabPane("Line", id="line"):
            yield Static(id="frames-head", markup=False)
            with VerticalScroll(id="line-scroll", can_focus=False):
                yield Static(id="frames", markup=False)
        with TabPane("Frank", id="frank"):
            yield Static("No frank yet.", id="frank-words", markup=False)
            yield self._picture(id="picture")
        with TabPane("Paper", id="paper"), VerticalScroll(id="paper-scroll"):
            yield Static("No report yet.", id="sheet", markup=False)
        with TabPane("Around", id="around"), VerticalScroll(can_focus=False):
            scale = isinstance(self.panel.machine.parts.scale, SimulatedScale)
            yield Label("Letter on the scale, in g:")
            yield Input(
                placeholder="18" if scale else "the scale is real",
                id="grams",
                disabled=not scale,
                compact=True,
                max_length=8,
            )
            if scale:
                yield Box("scale defective", id="scale", compact=True)
            for trouble in _TROUBLES:
                yield Box(trouble.words, id=trouble.name, compact=True)

    def _head(self) -> str:
        where = f"line {self._line}" if self._line else "no line"
        licence = self.panel.facts.licence
        return f" {MODEL} {licence}   simulated: not valid for postage   {where}"

    async def on_mount(self) -> None:
        """Begin."""
        self.query_one("#display").focus()
        self._redraw()
        if self._look_every_s is not None:
            self.set_interval(self._look_every_s, self._look)

    async def on_unmount(self) -> None:
        """Let go of the machine's thread."""
        self._thread.shutdown()

    # Keys.

    async def action_press(self, index: int) -> None:
        """Press the key cap with this number."""
        await self._press(_ALL_CAPS[index].key)

    async def on_key_cap_clicked(self, message: KeyCap.Clicked) -> None:
        """Press the key that was clicked."""
        await self._press(message.key)

    async def _press(self, key: HardKey) -> None:
        self.query_one("#display").focus()
        if self.dialling:
            # The table gives a key nothing to wish for now, so no machine is used.
            self.panel.press(key)
            self._redraw()
            return
        plan = await self._in_machine(lambda: self.panel.press(key))
        if plan is not None:
            self.dialling = True
            self.query_one("#tabs", TabbedContent).active = "line"
            self.run_worker(self._dial(plan))
        if self.panel.runs and not self._in_run:
            self._in_run = True
            self.run_worker(self._run_on())
        self._redraw()

    async def _run_on(self) -> None:
        """Frank one item after the other; keys come in between, in the same thread."""
        try:
            while await self._in_machine(self.panel.go_on):
                self._redraw()
        finally:
            self._in_run = False
        self._redraw()

    async def _dial(self, plan: DialPlan) -> None:
        def tell(news: News) -> None:
            self.call_from_thread(self._hear, news)

        try:
            await self._in_machine(lambda: self.panel.dial(plan, tell))
        finally:
            self.dialling = False
        self._redraw()

    def _hear(self, news: News) -> None:
        if isinstance(news, DialEnded):
            # It is shown now, and keys count again: the machine's thread, which has
            # told it last of all, does what they want behind it.
            self.dialling = False
        self.panel.hear(news)
        self._redraw()

    async def _look(self) -> None:
        if not self.dialling:
            await self._in_machine(self.panel.look)
            self._redraw()

    async def _in_machine(self, use: Callable[[], T]) -> T:
        """Use the machine in its own thread, and wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, use)

    # Beside the machine.

    async def action_quit(self) -> None:
        """Leave, but not while the line is up."""
        if self.dialling:
            self.notify("Wait until the dial-in is over.")
            return
        self.exit()

    def action_next_tab(self) -> None:
        """Show the next tab."""
        tabs = self.query_one("#tabs", TabbedContent)
        tabs.active = _TABS[(_TABS.index(tabs.active) + 1) % len(_TABS)]
        self.query_one("#display").focus()

    def action_scroll(self, pages: int) -> None:
        """Scroll what the open tab shows."""
        pane = self.query_one("#tabs", TabbedContent).active
        for scroll in self.query(f"#{pane}-scroll").results(VerticalScroll):
            scroll.scroll_relative(y=pages * scroll.size.height, animate=False)

    def action_weigh(self) -> None:
        """Go to where a letter is put on the scale."""
        self.query_one("#tabs", TabbedContent).active = "around"
        self.call_after_refresh(self.query_one("#grams").focus)

    def action_large(self) -> None:
        """Show the last frank over the whole terminal."""
        seen = self.panel.view
        if seen.face is None:
            self.notify("No frank yet.")
            return
        self.push_screen(LargeFrank(self._picture, seen.face, seen.frank))

    async def on_input_submitted(self, message: Input.Submitted) -> None:
        """Put something on the scale."""
        scale = self.panel.machine.parts.scale
        self.query_one("#display").focus()
        if self.dialling or not isinstance(scale, SimulatedScale):
            return
        grams = _grams(message.value)
        if grams is None:
            self.notify(f"{message.value!r} is no weight: write 18 or 18.4")
            return
        scale.put(grams)
        await self._look()

    async def on_checkbox_changed(self, message: Checkbox.Changed) -> None:
        """Provoke or mend something."""
        if self.dialling:
            self._redraw()
            return
        machine, value = self.panel.machine, message.value
        if message.checkbox.id == "scale" and isinstance(
            machine.parts.scale, SimulatedScale
        ):
            if value:
                machine.parts.scale.fail(ScaleFault.DEFECTIVE)
            else:
                machine.parts.scale.mend()
        for trouble in _TROUBLES:
            if trouble.name == message.checkbox.id:
                told = trouble.provoked if value else trouble.mended
                await self._in_machine(lambda: machine.sense(**told))  # noqa: B023
        await self._look()

    # Drawing.

    def _redraw(self) -> None:
        try:
            self._draw(self.panel.view)
        except NoMatches:
            return  # the app is being taken down

    def _draw(self, seen: PanelView) -> None:
        lines = [*seen.lines, *[""] * LINES][:LINES]
        display = self.query_one("#display", Display)
        shown = "\n".join(line.ljust(COLUMNS) for line in lines)
        display.update(Text(shown, no_wrap=True, overflow="crop"))
        display.set_class(not self.panel.facts.on, "dark")
        self.query_one("#lamps", Static).update(_lamps(seen.lamps))
        self.query_one("#hint", Static).update(seen.hint)
        self.query_one("#head", Static).update(self._head())
        self._draw_frames(seen)
        self._draw_frank(seen)
        self._draw_paper()
        self._draw_around()

    def _draw_frames(self, seen: PanelView) -> None:
        if seen.frames == self._shown_frames and seen.frames:
            return
        self._shown_frames = seen.frames
        up = sum(sent for sent, _ in seen.frames)
        head = f"\N{RIGHTWARDS ARROW} {up} sent   "
        head += f"\N{LEFTWARDS ARROW} {len(seen.frames) - up} received"
        self.query_one("#frames-head", Static).update(head)
        frames = Text("\n").join(_frame(sent, words) for sent, words in seen.frames)
        self.query_one("#frames", Static).update(frames or "The line is silent.")
        self.query_one("#line-scroll", VerticalScroll).scroll_end(animate=False)

    def _draw_frank(self, seen: PanelView) -> None:
        if seen.face is self._face:
            return
        self._face = seen.face
        picture = self.query_one("#picture", self._picture)
        if seen.face is None:
            picture.image = None
            self.query_one("#frank-words", Static).update("No frank yet.")
            return
        picture.image = picture_of(seen.face)
        self.query_one("#frank-words", Static).update(seen.frank)
        self.query_one("#tabs", TabbedContent).active = "frank"

    def _draw_paper(self) -> None:
        paper = self.panel.paper
        if paper is None or paper is self._paper:
            return
        self._paper = paper
        sheets = (show_document(one.document, _PAPER_COLUMNS) for one in paper.reports)
        self.query_one("#sheet", Static).update("\n\n".join(sheets))
        self.query_one("#paper-scroll", VerticalScroll).scroll_home(animate=False)
        self.query_one("#tabs", TabbedContent).active = "paper"

    def _draw_around(self) -> None:
        facts = self.panel.facts
        for trouble in _TROUBLES:
            box = self.query_one(f"#{trouble.name}", Checkbox)
            with box.prevent(Checkbox.Changed):
                box.value = trouble.stands(facts)


def _grams(text: str) -> Decimal | None:
    try:
        grams = Decimal(text or "0")
    except InvalidOperation:
        return None
    return grams if grams.is_finite() and 0 <= grams <= _GRAMS_MOST else None


def _lamps(lamps: Lamps) -> Text:
    text = Text()
    for name, lamp in (
        ("READY", lamps.ready),
        ("FAULT", lamps.fault),
        ("LINE", lamps.line),
        ("FUNDS", lamps.funds),
    ):
        sign, colour = _LAMP_LOOK[lamp]
        text.append(f" {sign} ", colour)
        text.append(f"{name}\n", "#e5e9f0" if lamp is not Lamp.DARK else "#9aa5b5")
    return text


def _frame(sent: bool, words: str) -> Text:
    arrow = "\N{RIGHTWARDS ARROW}" if sent else "\N{LEFTWARDS ARROW}"
    words = words.replace("  ", " ").replace(" octets)", ")")
    return Text(f"{arrow} {words}", "#9cc9ff" if sent else "#b8f0c0")
