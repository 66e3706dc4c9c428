"""The bench as a machine: its account, its signatures, its contents, its memory."""

from hashlib import sha256

import pytest

from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.lab.account import FUNDED_PAISE, Account
from hw.lab.fetching import Fetching
from hw.lab.machine_memory import Asked
from hw.lab.machine_side import MachineSide
from hw.lab.machine_steps import MachineSteps
from hw.lab.side import Fields, blank
from hw.lab.signatures import bent_signature
from hw.lab.steps import StepError, parse_step
from hw.lab.verbs import check_step
from protocol.keys import MachineIdentity, Realm
from protocol.keys.points import ORDER
from protocol.link import Role
from protocol.messages import (
    TABLE_OF,
    Capability,
    Disposition,
    MessageType,
    OrderKind,
    RefusalCode,
    UsageRow,
)
from protocol.registers import RequestKind, VoucherKind
from protocol.values import LicenceIdentifier, Paise
from rmfs_tools.lab.reference_server import SERVER
from rmfs_tools.simulation.setting import BEGAN

MARK = bytes(range(8))
BINDING = bytes(range(32))


def filled(kind: MessageType, /, **wish: int | bytes) -> Fields:
    return {**blank(TABLE_OF[kind]), **wish}


def stated(account: Account, request: RequestKind, capabilities: int = 0) -> None:
    account.stated(
        filled(MessageType.STATEMENT, request=int(request), capabilities=capabilities)
    )


def refusal(code: RefusalCode, disposition: Disposition, **wish: int) -> Fields:
    return filled(
        MessageType.REFUSAL,
        code=int(code),
        disposition=int(disposition),
        receipt_follows=int(not code.is_discrepancy),
        **wish,
    )


def voucher(kind: VoucherKind, paise: int) -> Fields:
    return filled(MessageType.VOUCHER, kind=int(kind), amount_paise=paise)


def receipt(mark: bytes, paise: int = FUNDED_PAISE) -> Fields:
    return filled(MessageType.RECEIPT, mark=mark, funds_paise=paise)


def machine() -> MachineSide:
    identity = MachineIdentity.generate(
        LicenceIdentifier("N200001"), "LAB00001", Realm.TEST, SeededEntropy(b"keys")
    )
    return MachineSide(identity, SERVER, clock=MemoryWallClock(BEGAN))


def test_a_voucher_reserves_its_amount_once_and_is_to_come_as_it_is() -> None:
    account = Account()
    granted = voucher(VoucherKind.RECHARGE, 50_000)
    assert account.voucher(granted, b"stored") == []
    assert account.voucher(granted, b"stored") == []
    assert account.funds_paise == FUNDED_PAISE - 50_000
    assert [one.clause for one in account.voucher(granted, b"built anew")] == [
        "REG-7.1"
    ]


def test_a_void_may_come_for_a_voucher_and_nothing_but_itself_afterwards() -> None:
    account = Account()
    account.voucher(voucher(VoucherKind.RECHARGE, 50_000), b"stored")
    assert account.voucher(voucher(VoucherKind.VOID, 0), b"void") == []
    again = account.voucher(voucher(VoucherKind.RECHARGE, 50_000), b"stored")
    assert [one.clause for one in again] == ["REG-7.1"]


def test_what_is_outstanding_is_kept_by_a_refusal_and_nothing_else_is() -> None:
    account = Account()
    stated(account, RequestKind.RECHARGE)
    frozen = RefusalCode.ACCOUNT_FROZEN
    cleared = refusal(frozen, Disposition.CLEARED)
    assert account.refusal(cleared) == []
    account.voucher(voucher(VoucherKind.RECHARGE, 50_000), b"stored")
    stated(account, RequestKind.INSPECTION)
    assert [one.clause for one in account.refusal(cleared)] == ["DLG-8.4"]
    assert account.refusal(refusal(frozen, Disposition.KEPT)) == []


def test_what_may_have_been_granted_on_a_lost_line_is_not_held_against_a_server() -> (
    None
):
    account = Account()
    stated(account, RequestKind.RECHARGE)
    stated(account, RequestKind.RECHARGE)
    kept = refusal(RefusalCode.MARK_WRONG, Disposition.KEPT)
    assert account.refusal(kept) == []


def test_an_amount_that_is_allowed_with_a_discrepancy_is_found() -> None:
    account = Account()
    stated(account, RequestKind.INSPECTION)
    wrong = refusal(RefusalCode.MARK_WRONG, Disposition.CLEARED, allowed_paise=10_000)
    assert [one.clause for one in account.refusal(wrong)] == ["DLG-8.2"]


def test_a_mark_that_comes_a_second_time_or_is_zero_is_found() -> None:
    account = Account()
    assert account.receipt(receipt(MARK)) == []
    assert account.receipt(receipt(MARK[::-1])) == []
    assert [one.clause for one in account.receipt(receipt(MARK))] == ["DLG-7.1"]
    assert [one.clause for one in account.receipt(receipt(bytes(8)))] == ["DLG-7.1"]


def test_an_order_without_its_capability_or_its_serial_is_found() -> None:
    account = Account()
    limit = int(OrderKind.FRANK_LIMIT)
    first = filled(MessageType.ORDER, order_serial=1, order=limit)
    stated(account, RequestKind.INSPECTION)
    assert [one.clause for one in account.order(first)] == ["DLG-10.6"]
    stated(account, RequestKind.INSPECTION, int(Capability.LIMITS))
    assert account.order(first) == []
    assert [one.clause for one in account.order(first)] == ["DLG-10.2"]


