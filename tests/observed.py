"""Hand-made observations: one machine and its books, told step by step to an oracle.

Nothing of the product makes these: octets are packed here by SPEC.md's tables, and the
books are moved by hand. A test breaks one thing and sees whether the oracle says so.
"""

import struct
from typing import Any

from rmfs_tools.simulation.observations import (
    BooksCommitted,
    BooksRestored,
    CalmBegan,
    Cheated,
    Deposited,
    DialInEnded,
    Franked,
    Heard,
    Journal,
    LicenceStated,
    MachineRow,
    MachineStored,
    Observation,
    PersonResolved,
    Recharge,
    Rested,
    Said,
    Wished,
)
from rmfs_tools.simulation.oracle import Oracle
from rmfs_tools.simulation.violations import Violation

LICENCE = "N123456"
CREDENTIAL = bytes.fromhex("c0ffee00c0ffee00")
KINDS = {"RECHARGE": 1, "WITHDRAWAL": 2, "VOID": 3, "REFUND": 4}
SIGNATURE = bytes(64)
RUPEES_100 = 10_000


def pack_voucher(
    kind: str,
    number: int,
    amount: int,
    before: int,
    *,
    licence: str = LICENCE,
    credential: bytes = CREDENTIAL,
    after: int | None = None,
    salt: int = 0,
) -> bytes:
    effect = {"RECHARGE": amount, "VOID": 0}.get(kind, -amount)
    return struct.pack(
        ">BB7s8sIQQQIB64s",
        0x20,
        KINDS[kind],
        licence.encode(),
        credential,
        number,
        amount,
        before,
        before + effect if after is None else after,
        salt,
        1,
        SIGNATURE,
    )


def pack_statement(stored: MachineStored, dial_in: int, **over: Any) -> bytes:
    kind = stored.pending[0] if stored.pending else ""
    fields: dict[str, Any] = {
        "licence": stored.licence,
        "state": 2,
        "ar": stored.ascending_paise,
        "dr": stored.descending_paise,
        "ct": stored.control_total_paise,
        "items": stored.items,
        "zero": stored.items_with_zero,
        "number": stored.number,
        "mark": stored.mark,
        "dial_in": dial_in,
        "request": KINDS.get(kind, 0),
        "amount": stored.pending[1] if stored.pending else 0,
    } | over
    return struct.pack(
        ">BBH7s8s3sBQQQIIII8s8sIIBQ64s",
        0x10,
        1,
        0,
        fields["licence"].encode(),
        b"PSD00001",
        bytes(3),
        fields["state"],
        fields["ar"],
        fields["dr"],
        fields["ct"],
        fields["items"],
        fields["zero"],
        fields["number"],
        0,
        fields["mark"],
        bytes(8),
        0,
        fields["dial_in"],
        fields["request"],
        fields["amount"],
        SIGNATURE,
    )


def pack_confirmation(stored: MachineStored, **over: int) -> bytes:
    fields = {
        "number": stored.number,
        "ar": stored.ascending_paise,
        "dr": stored.descending_paise,
        "ct": stored.control_total_paise,
    } | over
    return struct.pack(
        ">B7sIQQQIIB64s",
        0x11,
        stored.licence.encode(),
        *fields.values(),
        stored.items,
        stored.items_with_zero,
        2,
        SIGNATURE,
    )


def pack_refusal(code: int, *, number: int = 0, cleared: bool = True) -> bytes:
    return struct.pack(
        ">BIBBQB", 0x21, number, code, 0 if cleared else 1, 0, 1 if code < 32 else 0
    )


def pack_receipt(number: int, mark: bytes) -> bytes:
    return struct.pack(">BI8sIQBB", 0x22, number, mark, 0, 0, 1, 0)


def pack_goodbye(mark: bytes) -> bytes:
    return struct.pack(">B8sI", 0x14, mark, 0)


def pack_ack() -> bytes:
    return struct.pack(">BBI", 0x23, 0x12, 0)


