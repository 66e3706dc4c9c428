"""A month of a machine, as rows of the gateway's tables, for a bench and for tests.

In the month it has four deposits, eight downloads and a dial-in on every working day
with three classes; one dial-in failed. Its money goes through the ledger as it does in
service; on a day behind the month it is used again, so that a report of the month has
to look back. Everything follows from the machine's index.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from dop_gateway.deposits.model import DepositState
from dop_gateway.downloads.model import DownloadState
from dop_gateway.identity.model import (
    GATEWAY,
)
from dop_gateway.ledger import AccountKind, Source, movements
from dop_gateway.ledger.movements import Movement, account_of
from dop_gateway.licences.application import (
    ApplicationKind,
    ApplicationState,
    Scenario,
)
from dop_gateway.licences.model import Body, LicenceKind, MachineState
from dop_gateway.offices.model import OfficeId
from hw.clock import epoch_seconds
from hw.entropy import SeededEntropy
from protocol.exchange import PaymentMode
from protocol.keys import MachineIdentity, MachineProvisioning, Realm
from protocol.messages import LicenceState
from protocol.parameters import INDIA
from protocol.registers import MachineState as ToldState
from protocol.registers import VoucherKind
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)

MONTH: Final = "2026-11"
NOW: Final = EpochSeconds(1_796_182_200)
"""The second of December, in the morning."""
DEPOSITS: Final = 4
DOWNLOADS: Final = 8
DEPOSIT_PAISE: Final = 200_000
DOWNLOAD_PAISE: Final = 70_000
CLASSES: Final = ((1, 10, 5_000), (3, 6, 6_000), (7, 2, 9_000))
"""What a day brings: class, items, paise."""
DAY_ITEMS: Final = sum(items for _, items, _ in CLASSES)
DAY_PAISE: Final = sum(paise for _, _, paise in CLASSES)
_FIRST: Final = date(2026, 11, 1)
_SUNDAY: Final = 6
DAYS: Final = tuple(
    day
    for day in (_FIRST + timedelta(days=one) for one in range(26))
    if day.weekday() != _SUNDAY
)
DIAL_INS: Final = len(DAYS)
BEHIND: Final = date(2026, 12, 1)
_ISSUED: Final = date(2026, 4, 1)
_EXPIRES: Final = date(2031, 3, 31)
_STATEMENT: Final = bytes(170)
_VOUCHER: Final = bytes(120)
_BINDING: Final = bytes(32)
MAKERS: Final = "NFP"
Rows = Iterator[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that the database is filled with.

    Attributes:
        index: From 0.
        office: Its designated post office.
    """

    index: int
    office: OfficeId
    division: OfficeId

    @property
    def maker(self) -> str:
        """Letter of its maker."""
        return MAKERS[self.index % len(MAKERS)]

    @property
    def identifier(self) -> LicenceIdentifier:
        """Its licence."""
        return LicenceIdentifier(f"{self.maker}{self.index:06d}")

    @property
    def number(self) -> LicenceNumber:
        """Number of its licence."""
        return LicenceNumber(f"KN{self.index // 100_000:02d}{self.index % 100_000:05d}")

    @property
    def began(self) -> int:
        """Dial-ins that it had before the month: every second machine is new."""
        return self.index % 2


def moment(day: date, hour: int = 11) -> EpochSeconds:
    """Give a moment of a day in India."""
    return epoch_seconds(datetime.combine(day, time(hour), INDIA))


def _holder() -> dict[str, Any]:
    return {
        "licensee": "Bharat Stationers, Bengaluru",
        "licensee_hi": "भारत स्टेशनर्स",
        "body": Body.PRIVATE.name,
        "address_1": "12, M.G. Road",
        "address_pin": "560001",
        "contact": "",
        "telephone": "",
        "email": "",
    }


