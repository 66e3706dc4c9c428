"""What a listener keeps of one machine from call to call."""

from dataclasses import dataclass, field
from typing import Final

from tests.oracle.vouchers import Stated, enrolled
from tests.witness.spec_contents import (
    ContentRefusedError,
    CreditKey,
    content_id,
    read_content,
)
from tests.witness.spec_keys import MachinePaper, Maker, ServerPaper
from tests.witness.spec_messages import PART_OCTETS, Fields, Row, usage_digest

ORDER_RETIRES: Final = 8
ORDERS_WITH_CONTENT: Final = range(16, 19 + 1)


@dataclass
class MachineBook:
    """A machine in one life (REG-10): its paper, and what was heard since.

    Attributes:
        paper: As its maker signed it.
        last: What it has stated last.
        credit_keys: Those that it knows, by their ids (KEY-8).
        order_serial: Of the highest order that it has named.
        orders: What was ordered last under each serial.
        rows: Rows of usage that were acknowledged (DLG-9).
        dial_in: Highest number of a dial-in.
        vouchers: Octets of those that were sent, by number and kind.
        good: Fields of those that it had to apply when they came, by number.
        marks: All that were issued.
        mark: The one that came back last.
        mark_issued: The one that was issued last.
        contents: Whole contents that were sent, by their ids.
    """

    paper: MachinePaper
    last: Stated
    credit_keys: dict[int, bytes]
    order_serial: int = 0
    dial_in: int = 0
    orders: dict[int, tuple[int, int]] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    vouchers: dict[tuple[int, int], bytes] = field(default_factory=dict)
    good: dict[int, list[Fields]] = field(default_factory=dict)
    marks: set[bytes] = field(default_factory=set)
    mark: bytes = bytes(8)
    mark_issued: bytes = bytes(8)
    contents: dict[int, bytes] = field(default_factory=dict)
    _parts: dict[tuple[int, int], dict[int, bytes]] = field(default_factory=dict)

    def next_life(self, paper: MachinePaper) -> "MachineBook":
        """Go on under another paper: registers, dial-ins and credit keys stay."""
        return MachineBook(
            paper, self.last, dict(self.credit_keys), dial_in=self.dial_in
        )

    def names_serial(self, serial: int, maker: Maker) -> list[str]:
        """Take the orders into account that a machine says it has applied.

        Returns:
            What it must not have applied: a content that was brought, and is none.
        """
        faults = []
        for number in range(self.order_serial + 1, serial + 1):
            kind, value = self.orders.get(number, (0, 0))
            if kind == ORDER_RETIRES and len(self.credit_keys) > 1:
                self.credit_keys.pop(value, None)
            elif kind in ORDERS_WITH_CONTENT and value in self.contents:
                faults += self._apply(self.contents[value], kind, maker)
        self.order_serial = max(serial, self.order_serial)
        return faults

    def _apply(self, octets: bytes, kind: int, maker: Maker) -> list[str]:
        try:
            content = read_content(octets, maker)
        except ContentRefusedError as error:
            return [str(error)]
        if isinstance(content.body, CreditKey):
            key = content.body
            self.credit_keys.setdefault(key.credit_key_id, key.credit_point)
        return [] if content.kind == kind else [f"a content of kind {content.kind}"]

    def takes_part(self, content: Fields) -> bytes:
        """Keep a part; the whole content, once all are there (DLG-16)."""
        wanted, total = content["content_id"], content["total"]
        if not total:
            return b""
        parts = self._parts.setdefault((wanted, total), {})
        at = content["offset"]
        parts[at] = content["data"][: total - at]
        if len(parts) * PART_OCTETS < total:
            return b""
        octets = b"".join(parts[at] for at in sorted(parts))
        if content_id(octets) == wanted:
            self.contents[wanted] = octets
        else:
            del self._parts[wanted, total]
        return octets

    def returns(self, mark: bytes) -> bool:
        """Take a mark that comes back; whether it is one of the two due (DLG-7.2)."""
        due = mark in {self.mark, self.mark_issued}
        if due:
            self.mark = mark
        return due

    def reported_all(self, statement: Fields) -> bool:
        """Whether nothing was franked that no acknowledged row has.

        A row counts franks with a value: with AR the table stays (DLG-9).
        """
        franked: int = statement["ascending_paise"] - self.paper.ascending_paise
        return franked == sum(row.amount_paise for row in self.rows.values())

    def with_rows(self, parts: list[Fields]) -> dict[int, Row]:
        """The usage table as the parts of a report make it (DLG-9.3)."""
        rows = dict(self.rows)
        for fields in parts:
            for place in range(1, 5):
                number = fields[f"class_{place}"]
                if number:
                    rows[number] = Row(
                        fields[f"items_{place}"], fields[f"amount_{place}_paise"]
                    )
        return rows

    def usage_faults(self, statement: Fields, rows: dict[int, Row]) -> list[str]:
        """Why a server has to refuse a report of usage (DLG-9.3)."""
        faults = []
        if usage_digest(rows) != statement["usage_digest"]:
            faults.append("the rows do not give the digest")
        for number, row in self.rows.items():
            after = rows[number]
            if after.items < row.items or after.amount_paise < row.amount_paise:
                faults.append(f"row {number} falls")
        franked = statement["ascending_paise"] - self.paper.ascending_paise
        if sum(row.amount_paise for row in rows.values()) != franked:
            faults.append(f"the amounts are not {franked}")
        return faults


def open_book(paper: MachinePaper, servers: list[ServerPaper]) -> MachineBook:
    """Begin with what a maker has signed.

    Args:
        paper: Of the machine.
        servers: Of the server that it trusts, one for each credit key.
    """
    keys = {server.credit_key_id: server.credit_point for server in servers}
    return MachineBook(paper, enrolled(paper), keys)
