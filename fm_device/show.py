"""What the machine's panel and its JSON say: words and numbers, no decisions."""

from datetime import datetime
from typing import Any, Final

from fm_device.classes import show_class
from fm_device.dial_in import DialInReport, LinkIsUp, Progress, Redialling, ServerIsBusy
from fm_device.firmware.dialling import show_pending, show_unclosed
from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine
from fm_device.model import show_version
from fm_device.psd.device import Psd
from fm_device.psd.franking import Frank
from fm_device.psd.states import Silence
from protocol.dialogue.machine import (
    Acknowledged,
    ContentTaken,
    Greeted,
    OrderTaken,
    Outcome,
    Receipted,
    Refused,
    Request,
    VoucherApplied,
)
from protocol.dialogue.shared import (
    Failed,
    LineLost,
)
from protocol.messages import CONTENT_ORDERS, RefusalCode
from protocol.parameters import INDIA
from protocol.registers import MachineState, Registers, VoucherKind
from protocol.values import EpochSeconds, Paise, show_rupees

_REFUSALS: Final = {
    RefusalCode.AMOUNT_STEP: "choose a multiple of Rs 100",
    RefusalCode.FUNDS_SHORT: "the funds at the server are short",
    RefusalCode.FUNDS_NOT_YET_AVAILABLE: "the funds are not cleared yet",
    RefusalCode.AMOUNT_LIMIT: "this amount is not possible",
    RefusalCode.LICENCE_BLOCKED: "the licence is blocked by the authority",
    RefusalCode.LICENCE_WITHHELD: "the licence is withheld by the authority",
    RefusalCode.LICENCE_CANCELLED: "the licence is cancelled",
    RefusalCode.LICENCE_EXPIRED: "the licence has expired; renew it",
    RefusalCode.MACHINE_STATE: "this is not possible in the machine's state",
    RefusalCode.KIND_NOT_OFFERED: "a refund is not allowed by the authority",
    RefusalCode.CONTROL_TOTAL_SUM: "the registers do not agree; call service",
    RefusalCode.CONTROL_TOTAL_HISTORY: "the control total differs; call service",
    RefusalCode.ASCENDING_BACK: "the registers went back; call service",
    RefusalCode.ITEMS_BACK: "the registers went back; call service",
    RefusalCode.MARK_WRONG: "another machine has used this identity; call service",
    RefusalCode.NUMBER_AHEAD: "the server is behind; wait for service",
    RefusalCode.NUMBER_BEHIND: "the machine's memory is old; call service",
    RefusalCode.USAGE_MISMATCH: "the usage differs; call service",
    RefusalCode.ACCOUNT_FROZEN: "the account is under inquiry; call service",
}
"""What the operator is told (SPEC.md DLG-8)."""


_PLAIN_PROGRESS: Final[dict[type[object], str]] = {
    LinkIsUp: "link is up",
    ServerIsBusy: "the server is busy: it takes no call now",
    Receipted: "receipt is stored",
}


def show_progress(event: Progress) -> str:
    """Say in one line what has just happened."""
    if isinstance(event, Redialling):
        return f"attempt {event.attempt} in {event.wait_s:.0f} s"
    if isinstance(event, Greeted):
        return "server is proved, registers are stated"
    if isinstance(event, VoucherApplied):
        voucher = event.voucher
        amount = show_rupees(voucher.amount_paise)
        return f"voucher {voucher.recharge_number}: {voucher.kind.name} {amount} stored"
    if isinstance(event, Refused):
        return f"refused: {_REFUSALS[event.refusal.code]}"
    if isinstance(event, OrderTaken | ContentTaken):
        return _show_orders(event)
    if isinstance(event, Acknowledged):
        return f"{event.ack.of_type.name} is acknowledged"
    if isinstance(event, Failed | LineLost):
        return show_end(event)
    return _PLAIN_PROGRESS[type(event)]


def _show_orders(event: OrderTaken | ContentTaken) -> str:
    if isinstance(event, OrderTaken):
        return _order_line(event)
    return "; ".join([_content_line(event), *map(_order_line, event.orders)])


def _order_line(taken: OrderTaken) -> str:
    fetched = taken.order.order in CONTENT_ORDERS
    waits = "is to be fetched" if fetched else "not done"
    done = "done" if taken.applied else waits
    return f"order {taken.order.order_serial}: {taken.order.order.name} {done}"


def _content_line(taken: ContentTaken) -> str:
    name = f"content {taken.content_id:016x}"
    if not taken.total:
        return f"{name} is not at the server"
    return f"{name}: {taken.received} of {taken.total} octets"


def show_end(event: Failed | LineLost) -> str:
    """Say why a dialogue ended before its end."""
    if isinstance(event, LineLost):
        return f"line lost: {event.reason}"
    return f"broken off ({event.code.name}): {event.detail}"