def applications(of: Machine) -> Rows:
    """Give the application by which its licence was issued."""
    yield {
        **_holder(),
        "id": of.index + 1,
        "kind": ApplicationKind.ISSUE.name,
        "scenario": Scenario.NEW.name,
        "state": ApplicationState.APPROVED.name,
        "maker": of.maker,
        "identifier": of.identifier,
        "licence_kind": LicenceKind.INDIVIDUAL.name,
        "office": of.office,
        "division": of.division,
        "applied_on": _ISSUED,
        "due_on": _ISSUED,
        "entered_by": GATEWAY.person,
        "entered_at": NOW,
        "delay": "",
        "ended_on": _ISSUED,
    }


def licences(of: Machine) -> Rows:
    """Give its licence."""
    yield {
        **_holder(),
        "identifier": of.identifier,
        "number": of.number,
        "maker": of.maker,
        "kind": LicenceKind.INDIVIDUAL.name,
        "office": of.office,
        "division": of.division,
        "state": LicenceState.REGISTERED.name,
        "machine_state": MachineState.IN_SERVICE.name,
        "issued_on": _ISSUED,
        "expires_on": _EXPIRES,
        "periods": 1,
        "refund_allowed": False,
        "application": of.index + 1,
    }


def credentials(of: Machine) -> Rows:
    """Give its keys."""
    serial = f"PSD{of.index:05d}"
    entropy = SeededEntropy(of.identifier.encode())
    made = MachineIdentity.generate(of.identifier, serial, Realm.TEST, entropy)
    zero = Paise(0)
    credential = made.credential
    registered = MachineProvisioning(
        credential, "FM-1", "1.0", zero, zero, zero, 0, 0, RechargeNumber(0), NOW
    )
    yield {
        "licence": of.identifier,
        "psd_serial": serial,
        "signing_x": credential.signing.point.x,
        "signing_y": credential.signing.point.y,
        "dh_x": credential.dh_point.x,
        "provisioning": registered.encode(),
        "registered_at": NOW,
    }


_KINDS: Final = (AccountKind.DEPOSITED, AccountKind.REMAINING, AccountKind.MACHINE)


def accounts(of: Machine) -> Rows:
    """Give its three accounts."""
    for kind in _KINDS:
        yield {
            "name": account_of(kind, of.identifier),
            "kind": kind.name,
            "licence": of.identifier,
        }


def deposits(of: Machine) -> Rows:
    """Give its deposits of the month."""
    for number in range(DEPOSITS):
        day = DAYS[number * 5]
        yield {
            "source": Source.BANK.name,
            "reference": f"{of.identifier}-{number}",
            "licence_text": of.identifier,
            "number_text": of.number,
            "licensee_text": "Bharat Stationers",
            "amount_paise": DEPOSIT_PAISE,
            "mode": PaymentMode.NETBANKING.name,
            "instrument": "",
            "value_date": day,
            "received_at": moment(day),
            "state": DepositState.DOWNLOADED.name,
            "steps": 7,
            "changed_at": moment(day),
            "licence": of.identifier,
            "available_from": day,
            "confirmed_at": moment(day),
            "downloaded_paise": DEPOSIT_PAISE,
            "refunded_paise": 0,
        }


def downloads(of: Machine) -> Rows:
    """Give its credits of the month."""
    for number in range(1, DOWNLOADS + 1):
        day = DAYS[number * 2]
        yield {
            "maker": of.maker,
            "file_id": f"CRD-{of.maker}-{day}",
            "day": day,
            "window_of_day": 1,
            "made_at": moment(day),
            "line_id": f"{of.index}-{number}",
            "licence": of.identifier,
            "licence_number": of.number,
            "number": number,
            "kind": VoucherKind.RECHARGE.name,
            "amount_paise": DOWNLOAD_PAISE,
            "at": moment(day),
            "control_total_before_paise": (number - 1) * DOWNLOAD_PAISE,
            "control_total_after_paise": number * DOWNLOAD_PAISE,
            "ascending_paise": 0,
            "descending_paise": number * DOWNLOAD_PAISE,
            "items": 0,
            "message": _STATEMENT,
            "binding": _BINDING,
            "voucher": _VOUCHER,
            "state": DownloadState.TAKEN.name,
            "code": "",
            "detail": "",
            "came_at": moment(day),
            "taken_at": moment(day),
        }


