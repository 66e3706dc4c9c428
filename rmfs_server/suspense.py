"""What stands in suspense for a licence, and how a person explains it.

Value goes to suspense where a machine was found to hold more or less than its books
could say why: its registers were adopted, or a voucher was posted that its funds did
not hold, as when a fund file that came since an old copy was not imported yet. Whoever
knows why has it taken from the funds of the licence, or given to them: each journal
once, by exactly what it moved, in a journal that refers to it.

Source: design section 4, no. 7; reliability notes, rules L1 and L11.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select

from hw.database import Store
from hw.database.prepared import Prepared
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, show_rupees
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_server.store import acts, ledger, schema
from rmfs_server.store.acts import By
from rmfs_server.store.schema import AccountKind, JournalKind

_OTHER: Final = schema.entry.alias("other")
_MACHINE: Final = schema.account.alias("machine_account")
_EXPLAINING: Final = schema.journal.alias("explaining")
_ALL: Final = (
    select(
        _MACHINE.c.licence,
        schema.journal.c.id,
        schema.journal.c.kind,
        schema.entry.c.amount_paise,
        schema.journal.c.posted_at,
        schema.journal.c.reason,
    )
    .select_from(
        schema.entry.join(schema.account, schema.account.c.id == schema.entry.c.account)
        .join(schema.journal, schema.journal.c.id == schema.entry.c.journal)
        .join(_OTHER, _OTHER.c.journal == schema.journal.c.id)
        .join(_MACHINE, _MACHINE.c.id == _OTHER.c.account)
        .outerjoin(_EXPLAINING, _EXPLAINING.c.refers_to == schema.journal.c.id)
    )
    .where(
        schema.account.c.name == ledger.SUSPENSE,
        _MACHINE.c.kind == AccountKind.MACHINE.name,
        _EXPLAINING.c.id.is_(None),
    )
    .order_by(schema.journal.c.id)
)
"""The other entry of what suspense took or gave is a machine's."""
_UNEXPLAINED: Final = Prepared(_ALL)
_UNEXPLAINED_OF: Final = Prepared(
    _ALL.where(_MACHINE.c.licence == bindparam("of_licence"))
)


@dataclass(frozen=True, slots=True)
class InSuspense:
    """A journal that left value in suspense, and that nobody has explained.

    Attributes:
        amount_paise: What it took from suspense; negative where it gave.
        reason: Why it was posted.
    """

    licence: LicenceIdentifier
    journal: int
    kind: JournalKind
    amount_paise: int
    posted_at: EpochSeconds
    reason: str


def unexplained(
    connection: Connection, licence: LicenceIdentifier | None = None
) -> list[InSuspense]:
    """List what stands in suspense, for one licence or for all, oldest first."""
    rows = (
        _UNEXPLAINED.all(connection, {})
        if licence is None
        else _UNEXPLAINED_OF.all(connection, {"of_licence": licence})
    )
    return [
        InSuspense(
            LicenceIdentifier(row.licence),
            row.id,
            JournalKind[row.kind],
            -row.amount_paise,
            EpochSeconds(row.posted_at),
            row.reason,
        )
        for row in rows
    ]


class Explaining:
    """Looks at what stands in suspense, and ends it by a person's decision."""

    def __init__(self, store: Store, resolving: Resolving) -> None:
        """Act on the books in `store`, by the rules about persons of `resolving`."""
        self._store = store
        self._resolving = resolving

    def unexplained(
        self, licence: LicenceIdentifier | None = None
    ) -> Sequence[InSuspense]:
        """List what stands in suspense, for one licence or for all."""
        with self._store.reading() as connection:
            return unexplained(connection, licence)

    def explain(self, licence: LicenceIdentifier, by: By) -> list[InSuspense]:
        """Take all that stands in suspense for a licence from its funds.

        Where the machine held less than the books said, the funds are given it.

        Returns:
            What was explained.

        Raises:
            MoveRefusedError: Nothing stands there, the funds do not hold it, or a
                person or the reason is missing.
        """
        self._resolving.check_persons(by)
        with self._store.writing("explain") as connection:
            funds = ledger.funds_of(licence)
            balance = ledger.lock_accounts(connection, [funds]).get(funds)
            if balance is None:
                raise MoveRefusedError(f"there is no licence {licence}")
            found = unexplained(connection, licence)
            if not found:
                raise MoveRefusedError(f"nothing stands in suspense for {licence}")
            total = sum(one.amount_paise for one in found)
            if total > balance:
                message = f"the funds of {licence} hold {show_rupees(balance)}"
                raise MoveRefusedError(
                    f"{message}, too little: import the fund file that is missing"
                )
            # What gives comes first, so that the funds never fall below zero.
            for one in sorted(found, key=lambda one: one.amount_paise):
                _explain(connection, one, by)
            acts.add(
                connection,
                licence,
                "explain",
                by,
                amount_paise=total,
                journals=[one.journal for one in found],
            )
            return found


def show_unexplained(found: Sequence[InSuspense]) -> Iterator[str]:
    """Show a person what stands in suspense."""
    if not found:
        yield "nothing stands in suspense"
    for one in found:
        yield (
            f"{one.licence}  journal {one.journal} {one.kind.name} "
            f"{show_rupees(Paise(one.amount_paise))}: {one.reason}"
        )


def _explain(connection: Connection, one: InSuspense, by: By) -> None:
    ledger.post(
        connection,
        idem=f"explain:{one.journal}",
        request_hash=ledger.request_hash("explain", one.journal, one.amount_paise),
        kind=one.kind,
        entries=[
            (ledger.funds_of(one.licence), -one.amount_paise),
            (ledger.SUSPENSE, one.amount_paise),
        ],
        now=by.now,
        reason=by.reason,
        person=by.person,
        refers_to=one.journal,
    )
