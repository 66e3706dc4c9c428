"""The gateway's log says who signed in and what was refused, not what was typed."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dop_gateway.web.log import LINE
from tests.gateway_desk import PASSWORD, Gateway, new_gateway

LOGGER = "dop_gateway.web.log"


@pytest.fixture
def gateway(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Gateway:
    caplog.set_level(logging.INFO, LOGGER)
    return new_gateway(f"sqlite:///{tmp_path / 'gateway.sqlite'}")


def test_a_sign_in_is_logged_with_its_request(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    given = gateway.administrator().token
    assert "asha signed in from testclient [" in caplog.text
    assert PASSWORD not in caplog.text
    assert given not in caplog.text


def test_a_wrong_sign_in_is_a_warning_and_nothing_that_was_typed_is_in_it(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    assert gateway.try_sign_in("my-own-secret", "wrong").status_code == 401
    [record] = caplog.records
    assert record.levelname == "WARNING"
    words = record.getMessage()
    assert words.startswith(
        "POST '/api/v1/sessions' of nobody from testclient: 401 not-signed-in ["
    )
    assert "my-own-secret" not in caplog.text


def test_who_may_not_is_named(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    ravi = gateway.somebody("ravi")
    caplog.clear()
    said = {"X-Request-ID": "r-7", "X-Forwarded-For": "192.0.2.7"}
    answer = ravi.ask("GET", "/people", **said)
    assert answer.status_code == 403
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "GET '/api/v1/people' of ravi from testclient: 403 not-allowed [r-7]"
    )


def test_a_path_makes_no_line_of_its_own(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.ask("GET", "/x%0a2026-11-23T10:00:00+0530%20INFO%20asha%20signed%20in")
    [record] = caplog.records
    assert "\n" not in record.getMessage()
    assert "/x\\n2026" in record.getMessage()


def test_what_is_refused_for_its_form_is_logged_too(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    assert gateway.ask("POST", "/sessions", {"login": 7}).status_code == 422
    [record] = caplog.records
    assert record.levelname == "INFO"
    assert ": 422 invalid [" in record.getMessage()


def test_a_line_tells_when_it_was_with_the_offset() -> None:
    record = logging.makeLogRecord({"msg": "x", "created": 1_790_000_000.0})
    at = datetime.strptime(LINE.format(record).split()[0], "%Y-%m-%dT%H:%M:%S%z")
    assert at == datetime.fromtimestamp(1_790_000_000, UTC)
