"""A gateway's database for tests: empty but for its schema, and somebody who acts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from dop_gateway.identity.model import Actor, By, PersonId, PersonKind
from dop_gateway.store.migrations import migrate
from hw.database import Store, open_store
from protocol.values import EpochSeconds

NOW = EpochSeconds(1_790_000_000)
ASHA = By(Actor(PersonId(1), "asha", PersonKind.STAFF, ()), NOW, "a-test", "a test")


@contextmanager
def gateway_at(url: str) -> Iterator[Store]:
    """Open a new database of the newest version."""
    with closing(open_store(url)) as store:
        migrate(store)
        yield store
