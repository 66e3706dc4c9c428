"""A load as one page of HTML: figures, lines over time, and the same as a table.

Nothing is fetched from elsewhere, nothing moves, and it can be printed.
"""

from collections.abc import Callable, Sequence
from html import escape
from math import ceil
from typing import Final

from protocol.values import Paise, show_rupees
from rmfs_tools.load.charts import Chart, Series, draw
from rmfs_tools.load.heard import Heard
from rmfs_tools.load.plan import SHARES, Result

POINTS_MAX: Final = 240
"""Of a line; what is longer is drawn by several parts together."""
ROWS_MAX: Final = 60
_MS: Final = 1_000
_STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 52rem;
  padding: 0 1rem; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { border-bottom: 1px solid #ccc; padding: .2rem .7rem; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
p.bad { border-left: 4px solid #9a3412; padding-left: .7rem; font-weight: 600; }
svg { width: 100%; height: auto; margin: .5rem 0 1rem; }
svg text { font: 12px system-ui, sans-serif; fill: #1a1a1a; }
svg .line { fill: none; stroke-width: 1.8; }
svg circle { fill: none; }
svg .grid { stroke: #d4d4d4; stroke-width: 1; }
@media print { body { margin: 0; max-width: none; font-size: 11px; }
  figure, svg, tr { break-inside: avoid; } thead { display: table-header-group; } }
"""
_COLUMNS: Final = (
    *("from second", "due", "served", "failed", "left out"),
    *("busy", "redials", "under way", "p50 ms", "p99 ms"),
)


def render(result: Result) -> str:
    """Write the page."""
    load = result.load
    title = f"{load.machines:,} machines, {load.rate:g} dial-ins a second"
    return "\n".join(
        (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head>",
            f"<body><main><h1>{escape(title)}</h1>",
            *_verdict(result),
            _figures(result),
            _ends(result.heard),
            *_charts(result),
            _table(result),
            "</main></body></html>\n",
        )
    )


def together(parts: Sequence[Heard], count_max: int) -> tuple[int, list[Heard]]:
    """Put neighbouring parts together until there are few enough.

    Returns:
        How many are together, and what was heard in each such time.
    """
    step = max(1, ceil(len(parts) / count_max))
    found = []
    for begin in range(0, len(parts), step):
        whole = Heard()
        for one in parts[begin : begin + step]:
            whole.then(one)
        found.append(whole)
    return step, found


def _verdict(result: Result) -> list[str]:
    judged = result.judgement
    money = (
        f"{judged.recharges:,} recharges of {show_rupees(Paise(judged.paise))} in all "
        "are in the books"
    )
    if judged.is_good:
        words = [f"<p>{escape(money)}, and every machine has what they say.</p>"]
    else:
        wrong = (
            f"{money}; lost {judged.lost_paise} paise, doubled {judged.doubled_paise}, "
            f"{judged.unsettled} machines unsettled"
        )
        words = [f'<p class="bad">{escape(one)}</p>' for one in (wrong, *judged.faults)]
    if result.was_late:
        words.append(
            '<p class="bad">Dial-ins began up to '
            f"{result.late_ms:,.0f} ms late: the load was more than its processes "
            "could do, and times say more of them than of the server.</p>"
        )
    return words


def _figures(result: Result) -> str:
    load, heard = result.load, result.heard
    ended_s = len(result.by_part) * load.every_s
    rows = [
        ("Line", load.line),
        ("Machines", f"{load.machines:,} in {load.processes} processes"),
        ("Arrivals", f"{'even' if load.even else 'drawn'}, seed {load.seed}"),
        (
            "Time",
            f"{load.seconds:g} s, and {ended_s} s until all had ended",
        ),
        ("Offered", f"{load.rate:g} a second; {heard.due:,} came due"),
        ("Served", f"{result.served_per_s:.1f} a second while they came due"),
        ("No machine was free", f"{heard.left_out:,}"),
        ("Redials", f"{heard.redials:,}"),
        ("Told to be busy", f"{heard.busy:,} times"),
        *(
            (f"A recharge took, {name}", f"{ms:,.1f} ms")
            for name, ms in result.waits_ms.items()
        ),
        ("Began late, p99", f"{result.late_ms:,.1f} ms, by the load's own fault"),
    ]
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table><caption>Figures</caption><tbody>{cells}</tbody></table>"


def _ends(heard: Heard) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(kind)}</th><td class="number">{count:,}</td></tr>'
        for kind, count in heard.ended.most_common()
    )
    return f"<table><caption>How dial-ins ended</caption><tbody>{cells}</tbody></table>"


def _charts(result: Result) -> list[str]:
    if not result.by_part:
        return []
    step, heard = together(result.by_part, POINTS_MAX)
    step_s = step * result.load.every_s

    def rates(name: str, count: Callable[[Heard], int]) -> Series:
        return Series(name, [count(one) / step_s for one in heard])

    def waits(name: str) -> Series:
        share = SHARES[name]
        return Series(
            name,
            [one.waits.at(share) * _MS if one.waits.total else None for one in heard],
        )

    charts = (
        Chart(
            "rate",
            "Dial-ins a second: due, served, failed, without a free machine",
            "a second",
            step_s,
            (
                rates("due", lambda one: one.due),
                rates("served", lambda one: one.confirmed),
                rates("failed", lambda one: one.failed),
                rates("left out", lambda one: one.left_out),
            ),
        ),
        Chart(
            "waits",
            "How long a recharge took since it came due, by the time of its end",
            "ms",
            step_s,
            (waits("p50"), waits("p90"), waits("p99"), waits("longest")),
        ),
        Chart(
            "trouble",
            "Redials, and how often the server said that it is busy",
            "a second",
            step_s,
            (
                rates("redials", lambda one: one.redials),
                rates("busy", lambda one: one.busy),
            ),
        ),
        Chart(
            "open",
            "Dial-ins under way",
            "dial-ins",
            step_s,
            (Series("under way", [float(one.under_way) for one in heard]),),
        ),
    )
    return [
        f"<figure><figcaption>{escape(one.title)}</figcaption>{draw(one)}</figure>"
        for one in charts
    ]


def _table(result: Result) -> str:
    step, heard = together(result.by_part, ROWS_MAX)
    step_s = step * result.load.every_s
    heads = "".join(f'<th scope="col" class="number">{one}</th>' for one in _COLUMNS)
    rows = []
    for number, one in enumerate(heard):
        waits = [
            f"{one.waits.at(SHARES[name]) * _MS:,.1f}" if one.waits.total else "-"
            for name in ("p50", "p99")
        ]
        counts = (
            *(number * step_s, one.due, one.confirmed, one.failed, one.left_out),
            *(one.busy, one.redials, one.under_way),
        )
        cells = (*(f"{count:,}" for count in counts), *waits)
        rows.append(
            "<tr>"
            + "".join(f'<td class="number">{cell}</td>' for cell in cells)
            + "</tr>"
        )
    caption = f"What was heard, every {step_s} s"
    return (
        f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
