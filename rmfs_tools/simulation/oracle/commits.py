"""What one transaction of the server did to one licence, and whether it may.

Source:
    protocol/SPEC.md REG-5, REG-7, REG-8, REG-9; DLG-5.1, DLG-7.3, DLG-14.2.
"""

from dataclasses import dataclass, field

from rmfs_tools.simulation.observations import BooksCommitted, MachineRow, Recharge
from rmfs_tools.simulation.oracle.conversations import Conversation
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.judge import (
    KINDS,
    OPEN,
    Accepted,
    Settles,
    View,
    effect_of,
    judge,
    may_be_granted,
    overtaken,
)
from rmfs_tools.simulation.oracle.ledger import Booked, Moved
from rmfs_tools.simulation.oracle.licence import Licence
from rmfs_tools.simulation.oracle.messages import Confirmation, Statement
from rmfs_tools.simulation.oracle.properties import Property
from rmfs_tools.simulation.oracle.vouchers import Vouchers, voucher_and_row_differ

_SETTLED = ("POSTED", "VOIDED", "REVERSED")
_STOPPED_BY = {
    "RECHARGE": ("BLOCKED", "WITHHELD", "EXPIRED", "CANCELLED"),
    "REFUND": ("CANCELLED",),
    "WITHDRAWAL": ("CANCELLED",),
}
"""States of a licence under which a kind is refused (DLG-8.5)."""


@dataclass
class _Transaction:
    """One transaction, as far as it is about one licence."""

    event: BooksCommitted
    licence: Licence
    before: View | None
    row: MachineRow | None
    rows: list[Recharge]
    claims: list[tuple[Property, str]] = field(default_factory=list)
    moved: Moved = field(default_factory=Moved)
    settled: list[Recharge] = field(default_factory=list)
    granted: list[Recharge] = field(default_factory=list)


