"""Metrics: the names that the page of operations lists, and what they say."""

import re
from threading import Event
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from protocol.errors import StoreError
from rmfs_server.operations.books_watch import FAILED_S, FRESH_S, BooksWatch
from rmfs_server.operations.figures import CommitFigures, Figures
from rmfs_server.operations.metrics import expose
from rmfs_server.operations.process import picture_of_commits, picture_of_figures
from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "operations.md"
RECIPE = ROOT / "rmfs_server" / "operations" / "recipe"
_NAME = re.compile(r"\brmfs_[a-z_]+\b")


def process(worker: int | None, figures: Figures) -> dict[str, Any]:
    commits = CommitFigures(lambda: 0.0)
    commits.before_commit("dial-ins")
    commits.after_commit("dial-ins")
    return {
        "name": "5f0c21",
        "worker": worker,
        "began_at": 1_795_410_160,
        "draining": False,
        "calls_max": 1000,
        "states": {"IDLE": 2},
        "told_busy": 1,
        "books_wait_s": 0.25,
        "figures": picture_of_figures(figures),
        "commits": picture_of_commits(commits),
        "cpu_s": 1.5,
        "resident_octets": 90_000_000,
        "files_open": 23,
    }


def busy() -> Figures:
    """Give figures in which everything has happened."""
    figures = Figures()
    figures.turned_away["calls"] += 2
    figures.ended["COMPLETE"] += 3
    figures.refusals["FUNDS"] += 1
    for seconds in (0.04, 0.2, 400):
        figures.dialogue_s.add(seconds)
    place = figures.place("modem:ttyS0")
    place.calls = 3
    place.damage["FCS"] += 1
    place.lost["CARRIER_LOST"] += 1
    return figures


def books() -> dict[str, Any]:
    exchange = {"missing": 1, "waiting": 0, "unanswered": 2, "to_tell": 3}
    return {
        "recharges_open": 4,
        "oldest_open_at": 1_795_000_000,
        "frozen": 5,
        "exchange": {**exchange, "went_at": 1_795_400_000},
    }


def samples(*processes: dict[str, Any]) -> dict[tuple[str, str], float]:
    text, content_type = expose(processes, books())
    assert content_type.startswith("text/plain")
    return {
        (
            one.name,
            ",".join(f"{key}={value}" for key, value in sorted(one.labels.items())),
        ): (one.value)
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def exposed_names() -> set[str]:
    text, _ = expose([process(None, busy())], books())
    names = set()
    for family in text_string_to_metric_families(text.decode()):
        names.add(family.name + ("_total" if family.type == "counter" else ""))
    return names


def test_each_process_is_told_apart() -> None:
    told = samples(process(1, busy()), process(2, Figures()))
    assert told["rmfs_line_calls_total", "line=modem:ttyS0,worker=1"] == 3
    assert told["rmfs_turned_away_total", "reason=calls,worker=1"] == 2
    assert told["rmfs_calls", "state=IDLE,worker=2"] == 2
    assert told["rmfs_calls", "state=JUDGING,worker=2"] == 0
    assert told["rmfs_dialogue_seconds_bucket", "le=0.05,worker=1"] == 1
    assert told["rmfs_dialogue_seconds_bucket", "le=0.25,worker=1"] == 2
    assert told["rmfs_dialogue_seconds_bucket", "le=+Inf,worker=1"] == 3
    assert told["rmfs_dialogue_seconds_sum", "worker=1"] == pytest.approx(400.24)
    assert told["rmfs_recharges_open", ""] == 4


def test_a_process_that_does_not_answer_is_down_and_has_no_figures() -> None:
    told = samples(process(1, Figures()), {"worker": 2, "name": "5f0c21"})
    assert (told["rmfs_up", "worker=1"], told["rmfs_up", "worker=2"]) == (1, 0)
    assert [name for name, labels in told if "worker=2" in labels] == ["rmfs_up"]


def test_two_servers_in_one_folder_are_told_apart() -> None:
    other = {**process(None, Figures()), "name": "8e0b7a"}
    told = samples(process(None, busy()), other)
    assert told["rmfs_dialogue_seconds_count", "worker=0"] == 3
    assert told["rmfs_dialogue_seconds_count", "worker=0-8e0b7a"] == 0


def test_nobody_waits_long_for_books_that_do_not_answer() -> None:
    answer, now = Event(), [0.0]
    asked = []

    def look() -> dict[str, Any]:
        asked.append(now[0])
        assert answer.wait(60)
        return {"recharges_open": len(asked)}

    watch = BooksWatch(look, lambda: now[0])
    assert watch.latest(0.01) is None
    assert watch.latest(0.01) is None
    assert len(asked) == 1, "one question at a time"
    answer.set()
    assert watch.latest(60) == {"recharges_open": 1}
    now[0] += FRESH_S / 2
    assert watch.latest(0.0) == {"recharges_open": 1}
    now[0] += FRESH_S
    assert watch.latest(60) == {"recharges_open": 2}


def test_books_that_fail_are_asked_again_later() -> None:
    now, failures = [0.0], [2]

    def look() -> dict[str, Any]:
        if failures[0]:
            failures[0] -= 1
            raise StoreError("gone")
        return {}

    watch = BooksWatch(look, lambda: now[0])
    assert watch.latest(60) is None
    assert watch.latest(60) is None
    now[0] += FAILED_S
    assert watch.latest(60) == {}


def test_one_connection_that_is_gone_is_not_the_books() -> None:
    answers: list[Any] = [StoreError("terminated"), {"recharges_open": 0}]

    def look() -> dict[str, Any]:
        answer = answers.pop(0)
        if isinstance(answer, StoreError):
            raise answer
        return dict(answer)

    assert BooksWatch(look, lambda: 0.0).latest(60) == {"recharges_open": 0}


def test_books_that_do_not_answer_have_no_figures() -> None:
    text, _ = expose([process(None, Figures())], None)
    assert b"\nrmfs_books_up 0.0\n" in text
    assert b"rmfs_recharges_open" not in text


def test_who_takes_openmetrics_gets_it() -> None:
    accept = "application/openmetrics-text;version=1.0.0"
    text, content_type = expose([process(None, busy())], books(), accept)
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


def test_the_page_lists_every_metric_and_no_other() -> None:
    rows = [
        line for line in PAGE.read_text().splitlines() if line.startswith("| `rmfs_")
    ]
    listed = [_NAME.findall(row)[0] for row in rows]
    assert sorted(listed) == sorted(exposed_names())


@pytest.mark.parametrize("file", ["alerts.yml", "alerts_test.yml"])
def test_alerts_are_about_metrics_that_there_are(file: str) -> None:
    found = set(_NAME.findall((RECIPE / file).read_text()))
    assert len(found) >= 10
    found = {name.removesuffix("_bucket") for name in found}
    assert found - exposed_names() == set()


def test_each_alert_has_a_bound_a_severity_and_what_to_do() -> None:
    text = (RECIPE / "alerts.yml").read_text()
    alerts = text.split("- alert: ")[1:]
    assert len(alerts) == 11
    for alert in alerts:
        for word in ("expr: ", "severity: ", "summary: ", "action: "):
            assert alert.count(word) == 1, alert