def show_report(report: DialInReport) -> list[str]:
    """Tell the operator how a dial-in ended, in lines."""
    lines = [_headline(report)]
    if report.voucher is not None:
        lines += _funds_lines(report)
    if report.refusal is not None and report.refusal.allowed_paise:
        allowed = show_rupees(report.refusal.allowed_paise)
        lines.append(f"Amount that may be added  {allowed}")
    if report.receipt is not None:
        lines.append(f"Funds at the server  {show_rupees(report.receipt.funds_paise)}")
    if report.pending is not None:
        lines.append(show_pending(report.pending))
    octets = report.octets_up + report.octets_down
    lines.append(
        f"{octets} octets ({report.octets_up} up, {report.octets_down} down), "
        f"{report.duration_s:.1f} s"
    )
    return lines


def report_as_json(report: DialInReport) -> dict[str, Any]:
    """Say the same to a program; money in paise."""
    refusal, failure = report.refusal, report.failure
    return {
        "outcome": report.outcome.name,
        "before": _registers(report.before),
        "after": _registers(report.after),
        "pending": _request(report.pending),
        "recharge_number": (
            None if report.voucher is None else report.voucher.recharge_number
        ),
        "refusal": None if refusal is None else refusal.code.name,
        "allowed_paise": None if refusal is None else refusal.allowed_paise,
        "funds_paise": None if report.receipt is None else report.receipt.funds_paise,
        "orders": [
            {"serial": order.order_serial, "kind": order.order.name, "applied": applied}
            for order, applied in report.orders
        ],
        "busy": report.server_is_busy,
        "failure": None if failure is None else failure.code.name,
        "detail": report.lost or None if failure is None else failure.detail,
        "line": str(report.loss),
        "octets_up": report.octets_up,
        "octets_down": report.octets_down,
        "duration_s": round(report.duration_s, 3),
    }


def show_machine(machine: Machine) -> list[str]:
    """Show everything that an operator may see, in lines."""
    psd = machine.psd
    record = psd.record
    registers = record.registers
    zero = registers.items_with_zero - registers.items
    lines = [
        f"Machine {record.life.licence}  PSD {record.psd_serial}  {psd.state.name}",
        f"Ascending register   {show_rupees(registers.ascending_paise)}",
        f"Descending register  {show_rupees(registers.descending_paise)}",
        f"Control total        {show_rupees(registers.control_total_paise)}",
        f"Items                {registers.items}, zero imprints {zero}",
        f"Recharge number      {record.recharge_number}",
        f"Last dial-in         {show_time(record.complete_at)}",
        f"Clock                {show_time(psd.time)}",
        f"Funds at the server  {show_rupees(record.funds_paise)} at the last dial-in",
    ]
    lines += [
        f"  {show_class(row.product_class):4} {row.items:8} items  "
        f"{show_rupees(row.amount_paise)}"
        for row in record.usage
    ]
    faults = [f"{fault.words} ({fault.code})" for fault in machine.faults]
    return [*lines, *_warnings(psd), *faults]


def machine_as_json(machine: Machine) -> dict[str, Any]:
    """Say the same to a program; money in paise, times in seconds since 1970."""
    psd = machine.psd
    record, tariff = psd.record, machine.tariff
    return {
        "licence_identifier": record.life.licence,
        "psd_serial": record.psd_serial,
        "realm": psd.server.realm.name,
        "generation": record.life.generation,
        "keys_erased": psd.zeroised,
        "firmware": show_version(machine.firmware),
        "boot": machine.boot.name,
        "faults": [fault.code for fault in machine.faults],
        "tariff": None if tariff is None else tariff.number,
        "slogans": [slogan.number for slogan in machine.contents.slogans],
        "pin_code": record.pin_code,
        "state": psd.state.name,
        "silence": psd.silence.name,
        "registers": _registers(record.registers),
        "recharge_number": record.recharge_number,
        "pending": _request(record.pending),
        "order_serial": record.order_serial,
        "mark": record.mark.hex(),
        "dial_in": record.dial_in,
        "complete_at": record.complete_at,
        "time": psd.time,
        "next_call": record.next_call,
        "call_due": psd.call_due,
        "lock_reason": record.lock_reason,
        "fault": record.fault,
        "funds_paise": record.funds_paise,
        "licence_state": record.licence_state and record.licence_state.name,
        "usage": [
            {
                "product_class": row.product_class,
                "items": row.items,
                "amount_paise": row.amount_paise,
                "reported": row.reported,
            }
            for row in record.usage
        ],
        "departments": [
            {
                "department": row.department,
                "product_class": row.product_class,
                "items": row.items,
                "amount_paise": row.amount_paise,
            }
            for row in record.rows
        ],
        "unprinted": record.unprinted,
        "frank_max_paise": record.frank_max_paise,
        "funds_max_paise": record.funds_max_paise,
        "wrong_pins": list(record.wrong_pins),
        "wrong_vouchers": record.wrong_vouchers,
        "other_amounts": record.other_amounts,
        "memory_commits": psd.commits,
        "memory_damage": psd.damage,
    }


