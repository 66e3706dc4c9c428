"""What a kill leaves behind: how far the exchange was.

The database of who was killed is read from a copy, with its journal: the original is
opened first by the program that is started next, which has to mend it, and not by us.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import ColumnElement, Connection, literal, select

from dop_gateway.exchange.model import (
    ACKNOWLEDGEMENT,
    UNANSWERED,
    Direction,
    FileState,
)
from dop_gateway.exchange.tables import exchange_file
from dop_gateway.folder import DATABASE
from hw.database import open_store
from rmfs_server.folder import BOOKS
from rmfs_server.store import schema
from rmfs_server.store.schema import ReceivedState, SentState
from rmfs_tools.demo_chain import GATEWAY
from rmfs_tools.killing.plan import Victim
from rmfs_tools.parties import SERVER


class Left(Enum):
    """How far a session was; the first that is true."""

    TO_TAKE = "a file of the gateway has not come to the server"
    TO_JUDGE = "files have come to the server, and are not all carried out"
    TO_MAKE = "the server has not made its files"
    TO_HAND_OVER = "the server's files are made, and not all handed over"
    TO_APPLY = "all are handed over, and the gateway has not applied them all"
    TO_ANSWER = "all are applied, and the server does not know"
    NOTHING = "nothing is left to do"


def left_in(folder: Path, killed: Victim | None) -> Left:
    """See how far the exchange is, or was when one side was killed.

    Args:
        folder: Of both sides.
        killed: Whose database lies there as it was left; None: nobody's.
    """
    gateway, server = folder / GATEWAY / DATABASE, folder / SERVER / BOOKS
    with (
        _read(gateway, as_copy=killed is Victim.GATEWAY) as ours,
        _read(server, as_copy=killed is Victim.SERVER) as theirs,
    ):
        return _left(ours, theirs)


def has_to_catch_up(folder: Path) -> bool:
    """Whether the gateway, which was killed, will find files to apply."""
    with _read(folder / GATEWAY / DATABASE, as_copy=True) as ours:
        return is_to_apply(ours)


def is_to_apply(gateway: Connection) -> bool:
    """Whether a file has come to the gateway that is not applied yet."""
    of = exchange_file.c
    return _any(gateway, of.state == FileState.RECEIVED.name)


@contextmanager
def _read(database: Path, *, as_copy: bool) -> Iterator[Connection]:
    with TemporaryDirectory(prefix="rmfs-kills-") as folder:
        at = database
        if as_copy:
            at = Path(folder) / database.name
            for path in database.parent.glob(f"{database.name}*"):
                # What stands in shared memory is made anew from the journal.
                if not path.name.endswith("-shm"):
                    shutil.copy(path, Path(folder) / path.name)
        with (
            closing(open_store(f"sqlite:///{at}")) as store,
            store.reading() as connection,
        ):
            yield connection


def _left(ours: Connection, theirs: Connection) -> Left:
    of, sent = exchange_file.c, schema.sent_file.c
    out = ours.execute(
        select(of.sha256).where(
            of.direction == Direction.OUT.name,
            of.state.in_([one.name for one in UNANSWERED]),
            of.layout != ACKNOWLEDGEMENT,
        )
    ).scalars()
    there = set(theirs.execute(select(schema.received_file.c.sha256)).scalars())
    waiting = schema.received_file.c.state == ReceivedState.WAITING.name
    offered = sent.state == SentState.OFFERED.name
    if not there.issuperset(out):
        left = Left.TO_TAKE
    elif _any(theirs, waiting):
        left = Left.TO_JUDGE
    elif _any(theirs, schema.told_item.c.file.is_(None)):
        left = Left.TO_MAKE
    elif _any(theirs, sent.handed_at.is_(None)):
        left = Left.TO_HAND_OVER
    elif is_to_apply(ours):
        left = Left.TO_APPLY
    elif _any(theirs, offered, sent.layout != ACKNOWLEDGEMENT):
        left = Left.TO_ANSWER
    else:
        left = Left.NOTHING
    return left


def _any(connection: Connection, *where: ColumnElement[bool]) -> bool:
    query = select(literal(1)).where(*where).limit(1)
    return connection.execute(query).first() is not None
