"""What the cuts have shown, as Markdown for reading and as one page of HTML."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Any, Final

from protocol.values import Paise, show_rupees
from rmfs_tools.simulation.cuts_points import Kind
from rmfs_tools.simulation.cuts_run import Part, Range, Totals, count_ended
from rmfs_tools.simulation.cuts_seen import Ended
from rmfs_tools.simulation.cuts_strip import LETTERS, svg_strip, text_strip

_HEAD: Final = ("story", "machine", "cut at", "points", *(one.value for one in Ended))
_UNITS: Final = {
    Kind.OCTET: "octets",
    Kind.WRITE: "writes",
    Kind.GARBAGE: "writes",
    Kind.COMMIT: "killed",
}
_STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem;
  padding: 0 1rem; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .7rem; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: #1a1a1a; }
svg text.scale { fill: #555; }
li { margin: .15rem 0; }
"""


def render_markdown(parts: Sequence[Part], totals: Totals) -> str:
    """Write the table, and for each story its strips and ranges."""
    lines = ["# Cut points", "", total_line(totals), "", *_table_lines(parts), ""]
    lines += ["Letters of the strips:", ""]
    lines += [f"- `{letter}` {words}" for words, letter in LETTERS.items()]
    for title, of_story in _by_story(parts):
        lines += ["", f"## {title}"]
        for part in of_story:
            lines += ["", f"### {_part_title(part)}", "", "```text"]
            lines += [*text_strip(part), "```", ""]
            lines += [f"- {line}" for line in range_lines(part)]
    lines += _violation_lines(parts)
    return "\n".join(lines) + "\n"


def render_html(parts: Sequence[Part], totals: Totals) -> str:
    """Write the same as one page, with the strips drawn."""
    body = ["<h1>Cut points</h1>", f"<p>{escape(total_line(totals))}</p>", "<table>"]
    cells = "".join(f"<th>{escape(head)}</th>" for head in _HEAD)
    body.append(f"<tr>{cells}</tr>")
    body += ["<tr>" + "".join(map(_cell, _row(part))) + "</tr>" for part in parts]
    body.append("</table>")
    for title, of_story in _by_story(parts):
        body.append(f"<h2>{escape(title)}</h2>")
        for part in of_story:
            body += [f"<h3>{escape(_part_title(part))}</h3>", svg_strip(part), "<ul>"]
            body += [f"<li>{escape(line)}</li>" for line in range_lines(part)]
            body.append("</ul>")
    body += [f"<p>{escape(line)}</p>" for line in _violation_lines(parts) if line]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Cut points</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def total_line(totals: Totals) -> str:
    """Say in one line what it comes to."""
    return (
        f"{totals.points:,} points, {totals.violations} violations, "
        f"{totals.redials:,} redials dialled"
    )


def part_as_json(part: Part) -> dict[str, Any]:
    """Give a part to a program; money in paise."""
    return {
        "story": part.story.name,
        "machine": part.story.about,
        "cut": part.kind.name.lower(),
        "points": len(part.trials),
        "ended": {one.name.lower(): part.ended[one] for one in Ended},
        "dial_ins_most": part.dial_ins_most,
        "ranges": [_range_as_json(one) for one in part.ranges()],
        "violations": [
            {"at": trial.cut.place, "found": list(trial.findings)}
            for trial in part.violations
        ],
    }


def totals_as_json(parts: Sequence[Part], totals: Totals) -> dict[str, Any]:
    """Give the totals to a program: the last line."""
    ended = count_ended(parts)
    return {
        "points": totals.points,
        "violations": totals.violations,
        "ended": {one.name.lower(): ended[one] for one in Ended},
        "redials": totals.redials,
    }


def range_lines(part: Part) -> Iterator[str]:
    """Say in a line for each range what was seen in it."""
    for one in part.ranges():
        first, last = one.first.cut.place, one.last.cut.place
        places = first if first == last else f"{first} to {last}"
        at_cut, redialled = one.at_cut, one.redialled
        holds = at_cut.machine
        if holds == "pending":
            holds = f"{at_cut.pending} pending"
        after = show_rupees(Paise(redialled.after_paise))
        funds = show_rupees(Paise(redialled.funds_paise))
        yield (
            f"{_UNITS[part.kind]} {places}: the operator reads {at_cut.operator}; "
            f"machine: {holds}; server: {at_cut.server}; the redial meets row "
            f"{redialled.row} of REG-5, {redialled.found}; dial-ins until quiet: "
            f"{redialled.dial_ins}; {redialled.ended.value}, CT {after}, funds {funds}"
        )


def _table_lines(parts: Sequence[Part]) -> list[str]:
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += ["| " + " | ".join(map(_show, _row(part))) + " |" for part in parts]
    return lines


def _row(part: Part) -> list[str | int]:
    ended = [part.ended[one] for one in Ended]
    story = part.story
    return [story.name, story.about, part.kind.value, len(part.trials), *ended]


def _show(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def _cell(value: str | int) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(value)}</td>"


def _by_story(parts: Sequence[Part]) -> Iterator[tuple[str, list[Part]]]:
    for story, of_story in groupby(parts, lambda part: part.story):
        asked = show_rupees(story.request.amount_paise)
        yield f"{story.name} of {asked}: {story.about}", list(of_story)


def _part_title(part: Part) -> str:
    return f"{len(part.trials):,} cuts at each {part.kind.value}"


def _range_as_json(one: Range) -> dict[str, Any]:
    at_cut, redialled = one.at_cut, one.redialled
    return {
        "first": one.first.cut.place,
        "last": one.last.cut.place,
        "points": one.points,
        "operator": at_cut.operator,
        "machine": at_cut.machine,
        "pending": at_cut.pending,
        "server": at_cut.server,
        "outstanding": at_cut.outstanding,
        "row": redialled.row,
        "found": redialled.found,
        "dial_ins": redialled.dial_ins,
        "ended": redialled.ended.name.lower(),
        "control_total_paise": redialled.after_paise,
        "funds_paise": redialled.funds_paise,
    }


def _violation_lines(parts: Sequence[Part]) -> list[str]:
    lines: list[str] = []
    for part in parts:
        for trial in part.violations:
            found = "; ".join(trial.findings)
            where = f"{part.story.name}, {part.kind.value} {trial.cut.place}"
            lines += ["", f"VIOLATION at {where}: {found}"]
    return lines