def show_frank(frank: Frank) -> str:
    """Show one frank in a line."""
    left = show_rupees(frank.registers.descending_paise)
    return (
        f"item {frank.item}  {show_class(frank.product_class)}  "
        f"{show_rupees(frank.value_paise)}  {show_time(frank.time)}  left {left}"
    )


def show_printed(printed: Printed) -> str:
    """Show what came out of the printer in a line."""
    if printed.frank is not None:
        return show_frank(printed.frank)
    return f"{printed.face.mark.name} imprint: of no value, and not counted"


def printed_as_json(printed: Printed) -> dict[str, Any]:
    """Say the same to a program; the indicium in hexadecimal digits."""
    frank, face = printed.frank, printed.face
    return {
        "mark": face.mark.name,
        "item": face.item,
        "value_paise": face.value_paise,
        "product_class": face.class_letters,
        "weight_g": face.weight_g,
        "printed_on": face.printed_on.isoformat(),
        "time": None if frank is None else frank.time,
        "department": None if frank is None else frank.department,
        "authentication_code": face.authentication_code,
        "indicium": None if face.indicium is None else face.indicium.hex(),
        "registers": None if frank is None else _registers(frank.registers),
        "warnings": list(printed.warnings),
    }


def show_time(moment: EpochSeconds | None) -> str:
    """Show a moment in Indian time."""
    if not moment:
        return "not set"
    return datetime.fromtimestamp(moment, INDIA).strftime("%d-%m-%Y %H:%M:%S IST")


def _headline(report: DialInReport) -> str:
    if report.outcome is Outcome.REFUSED and report.refusal is not None:
        code = report.refusal.code
        return f"REFUSED: {_REFUSALS[code]} ({code.value} {code.name})"
    if report.outcome is Outcome.INSPECTED:
        return "INSPECTED: the registers are in order"
    if report.outcome is Outcome.CONFIRMED and report.voucher is not None:
        return f"{_DONE[report.voucher.kind]}"
    why = report.lost or str(report.loss)
    if report.failure is not None:
        why = show_end(report.failure)
    if report.voucher is not None:
        return (
            f"STORED, BUT NOT CLOSED AT THE SERVER ({why}): dial again for an "
            "inspection, without an amount"
        )
    if report.server_is_busy:
        return f"SERVER IS BUSY ({why}): {_changed(report)}dial again later"
    return f"DIAL-IN FAILED ({why}): dial again"


def _changed(report: DialInReport) -> str:
    return "nothing was changed, " if report.pending is None else ""


_DONE: Final = {
    VoucherKind.RECHARGE: "RECHARGED",
    VoucherKind.WITHDRAWAL: "WITHDRAWN: the value is back in the account",
    VoucherKind.VOID: "TAKEN BACK by the server: nothing was added",
    VoucherKind.REFUND: "REFUNDED to the account",
}


def _funds_lines(report: DialInReport) -> list[str]:
    before, after = report.before.descending_paise, report.after.descending_paise
    return [
        f"Previous funds   {show_rupees(before)}",
        f"Funds added      {show_rupees(Paise(after - before))}",
        f"Funds available  {show_rupees(after)}",
    ]


def _warnings(psd: Psd) -> list[str]:
    record = psd.record
    lines = []
    if record.pending is not None:
        lines.append(show_pending(record.pending))
    if record.unclosed:
        lines.append(show_unclosed(record))
    if psd.zeroised:
        lines.append("TAMPERED WITH: the keys are erased; call service")
    if psd.state is MachineState.LOCKED_OUT:
        lines.append("LOCKED OUT after wrong codes: call the server's operator")
    if psd.state is MachineState.WITHHELD:
        lines.append("LICENCE WITHHELD by the authority")
    if psd.state is MachineState.LOCKED:
        lines.append(f"LOCKED by the recharge server, reason {record.lock_reason}")
    if psd.silence is Silence.WARN:
        lines.append("DIAL IN SOON: the machine blocks 31 days after its last dial-in")
    elif psd.call_due:
        lines.append("DIAL IN: a call is due")
    if psd.damage:
        lines.append(f"Memory: {psd.damage} damaged copies were repaired")
    return lines


def _registers(registers: Registers) -> dict[str, int]:
    return {
        "ascending_paise": registers.ascending_paise,
        "descending_paise": registers.descending_paise,
        "control_total_paise": registers.control_total_paise,
        "items": registers.items,
        "items_with_zero": registers.items_with_zero,
    }


def _request(request: Request | None) -> dict[str, Any] | None:
    if request is None:
        return None
    return {"kind": request.kind.name, "amount_paise": request.amount_paise}
