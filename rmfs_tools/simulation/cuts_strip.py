"""A strip: what the redial finds along the points of a story, as text and as SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from rmfs_tools.simulation.cuts_points import Kind, OctetCut, WriteCut
from rmfs_tools.simulation.cuts_run import Part
from rmfs_tools.simulation.cuts_seen import Ended, Trial

COLUMNS: Final = 64
"""Columns of a strip of text."""
LETTERS: Final = {
    "nothing was asked": ".",
    "asked again": "a",
    "stored voucher sent again": "v",
    "stored VOID sent again": "x",
    "posted by the STATEMENT": "p",
    "voided by the STATEMENT": "o",
    "nothing to settle": "=",
    "something wrong": "!",
}
"""What stands for what the redial finds."""

_WIDTH: Final = 960
_LABEL_WIDTH: Final = 150
_LANE_HEIGHT: Final = 26
_NOT_BEGUN: Final = "#d9d9d9"
_BEGUN: Final = "#f0e442"
_DONE: Final = "#009e73"
_ASKED: Final = "#e69f00"
_SETTLED: Final = "#56b4e9"
_TAKEN_BACK: Final = "#cc79a7"
_WRONG: Final = "#d55e00"
_COLOURS: Final = {
    "NO POWER": "#999999",
    "DIAL-IN FAILED": _ASKED,
    "STORED, BUT NOT CLOSED AT THE SERVER": _BEGUN,
    "free": _NOT_BEGUN,
    "pending": _BEGUN,
    "nothing stored": _NOT_BEGUN,
    "voucher stored": _BEGUN,
    "VOID stored": _TAKEN_BACK,
    "nothing was asked": _NOT_BEGUN,
    "asked again": _ASKED,
    "stored voucher sent again": _BEGUN,
    "stored VOID sent again": _TAKEN_BACK,
    "posted by the STATEMENT": _SETTLED,
    "voided by the STATEMENT": _SETTLED,
    "something wrong": _WRONG,
    Ended.OTHER.value: _SETTLED,
    Ended.NEVER.value: _NOT_BEGUN,
    Ended.WRONG.value: _WRONG,
}
"""Colours that people who see them differently can tell apart too; all else is done.

