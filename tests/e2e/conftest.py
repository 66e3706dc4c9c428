"""Fixtures of end-to-end tests: a system in use, a copy of it for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.situations import in_use
from tests.system import System


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give a system in use, made once for a file of tests; only copies are used."""
    return in_use(tmp_path_factory.mktemp("template") / "system")


@pytest.fixture
def system(template: System, tmp_path: Path) -> Iterator[System]:
    """Give a copy of the template, which a test may do anything to."""
    system = template.copy(tmp_path / "system", 0)
    yield system
    system.store.close()
