"""What is asked and what is granted: clauses that take both ends to judge.

The bench never needs them: at one end it is itself who asks, or grants.
"""

from typing import Final

from hw.lab.side import Findings, number, octets
from hw.lab.tap.known_machine import Fields, KnownMachine
from hw.lab.tap.sheet import Sheet
from protocol.link import Role
from protocol.messages import Capability, MessageTable, MessageType, OrderKind
from protocol.messages import RefusalCode as Code
from protocol.messages.orders import CAPABILITY_OF
from protocol.registers import MachineState, RequestKind, VoucherKind

DOWNLOAD_STEP_PAISE: Final = 10_000
"""Rs 100 (DLG-8)."""
_GRANTS: Final = {
    RequestKind.RECHARGE: VoucherKind.RECHARGE,
    RequestKind.WITHDRAWAL: VoucherKind.WITHDRAWAL,
    RequestKind.REFUND: VoucherKind.REFUND,
}
_RECHARGED: Final = frozenset(
    {
        MachineState.INSTALLED,
        MachineState.IN_SERVICE,
        MachineState.BLOCKED,
        MachineState.WITHHELD,
    }
)
"""States in which a recharge may be granted (DLG-4.5)."""
_LOCKED: Final = frozenset(
    {
        MachineState.LOCKED,
        MachineState.LOCKED_OUT,
        MachineState.FAULT,
        MachineState.WITHDRAWN,
    }
)
_CAPABILITIES: Final = sum(Capability)
_DISCREPANCIES: Final = frozenset(
    code for code in Code if code.is_discrepancy and code is not Code.USAGE_MISMATCH
)
_OF_RECHARGE: Final = frozenset(
    {
        Code.LICENCE_CANCELLED,
        Code.LICENCE_BLOCKED,
        Code.LICENCE_WITHHELD,
        Code.LICENCE_EXPIRED,
        Code.MACHINE_STATE,
        Code.AMOUNT_STEP,
        Code.AMOUNT_LIMIT,
        Code.FUNDS_SHORT,
        Code.FUNDS_NOT_YET_AVAILABLE,
    }
)
_OF_EMPTYING: Final = frozenset(
    {Code.LICENCE_CANCELLED, Code.MACHINE_STATE, Code.AMOUNT_LIMIT}
)
_CODES: Final = {
    RequestKind.INSPECTION: frozenset[Code](),
    RequestKind.RECHARGE: _OF_RECHARGE,
    RequestKind.WITHDRAWAL: _OF_EMPTYING,
    RequestKind.REFUND: _OF_EMPTYING | {Code.KIND_NOT_OFFERED},
}
"""Refusals that each request may meet, beside discrepancies (DLG-8.5)."""
_FREEZES: Final = frozenset({"REG-2", "REG-3", "DLG-7.2"})
"""Broken by a STATEMENT, they have the server refuse with a discrepancy."""


def judge_statement(
    sheet: Sheet, machine: KnownMachine, fields: Fields, found: Findings
) -> None:
    """Judge what a STATEMENT says of the machine itself.

    Args:
        sheet: Takes what is found.
        machine: With the STATEMENT taken in.
        fields: The STATEMENT's.
        found: What the checks of the bench say of it.
    """
    side = Role.MACHINE
    state = MachineState(number(fields, "state"))
    installed = state is not MachineState.UNINSTALLED
    expected = "a machine that is installed"
    sheet.look("DLG-4.5", side, installed, expected, state.name)
    more = number(fields, "capabilities") & ~_CAPABILITIES
    expected = "no bits that have no meaning"
    sheet.look("DLG-11.2", side, not more, expected, f"bits {more:04x}")
    if any(octets(fields, "mark")):
        taken = state is not MachineState.INSTALLED
        expected = "another state once a RECEIPT was stored"
        sheet.look("DLG-4.7", side, taken, expected, state.name)
    if machine.lock_in_force:
        locked = state in _LOCKED
        sheet.look("DLG-10.4", side, locked, "LOCKED until UNLOCK", state.name)
    limit = machine.now.book.limit(OrderKind.FUNDS_LIMIT)
    if limit and number(fields, "request") == RequestKind.RECHARGE:
        after = number(fields, "descending_paise") + number(fields, "amount_paise")
        expected = f"no recharge to a DR above {limit} paise"
        sheet.look("DLG-10.8", side, after <= limit, expected, f"to {after} paise")
    machine.owes_refusal = any(breach.clause in _FREEZES for breach in found)


