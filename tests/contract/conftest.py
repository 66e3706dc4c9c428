"""Fixtures of the contracts of the books: an office on each engine."""

from collections.abc import Iterator

import pytest

from tests.paper_machine import Office, office_at


@pytest.fixture
def office(store_url: str) -> Iterator[Office]:
    """Give an office on an empty database; money must add up when the test is over."""
    with office_at(store_url) as office:
        yield office