def _days_of(of: Machine) -> list[tuple[int, date]]:
    before = [_FIRST - timedelta(days=3)] * of.began
    return list(enumerate([*before, *DAYS], start=1))


def _dial_in_id(of: Machine, number: int) -> int:
    return of.index * (DIAL_INS + 1) + number


def dial_ins(of: Machine) -> Rows:
    """Give its dial-ins, of the month and before."""
    for number, day in _days_of(of):
        yield {
            "id": _dial_in_id(of, number),
            "licence": of.identifier,
            "number": number,
            "at": moment(day),
            "on_day": day,
            "ascending_paise": number * DAY_PAISE,
            "descending_paise": 0,
            "items": number * DAY_ITEMS,
            "machine_state": ToldState.IN_SERVICE.name,
            "statement": _STATEMENT,
            "binding": _BINDING,
            "has_products": True,
            "file_id": f"USG-{of.maker}-{day}",
            "line_id": f"{of.index}-{number}",
            "taken_at": moment(day),
        }


def products(of: Machine) -> Rows:
    """Give what its dial-ins told by class."""
    for number, _ in _days_of(of):
        for product_class, items, paise in CLASSES:
            yield {
                "dial_in": _dial_in_id(of, number),
                "product_class": product_class,
                "items": number * items,
                "amount_paise": number * paise,
                "new_items": items,
                "new_paise": paise,
            }


def failed(of: Machine) -> Rows:
    """Give its dial-in that failed."""
    return failed_rows(of.maker, of.identifier, of.number)


def failed_rows(letter: str, licence_of: str, number: str = "KN0099999") -> Rows:
    """Give a dial-in of a licence that failed, as its maker tells it."""
    yield {
        "maker": letter,
        "licence": licence_of,
        "licence_number": number,
        "at": moment(DAYS[3], 12),
        "on_day": DAYS[3],
        "code": "FUNDS",
        "words": "the funds are not sufficient",
        "file_id": f"USG-{letter}-{DAYS[3]}",
        "line_id": f"F-{licence_of}",
        "came_at": moment(DAYS[3], 14),
    }


def remaining(of: Machine) -> Rows:
    """Give what its maker said last that remains."""
    yield {
        "licence": of.identifier,
        "maker": of.maker,
        "file_id": f"REM-{of.maker}-{BEHIND}",
        "day": BEHIND,
        "window_of_day": 1,
        "made_at": moment(BEHIND),
        "applied_at": moment(BEHIND),
        "line_id": str(of.index),
        "licence_number": of.number,
        "remaining_paise": DEPOSITS * DEPOSIT_PAISE - DOWNLOADS * DOWNLOAD_PAISE,
        "reserved_paise": 0,
        "number": DOWNLOADS,
        "control_total_paise": DOWNLOADS * DOWNLOAD_PAISE,
    }


def moves(of: Machine, day: date) -> Iterator[Movement]:
    """Give what moves through its ledger accounts: in the month, or behind it."""
    key, reason = f"bench:{of.index}:{day}", "a bench"
    if day == BEHIND:
        yield movements.used(of.identifier, DAY_PAISE, f"{key}:u", reason)
        return
    paid, taken = DEPOSITS * DEPOSIT_PAISE, DOWNLOADS * DOWNLOAD_PAISE
    licence_of = of.identifier
    source = Source.BANK
    yield movements.authenticated(source, licence_of, paid, f"{key}:a", reason)
    yield movements.acknowledged(licence_of, paid, f"{key}:k", reason)
    yield movements.downloaded(licence_of, taken, f"{key}:d", reason)
    yield movements.used(licence_of, DIAL_INS * DAY_PAISE, f"{key}:u", reason)
