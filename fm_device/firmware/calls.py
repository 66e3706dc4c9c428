"""Dial-ins of a machine: who may ask for what, and what is noted of them.

How a dial-in runs is `fm_device.program`'s matter; what it may ask for is decided in
`fm_device.firmware.dialling`, and here what an operator needs for it.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from fm_device.dial_in import DialInReport
from fm_device.firmware.dialling import DialPlan, plan_dial_in
from fm_device.firmware.refusals import FirmwareRefusal, Refusal
from fm_device.flash.events import EventCode
from fm_device.psd.pins import Role
from fm_device.psd.records import NOTHING
from protocol.dialogue.machine import Outcome
from protocol.messages import OrderKind
from protocol.parameters import INDIA
from protocol.registers import RequestKind
from protocol.values import Paise

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine

_DONE = frozenset({Outcome.CONFIRMED, Outcome.INSPECTED, Outcome.REFUSED})


class Calls:
    """Dial-ins of one machine."""

    def __init__(self, machine: "Machine") -> None:
        """Belong to a machine."""
        self._machine = machine

    def plan(self, kind: RequestKind, amount: Paise = NOTHING) -> DialPlan | Refusal:
        """Decide what a dial-in asks for; money needs the funding PIN, if there is one.

        Args:
            kind: What the operator wants.
            amount: How much, where the kind has an amount.
        """
        asks_for_money = kind is not RequestKind.INSPECTION
        if asks_for_money and not self._machine.desk.may(Role.FUNDING):
            return FirmwareRefusal.FUNDING_PIN_NEEDED
        return plan_dial_in(self._machine.psd, kind, amount)

    @property
    def due(self) -> bool:
        """Whether the machine should dial in now: asked to, silent, or as every day."""
        machine = self._machine
        if machine.psd.call_due:
            return True
        daily, now = machine.settings.auto_dial, machine.psd.time
        if daily is None or now is None:
            return False
        today = datetime.fromtimestamp(now, INDIA)
        due = today.replace(
            hour=daily.minute // 60, minute=daily.minute % 60, second=0, microsecond=0
        )
        last = machine.record.complete_at
        return today >= due and (not last or last < due.timestamp())

    def done(self, report: DialInReport) -> None:
        """Note how a dial-in ended, and do what its orders ask of the firmware."""
        machine = self._machine
        record = machine.record
        if report.outcome in _DONE:
            machine.note(EventCode.DIAL_DONE, record.dial_in, record.recharge_number)
        else:
            reason = 0 if report.failure is None else int(report.failure.code)
            machine.note(EventCode.DIAL_FAILED, record.dial_in, reason)
        for order, applied in report.orders:
            if not applied:
                machine.note(EventCode.ORDER_HELD, order.order_serial)
                continue
            machine.note(EventCode.ORDER_APPLIED, order.order, order.order_serial)
            if order.order is OrderKind.CLOCK:
                machine.note(EventCode.CLOCK_SET, 0, machine.psd.time or 0)
        machine.follow_orders()
