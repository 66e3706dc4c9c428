"""Who acts after the restore: the documented moves, and nothing else.

`OfficeOperator` calls the functions that the commands call. The command is named in
each docstring; docs/restore-drill.md has them in their order.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from protocol.values import LicenceIdentifier
from rmfs_server.former_life import FormerLives
from rmfs_server.frozen import Kind, carry_out_proposed, show_kind
from rmfs_server.funds import import_fund_file
from rmfs_server.proposing import Evidence
from rmfs_server.resolving import Resolving
from rmfs_server.store.verify import verify_books
from rmfs_server.suspense import Explaining
from rmfs_tools.simulation.drill_bodies import DrillError, Life
from rmfs_tools.simulation.drill_world import DrillWorld

REASON: Final = "the copy of 21.11.2026 was put back"

Actions = dict[LicenceIdentifier, list[str]]
"""What was done to each machine, in order."""


class Operator(Protocol):
    """The moves of an operator after a restore; each is a documented command."""

    def enrol(self, life: Life) -> None:
        """`rmfs server enrol FILE ...`."""
        ...

    def close(self, former: Life, life: Life) -> None:
        """`rmfs server resolve LICENCE --next-life FILE --action close ...`."""
        ...

    def import_funds(self, path: Path) -> None:
        """`rmfs server import-funds FILE`."""
        ...

    def resolve_proposed(self) -> Actions:
        """`rmfs server resolve --proposed --old-copy --reason ...`."""
        ...

    def explain(self) -> list[LicenceIdentifier]:
        """`rmfs server explain`, then `rmfs server explain LICENCE` for each."""
        ...

    def verify(self) -> int:
        """`rmfs server verify`: how many findings."""
        ...


class OfficeOperator:
    """Acts through the functions that the commands call."""

    def __init__(self, world: DrillWorld, on_word: Callable[[str], None]) -> None:
        """Act on the books of a drill; `on_word` hears what would be asked."""
        self._world = world
        self._on_word = on_word

    def enrol(self, life: Life) -> None:
        """Enrol a life from the maker's file."""
        self._world.enrol(life)

    def close(self, former: Life, life: Life) -> None:
        """Close a life that the books hold for in use, by the file of the next."""
        file = self._world.provisioning_of(life)
        lives = FormerLives(self._world.store, self._resolving)
        by = self._world.by(REASON)
        lives.close(former.licence, file, by, old_copy=True)

    def import_funds(self, path: Path) -> None:
        """Take a fund file.

        Raises:
            DrillError: A line does not fit.
        """
        world = self._world
        report = import_fund_file(world.store, path.read_bytes(), world.wall.now())
        if report.suspended:
            raise DrillError(f"{path.name} does not fit:\n{report.show()}")

    def resolve_proposed(self) -> Actions:
        """Carry out what is proposed for every frozen machine."""
        report = carry_out_proposed(
            self._resolving,
            self._world.by(REASON),
            self._agree,
            old_copy=True,
            on_progress=lambda _line: None,
        )
        return {
            licence: [action.value for action in done]
            for licence, done in report.actions.items()
        }

    def explain(self) -> list[LicenceIdentifier]:
        """Take what stands in suspense from the funds whose file came late."""
        explaining = Explaining(self._world.store, self._resolving)
        found = dict.fromkeys(one.licence for one in explaining.unexplained())
        for licence in found:
            explaining.explain(licence, self._world.by("the fund file came late"))
        return list(found)

    def verify(self) -> int:
        """Recompute the books."""
        with self._world.store.reading() as connection:
            return len(verify_books(connection))

    @property
    def _resolving(self) -> Resolving:
        return Resolving(self._world.store, two_persons=True)

    def _agree(self, kind: Kind, found: tuple[Evidence, ...]) -> bool:
        self._on_word(f"agreed: {show_kind(kind, found)}")
        return True
