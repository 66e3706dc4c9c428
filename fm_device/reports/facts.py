"""Everything that a report says, as plain values; whoever runs the machine fills them.

Nothing here knows the PSD or the machine's memory: a report is a function of its
facts, so the same facts give the same paper, octet for octet. Money is in paise,
moments are seconds since 1970 (0 where the machine's clock was not set), names are what
people read.
"""

from dataclasses import dataclass

from protocol.registers import Registers, VoucherKind
from protocol.values import EpochSeconds, Paise


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """The machine that prints; the head of every report.

    Attributes:
        licence: The licence identifier, as in ``N123456``.
        psd_serial: Serial number of the PSD.
        model: The maker's name of the model.
        firmware: Version of the firmware, as in ``0.1.0``.
        office: Name of the office where the mail is handed in.
        pin_code: Six digits, or 0 where none is set.
        state: The machine's state, in words.
        printed_at: When the report was asked for.
        realm: Name of the realm, as in ``TEST``.
        simulated: Whether no such machine stands anywhere.
    """

    licence: str
    psd_serial: str
    model: str
    firmware: str
    office: str
    pin_code: int
    state: str
    printed_at: EpochSeconds
    realm: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class FundsFacts:
    """The registers, and the batch that the operator counts."""

    registers: Registers
    batch_items: int
    batch_paise: Paise


@dataclass(frozen=True, slots=True)
class RechargeFacts:
    """What one voucher did.

    Attributes:
        number: The recharge number.
        kind: What the voucher did.
        amount_paise: Its amount, never negative; the kind says the direction.
        before_paise: DR before it.
        after_paise: DR after it.
        time: When it was applied.
        server_funds_paise: What was left at the server after it, where that is known.
    """

    number: int
    kind: VoucherKind
    amount_paise: Paise
    before_paise: Paise
    after_paise: Paise
    time: EpochSeconds
    server_funds_paise: Paise | None = None


@dataclass(frozen=True, slots=True)
class ConfigurationGroup:
    """Settings that belong together: a name, and pairs of a name and a value."""

    name: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ConfigurationFacts:
    """How the machine is set up."""

    groups: tuple[ConfigurationGroup, ...]


@dataclass(frozen=True, slots=True)
class EventFacts:
    """One entry of the error log; `code` is the stable one, `words` explain it."""

    number: int
    time: EpochSeconds
    code: str
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Items and postage of one product class in one department; 0 is *none*."""

    department: int
    department_name: str
    class_letters: str
    class_name: str
    items: int
    amount_paise: Paise


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What was franked in a time; the rows must add up to the rise of AR."""

    from_time: EpochSeconds
    to_time: EpochSeconds
    opening_ascending_paise: Paise
    closing_ascending_paise: Paise
    rows: tuple[UsageRow, ...]


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """One for whom a commercial licensee franks: the customer is a department."""

    department: int
    name: str
    som_number: str


@dataclass(frozen=True, slots=True)
class MailingFacts:
    """A whole day's mail of one machine, to be handed in.

    Attributes:
        som_number: Number of the statement; not used where there are customers.
        from_time: When the statement before this one was closed.
        to_time: When this one was closed.
        opening_ascending_paise: AR at `from_time`.
        opening_descending_paise: DR at `from_time`.
        closing_ascending_paise: AR at `to_time`.
        closing_descending_paise: DR at `to_time`.
        rows: Everything franked in between, of all departments.
        customers: Of a commercial licensee; empty for all others. Each with a row gets
            a statement of its own.
    """

    som_number: str
    from_time: EpochSeconds
    to_time: EpochSeconds
    opening_ascending_paise: Paise
    opening_descending_paise: Paise
    closing_ascending_paise: Paise
    closing_descending_paise: Paise
    rows: tuple[UsageRow, ...]
    customers: tuple[CustomerFacts, ...] = ()
