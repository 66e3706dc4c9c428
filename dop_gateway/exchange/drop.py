"""The drop of one party: what lies there for it, and what it hands over.

This is all of it, whoever stands before it: the SFTP server, a rehearsal, a test. There
are no folders and no paths here, so there is no way out: a name is looked up among the
party's own files.

- A file lies there until its receiver has acknowledged it, an acknowledgement of ours
  too, and can be read as often as it likes, with the same octets: a line that is cut
  behind the last octet loses nothing.
- What is handed over is committed when `take` returns, and applied and acknowledged
  right away, so that its sender finds the answer in the same session.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import NotFoundError
from dop_gateway.exchange import applying, file_store, received
from dop_gateway.exchange.model import FileRow, FileState
from dop_gateway.exchange.received import Brought, Received
from dop_gateway.exchange.sources import Sources
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.parts import Parts


@dataclass(frozen=True, slots=True)
class Drop:
    """The drop of a party.

    Attributes:
        sources: Who applies what comes.
        party: Its code.
        session: Names whoever uses it, for the audit trail.
    """

    parts: Parts
    sources: Sources
    party: str
    session: str = "drop"

    def names(self) -> list[str]:
        """List the names of what lies there."""
        return [row.name for row in self.offered()]

    def read(self, name: str, octets_max: int | None = None) -> bytes:
        """Read a file; one that is larger is not read whole, and so not taken.

        Args:
            name: As it was listed.
            octets_max: Of a larger one come so many and one more.

        Raises:
            NotFoundError: Nothing of that name lies there.
        """
        row, octets = self.open(name)
        if octets_max is not None and len(octets) > octets_max:
            return octets[: octets_max + 1]
        self.was_read(row)
        return octets

    def write(self, name: str, octets: bytes) -> None:
        """Hand a file over; `take` says what became of it."""
        self.take(name, octets)

    def offered(self) -> Sequence[FileRow]:
        """List what lies there, as it was made."""
        with self.parts.store.reading() as connection:
            return file_store.unanswered(connection, self.party)

    def open(self, name: str) -> tuple[FileRow, bytes]:
        """Give a file with its octets; it does not count as read.

        Raises:
            NotFoundError: Nothing of that name lies there.
        """
        with self.parts.store.reading() as connection:
            row = file_store.given_as(connection, self.party, name)
            if row is not None:
                return row, file_store.octets_of(connection, row.number)
        raise NotFoundError(f"no file {name} lies here")

    def was_read(self, row: FileRow) -> None:
        """Say that a file was read from its first octet to its last."""
        by = self._by()
        with self.parts.store.writing("read a file") as connection:
            now = file_store.get(connection, row.number)
            if now.state is not FileState.OFFERED:
                return
            file_store.change(
                connection,
                row.number,
                state=FileState.TAKEN.name,
                state_at=by.now,
            )
            trail.add(
                connection,
                by,
                "read",
                Subject("exchange file", str(row.number)),
                from_state=now.state.name,
                to_state=FileState.TAKEN.name,
            )

    def octets_max(self, name: str) -> int:
        """Say how many octets a file of this name may have.

        Raises:
            NotFoundError: No file that is exchanged has such a name.
        """
        layout = self.parts.exchange.layouts.of_file(name)
        if layout is None:
            raise NotFoundError(f"{name} is no name of a file that is exchanged")
        return layout.octets_max

    def take(self, name: str, octets: bytes) -> Received:
        """Take a file over: it is committed when this returns.

        Raises:
            ConflictError: Nothing is exchanged with the party any more.
            TooManyError: It brought too many files today.
            StoreError: The database failed; hand it over again.
        """
        by = self._by()
        parts = self.parts
        with parts.store.writing("take a file") as connection:
            brought = Brought(self.party, name, octets)
            found = received.take(connection, parts.exchange, brought, by)
        self.catch_up()
        return found

    def catch_up(self) -> None:
        """Apply what has its turn, and acknowledge it."""
        parts = self.parts
        applying.catch_up(
            parts.store, parts.exchange, self.sources, self.party, self._by()
        )

    def _by(self) -> By:
        now = self.parts.clock.now()
        return By(GATEWAY, now, self.session, f"the drop of {self.party}")