def test_an_order_may_become_nothing_and_no_other_kind() -> None:
    account = Account()
    for kind, found in (
        (OrderKind.LOCK, []),
        (OrderKind.NOTHING, []),
        (OrderKind.UNLOCK, ["DLG-10.11"]),
    ):
        stated(account, RequestKind.INSPECTION)
        order = filled(MessageType.ORDER, order_serial=1, order=int(kind))
        assert [one.clause for one in account.order(order)] == found


def content(fetching: Fetching, octets: bytes, offset: int, **wish: int) -> list[str]:
    named = int.from_bytes(sha256(octets).digest()[:8], "big")
    fetching.ordered(int(OrderKind.SLOGAN), named)
    fetching.said(fetching.want())
    fields = filled(
        MessageType.CONTENT,
        content_id=named,
        offset=offset,
        total=len(octets),
        data=octets[offset : offset + 512].ljust(512, b"\0"),
    )
    return [one.clause for one in fetching.heard({**fields, **wish})]


def test_a_content_is_fetched_from_its_first_missing_part_on_and_compared() -> None:
    fetching, octets = Fetching(), bytes([7]) * 700
    assert content(fetching, octets, 0) == []
    assert fetching.want()["offset"] == 512
    assert content(fetching, octets, 512) == []
    assert content(Fetching(), octets, 512) == ["DLG-16.3"]
    assert content(Fetching(), octets[:300], 0, total=200) == ["DLG-16.3", "DLG-16.1"]


def test_a_bent_signature_differs_in_the_half_that_is_named() -> None:
    good = bytes([1]) * 64
    order = ORDER.to_bytes(32, "big")
    assert bent_signature("r-zero", good) == bytes(32) + good[32:]
    assert bent_signature("s-order", good) == good[:32] + order
    mirrored = bent_signature("mirrored", good)
    assert int.from_bytes(mirrored[32:], "big") == ORDER - int.from_bytes(good[32:])


def test_a_mirrored_signature_is_as_good_as_the_other_and_those_otherwise_are_not() -> (
    None
):
    side = machine()
    table = TABLE_OF[MessageType.STATEMENT]
    fields = side.right(table, {})
    credential = side.identity.credential

    def verifies(body: bytes) -> bool:
        return credential.verify("STATEMENT", BINDING + body[:-64], body[-64:])

    good = side.sign(table, fields, BINDING)
    assert verifies(good)
    assert verifies(good[:-64] + bent_signature("mirrored", good[-64:]))
    for wish in ("purpose", "realm"):
        assert not verifies(side.sign(table, fields, BINDING, wish))


def test_a_machine_becomes_somebody_else_and_itself_again() -> None:
    side = machine()
    itself = side.identity
    steps = MachineSteps(side)
    for who in ("stranger", "impostor", "foreigner"):
        steps.be(who)
        assert side.identity.credential.ccs != itself.credential.ccs
    steps.be("itself")
    assert side.identity is itself


def test_a_memory_that_is_put_back_asks_again_and_has_the_old_registers() -> None:
    memory = machine().memory
    memory.asked = Asked(RequestKind.RECHARGE, 50_000)
    before = memory.registers
    memory.keep_voucher(
        {**voucher(VoucherKind.RECHARGE, 50_000), "recharge_number": 1}, b""
    )
    memory.apply()
    assert memory.recharge_number == 1
    memory.forget()
    assert (memory.registers, memory.recharge_number) == (before, 0)
    assert memory.asked.amount_paise == 50_000


def test_usage_that_is_given_fits_the_registers() -> None:
    memory = machine().memory
    memory.keep_voucher(
        {**voucher(VoucherKind.RECHARGE, 50_000), "recharge_number": 1}, b""
    )
    memory.apply()
    memory.set_usage({1: (2, 300), 9: (1, 200)})
    assert memory.registers.ascending_paise == 500
    assert memory.registers.items == 3
    assert memory.registers.balanced


def test_what_is_franked_before_an_ack_comes_is_still_to_be_sent() -> None:
    """The server has acknowledged what it was sent, and nothing that came later."""
    side = machine()
    side.memory.keep_voucher(
        {**voucher(VoucherKind.RECHARGE, 50_000), "recharge_number": 1}, b""
    )
    side.memory.apply()
    side.memory.set_usage({1: (2, 300)})
    usage = TABLE_OF[MessageType.USAGE]
    side.said(usage, side.right(usage, {}))
    side.memory.frank(Paise(100), 7)
    ack = filled(MessageType.ACK, of_type=int(MessageType.USAGE))
    side.heard(TABLE_OF[MessageType.ACK], ack, b"", b"")
    assert side.memory.changed_rows() == [UsageRow(7, 1, Paise(100))]


def test_two_calls_have_numbers_of_their_own_and_a_third_has_the_next() -> None:
    memory = machine().memory
    memory.begin()
    first = memory.one_call()
    memory.begin()
    second = memory.one_call()
    memory.speak_in(first)
    assert (memory.dial_in, second.dial_in) == (1, 2)
    memory.begin()
    assert memory.dial_in == 3


@pytest.mark.parametrize(
    "text",
    [
        "become nobody",
        "usage 1:2",
        "usage 1:2:x",
        "wants some",
        "other 2",
        "send STATEMENT signature=sideways",
    ],
)
def test_a_step_of_the_bench_as_a_machine_that_means_nothing_is_refused(
    text: str,
) -> None:
    with pytest.raises(StepError):
        check_step(parse_step(text), Role.SERVER)


@pytest.mark.parametrize("text", ["dial inspection beside", "other", "forget"])
def test_a_machine_under_test_has_one_line_and_its_own_memory(text: str) -> None:
    check_step(parse_step(text), Role.SERVER)
    with pytest.raises(StepError):
        check_step(parse_step(text), Role.MACHINE)
