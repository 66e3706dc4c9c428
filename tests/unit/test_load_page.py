"""The page of a load: whole, closed in itself, and the same in words as in lines."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from rmfs_tools.load.charts import Chart, Series, describe, draw, scale
from rmfs_tools.load.heard import Heard
from rmfs_tools.load.judging import Judgement
from rmfs_tools.load.page import POINTS_MAX, ROWS_MAX, render, together
from rmfs_tools.load.plan import Result
from tests.unit.test_load_board import a_load, heard_of

SVG = "{http://www.w3.org/2000/svg}"


def a_result(seconds: int = 3, judgement: Judgement | None = None) -> Result:
    by_part = [heard_of(number + 1, busy=1) for number in range(seconds)]
    whole = Heard()
    for one in by_part:
        whole.then(one)
    return Result(a_load(), by_part, whole, judgement or Judgement())


def charts_of(page: str) -> list[ET.Element]:
    parts = page.split("<svg")[1:]
    return [drawing_of("<svg" + one.split("</svg>")[0] + "</svg>") for one in parts]


def drawing_of(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  # drawn by ourselves


def test_every_chart_says_in_words_what_it_draws() -> None:
    charts = charts_of(render(a_result()))
    assert len(charts) == 4
    for chart in charts:
        named = chart.attrib["aria-labelledby"].split()
        found = {
            one.attrib["id"]: one.text
            for one in chart
            if one.tag in (f"{SVG}title", f"{SVG}desc")
        }
        assert list(found) == named
        assert all(found.values())
        assert chart.attrib["role"] == "img"


def test_nothing_of_the_page_comes_from_elsewhere() -> None:
    page = render(a_result()).replace('xmlns="http://www.w3.org/2000/svg"', "")
    for word in ("http", "src=", "href=", "url(", "<script", "@import"):
        assert word not in page


def test_what_a_server_says_is_escaped() -> None:
    bad = Judgement(faults=("<b>N000001</b> is not in the books",))
    page = render(a_result(judgement=bad))
    assert "&lt;b&gt;N000001" in page
    assert '<p class="bad">' in page


def test_a_page_of_nothing_is_still_a_page() -> None:
    page = render(replace(a_result(), by_part=[], heard=Heard()))
    assert charts_of(page) == []
    assert page.endswith("</html>\n")


def test_a_long_load_is_drawn_by_several_parts_together() -> None:
    result = a_result(seconds=POINTS_MAX * 3)
    step, found = together(result.by_part, POINTS_MAX)
    assert (step, len(found)) == (3, POINTS_MAX)
    assert sum(one.confirmed for one in found) == result.heard.confirmed
    page = render(result)
    assert page.count("<tr>") < ROWS_MAX + 40
    for chart in charts_of(page):
        for line in chart.iter(f"{SVG}polyline"):
            assert len(line.attrib["points"].split()) <= POINTS_MAX


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0.0, [0.0, 1.0]),
        (1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (7.0, [0.0, 2.0, 4.0, 6.0, 8.0]),
        (230.0, [0.0, 50.0, 100.0, 150.0, 200.0, 250.0]),
    ],
)
def test_a_scale_has_round_numbers(largest: float, ticks: list[float]) -> None:
    assert scale(largest) == pytest.approx(ticks)


def test_a_gap_is_drawn_as_a_gap_and_a_lonely_value_as_a_dot() -> None:
    chart = Chart(
        "x", "title", "ms", 1.0, (Series("one", [1.0, 2.0, None, 3.0, None]),)
    )
    drawn = drawing_of(draw(chart))
    assert len(list(drawn.iter(f"{SVG}polyline"))) == 1
    assert len(list(drawn.iter(f"{SVG}circle"))) == 1
    assert describe(chart) == "one: 1 to 3 ms, 2 on average."
    nothing = replace(chart, series=(Series("one", [None]),))
    assert describe(nothing) == "one: nothing."