def pack_usage() -> bytes:
    return struct.pack(">BIBB", 0x12, 1, 1, 1) + bytes(52)


class Story:
    """One machine, its books, and an oracle that is told of all they do.

    Args:
        deposited: Paid in at the beginning; None leaves everything to the test.
    """

    def __init__(self, deposited: int | None = 100 * RUPEES_100) -> None:
        self.oracle = Oracle()
        self.found: list[Violation] = []
        self.at_s = 0.0
        self.call = 0
        self.dial_in = 0
        self.marks = 0
        self.journals: list[Journal] = []
        self.recharges: dict[int, Recharge] = {}
        self.stored = MachineStored(
            at_s=0.0,
            body="desk",
            licence=LICENCE,
            powered_on=True,
            ascending_paise=0,
            descending_paise=0,
            control_total_paise=0,
            items=0,
            items_with_zero=0,
            number=0,
            pending=None,
            mark=bytes(8),
            state="INSTALLED",
        )
        self.row = MachineRow(
            licence=LICENCE,
            frozen=False,
            number=0,
            control_total_paise=0,
            mark_acknowledged=bytes(8),
            mark_issued=None,
            dial_in=0,
        )
        if deposited is not None:
            self.see(self.stored)
            self.commit(row=self.row)
            self.deposit(deposited)

    @property
    def ids(self) -> set[str]:
        """What was found broken."""
        return {one.property_id for one in self.found}

    def see(self, observation: Observation) -> None:
        self.at_s += 1.0
        self.found += self.oracle.see(observation._replace(at_s=self.at_s))

    def spoken(
        self,
        kind: type[Said] | type[Heard],
        octets: bytes,
        call: int | None,
        *,
        by_machine: bool,
    ) -> Said | Heard:
        call = self.call if call is None else call
        body = self.stored.body
        return kind(0.0, body, LICENCE, call, by_machine=by_machine, octets=octets)

    # The machine.

    def store(self, **changes: Any) -> MachineStored:
        """Store something in the PSD; CT follows AR and DR unless it is given."""
        changes.setdefault("powered_on", False)
        now = self.stored._replace(**changes)
        if "control_total_paise" not in changes:
            total = now.ascending_paise + now.descending_paise
            now = now._replace(control_total_paise=total)
        self.stored = now
        self.see(now)
        return now

    def power_cut(self) -> None:
        self.store(powered_on=True)

    def frank(self, value: int) -> None:
        self.debit(value)
        self.see(Franked(0, self.stored.body, value))

    def debit(self, value: int) -> None:
        self.store(
            ascending_paise=self.stored.ascending_paise + value,
            descending_paise=self.stored.descending_paise - value,
            items=self.stored.items + (1 if value else 0),
            items_with_zero=self.stored.items_with_zero + 1,
        )

    def wish(self, kind: str, amount: int) -> None:
        self.see(Wished(0, self.stored.body, kind, amount))

    def licence_is(self, state: str) -> None:
        self.see(LicenceStated(0, LICENCE, state))

    def want(self, kind: str, amount: int) -> None:
        self.store(pending=(kind, amount))

    def say(self, octets: bytes, call: int | None = None) -> None:
        """The machine says it, and the server hears it."""
        self.machine_says(octets, call)
        self.server_hears(octets, call)

    def machine_says(self, octets: bytes, call: int | None = None) -> None:
        self.see(self.spoken(Said, octets, call, by_machine=True))

    def server_hears(self, octets: bytes, call: int | None = None) -> None:
        self.see(self.spoken(Heard, octets, call, by_machine=False))

    def state(self, **over: Any) -> None:
        """Dial in with a STATEMENT."""
        self.call += 1
        self.dial_in += 1
        self.say(pack_statement(self.stored, self.dial_in, **over))

    def forge(self, **over: Any) -> None:
        """Somebody else dials in with a STATEMENT of this machine."""
        self.call += 1
        self.server_hears(pack_statement(self.stored, self.dial_in + 1, **over))

    def apply(self, **over: Any) -> None:
        """Apply the voucher of the open recharge."""
        row = self.open
        sign = 1 if row.kind == "RECHARGE" else -1
        changes: dict[str, Any] = {
            "descending_paise": self.stored.descending_paise + sign * row.amount_paise,
            "number": row.number,
            "pending": None,
        }
        if row.kind == "WITHDRAWAL":
            changes["state"] = "WITHDRAWN"
        self.store(**(changes | over))

    def confirm(self, **over: int) -> None:
        self.say(pack_confirmation(self.stored, **over))

    def hang_up(self) -> None:
        self.see(
            DialInEnded(
                at_s=0.0,
                body=self.stored.body,
                licence=LICENCE,
                call=self.call,
                outcome="done",
                receipt=True,
                after=0,
            )
        )

    # The server.

    @property
    def open(self) -> Recharge:
        return next(
            one
            for one in self.recharges.values()
            if one.state in {"RESERVED", "FROZEN"}
        )

    def answer(self, octets: bytes, call: int | None = None) -> None:
        """The server says it, and the machine hears it."""
        self.server_says(octets, call)
        self.machine_hears(octets, call)

    def server_says(self, octets: bytes, call: int | None = None) -> None:
        self.see(self.spoken(Said, octets, call, by_machine=False))

    def machine_hears(self, octets: bytes, call: int | None = None) -> None:
        self.see(self.spoken(Heard, octets, call, by_machine=True))

    def journal(self, *entries: tuple[str, int], **over: Any) -> Journal:
        number = len(self.journals) + 1
        made = Journal(number, f"idem {number}", "MOVE", entries)
        made = made._replace(**over)
        self.journals.append(made)
        return made

    def moved(self, amount: int, source: str, target: str) -> Journal:
        """Make a journal from one account of the licence to another."""
        return self.journal(
            (f"{source}:{LICENCE}", -amount), (f"{target}:{LICENCE}", amount)
        )

    def commit(
        self,
        *journals: Journal,
        recharges: tuple[Recharge, ...] = (),
        row: MachineRow | None = None,
        discrepancies: tuple[str, ...] = (),
    ) -> None:
        if row is not None:
            self.row = row
        for one in recharges:
            self.recharges[one.number] = one
        self.see(
            BooksCommitted(
                0,
                "a transaction",
                journals,
                recharges,
                () if row is None else (row,),
                tuple((LICENCE, code) for code in discrepancies),
            )
        )

    def deposit(self, amount: int, paid: int | None = None) -> None:
        self.marks += 1
        paid = amount if paid is None else paid
        self.see(Deposited(0, LICENCE, paid, f"line {self.marks}"))
        credit = self.journal(("department", -amount), (f"funds:{LICENCE}", amount))
        self.commit(credit)

    def new_row(
        self, kind: str, amount: int, *, voucher: bytes | None = None, salt: int = 0
    ) -> Recharge:
        number = self.row.number + 1
        if voucher is None:
            voucher = pack_voucher(
                kind, number, amount, self.row.control_total_paise, salt=salt
            )
        return Recharge(LICENCE, number, kind, amount, "RESERVED", voucher, None)

    def judged(self, **over: Any) -> MachineRow:
        """Give the row after a STATEMENT in order."""
        brought: dict[str, Any] = {
            "dial_in": self.dial_in,
            "mark_acknowledged": self.stored.mark,
        }
        return self.row._replace(**(brought | over))

    def grant(
        self, kind: str = "RECHARGE", amount: int = RUPEES_100, **over: Any
    ) -> None:
        """Reserve, store the voucher and send it."""
        self.store_voucher(kind, amount, **over)
        self.answer(self.open.voucher)

    def store_voucher(self, kind: str, amount: int, **over: Any) -> None:
        made = self.new_row(kind, amount, **over)
        moves = [self.moved(amount, "funds", "reserved")] if kind == "RECHARGE" else []
        self.commit(*moves, recharges=(made,), row=self.judged())

    def take_back(self) -> None:
        """Store a VOID for what is outstanding."""
        row = self.open
        void = pack_voucher("VOID", row.number, 0, self.row.control_total_paise)
        self.commit(recharges=(row._replace(void=void),))

    def post(self, *, mark: bool = True, **over: Any) -> None:
        """Post what is outstanding and issue a mark."""
        row = self.open
        if row.kind == "RECHARGE":
            journal = self.moved(row.amount_paise, "reserved", "machine")
            total = self.row.control_total_paise + row.amount_paise
        else:
            journal = self.moved(row.amount_paise, "machine", "funds")
            total = self.row.control_total_paise - row.amount_paise
        after = self.judged(number=row.number, control_total_paise=total)
        if mark:
            after = after._replace(mark_issued=self.fresh_mark())
        self.commit(
            journal,
            recharges=(row._replace(state="POSTED"),),
            row=after._replace(**over),
        )

    def void(self) -> None:
        """Settle what is outstanding by its VOID."""
        row = self.open
        journals = []
        if row.kind == "RECHARGE":
            journals = [self.moved(row.amount_paise, "reserved", "funds")]
        self.commit(
            *journals,
            recharges=(row._replace(state="VOIDED"),),
            row=self.judged(number=row.number, mark_issued=self.fresh_mark()),
        )

    def fresh_mark(self) -> bytes:
        self.marks += 1
        return struct.pack(">Q", 0xA000 + self.marks)

    def issue(self, **over: Any) -> None:
        """Judge an inspection, or complete a refused dial-in: issue a mark."""
        self.commit(row=self.judged(**({"mark_issued": self.fresh_mark()} | over)))

    def receipt(self) -> None:
        """Say the RECEIPT, store its mark, say GOODBYE and part."""
        mark = self.row.mark_issued
        assert mark is not None
        self.answer(pack_receipt(self.stored.number, mark))
        state = self.stored.state
        self.store(mark=mark, state="IN_SERVICE" if state == "INSTALLED" else state)
        self.goodbye()

    def goodbye(self) -> None:
        mark = self.stored.mark
        self.say(pack_goodbye(mark))
        self.commit(row=self.row._replace(mark_acknowledged=mark, mark_issued=None))
        self.hang_up()

    def freeze(self, code: int, *, cleared: bool = True) -> None:
        """Freeze the account and refuse."""
        self.commit(row=self.row._replace(frozen=True), discrepancies=(str(code),))
        self.answer(pack_refusal(code, cleared=cleared))

    # Whole dial-ins.

    def inspect(self) -> None:
        self.state()
        self.issue()
        self.receipt()

    def recharge(self, amount: int = RUPEES_100) -> None:
        self.want("RECHARGE", amount)
        self.state()
        self.grant("RECHARGE", amount)
        self.apply()
        self.confirm()
        self.post()
        self.receipt()

    # The world.

    def cheat(self, how: str, copy: str = "") -> None:
        self.see(Cheated(0, self.stored.body, LICENCE, how, copy))

    def person(self, action: str) -> None:
        self.see(PersonResolved(0, LICENCE, action))

    def backup(self) -> BooksRestored:
        """Give the books as they are, to be put back later."""
        return BooksRestored(
            0, tuple(self.journals), tuple(self.recharges.values()), (self.row,)
        )

    def put_back(self, backup: BooksRestored) -> None:
        self.journals = list(backup.journals)
        self.recharges = {one.number: one for one in backup.recharges}
        (self.row,) = backup.machines
        self.see(backup)

    def calm(self) -> None:
        self.see(CalmBegan(0))

    def rest(self, *, finished: bool = True) -> None:
        self.see(Rested(0, self.stored.body, LICENCE, 1, finished))

    def end(self, waiting: int = 0) -> None:
        """End the world, with something waiting in suspense."""
        self.found += self.oracle.end({LICENCE: waiting})
