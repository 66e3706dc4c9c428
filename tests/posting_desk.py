"""A post office where a real machine's mail is handed in, and its maker's usage files.

Franks, STATEMENTs and statements of mailing are made by the product's own firmware; the
licence is put into the database as if it had been issued.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import update

from dop_gateway import ledger
from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import (
    By,
)
from dop_gateway.ledger import movements
from dop_gateway.licences.model import (
    CancelReason,
    LicenceKind,
    MachineState,
)
from dop_gateway.licences.tables import licence as licence_table
from dop_gateway.offices.model import OfficeId
from dop_gateway.posting import mailing
from dop_gateway.posting.model import Mailing, MailingLine, NewMailing
from dop_gateway.usage import service as usage
from fm_device.classes import parse_class
from fm_device.firmware.mailing import close_mailing
from fm_device.psd.franking import Frank
from fm_device.reports.document import Report
from hw.database import Store
from protocol.dialogue.machine import Request, VoucherApplied
from protocol.exchange import (
    ExchangeFile,
    FileHeader,
    Line,
    read_file,
    shipped_layouts,
    write_file,
)
from protocol.messages import LicenceState, Usage, UsageRow
from protocol.registers import RequestKind
from protocol.values import (
    EpochSeconds,
    Paise,
)
from tests.franking import frank
from tests.gateway import gateway_at
from tests.machines import LETTER, Bench, a_machine
from tests.posting_office import NUMBER, open_post_office
from tests.witness.small_server import LICENCE

REGISTERS = (
    "opening_ascending_paise",
    "opening_descending_paise",
    "closing_ascending_paise",
    "closing_descending_paise",
)


@dataclass(frozen=True)
class DialInTold:
    """What a maker knows of one dial-in."""

    number: int
    at: EpochSeconds
    statement: bytes
    binding: bytes
    ascending_paise: int
    descending_paise: int
    control_total_paise: int
    items: int
    products: tuple[UsageRow, ...]

    def lines(self, name: str) -> list[Line]:
        """Write it as lines of a usage file."""
        values: dict[str, Any] = {
            "line_id": name,
            "licence": LICENCE,
            "licence_number": NUMBER,
            "dial_in": self.number,
            "at": self.at,
            "ascending_paise": self.ascending_paise,
            "descending_paise": self.descending_paise,
            "control_total_paise": self.control_total_paise,
            "items": self.items,
            "statement": self.statement,
            "binding": self.binding,
        }
        return [
            Line("dial_in", values),
            *(
                Line(
                    "product",
                    {
                        "line_id": f"{name}-{place}",
                        "dial_in_line_id": name,
                        "product_class": row.product_class,
                        "items": row.items,
                        "amount_paise": row.amount_paise,
                    },
                )
                for place, row in enumerate(self.products, start=1)
            ),
        ]


@dataclass
class PostingDesk:
    """A designated office, another one, people at both, and a machine."""

    store: Store
    bench: Bench
    office: OfficeId
    other: OfficeId
    people: dict[str, By]
    table: dict[int, UsageRow] = field(default_factory=dict)
    files: int = 0
    kept: list[bytes] = field(default_factory=list)

    def memory(self) -> bytes:
        """Copy the memory of the machine's PSD."""
        return self.bench.nvram.image()

    def put_back(self, memory: bytes) -> None:
        """Put an older copy of the PSD's memory back, as a thief of postage would."""
        self.bench.nvram.write(0, memory)
        self.bench.restart()
        self.table.clear()

    @property
    def now(self) -> EpochSeconds:
        """The moment, by the machine's clock."""
        return self.bench.clock.now()

    @property
    def today(self) -> date:
        """The day, by the machine's clock."""
        return self.bench.today

    def by(self, login: str) -> By:
        """Let somebody act now."""
        return replace(self.people[login], now=self.now)

    def frank(self, count: int = 1, grams: int = 18) -> list[bytes]:
        """Frank letters; gives the octets of their barcodes."""
        made = [self.bench.franked(grams).frank for _ in range(count)]
        return [frank.indicium for frank in made if frank is not None]

    def franked_worth(self, paise: int, at_most: int = 100_000) -> list[bytes]:
        """Debit so much at once, in few franks; gives the octets of their barcodes."""
        made = []
        while paise > 0:
            value = min(paise, at_most)
            done = frank(self.bench.machine.psd, Paise(value), LETTER)
            assert isinstance(done, Frank), done
            made.append(done.indicium)
            paise -= value
        self.bench.machine.look()
        return made

    def mailing(self) -> dict[str, Any]:
        """Have the machine print its statement of mailing."""
        made = close_mailing(self.bench.machine)
        assert isinstance(made, tuple), made
        (report,) = made
        assert isinstance(report, Report)
        return report.as_json()

    def typed(self, printed: dict[str, Any], **changes: Any) -> NewMailing:
        """Type a statement of mailing from its paper; `changes` are slips."""
        made = NewMailing(
            number=printed["som_number"],
            mail_dated=self.today,
            closed_at=printed["to"],
            lines=tuple(
                MailingLine(
                    parse_class(row["class"]),
                    is_registered=False,
                    items=row["items"],
                    amount_paise=row["amount_paise"],
                )
                for row in printed["classes"]
            ),
            **{name: printed[name] for name in REGISTERS},
        )
        return replace(made, **changes)

    def handed_in(self, login: str = "meena", **changes: Any) -> Mailing:
        """Print a statement of mailing, and hand it in."""
        return self.capture(self.typed(self.mailing(), **changes), login)

    def capture(
        self, new: NewMailing, login: str = "meena", office: OfficeId | None = None
    ) -> Mailing:
        """Capture a statement of mailing."""
        at = self.office if office is None else office
        with self.store.writing("test") as connection:
            return mailing.capture(connection, new, at, self.today, self.by(login))

    def dial_in(
        self, *, with_usage: bool = True, request: Request | None = None
    ) -> DialInTold:
        """Let the machine dial its maker's server in, and tell what that server knows.

        Args:
            with_usage: Whether the line holds until the usage came.
            request: What the machine asks for.
        """
        dial = self.bench.dial(*([] if request is None else [request]))
        binding = dial._channel.binding
        if request is not None:
            answer = dial.say(dial.voucher())
            assert isinstance(answer, VoucherApplied)
            dial.open(answer.packet)
        dial.say(dial.receipt())
        sealed = dial.psd.usage() if with_usage else ()
        for packet in sealed:
            message, _ = dial.open(packet)
            assert isinstance(message, Usage)
            self.table.update({row.product_class: row for row in message.rows})
        if sealed:
            dial.say(dial.usage_ack())
        if with_usage:
            dial.psd.goodbye()
        dial.psd.hang_up()
        self.bench.machine.look()
        statement = dial.statement
        registers = statement.registers
        rows = tuple(self.table[number] for number in sorted(self.table))
        return DialInTold(
            statement.dial_in,
            self.now,
            statement.encode(),
            binding,
            registers.ascending_paise,
            registers.descending_paise,
            registers.control_total_paise,
            registers.items,
            rows if with_usage else (),
        )

    def recharge(self, amount: int = 200_000) -> None:
        """Recharge the machine, and bring the credit into the Department's ledger."""
        self.dial_in(request=Request(RequestKind.RECHARGE, Paise(amount)))
        self.credited(amount)

    def credited(self, amount: int) -> None:
        """Post a credit that the maker told of."""
        number = self.bench.machine.record.recharge_number
        with self.store.writing("test") as connection:
            ledger.post(
                connection,
                movements.downloaded(LICENCE, amount, f"credit:{number}", "a test"),
                self.by("gateway"),
            )

    def usage_file(self, *told: DialInTold, **changes: Any) -> ExchangeFile:
        """Write a usage file and read it again; `changes` alter its dial-in lines."""
        self.files += 1
        lines = [
            replace(line, values={**line.values, **changes})
            if line.record == "dial_in"
            else line
            for number, one in enumerate(told, start=1)
            for line in one.lines(f"L{self.files}-{number}")
        ]
        header = FileHeader(
            file_id=f"N-{self.files}",
            sender="N",
            receiver="DCR",
            sequence=self.files,
            business_date=self.today,
            window=1,
            made_at=self.now,
        )
        layout = shipped_layouts()["usage"]
        return read_file(layout, write_file(layout, header.values(), lines))

    def take(self, file: ExchangeFile) -> list[RefusedLine]:
        """Take a usage file."""
        header: Any = file.header
        with self.store.writing("test") as connection:
            return usage.apply(connection, file, header["file_id"], self.by("gateway"))

    def tell(self, *told: DialInTold) -> None:
        """Take a usage file of which nothing is refused."""
        assert self.take(self.usage_file(*told)) == []

    def change_licence(self, **values: Any) -> None:
        """Change the licence behind everybody's back."""
        with self.store.writing("test") as connection:
            connection.execute(update(licence_table).values(**values))

    def cancel_licence(self) -> None:
        """Cancel the licence, and with it the machine."""
        self.change_licence(
            state=LicenceState.CANCELLED.name,
            machine_state=MachineState.CANCELLED.name,
            cancelled=CancelReason.FM_CANCELLATION.name,
            cancelled_on=self.today,
            refund_allowed=True,
        )


@contextmanager
def posting_desk(
    url: str, valid_days: int = 1_826, kind: LicenceKind = LicenceKind.INDIVIDUAL
) -> Iterator[PostingDesk]:
    """Open a post office on a new database, and a machine with Rs 2,000.

    Args:
        url: Of an empty database.
        valid_days: From today to the last day of the licence.
        kind: What the licence is for.
    """
    bench = a_machine()
    with gateway_at(url) as store:
        with store.writing("a post office") as connection:
            made = open_post_office(connection, bench, days=valid_days, kind=kind)
        yield PostingDesk(store, bench, made.office, made.other, made.people)
