"""How much a dial-in asks of the database, counted: seconds depend on the machine.

SQLite's trace tells every statement that is executed, with BEGIN and COMMIT, and tells
it again after a trigger; what the trigger executes begins with two dashes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from sqlite3 import Connection

import pytest

from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.values import Paise
from tests.franking import frank
from tests.system import RUPEES_2000, System, new_system

INSPECTION_STATEMENTS = 12
RECHARGE_STATEMENTS = 50
"""They were 24 and 67 when each row was read where it was needed.

Of dial-ins that come together each reads no more than one that comes alone.
"""


@pytest.fixture
def system(tmp_path: Path) -> System:
    """Enrolled, funded and recharged, with usage that was reported."""
    system = new_system(tmp_path / "system")
    system.dial(RUPEES_2000)
    frank_once(system)
    system.dial(INSPECTION)
    return system


def frank_once(system: System) -> None:
    frank(system.psd(), Paise(500), 3)


@contextmanager
def tracing(system: System, told: Callable[[str], None] | None) -> Iterator[None]:
    raw = system.store.engine.raw_connection()
    driver = raw.driver_connection
    raw.close()
    assert isinstance(driver, Connection)
    driver.set_trace_callback(told)
    yield
    driver.set_trace_callback(None)


def statements_of(system: System, request: Request, outcome: Outcome) -> list[str]:
    told: list[str] = []
    with tracing(system, told.append):
        assert system.dial(request).outcome is outcome
    return [one for one, _ in groupby(told) if not one.startswith("--")]


def test_an_inspection_takes_no_more_statements_than_it_did(system: System) -> None:
    statements = statements_of(system, INSPECTION, Outcome.INSPECTED)
    assert len(statements) <= INSPECTION_STATEMENTS, "\n".join(statements)


def test_a_recharge_with_usage_takes_no_more_statements_than_it_did(
    system: System,
) -> None:
    frank_once(system)
    statements = statements_of(system, RUPEES_2000, Outcome.CONFIRMED)
    assert len(statements) <= RECHARGE_STATEMENTS, "\n".join(statements)


def test_only_what_is_to_be_sent_is_asked_where_a_machine_has_applied_no_order(
    system: System,
) -> None:
    statements = statements_of(system, INSPECTION, Outcome.INSPECTED)
    assert sum("machine_order" in one for one in statements) == 1