def judge_answer(
    sheet: Sheet, machine: KnownMachine, table: MessageTable, fields: Fields
) -> None:
    """Judge whether an answer is one that the STATEMENT may have.

    Args:
        sheet: Takes what is found.
        machine: Before the answer is taken in.
        table: Of the server's message.
        fields: Its fields.
    """
    kind = table.type
    if kind is MessageType.ACK:
        due = machine.now.acknowledges
        said = number(fields, "of_type"), number(fields, "number")
        sheet.look("DLG-9", Role.SERVER, said == due, f"an ACK of {due}", f"{said}")
    if machine.owes_refusal and kind in {MessageType.VOUCHER, MessageType.RECEIPT}:
        machine.owes_refusal = False
        expected = "REFUSAL of a discrepancy"
        sheet.failed("DLG-8.1", Role.SERVER, expected, kind.name)
    if kind is MessageType.RECEIPT and not number(fields, "orders"):
        _left_out(sheet, machine)
    if kind is MessageType.VOUCHER and machine.is_followed:
        _grant(sheet, machine, fields)
    elif kind is MessageType.REFUSAL:
        _refusal(sheet, machine, fields)


def _left_out(sheet: Sheet, machine: KnownMachine) -> None:
    """Judge a RECEIPT without ORDERs where one was sent and not applied (DLG-10.2)."""
    book = machine.now.book
    due = machine.order_serial + 1
    kind, _ = book.orders.get(due, (int(OrderKind.NOTHING), 0))
    needed = CAPABILITY_OF.get(OrderKind(kind))
    able = Capability(number(machine.now.statement, "capabilities"))
    if due in book.orders and (needed is None or able & needed):
        expected = f"ORDER {due} again: it was not applied"
        sheet.failed("DLG-10.2", Role.SERVER, expected, "no ORDER")


def _grant(sheet: Sheet, machine: KnownMachine, fields: Fields) -> None:
    """Judge a voucher that was not there before (REG-8)."""
    account, stated = machine.account, machine.now.statement
    if account.is_in_doubt or account.open_voucher:
        return
    asked = RequestKind(number(stated, "request"))
    kind, amount = VoucherKind(number(fields, "kind")), number(fields, "amount_paise")
    expected = f"{asked.name} of {number(stated, 'amount_paise')} paise"
    seen = f"{kind.name} of {amount} paise"
    right = _GRANTS.get(asked) is kind and amount == number(stated, "amount_paise")
    side = Role.SERVER
    sheet.look("REG-8", side, right, expected, seen)
    if kind is VoucherKind.RECHARGE:
        in_steps = amount > 0 and amount % DOWNLOAD_STEP_PAISE == 0
        sheet.look("DLG-8", side, in_steps, "a multiple of Rs 100", seen)
        state = MachineState(number(stated, "state"))
        expected = "REFUSAL MACHINE_STATE"
        sheet.look("DLG-4.5", side, state in _RECHARGED, expected, f"at {state.name}")


def _refusal(sheet: Sheet, machine: KnownMachine, fields: Fields) -> None:
    """Judge the code of a REFUSAL (DLG-8.1, DLG-8.5)."""
    code, side = Code(number(fields, "code")), Role.SERVER
    stated = machine.now.statement
    allowed = _CODES[RequestKind(number(stated, "request"))] | _DISCREPANCIES
    if machine.now.receipted:
        allowed = frozenset({Code.USAGE_MISMATCH})
    elif machine.memory.recharge_number != number(stated, "recharge_number"):
        allowed = _DISCREPANCIES - {Code.MARK_WRONG}
    expected = "a code that such a request can meet"
    sheet.look("DLG-8.5", side, code in allowed, expected, code.name)
    if machine.owes_refusal:
        machine.owes_refusal = False
        expected = "REFUSAL of a discrepancy"
        sheet.look("DLG-8.1", side, code.is_discrepancy, expected, code.name)
