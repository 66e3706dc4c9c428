"""Facts of one machine on one day, for the examples and the tests of its reports.

Every figure is made up. They belong together: the usage is what AR rose by, and the
statement of mailing is about the same franks.
"""

from typing import Final

from fm_device.reports.facts import (
    ConfigurationFacts,
    ConfigurationGroup,
    CustomerFacts,
    EventFacts,
    FundsFacts,
    MachineFacts,
    MailingFacts,
    RechargeFacts,
    UsageFacts,
    UsageRow,
)
from protocol.registers import Registers, VoucherKind
from protocol.values import EpochSeconds, Paise

NOON: Final = EpochSeconds(1_795_329_000)
"""22-11-2026 12:00:00 IST."""

DAY_S: Final = 86_400

MACHINE: Final = MachineFacts(
    licence="N123456",
    psd_serial="PSD00001",
    model="RMFS-S1",
    firmware="0.1.0",
    office="Bengaluru GPO",
    pin_code=560001,
    state="in service",
    printed_at=NOON,
    realm="TEST",
    simulated=True,
)

FUNDS: Final = FundsFacts(
    registers=Registers(Paise(246_530), Paise(353_470), Paise(600_000), 443, 450),
    batch_items=12,
    batch_paise=Paise(6_000),
)


def a_recharge(
    number: int, kind: VoucherKind, amount: int, before: int, after: int
) -> RechargeFacts:
    """One recharge, each a day after the one before it."""
    return RechargeFacts(
        number=number,
        kind=kind,
        amount_paise=Paise(amount),
        before_paise=Paise(before),
        after_paise=Paise(after),
        time=EpochSeconds(NOON - 7 * DAY_S + number * DAY_S),
        server_funds_paise=Paise(300_000),
    )


RECHARGES: Final = (
    a_recharge(1, VoucherKind.RECHARGE, 200_000, 0, 200_000),
    a_recharge(2, VoucherKind.REFUND, 200_000, 200_000, 0),
    a_recharge(3, VoucherKind.VOID, 200_000, 0, 0),
    a_recharge(4, VoucherKind.RECHARGE, 300_000, 0, 300_000),
    a_recharge(5, VoucherKind.RECHARGE, 100_000, 280_000, 380_000),
    a_recharge(6, VoucherKind.RECHARGE, 200_000, 200_000, 400_000),
)

CONFIGURATION: Final = ConfigurationFacts(
    (
        ConfigurationGroup(
            "Dialling",
            (("Line", "tcp:127.0.0.1:7120"), ("Daily call", "22:00 IST")),
        ),
        ConfigurationGroup(
            "Contents",
            (
                ("Tariff", "3, valid from 01-04-2026"),
                ("Firmware content", "0123456789abcdef"),
                ("Slogan 1", "Save water: every drop counts, every day"),
            ),
        ),
    )
)

EVENTS: Final = (
    EventFacts(
        1, EpochSeconds(NOON - 60), "PSD-01-001", "FUNDS SHORT: recharge the machine"
    ),
    EventFacts(
        2,
        EpochSeconds(NOON - 30),
        "PSD-36-001",
        "NOT IN SERVICE YET: dial in once",
        "attempt 3",
    ),
    EventFacts(
        3, EpochSeconds(0), "PSD-04-001", "CLOCK NOT SET: dial in to have it set"
    ),
)

ROWS: Final = (
    UsageRow(0, "", "L", "letter", 400, Paise(200_000)),
    UsageRow(1, "Accounts", "L", "letter", 30, Paise(15_000)),
    UsageRow(1, "Accounts", "RL", "registered letter", 12, Paise(26_400)),
    UsageRow(
        2, "Customer relations, northern zone", "SP", "speed post", 1, Paise(4130)
    ),
)

USAGE: Final = UsageFacts(
    from_time=EpochSeconds(NOON - DAY_S),
    to_time=NOON,
    opening_ascending_paise=Paise(1_000),
    closing_ascending_paise=Paise(246_530),
    rows=ROWS,
)

MAILING: Final = MailingFacts(
    som_number="N123456-000012",
    from_time=EpochSeconds(NOON - DAY_S),
    to_time=NOON,
    opening_ascending_paise=Paise(1_000),
    opening_descending_paise=Paise(399_000),
    closing_ascending_paise=Paise(246_530),
    closing_descending_paise=Paise(353_470),
    rows=ROWS,
)

CUSTOMERS: Final = (
    CustomerFacts(0, "Bharat Stationers", "N123456-000012"),
    CustomerFacts(1, "Deccan Traders", "N123456-000013"),
    CustomerFacts(2, "Malnad Coffee Growers", "N123456-000014"),
    CustomerFacts(3, "No Mail Today Limited", "N123456-000015"),
)
