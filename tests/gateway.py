"""A gateway's database for tests: empty but for its schema, and somebody who acts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from dop_gateway.identity import store as people
from dop_gateway.identity.model import Actor, By, PersonId, PersonKind
from dop_gateway.store.migrations import migrate
from hw.database import Store
from protocol.errors import InvariantError
from protocol.values import EpochSeconds
from tests.migrated import open_migrated

NOW: Final = EpochSeconds(1_790_000_000)
ASHA: Final = By(
    Actor(PersonId(2), "asha", PersonKind.STAFF, ()), NOW, "a-test", "a test"
)
"""The first person after the gateway itself."""


@contextmanager
def gateway_at(url: str) -> Iterator[Store]:
    """Open a new database of the newest version, which knows one person."""
    with closing(open_migrated(url, migrate)) as store:
        with store.writing("a person") as connection:
            found = people.insert_person(
                connection,
                login=ASHA.actor.login,
                name="Asha Rao",
                kind=ASHA.actor.kind,
                email="asha@example.org",
                mobile="9000000001",
                password_hash=None,
                now=NOW,
            )
            if found != ASHA.actor.person:
                raise InvariantError(f"the first person has the number {found}")
        yield store
