"""REG-5 to REG-9 and the order of DLG-8: the server's judgement, without a database."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages import (
    Confirmation,
    Disposition,
    LicenceState,
    RefusalCode,
    Statement,
)
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.settling import (
    Account,
    Grant,
    Inspect,
    Judgement,
    Outstanding,
    Refuse,
    Resend,
    Settled,
    judge,
    judge_confirmation,
)
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
)

STEP = Paise(100_00)
MARK = b"acked123"
ISSUED = b"issued45"


def registers(
    ascending: int = 50_000, control_total: int = 200_000, items: int = 10
) -> Registers:
    return Registers(
        Paise(ascending),
        Paise(control_total - ascending),
        Paise(control_total),
        items,
        items,
    )


def statement(**changes: object) -> Statement:
    base = Statement(
        version=1,
        capabilities=0,
        licence=LicenceIdentifier("N123456"),
        psd_serial=b"PSD00001",
        firmware_major=1,
        firmware_minor=0,
        firmware_patch=0,
        state=MachineState.IN_SERVICE,
        registers=registers(),
        recharge_number=RechargeNumber(1),
        order_serial=OrderSerial(0),
        mark=MARK,
        usage_digest=bytes(8),
        time=EpochSeconds(1_700_000_000),
        dial_in=7,
        request=RequestKind.RECHARGE,
        amount_paise=Paise(100_000),
        signature=bytes(64),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def account(**changes: object) -> Account:
    base = Account(
        base_paise=Paise(0),
        settled_paise=200_000,
        number=RechargeNumber(1),
        registers=registers(ascending=40_000, items=8),
        mark_acknowledged=MARK,
        mark_issued=None,
        outstanding=None,
        frozen=False,
        licence_state=LicenceState.REGISTERED,
        funds_paise=Paise(500_000),
        funds_later_paise=Paise(0),
        refund_allowed=False,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def outstanding(
    kind: VoucherKind = VoucherKind.RECHARGE,
    amount: int = 100_000,
    void: bytes | None = None,
) -> Outstanding:
    return Outstanding(RechargeNumber(2), kind, Paise(amount), b"voucher", void)


def refused(judgement: Judgement) -> RefusalCode:
    assert isinstance(judgement.outcome, Refuse)
    assert judgement.settlement is None
    return judgement.outcome.refusal.code


def test_a_request_in_order_is_granted_with_the_next_number() -> None:
    judgement = judge(account(), statement(), STEP)
    assert judgement.settlement is None
    assert judgement.outcome == Grant(
        RechargeNumber(2),
        VoucherKind.RECHARGE,
        Paise(100_000),
        Paise(200_000),
        Paise(300_000),
    )
    assert judgement.registers == registers()


def test_an_inspection_in_order_is_only_receipted() -> None:
    asked = statement(request=RequestKind.INSPECTION, amount_paise=Paise(0))
    assert judge(account(), asked, STEP).outcome == Inspect()


def test_an_advanced_number_posts_the_outstanding_recharge_then_decides() -> None:
    books = account(outstanding=outstanding())
    applied = statement(
        recharge_number=RechargeNumber(2), registers=registers(control_total=300_000)
    )
    judgement = judge(books, applied, STEP)
    assert judgement.settlement is not None
    assert judgement.settlement.settled is Settled.POSTED
    assert isinstance(judgement.outcome, Grant)
    assert judgement.outcome.number == 3
    assert judgement.outcome.control_total_after_paise == 400_000


@pytest.mark.parametrize("amount", [100_000, 300_000, 0, 12_345])
@pytest.mark.parametrize("request_kind", list(RequestKind))
def test_a_number_not_advanced_gets_the_stored_bytes_whatever_is_asked(
    request_kind: RequestKind, amount: int
) -> None:
    books = account(outstanding=outstanding(), funds_paise=Paise(0))
    asked = statement(request=request_kind, amount_paise=Paise(amount))
    assert judge(books, asked, STEP).outcome == Resend(b"voucher")


def test_an_outstanding_voucher_is_sent_again_though_the_licence_is_blocked() -> None:
    books = account(outstanding=outstanding(), licence_state=LicenceState.BLOCKED)
    assert judge(books, statement(), STEP).outcome == Resend(b"voucher")


def test_once_a_void_is_stored_it_is_sent_instead() -> None:
    books = account(outstanding=outstanding(void=b"void"))
    assert judge(books, statement(), STEP).outcome == Resend(b"void")


def test_ct_tells_that_the_void_was_applied_and_the_funds_are_free_again() -> None:
    books = account(outstanding=outstanding(void=b"void"), funds_paise=Paise(0))
    voided = statement(recharge_number=RechargeNumber(2))
    judgement = judge(books, voided, STEP)
    assert judgement.settlement is not None
    assert judgement.settlement.settled is Settled.VOIDED
    assert isinstance(judgement.outcome, Grant)
    assert judgement.outcome.control_total_before_paise == 200_000


def test_ct_tells_that_the_voucher_came_before_its_void() -> None:
    books = account(outstanding=outstanding(void=b"void"))
    applied = statement(
        recharge_number=RechargeNumber(2), registers=registers(control_total=300_000)
    )
    judgement = judge(books, applied, STEP)
    assert judgement.settlement is not None
    assert judgement.settlement.settled is Settled.POSTED


def test_a_number_advanced_without_its_credit_is_a_discrepancy() -> None:
    books = account(outstanding=outstanding())
    asked = statement(recharge_number=RechargeNumber(2))
    judgement = judge(books, asked, STEP)
    assert refused(judgement) is RefusalCode.CONTROL_TOTAL_HISTORY
    assert isinstance(judgement.outcome, Refuse)
    assert judgement.outcome.refusal.disposition is Disposition.KEPT


DISCREPANCIES = [
    (
        {"registers": Registers(Paise(50_000), Paise(149_999), Paise(200_000), 10, 10)},
        RefusalCode.CONTROL_TOTAL_SUM,
    ),
    (
        {"registers": replace(registers(), items=11)},
        RefusalCode.CONTROL_TOTAL_SUM,
    ),
    (
        {"registers": registers(control_total=200_001)},
        RefusalCode.CONTROL_TOTAL_HISTORY,
    ),
    (
        {"registers": registers(control_total=199_999)},
        RefusalCode.CONTROL_TOTAL_HISTORY,
    ),
    ({"recharge_number": RechargeNumber(0)}, RefusalCode.NUMBER_BEHIND),
    ({"recharge_number": RechargeNumber(2)}, RefusalCode.NUMBER_AHEAD),
    ({"recharge_number": RechargeNumber(9)}, RefusalCode.NUMBER_AHEAD),
    ({"registers": registers(ascending=39_999)}, RefusalCode.ASCENDING_BACK),
    ({"registers": registers(items=7)}, RefusalCode.ITEMS_BACK),
    (
        {
            "registers": replace(registers(items=9), items_with_zero=9),
            "mark": b"12345678",
        },
        RefusalCode.MARK_WRONG,
    ),
    ({"mark": bytes(8)}, RefusalCode.MARK_WRONG),
]


@pytest.mark.parametrize(("changes", "code"), DISCREPANCIES)
def test_a_discrepancy_is_refused_without_a_receipt_and_settles_nothing(
    changes: dict[str, object], code: RefusalCode
) -> None:
    judgement = judge(account(), statement(**changes), STEP)
    assert refused(judgement) is code
    assert code.is_discrepancy
    assert judgement.registers is None
    assert isinstance(judgement.outcome, Refuse)
    assert judgement.outcome.refusal.receipt_follows == 0
    assert judgement.outcome.refusal.disposition is Disposition.CLEARED


def test_a_frozen_account_stays_frozen_for_a_machine_in_order() -> None:
    judgement = judge(account(frozen=True), statement(), STEP)
    assert refused(judgement) is RefusalCode.ACCOUNT_FROZEN


def test_the_mark_issued_last_is_accepted_and_then_acknowledged() -> None:
    books = account(mark_issued=ISSUED)
    assert judge(books, statement(mark=ISSUED), STEP).mark_acknowledged == ISSUED
    assert judge(books, statement(mark=MARK), STEP).mark_acknowledged == MARK


BUSINESS = [
    ({"licence_state": LicenceState.BLOCKED}, {}, RefusalCode.LICENCE_BLOCKED),
    ({"licence_state": LicenceState.WITHHELD}, {}, RefusalCode.LICENCE_WITHHELD),
    ({"licence_state": LicenceState.CANCELLED}, {}, RefusalCode.LICENCE_CANCELLED),
    ({"licence_state": LicenceState.EXPIRED}, {}, RefusalCode.LICENCE_EXPIRED),
    ({}, {"state": MachineState.LOCKED}, RefusalCode.MACHINE_STATE),
    ({}, {"state": MachineState.LOCKED_OUT}, RefusalCode.MACHINE_STATE),
    ({}, {"state": MachineState.FAULT}, RefusalCode.MACHINE_STATE),
    ({}, {"state": MachineState.UNINSTALLED}, RefusalCode.MACHINE_STATE),
    ({}, {"state": MachineState.WITHDRAWN}, RefusalCode.MACHINE_STATE),
    ({}, {"amount_paise": Paise(0)}, RefusalCode.AMOUNT_STEP),
    ({}, {"amount_paise": Paise(100_001)}, RefusalCode.AMOUNT_STEP),
    ({}, {"amount_paise": Paise(150_50)}, RefusalCode.AMOUNT_STEP),
    ({}, {"amount_paise": Paise(510_000)}, RefusalCode.FUNDS_SHORT),
    (
        {"funds_later_paise": Paise(10_000)},
        {"amount_paise": Paise(510_000)},
        RefusalCode.FUNDS_NOT_YET_AVAILABLE,
    ),
    (
        {"funds_paise": Paise(2**53)},
        {"amount_paise": Paise(2**53 // 10_000 * 10_000)},
        RefusalCode.AMOUNT_LIMIT,
    ),
    (
        {},
        {"request": RequestKind.REFUND, "amount_paise": Paise(1)},
        RefusalCode.KIND_NOT_OFFERED,
    ),
    (
        {"refund_allowed": True},
        {"request": RequestKind.REFUND, "amount_paise": Paise(150_001)},
        RefusalCode.AMOUNT_LIMIT,
    ),
    (
        {},
        {"request": RequestKind.WITHDRAWAL, "amount_paise": Paise(149_999)},
        RefusalCode.AMOUNT_LIMIT,
    ),
    (
        {},
        {
            "state": MachineState.UNINSTALLED,
            "request": RequestKind.WITHDRAWAL,
            "amount_paise": Paise(150_000),
        },
        RefusalCode.MACHINE_STATE,
    ),
    (
        {"licence_state": LicenceState.CANCELLED},
        {"request": RequestKind.WITHDRAWAL, "amount_paise": Paise(150_000)},
        RefusalCode.LICENCE_CANCELLED,
    ),
]


@pytest.mark.parametrize(("books", "asked", "code"), BUSINESS)
def test_a_request_that_cannot_be_met_is_refused_with_a_receipt(
    books: dict[str, object], asked: dict[str, object], code: RefusalCode
) -> None:
    judgement = judge(account(**books), statement(**asked), STEP)
    assert refused(judgement) is code
    assert not code.is_discrepancy
    assert isinstance(judgement.outcome, Refuse)
    assert judgement.outcome.refusal.receipt_follows == 1


def test_a_refusal_tells_how_much_may_be_asked_in_whole_steps() -> None:
    judgement = judge(
        account(funds_paise=Paise(123_456)),
        statement(amount_paise=Paise(200_000)),
        STEP,
    )
    assert isinstance(judgement.outcome, Refuse)
    assert judgement.outcome.refusal.allowed_paise == 120_000


def test_a_machine_blocked_only_by_silence_recharges_in_the_same_dial_in() -> None:
    asked = statement(state=MachineState.BLOCKED)
    assert isinstance(judge(account(), asked, STEP).outcome, Grant)


@pytest.mark.parametrize(
    ("licence_state", "code"),
    [
        (LicenceState.REGISTERED, None),
        (LicenceState.RENEWED, None),
        (LicenceState.WITHHELD, RefusalCode.LICENCE_WITHHELD),
        (LicenceState.CANCELLED, RefusalCode.LICENCE_CANCELLED),
    ],
)
def test_a_withheld_machine_recharges_when_the_books_know_of_no_reason_any_more(
    licence_state: LicenceState, code: RefusalCode | None
) -> None:
    asked = statement(state=MachineState.WITHHELD)
    outcome = judge(account(licence_state=licence_state), asked, STEP).outcome
    if code is None:
        assert isinstance(outcome, Grant)
    else:
        assert isinstance(outcome, Refuse)
        assert outcome.refusal.code is code


@pytest.mark.parametrize(
    "state",
    [
        MachineState.INSTALLED,
        MachineState.BLOCKED,
        MachineState.LOCKED,
        MachineState.FAULT,
        MachineState.WITHHELD,
        MachineState.LOCKED_OUT,
    ],
)
def test_value_comes_back_whatever_stops_the_machine(state: MachineState) -> None:
    for kind, books in (
        (RequestKind.WITHDRAWAL, account()),
        (RequestKind.REFUND, account(refund_allowed=True)),
    ):
        asked = statement(state=state, request=kind, amount_paise=Paise(150_000))
        assert isinstance(judge(books, asked, STEP).outcome, Grant)


def test_a_withdrawal_is_the_whole_of_dr_and_lowers_ct() -> None:
    asked = statement(request=RequestKind.WITHDRAWAL, amount_paise=Paise(150_000))
    outcome = judge(account(), asked, STEP).outcome
    assert isinstance(outcome, Grant)
    assert outcome.control_total_after_paise == 50_000


def test_a_withdrawal_is_credited_only_when_it_is_posted() -> None:
    books = account(
        outstanding=outstanding(VoucherKind.WITHDRAWAL, 150_000), funds_paise=Paise(0)
    )
    gone = statement(
        recharge_number=RechargeNumber(2),
        registers=registers(control_total=50_000),
        state=MachineState.WITHDRAWN,
        request=RequestKind.INSPECTION,
        amount_paise=Paise(0),
    )
    judgement = judge(books, gone, STEP)
    assert judgement.settlement is not None
    assert judgement.settlement.settled is Settled.POSTED


def confirmation(**changes: object) -> Confirmation:
    base = Confirmation(
        licence=LicenceIdentifier("N123456"),
        recharge_number=RechargeNumber(2),
        registers=registers(control_total=300_000),
        state=MachineState.IN_SERVICE,
        signature=bytes(64),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_confirmation_posts_the_outstanding_recharge() -> None:
    judgement = judge_confirmation(account(outstanding=outstanding()), confirmation())
    assert judgement.settlement is not None
    assert judgement.settlement.settled is Settled.POSTED
    assert judgement.outcome == Inspect()


def test_a_confirmation_that_settles_nothing_is_a_discrepancy() -> None:
    unchanged = confirmation(
        recharge_number=RechargeNumber(1), registers=registers(control_total=200_000)
    )
    judgement = judge_confirmation(account(outstanding=outstanding()), unchanged)
    assert refused(judgement) is RefusalCode.NUMBER_BEHIND


@given(
    number=st.integers(0, 4),
    control_total=st.sampled_from([100_000, 200_000, 300_000, 299_999]),
    ascending=st.sampled_from([39_999, 40_000, 50_000]),
    has_outstanding=st.booleans(),
    has_void=st.booleans(),
    frozen=st.booleans(),
)
def test_nothing_is_granted_and_settled_unless_ct_is_what_the_books_expect(
    *,
    number: int,
    control_total: int,
    ascending: int,
    has_outstanding: bool,
    has_void: bool,
    frozen: bool,
) -> None:
    """Value is created by no combination of number, CT and what is outstanding."""
    open_one = outstanding(void=b"void" if has_void else None)
    books = account(outstanding=open_one if has_outstanding else None, frozen=frozen)
    asked = statement(
        recharge_number=RechargeNumber(number),
        registers=registers(ascending, control_total),
    )
    judgement = judge(books, asked, STEP)
    posted = (
        judgement.settlement is not None
        and judgement.settlement.settled is Settled.POSTED
    )
    if isinstance(judgement.outcome, Grant):
        assert control_total == 200_000 + (100_000 if posted else 0)
        assert number == (2 if judgement.settlement else 1)
        assert not (has_outstanding and judgement.settlement is None)
    if judgement.settlement is not None:
        assert has_outstanding
        assert number == 2
        assert not frozen
