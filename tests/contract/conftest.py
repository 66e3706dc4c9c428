"""Fixtures of the contracts of the books: an office on each engine, a Department."""

from collections.abc import Iterator

import pytest

from tests.exchange_desk import PaperDepartment
from tests.paper_machine import Office, office_at


@pytest.fixture
def office(store_place: str) -> Iterator[Office]:
    """Give an office on an empty database; money must add up when the test is over."""
    with office_at(store_place) as office:
        yield office


@pytest.fixture
def dop() -> PaperDepartment:
    """Give the Department on paper, which has laid out nothing."""
    return PaperDepartment()
