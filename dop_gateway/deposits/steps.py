"""Moves of deposits that are written together: states, money, lines, history.

A file moves 100,000 deposits in one transaction. Whoever moves them collects `Steps`,
and writes them once: the rows of the deposits, the journals of the ledger, the lines
that makers will be told, the history of each deposit, and one row of the audit trail
with how many, how much, and a hash over that history.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.deposits import fund_lines, store
from dop_gateway.deposits.fund_lines import NewLine
from dop_gateway.deposits.lifecycle import DEPOSIT, PROGRAM
from dop_gateway.deposits.model import (
    Deposit,
    DepositEvent,
    DepositId,
    DepositState,
)
from dop_gateway.identity.model import By
from dop_gateway.ledger import Movement

_TOLD_ONE_BY_ONE: Final = 20
"""So many deposits have a row of the audit trail each; more have one for all."""

Money = Callable[[str], Movement]
"""Makes a movement of the key that it is given."""


@dataclass
class Steps:
    """What is going to be written of some deposits."""

    by: By
    _now: dict[DepositId, Deposit] = field(default_factory=dict)
    _moves: list[tuple[Deposit, DepositEvent, DepositState | None]] = field(
        default_factory=list
    )
    _movements: list[Movement] = field(default_factory=list)
    _lines: list[NewLine] = field(default_factory=list)

    def begin(self, deposits: Iterable[Deposit]) -> None:
        """Tell that deposits are new; they are kept already."""
        self._moves += [(one, DepositEvent.RECEIVED, None) for one in deposits]

    def move(
        self,
        deposit: Deposit,
        event: DepositEvent,
        money: Money | None = None,
        **changes: Any,
    ) -> Deposit:
        """Move a deposit.

        Args:
            deposit: As it is now.
            event: The move.
            money: Makes the movement that goes with it.
            changes: What else changes of it.

        Raises:
            IllegalMoveError: Its state has no such move.
        """
        state = DEPOSIT.move(deposit.state, event, PROGRAM, deposit, {})
        moved = replace(
            deposit,
            state=state,
            steps=deposit.steps + 1,
            changed_at=self.by.now,
            **changes,
        )
        self._now[deposit.id] = moved
        self._moves.append((moved, event, deposit.state))
        if money is not None:
            self._movements.append(money(f"deposit:{deposit.id}:{moved.steps}"))
        return moved

    def note(self, deposit: Deposit, **changes: Any) -> Deposit:
        """Change what is known of a deposit that stays where it is."""
        noted = replace(deposit, changed_at=self.by.now, **changes)
        self._now[deposit.id] = noted
        return noted

    def line(self, line: NewLine) -> None:
        """Let a maker be told."""
        self._lines.append(line)

    def write(self, connection: Connection, act: str) -> None:
        """Write everything; nothing is left.

        Args:
            connection: The transaction in which the deposits were locked.
            act: What is done, for the audit trail.
        """
        store.change(connection, self._now.values())
        ledger.post_many(connection, self._movements, self.by)
        fund_lines.add(connection, self._lines, self.by.now)
        covered = store.tell(connection, self._moves, self.by)
        self._tell_audit(connection, act, covered)
        self._now, self._moves, self._movements, self._lines = {}, [], [], []

    def _tell_audit(self, connection: Connection, act: str, covered: str) -> None:
        if not self._moves:
            return
        if len(self._moves) <= _TOLD_ONE_BY_ONE:
            for moved, event, before in self._moves:
                trail.add(
                    connection,
                    self.by,
                    event.name.lower().replace("_", " "),
                    Subject("deposit", str(moved.id)),
                    from_state="" if before is None else before.name,
                    to_state=moved.state.name,
                    amount_paise=moved.amount_paise,
                )
            return
        amounts = {moved.id: moved.amount_paise for moved, _, _ in self._moves}
        trail.add(
            connection,
            self.by,
            act,
            Subject("deposits", f"{min(amounts)}-{max(amounts)}"),
            deposits=len(amounts),
            moves=len(self._moves),
            total_paise=sum(amounts.values()),
            sha256_of_moves=covered,
        )
