"""Lines over time as SVG: readable in print, without colour and by a screen reader.

Lines differ by their dashes as well as by their colour, each has its name in a key
above the drawing, and a title and a description say in words what is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 760
_HEIGHT: Final = 240
_LEFT: Final = 64
_RIGHT: Final = 16
_TOP: Final = 34
_BOTTOM: Final = 40
_TICKS: Final = 5
_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_STYLES: Final = (
    'stroke="#0b4f8a"',
    'stroke="#9a3412" stroke-dasharray="7 3"',
    'stroke="#166534" stroke-dasharray="2 3"',
    'stroke="#5b21b6" stroke-dasharray="9 3 2 3"',
)
_KEY_STEP: Final = 150
_KEY_LINE: Final = 26
_SMALL: Final = 10.0


@dataclass(frozen=True, slots=True)
class Series:
    """A line.

    Attributes:
        name: What it is.
        values: One for each step of time; None: there is none, and the line has a gap.
    """

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same time.

    Attributes:
        name: A word of letters for the ids in the page.
        title: What is drawn.
        unit: Of the values.
        step_s: From one value to the next.
        series: The lines, at most four.
    """

    name: str
    title: str
    unit: str
    step_s: float
    series: Sequence[Series]


def draw(chart: Chart) -> str:
    """Draw it, as an element of a page."""
    count = max(len(one.values) for one in chart.series)
    found = [value for one in chart.series for value in one.values if value is not None]
    ticks = scale(max(found, default=0.0))
    end_s = count * chart.step_s
    parts = [
        f'<svg role="img" aria-labelledby="{chart.name}-t {chart.name}-d"',
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="{chart.name}-t">{escape(chart.title)}</title>',
        f'<desc id="{chart.name}-d">{escape(describe(chart))}</desc>',
    ]
    for tick in ticks:
        y = _y(tick, ticks[-1])
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" '
            f'class="grid"/><text x="{_LEFT - 6}" y="{y + 4:.1f}" '
            f'text-anchor="end">{_number(tick)}</text>'
        )
    for tick in scale(end_s):
        if tick <= end_s:
            x = _LEFT + tick / end_s * (_WIDTH - _LEFT - _RIGHT)
            parts.append(
                f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" '
                f'text-anchor="middle">{_number(tick)}</text>'
            )
    middle = (_WIDTH + _LEFT - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 4}" text-anchor="middle">seconds</text>'
        f'<text x="4" y="{_TOP - 20}">{escape(chart.unit)}</text>'
    )
    for number, one in enumerate(chart.series):
        parts += _lines(one, _STYLES[number], ticks[-1], count)
        at = _LEFT + 80 + number * _KEY_STEP
        parts.append(
            f'<line x1="{at}" y1="{_TOP - 24}" x2="{at + _KEY_LINE}" '
            f'y2="{_TOP - 24}" class="line" {_STYLES[number]}/>'
            f'<text x="{at + _KEY_LINE + 6}" y="{_TOP - 20}">{escape(one.name)}</text>'
        )
    return "\n".join((*parts, "</svg>"))


def describe(chart: Chart) -> str:
    """Say a chart in words."""
    told = []
    for one in chart.series:
        values = [value for value in one.values if value is not None]
        if not values:
            told.append(f"{one.name}: nothing")
            continue
        middle = sum(values) / len(values)
        told.append(
            f"{one.name}: {_number(min(values))} to {_number(max(values))} "
            f"{chart.unit}, {_number(middle)} on average"
        )
    return "; ".join(told) + "."


def scale(largest: float) -> list[float]:
    """Give round numbers from 0 to the first that is not below the largest value."""
    if largest <= 0:
        return [0.0, 1.0]
    power = 1.0
    while power * _STEPS[-1] * _TICKS < largest:
        power *= _SMALL
    while power * _TICKS >= largest:
        power /= _SMALL
    step = next(power * one for one in _STEPS if power * one * _TICKS >= largest)
    ticks = [0.0]
    while ticks[-1] < largest:
        ticks.append(len(ticks) * step)
    return ticks


def _lines(series: Series, style: str, top: float, count: int) -> list[str]:
    """Draw a line, and a dot for a value that has no neighbour."""
    width = (_WIDTH - _LEFT - _RIGHT) / max(1, count)
    parts: list[str] = []
    points: list[str] = []
    for number, value in enumerate((*series.values, None)):
        if value is not None:
            x = _LEFT + (number + 0.5) * width
            points.append(f"{x:.1f},{_y(value, top):.1f}")
            continue
        if len(points) == 1:
            x_only, y_only = points[0].split(",")
            parts.append(f'<circle cx="{x_only}" cy="{y_only}" r="2" {style}/>')
        elif points:
            joined = " ".join(points)
            parts.append(f'<polyline points="{joined}" class="line" {style}/>')
        points = []
    return parts


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _BOTTOM - _TOP)


def _number(value: float) -> str:
    if value == int(value) or value >= _SMALL:
        return f"{value:,.0f}"
    return f"{value:.3g}"
