"""Life-cycles of paperwork: who may make which move, when, and after whom (GW-02).

A life-cycle is a table of rows, read aloud as "in this state, this move, made by one of
these, if nothing speaks against it, leads there"::

    LICENCE = Lifecycle(
        State.APPLIED,
        begun_by=Event.APPLIED,
        moves=[
            move(State.APPLIED, Event.CHECKED, State.CHECKED, by=OPERATORS),
            move(
                State.CHECKED,
                Event.ISSUED,
                State.REGISTERED,
                by=[Role.LICENSING_AUTHORITY],
                when=fee_is_paid,
                not_by=[Event.CHECKED],
            ),
        ],
    )

Rules of this module:

- It is pure: what was done before comes in, the new state goes out. Whoever asks
  writes both the state and the audit row, in one transaction.
- A move is judged in this order: is there such a row, has whoever asks a role for it,
  is it somebody else than who made the move that it checks (GW-03), does the guard
  agree.
- A row that needs another person than the one of an earlier move is refused when the
  table is built, if its state can be reached without that move.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeVar

from dop_gateway.errors import ConflictError, NotAllowedError, SamePersonError
from dop_gateway.identity.model import Actor, Grant, PersonId, PersonKind, Role
from protocol.errors import LocalProtocolError
from protocol.table import Row, Table

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Objection:
    """What speaks against a move.

    Attributes:
        code: Stable, for programs.
        words: What is wrong, and what to do next.
    """

    code: str
    words: str


Guard = Callable[[T], Objection | None]
"""Looks at the thing that is to move, and says what speaks against it."""


class IllegalMoveError(ConflictError):
    """The state that a thing is in has no such move: nothing was changed.

    Attributes:
        possible: Names of the moves that there are from here.
    """

    def __init__(self, state: Enum, event: Enum, possible: Iterable[Enum]) -> None:
        """Say what was asked, and what is possible."""
        self.possible = tuple(one.name for one in possible)
        told = f"possible are {', '.join(self.possible)}"
        words = told if self.possible else "nothing is possible any more"
        super().__init__(f"{event.name} is not possible in {state.name}: {words}")


class ObjectionError(ConflictError):
    """The move is possible from this state, but something speaks against it now.

    Attributes:
        code: Of the objection.
    """

    def __init__(self, objection: Objection) -> None:
        """Say what speaks against it."""
        super().__init__(objection.words)
        self.code = objection.code


@dataclass(frozen=True, slots=True)
class Mover:
    """Who makes a move.

    Attributes:
        roles: Those that reach the thing that is to move.
        is_program: It is a program of the gateway, as the one that finds what expired.
    """

    person: PersonId
    roles: frozenset[Role]
    is_program: bool = False


def mover(actor: Actor, grants: Iterable[Grant]) -> Mover:
    """Make somebody a mover.

    Args:
        actor: Who asks.
        grants: Those of their roles whose scope holds the thing that is to move.
    """
    roles = frozenset(grant.role for grant in grants)
    return Mover(actor.person, roles, actor.kind is PersonKind.PROGRAM)


@dataclass(frozen=True)
class Move(Row[S, Guard[T]], Generic[S, E, T]):
    """One row: `do` looks whether something speaks against it.

    Attributes:
        named: The move, as its enumeration has it.
        roles: Who may make it.
        by_program: Programs of the gateway may make it.
        not_by: Earlier moves; who made one of them last may not make this one.
    """

    named: E
    roles: frozenset[Role]
    by_program: bool
    not_by: tuple[E, ...]

    def may(self, who: Mover) -> bool:
        """Whether somebody has a role for it."""
        return bool(self.roles & who.roles) or (self.by_program and who.is_program)


def nothing_against(_subject: object) -> Objection | None:
    """Object to nothing: the guard of a move that has none."""
    return None


def move(
    state: S,
    event: E,
    to: S,
    *,
    by: Iterable[Role] = (),
    by_program: bool = False,
    when: Guard[T] = nothing_against,
    not_by: Iterable[E] = (),
) -> Move[S, E, T]:
    """Write one row of a life-cycle.

    Args:
        state: In this state ...
        event: ... this move ...
        to: ... leads there, ...
        by: ... made by one of these, ...
        by_program: ... or by a program of the gateway, ...
        when: ... if it does not object, ...
        not_by: ... and not by who made one of these moves last.
    """
    return Move(state, event, when, to, event, frozenset(by), by_program, tuple(not_by))


class Lifecycle(Table[S, Guard[T]], Generic[S, E, T]):
    """A checked set of moves over the states of one enumeration."""

    def __init__(
        self, initial: S, *, begun_by: E, moves: Iterable[Move[S, E, T]]
    ) -> None:
        """Check the moves.

        Args:
            initial: State of what has just been entered.
            begun_by: The move that enters it; no row has it.
            moves: Rows.

        Raises:
            LocalProtocolError: Two rows answer the same state and move, a state cannot
                be reached, nobody may make a move, or one has to be made by somebody
                else than who made a move that need not have been made.
        """
        self.begun_by: Final = begun_by
        self.moves: Final = tuple(moves)
        super().__init__(initial, self.moves)
        self._by_name = {(row.state, row.named): row for row in self.moves}
        for row in self.moves:
            if row.named is begun_by:
                raise LocalProtocolError(f"{begun_by.name} begins, and moves nothing")
            if not row.roles and not row.by_program:
                raise LocalProtocolError(f"nobody may make {_told(row)}")
            for earlier in row.not_by:
                if earlier is not begun_by and row.state in self._without(earlier):
                    raise LocalProtocolError(
                        f"{_told(row)} needs somebody else than {earlier.name}, "
                        "which need not have been made"
                    )

    def possible(self, state: S) -> tuple[E, ...]:
        """List the moves that there are from a state, whoever asks."""
        return tuple(row.named for row in self.moves if row.state is state)

    def open_to(
        self, state: S, who: Mover, subject: T, made_by: Mapping[E, PersonId]
    ) -> tuple[E, ...]:
        """List the moves that somebody can make now: what `move` would not refuse."""
        return tuple(
            row.named
            for row in self.moves
            if row.state is state
            and row.may(who)
            and _same_as(row, who, made_by) is None
            and row.do(subject) is None
        )

    def move(
        self,
        state: S,
        event: E,
        who: Mover,
        subject: T,
        made_by: Mapping[E, PersonId],
    ) -> S:
        """Make a move.

        Args:
            state: The state that the thing is in.
            event: The move.
            who: Who makes it.
            subject: The thing, for the guard.
            made_by: Who made each move last, the one that began it included.

        Returns:
            The state that it is in now.

        Raises:
            IllegalMoveError: This state has no such move.
            NotAllowedError: Nobody with these roles makes it.
            SamePersonError: Who made the move that this one checks makes it.
            ObjectionError: Something speaks against it.
            LocalProtocolError: `made_by` lacks a move that was made.
        """
        row = self._by_name.get((state, event))
        if row is None:
            raise IllegalMoveError(state, event, self.possible(state))
        if not row.may(who):
            names = ", ".join(sorted(role.name for role in row.roles))
            raise NotAllowedError(f"{event.name} is for {names or 'programs'}")
        same = _same_as(row, who, made_by)
        if same is not None:
            raise SamePersonError(
                f"who made {same.name} cannot make {event.name}: ask a colleague"
            )
        objection = row.do(subject)
        if objection is not None:
            raise ObjectionError(objection)
        return row.to

    def _without(self, event: E) -> frozenset[S]:
        """Give the states that can be reached without a move."""
        reached = {self.initial}
        while True:
            more = {
                row.to
                for row in self.moves
                if row.state in reached and row.named is not event
            } - reached
            if not more:
                return frozenset(reached)
            reached |= more


def _same_as(
    row: Move[Any, E, Any], who: Mover, made_by: Mapping[E, PersonId]
) -> E | None:
    """Give the move that the same person made last and that forbids this one."""
    for earlier in row.not_by:
        if earlier not in made_by:
            message = f"who made {earlier.name} is not said, which {_told(row)} needs"
            raise LocalProtocolError(message)
        if made_by[earlier] == who.person:
            return earlier
    return None


def _told(row: Move[Any, Any, Any]) -> str:
    return f"{row.event_name} in {row.state.name}"
