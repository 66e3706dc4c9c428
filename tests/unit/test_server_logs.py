"""The log of a server: lines of text for people, JSON for programs."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from protocol.errors import StoreError
from rmfs_server.operations.call_record import CallRecords
from rmfs_server.operations.logs import (
    JsonLines,
    LogFormat,
    LogLevel,
    TextLines,
    begin_log,
)

LOG = logging.getLogger("rmfs_server.of_a_test")


@pytest.fixture(autouse=True)
def log_of_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # `begin_log` ends the log that there was: pytest's has to outlive it.
    for handler in handlers:
        root.removeHandler(handler)
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def lines_of(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_text_names_the_worker_and_the_call() -> None:
    out = io.StringIO()
    begin_log(2, stream=out)
    record = CallRecords("5f0c21").answered("modem:ttyS0")
    record.ended_early("TIMEOUT", "time ran out", "N123456")
    LOG.warning("of no call")
    first, second = lines_of(out)
    assert first.endswith(
        " INFO worker 2: [5f0c21-1] call of N123456 (modem:ttyS0) ended: TIMEOUT: "
        "time ran out"
    )
    assert second.endswith(" WARNING worker 2: of no call")


def test_text_tells_when_it_was_with_the_offset() -> None:
    made = {"created": 1_790_000_000.25, "msecs": 250.0, "levelname": "INFO"}
    line = TextLines().format(logging.makeLogRecord({"msg": "x", **made}))
    when, _, words = line.partition(" INFO ")
    at = datetime.strptime(when, "%Y-%m-%d %H:%M:%S,%f%z")
    assert at == datetime.fromtimestamp(1_790_000_000.25, UTC)
    assert words == "x"


def test_json_has_the_same_words_and_their_parts() -> None:
    out = io.StringIO()
    begin_log(None, LogFormat.JSON, stream=out)
    record = CallRecords("5f0c21").answered("modem:ttyS0")
    record.ended_early("TIMEOUT", "time ran out", "N123456")
    [line] = lines_of(out)
    told = json.loads(line)
    at = datetime.fromisoformat(told.pop("at"))
    assert abs(at - datetime.now(UTC)).total_seconds() < 60
    assert told == {
        "level": "info",
        "call": "5f0c21-1",
        "words": "call of N123456 (modem:ttyS0) ended: TIMEOUT: time ran out",
        "caller": "modem:ttyS0",
        "ended": "TIMEOUT",
        "licence": "N123456",
    }


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (LogLevel.DEBUG, ["is answered", "the link is up", "ended: LINE: gone"]),
        (LogLevel.INFO, ["ended: LINE: gone"]),
        (LogLevel.WARNING, []),
    ],
)
def test_no_more_is_said_than_is_asked_for(level: LogLevel, said: list[str]) -> None:
    out = io.StringIO()
    begin_log(level=level, stream=out)
    record = CallRecords().answered("tcp:192.0.2.1:40000")
    record.dialogue_begun(0.0)
    record.ended_early("LINE", "gone", None)
    record.dialogue_over(None, 1.0)
    lines = lines_of(out)
    assert len(lines) == len(said)
    assert all(words in line for words, line in zip(said, lines, strict=True))


def test_words_of_others_make_no_line_of_their_own() -> None:
    record = logging.makeLogRecord({"msg": 'a\n{"level": "error"}\u2028\x1b[2J"'})
    for lines in (JsonLines(), TextLines()):
        text = lines.format(record)
        assert len(text.splitlines()) == 1
        assert "\x1b" not in text
    assert json.loads(JsonLines().format(record))["words"] == record.msg


def test_the_trace_of_an_error_is_in_the_line_of_its_call() -> None:
    out = io.StringIO()
    begin_log(None, LogFormat.JSON, stream=out)
    record = CallRecords().answered("tcp:192.0.2.1:40000")
    record.books_failed(StoreError("the disk is full"))
    [line] = lines_of(out)
    told = json.loads(line)
    assert (told["level"], told["call"]) == ("error", "run-1")
    assert "the disk is full" in told["trace"]