class Commits:
    """Looks at transactions.

    Args:
        vouchers: All that was ever stored; what is new is added.
        findings: Where rare states are counted.
    """

    def __init__(self, vouchers: Vouchers, findings: Findings) -> None:
        self._vouchers = vouchers
        self._findings = findings

    def commit(self, event: BooksCommitted, licence: Licence, booked: Booked) -> None:
        """Compare the rows of a licence before and after a transaction."""
        name = licence.name
        licence.expose()
        row = next((one for one in event.machines if one.licence == name), None)
        rows = [one for one in event.recharges if one.licence == name]
        work = _Transaction(event, licence, licence.view(), row, rows)
        for one in sorted(rows, key=lambda each: each.number):
            self._recharge(work, one)
        moved = booked.moved.get(name, Moved())
        if moved != work.moved:
            what = (
                f"{event.what} moved {tuple(moved)} between funds, reserved and "
                f"machine, its rows say {tuple(work.moved)}"
            )
            work.claims.append((Property.LEDGER_9, what))
        enrolled = licence.row is None
        if name in booked.from_outside and not enrolled:
            work.claims.append(
                (Property.LEDGER_11, f"{event.what} brought value in beside the funds")
            )
        if row is not None:
            self._machine(work, row)
        self._frozen(work, row)
        licence.claim(work.claims)
        frozen_now = (
            row is not None
            and row.frozen
            and not (work.before is not None and work.before.row.frozen)
        )
        licence.report(event, frozen_now=frozen_now)
        licence.check_balances()
        licence.check_bodies()
        view = licence.view()
        if view is not None:
            for conversation in licence.conversations.values():
                conversation.commit(view)

    def _recharge(self, work: _Transaction, row: Recharge) -> None:
        """Look at one row: new, changed, or the same."""
        licence = work.licence
        before = licence.recharges.get(row.number)
        self._vouchers_of(work, row, before)
        licence.keep(row)
        if before is not None and before.state not in OPEN:
            if row.state != before.state:
                licence.broken(
                    Property.LEDGER_8,
                    f"recharge {row.number} went from {before.state} to {row.state}",
                )
            return
        work.moved = work.moved.plus(_moves(before, row))
        if row.state in _SETTLED:
            self._settle(work, row, before)
        elif before is None:
            self._grant(work, row)

    def _vouchers_of(
        self, work: _Transaction, row: Recharge, before: Recharge | None
    ) -> None:
        """Octets and amounts are frozen from the first commit on (DLG-5.1, REG-7)."""
        licence = work.licence
        expected = None
        if before is None and row.state in OPEN:
            # It is granted on top of what the same transaction settles.
            after = work.row if work.row is not None else licence.row
            expected = after.control_total_paise if after is not None else None
        differs = voucher_and_row_differ(row, expected)
        if differs:
            licence.broken(Property.GRANT_2, f"recharge {row.number}: {differs}")
        if before is not None:
            frozen = (before.kind, before.amount_paise, before.voucher)
            changed = (row.kind, row.amount_paise, row.voucher) != frozen
            if changed or (before.void is not None and row.void != before.void):
                licence.broken(
                    Property.LEDGER_8, f"recharge {row.number} has changed its octets"
                )
        elif row.state == "POSTED" and not self._vouchers.stored(row.voucher):
            licence.broken(
                Property.SETTLE_2,
                f"recharge {row.number} was posted by a voucher never stored",
            )
        self._vouchers.store(row)

    def _grant(self, work: _Transaction, row: Recharge) -> None:
        """GRANT-1, GRANT-3: what is stored was asked for, and the licence allows it."""
        work.granted.append(row)
        licence, before = work.licence, work.before
        after = work.row if work.row is not None else licence.row
        why = "no STATEMENT in order asks for it"
        if before is None or after is None:
            why = "the machine is not enrolled"
        elif row.number != after.number + 1:
            why = f"the last one settled is {after.number}"
        else:
            for one in licence.conversations.values():
                message = one.message
                if (
                    isinstance(message, Statement)
                    and message.request == KINDS[row.kind]
                    and message.amount_paise == row.amount_paise
                    and judge(before, message).code == 0
                    and not overtaken(before, message)
                ):
                    why = may_be_granted(message)
                    break
        if why:
            licence.broken(
                Property.GRANT_1,
                f"{row.kind} {row.number} of {row.amount_paise} stored: {why}",
            )
        if licence.state in _STOPPED_BY.get(row.kind, ()):
            licence.broken(
                Property.GRANT_3,
                f"{row.kind} {row.number} stored under a licence that is "
                f"{licence.state}",
            )

    def _settle(
        self, work: _Transaction, row: Recharge, before: Recharge | None
    ) -> None:
        """SETTLE-1: posted and voided by what a machine says, else by a person."""
        work.settled.append(row)
        if before is None:
            self._findings.reached("machine ahead of restored books posted")
            work.claims.append(
                (Property.SETTLE_1, f"recharge {row.number} was posted at once")
            )
            return
        witness, superseded = self._witness(work, row)
        if witness is not None:
            self._count(row, witness)
        elif superseded:
            work.licence.broken(
                Property.GEN_1, f"recharge {row.number} settled by a call that had lost"
            )
        else:
            work.claims.append(
                (
                    Property.SETTLE_1,
                    f"recharge {row.number} became {row.state} and no message says so",
                )
            )

    def _witness(
        self, work: _Transaction, row: Recharge
    ) -> tuple[Statement | Confirmation | None, bool]:
        """Find the message that settles a row, and whether only a lost call had it."""
        superseded = False
        if work.before is None:
            return None, False
        wanted = {"POSTED": Settles.POST, "VOIDED": Settles.VOID}.get(row.state)
        for one in work.licence.conversations.values():
            message = one.message
            if message is None or message.number != row.number:
                continue
            verdict = judge(work.before, message)
            no_effect = effect_of(row) == 0 and verdict.settles is not Settles.NOTHING
            if verdict.code == 0 and (verdict.settles is wanted or no_effect):
                if one.superseded and isinstance(message, Confirmation):
                    superseded = True
                else:
                    return message, False
        return None, superseded

    def _count(self, row: Recharge, witness: Statement | Confirmation) -> None:
        if row.state == "VOIDED":
            self._findings.reached("VOID settled")
        elif row.state == "POSTED":
            if row.void is not None:
                self._findings.reached("voucher applied though a VOID was stored")
            by = "statement" if isinstance(witness, Statement) else "confirmation"
            self._findings.reached(f"{row.kind.lower()} posted by {by}")

    def _machine(self, work: _Transaction, row: MachineRow) -> None:
        """Look at the row of the machine."""
        licence = work.licence
        before, licence.row = licence.row, row
        if before is None:
            licence.enrol()
            return
        number = before.number + len(work.settled)
        total = before.control_total_paise + sum(
            effect_of(one) for one in work.settled if one.state == "POSTED"
        )
        if (row.number, row.control_total_paise) != (number, total):
            what = (
                f"{work.event.what} made number and CT of the books "
                f"{(row.number, row.control_total_paise)}, settled rows give "
                f"{(number, total)}"
            )
            work.claims.append((Property.LEDGER_10, what))
        self._dial_in(work, before, row)
        self._marks(work, before, row)
        if not row.frozen:
            self._accept(licence, work.before, row)

    def _frozen(self, work: _Transaction, row: MachineRow | None) -> None:
        """FREEZE-4: what is frozen moves by a person only, and nothing with it."""
        before = work.before.row if work.before is not None else None
        if before is None:
            return
        what = work.event.what
        if not before.frozen:
            if row is not None and row.frozen and (work.settled or work.granted):
                work.licence.broken(Property.FREEZE_4, f"{what} settled what it froze")
            return
        if work.settled or work.granted:
            work.claims.append((Property.FREEZE_4, f"{what} moved a frozen account"))
        if row is not None and not row.frozen:
            work.claims.append((Property.FREEZE_4, f"{what} ended the freeze"))

    def _dial_in(self, work: _Transaction, before: MachineRow, row: MachineRow) -> None:
        """DLG-14.2: the dial-in that counts was stated, and is never an older one."""
        if row.dial_in == before.dial_in:
            return
        stated = any(
            isinstance(one.message, Statement) and one.message.dial_in == row.dial_in
            for one in work.licence.conversations.values()
        )
        if row.dial_in < before.dial_in or not stated:
            what = f"dial-in {row.dial_in} counts after {before.dial_in}: {stated=}"
            work.claims.append((Property.GEN_3, what))

    def _marks(self, work: _Transaction, before: MachineRow, row: MachineRow) -> None:
        """DLG-7.1 and 7.3: a mark is fresh, and counts when it has come back."""
        licence = work.licence
        if row.mark_issued != before.mark_issued and row.mark_issued is not None:
            if row.mark_issued in (before.mark_acknowledged, *licence.issued):
                licence.broken(
                    Property.ORDER_5, f"mark {row.mark_issued.hex()} is not fresh"
                )
            licence.issued.append(row.mark_issued)
        if row.mark_acknowledged == before.mark_acknowledged:
            return
        lost = False
        for one in licence.conversations.values():
            if _brought(one, row.mark_acknowledged):
                if not one.superseded or one.goodbye != row.mark_acknowledged:
                    return
                lost = True
        mark = row.mark_acknowledged.hex()
        if lost:
            claim = (Property.GEN_1, f"mark {mark} counts, of a call that had lost")
        else:
            claim = (Property.ORDER_6, f"mark {mark} counts and never came back")
        work.claims.append(claim)

    def _accept(self, licence: Licence, before: View | None, row: MachineRow) -> None:
        """Remember the registers of the message that this transaction judged."""
        said = set()
        for one in licence.conversations.values():
            message = one.message
            if message is None or before is None:
                continue
            mine = (
                message.dial_in == row.dial_in
                if isinstance(message, Statement)
                else message.number == row.number and not one.superseded
            )
            if mine and judge(before, message).code == 0:
                said.add(
                    Accepted(
                        message.ascending_paise, message.items, message.items_with_zero
                    )
                )
        if len(said) == 1:
            licence.accept(row.dial_in, said.pop())
        elif said:
            # A machine and its clone at once: which was judged is not seen.
            licence.accepted = None


def _brought(conversation: Conversation, mark: bytes) -> bool:
    message = conversation.message
    stated = isinstance(message, Statement) and message.mark == mark
    return stated or conversation.goodbye == mark


def _moves(before: Recharge | None, row: Recharge) -> Moved:
    """Give what a change of a row must move in the ledger."""
    amount = row.amount_paise
    if row.kind != "RECHARGE":
        # REG-5.3: credit comes back when it is posted, never before.
        return Moved(amount, 0, -amount) if row.state == "POSTED" else Moved()
    moved = Moved(-amount, amount, 0) if before is None else Moved()
    if row.state == "POSTED":
        return moved.plus(Moved(0, -amount, amount))
    if row.state in _SETTLED:
        return moved.plus(Moved(amount, -amount, 0))
    return moved
