"""State machines as tables of rows: in this state, upon that event, do this, go there.

A `Table` is data. It refuses duplicate rows and unreachable states when it is built,
says what is possible (`row`), and can be drawn (`mermaid`), so that the diagrams in the
docs cannot part from the code. Actions are plain functions; whoever owns the state
calls them and carries out the effects that they return.

An event is an object of a class, and the class stands in the row; where events carry
nothing, as in paperwork, a row may name a member of an enumeration instead.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from protocol.errors import LocalProtocolError, NoTransitionError

S = TypeVar("S", bound=Enum)
A = TypeVar("A", bound=Callable[..., Any])


@dataclass(frozen=True)
class Row(Generic[S, A]):
    """One row of a table: in `state`, upon an event of type `event`, or that member."""

    state: S
    event: Any
    do: A
    to: S

    @property
    def event_name(self) -> str:
        """What people call the event."""
        event: type | Enum = self.event
        return event.name if isinstance(event, Enum) else event.__name__


class Table(Generic[S, A]):
    """A checked set of rows over the states of one enumeration."""

    def __init__(self, initial: S, rows: Iterable[Row[S, A]]) -> None:
        """Check the rows.

        Raises:
            LocalProtocolError: Two rows answer the same state and event, an event is
                neither a class nor a member of an enumeration, or a state of the
                enumeration cannot be reached from `initial`.
        """
        self.initial = initial
        self.rows = tuple(rows)
        # States are members of an enumeration: each is there once, and as long as it.
        self._by_key: dict[tuple[int, type | Enum], Row[S, A]] = {}
        for row in self.rows:
            if not isinstance(row.event, type | Enum):
                message = f"{row.event!r} is neither a class nor a member: no event"
                raise LocalProtocolError(message)
            key = (id(row.state), row.event)
            if key in self._by_key:
                message = f"two rows for {row.state.name} upon {row.event_name}"
                raise LocalProtocolError(message)
            self._by_key[key] = row
        unreachable = set(type(initial)) - self._reachable()
        if unreachable:
            names = ", ".join(sorted(state.name for state in unreachable))
            message = f"states that no row reaches: {names}"
            raise LocalProtocolError(message)

    def row(self, state: S, event: object) -> Row[S, A]:
        """Find the row for an event.

        Raises:
            NoTransitionError: The table has no such row. On the wire that is the
                peer's fault, in our own code a bug: the caller knows which.
        """
        found = self._by_key.get((id(state), type(event)))
        if found is None:
            message = f"nothing is defined in {state.name} upon {type(event).__name__}"
            raise NoTransitionError(message)
        return found

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram, one line a row."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.name}"]
        lines += [
            f"    {row.state.name} --> {row.to.name}: {row.event_name}"
            for row in self.rows
        ]
        return "\n".join(lines) + "\n"

    def _reachable(self) -> set[S]:
        reached = {self.initial}
        while True:
            more = {row.to for row in self.rows if row.state in reached} - reached
            if not more:
                return reached
            reached |= more