Source: M. Okabe and K. Ito, Color Universal Design.
"""
_SCALE_OCTETS: Final = 40
_LETTERS_LEAST: Final = 6
_LETTER_WIDTH: Final = 6.2
"""Of the 11 px letters in the lanes, on average."""


def found_by(trial: Trial) -> str:
    """Say what the redial finds: one of `LETTERS`."""
    if trial.findings:
        return "something wrong"
    if trial.at_cut.machine == "free":
        return "nothing was asked"
    return trial.redialled.found


def text_strip(part: Part) -> list[str]:
    """Draw what the redial finds along the points: a scale, and a letter a column."""
    trials = part.trials
    count = min(COLUMNS, len(trials))
    drawn = [trials[number * len(trials) // count] for number in range(count)]
    letters = "".join(LETTERS[found_by(trial)] for trial in drawn)
    first, last = trials[0].cut.place, trials[-1].cut.place
    return [f"{first} {last.rjust(count - len(first) - 1)}", letters]


@dataclass(frozen=True, slots=True)
class _Lane:
    """A row of the picture: its name, and what it says of a point."""

    name: str
    tell: Callable[[Trial], str]


_LANES: Final = (
    _Lane("the operator reads", lambda trial: trial.at_cut.operator),
    _Lane("the machine holds", lambda trial: trial.at_cut.machine),
    _Lane("the server holds", lambda trial: trial.at_cut.server),
    _Lane("the redial finds", found_by),
    _Lane("in the end", lambda trial: trial.redialled.ended.value),
)


def svg_strip(part: Part) -> str:
    """Draw the lanes of a part: what both sides hold, and what the redial finds."""
    edges = _edges(part)
    height = _LANE_HEIGHT * (len(_LANES) + 1)
    label = escape(f"{part.story.name}: {part.kind.value}")
    box = f"0 0 {_WIDTH} {height}"
    drawn = [f'<svg viewBox="{box}" role="img" aria-label="{label}">']
    for number, lane in enumerate(_LANES):
        drawn += _draw_lane(lane, number * _LANE_HEIGHT, part.trials, edges)
    drawn += _draw_scale(part, edges, len(_LANES) * _LANE_HEIGHT)
    drawn.append("</svg>")
    return "\n".join(drawn)


def _edges(part: Part) -> list[float]:
    """Place the left edge of each point, and the right edge of the last one.

    Octets stand at their number. Writes are as wide as each other, whatever of them was
    torn; so are the deaths at commits.
    """
    trials, span = part.trials, _WIDTH - _LABEL_WIDTH
    places: list[float]
    if part.kind is Kind.OCTET:
        places = [float(trial.cut.place) for trial in trials]
        places.append(part.whole.octets + 1)
    else:
        places = [_place(trial, number) for number, trial in enumerate(trials)]
        writes = float(len(part.whole.write_lengths))
        places.append(len(trials) if part.kind is Kind.COMMIT else writes)
    return [_LABEL_WIDTH + span * place / places[-1] for place in places]


def _place(trial: Trial, number: int) -> float:
    cut = trial.cut
    if isinstance(cut, WriteCut):
        return cut.write - 1 + cut.stored / (cut.length + 1)
    return float(number)


def _draw_lane(
    lane: _Lane, top: int, trials: Sequence[Trial], edges: Sequence[float]
) -> list[str]:
    said = [lane.tell(trial) for trial in trials]
    middle = top + _LANE_HEIGHT / 2 + 4
    drawn = [f'<text x="0" y="{middle}">{escape(lane.name)}</text>']
    begins = 0
    for number in range(1, len(said) + 1):
        if number < len(said) and said[number] == said[begins]:
            continue
        words = said[begins]
        left, right = edges[begins], edges[number]
        places = f"{trials[begins].cut.place} to {trials[number - 1].cut.place}"
        drawn.append(
            f'<g><title>{escape(places)}: {escape(words)}</title><rect x="{left:.1f}" '
            f'y="{top + 2}" width="{max(right - left, 0.5):.1f}" '
            f'height="{_LANE_HEIGHT - 4}" '
            f'fill="{_COLOURS.get(words, _DONE)}"/>'
        )
        shown = _shortened(words, right - left - 8)
        if shown:
            drawn.append(
                f'<text x="{left + 4:.1f}" y="{middle}">{escape(shown)}</text>'
            )
        drawn.append("</g>")
        begins = number
    return drawn


def _draw_scale(part: Part, edges: Sequence[float], top: int) -> list[str]:
    """Draw places under the lanes where they fit: octets, writes, or commits."""
    drawn: list[str] = []
    free_from = 0.0
    what = {Kind.OCTET: "octets", Kind.COMMIT: "killed"}.get(part.kind, "write.octets")
    drawn.append(f'<text x="0" y="{top + 16}">{what}</text>')
    for trial, left in zip(part.trials, edges, strict=False):
        place = trial.cut.place
        marked = True
        if isinstance(trial.cut, WriteCut):
            marked = trial.cut.stored == 0
        elif isinstance(trial.cut, OctetCut):
            marked = trial.cut.octets % _SCALE_OCTETS == 0
        right = left + len(place) * _LETTER_WIDTH
        if marked and left >= free_from and right <= _WIDTH:
            drawn.append(
                f'<text class="scale" x="{left:.1f}" y="{top + 16}">{place}</text>'
            )
            free_from = right + 8
    return drawn


def _shortened(words: str, width: float) -> str:
    """Give as much of some words as fits, or nothing."""
    letters = int(width / _LETTER_WIDTH)
    if len(words) <= letters:
        return words
    return f"{words[: letters - 1].rstrip(' ,')}…" if letters >= _LETTERS_LEAST else ""
