"""Operators, supervisor and service: PINs, settings, departments, what was done.

A PIN is checked in the PSD; what it opens is kept here until the machine is switched
off or locked. A role without a PIN is open to whoever stands at the machine, as with
machines that were never set up; the supervisor closes them by setting PINs.

Every change is logged with the role that made it: the log is the audit of service
actions.
"""

from dataclasses import fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from fm_device.firmware.consumables import INK_UL_FULL, TAPE_MM_FULL
from fm_device.firmware.refusals import FirmwareRefusal, Refusal
from fm_device.flash.events import EventCode
from fm_device.flash.settings import Department, Mailed, Settings
from fm_device.psd.pins import PinAnswer, PinVerdict, Role
from fm_device.psd.records import NO_TIME, NOTHING

if TYPE_CHECKING:
    from fm_device.firmware.machine import Machine


class Service(IntEnum):
    """What service or the operator did at the machine; the number is logged."""

    INK = 1
    """A new cartridge."""
    TAPE = 2
    """A new roll of tape."""
    JAM = 3
    """The path was cleared."""
    BATTERY = 4
    """A new battery: the clock is lost with the old one."""
    SCALE_ZEROED = 5
    HOUSING = 6
    """The outer housing was opened and closed; the PSD was not touched."""
    BATCH = 7
    """The batch counters were begun anew."""
    NEW_FLASH = 8
    """A new flash was put in, by `new_flash`."""


AT_DESK: Final = tuple(one for one in Service if one is not Service.NEW_FLASH)
"""What is done with the machine on, by `Desk.serve`."""


class Desk:
    """Who may do what at one machine, and what they did."""

    def __init__(self, machine: "Machine") -> None:
        """Belong to a machine; nobody has given a PIN."""
        self._machine = machine
        self._opened: set[Role] = set()

    def forget(self) -> None:
        """Close everything, as at power-off."""
        self._opened.clear()

    # PINs.

    def enter(self, role: Role, pin: str) -> PinAnswer:
        """Give a PIN; the right one opens what belongs to the role.

        Raises:
            KeysErasedError: The PSD was tampered with.
        """
        machine = self._machine
        answer = machine.psd.check_pin(role, pin)
        if answer.verdict is PinVerdict.RIGHT:
            self._opened.add(role)
            if role is Role.SUPERVISOR:
                machine.psd.supervisor_present = True
        elif answer.verdict is PinVerdict.WRONG:
            wrong = machine.record.wrong_pins[role]
            machine.note(EventCode.PIN_WRONG, role, wrong)
        elif answer.verdict is PinVerdict.LOCKED_OUT:
            machine.note(EventCode.PIN_BLOCKED, role)
        return answer

    def leave(self) -> None:
        """Close what was opened."""
        self._opened.clear()
        self._machine.psd.supervisor_present = False

    def may(self, role: Role) -> bool:
        """Whether a role is open: its PIN was given, or it has none.

        The supervisor may operate too.
        """
        if role in self._opened or not self._machine.psd.has_pin(role):
            return True
        return role is Role.OPERATOR and Role.SUPERVISOR in self._opened

    def set_pin(self, role: Role, pin: str | None) -> Refusal | None:
        """Set or take away a PIN; the supervisor does.

        Raises:
            LocalProtocolError: The PIN is not 4 to 8 digits.
        """
        if not self.may(Role.SUPERVISOR):
            return FirmwareRefusal.SUPERVISOR_NEEDED
        self._machine.psd.set_pin(role, pin)
        self._machine.note(EventCode.PIN_CHANGED, role, pin is not None)
        return None

    # Settings.

    def change(self, **changes: Any) -> Refusal | None:
        """Change settings; the supervisor does.

        Args:
            changes: Fields of `Settings`.

        Raises:
            SettingsError: A value is not possible; nothing is changed.
        """
        if not self.may(Role.SUPERVISOR):
            return FirmwareRefusal.SUPERVISOR_NEEDED
        before = self._machine.settings
        self._machine.set(**changes)
        if self._machine.settings != before:
            self._machine.note(EventCode.SETTINGS_CHANGED, Role.SUPERVISOR)
            self._machine.look()
        return None

    def put_department(self, department: Department) -> Refusal | None:
        """Add a department, or change the one with this number."""
        others = self._others(department.number)
        departments = sorted((*others, department), key=lambda one: one.number)
        return self.change(departments=tuple(departments))

    def drop_department(self, number: int) -> Refusal | None:
        """Take a department away; what it franked must be stated before."""
        if self._machine.settings.department(number) is None:
            return FirmwareRefusal.DEPARTMENT_UNKNOWN
        if self.spent_paise(number):
            return FirmwareRefusal.DEPARTMENT_MAIL
        return self.change(departments=self._others(number))

    def spent_paise(self, number: int) -> int:
        """Say what a department has franked since the last statement of mailing."""
        now = sum(
            row.amount_paise
            for row in self._machine.record.rows
            if row.department == number
        )
        mailed = sum(
            row.amount_paise for row in self.mailed.rows if row.department == number
        )
        return now - mailed

    @property
    def mailed(self) -> Mailed:
        """Where the next statement of mailing begins: at the last of this life.

        A statement is of this life when AR was beyond its beginning: there is none
        about nothing. So a power cut while a life begins leaves no row of the old one.
        """
        last, life = self._machine.settings.mailed, self._machine.record.life
        if last.ascending_paise > life.ascending_paise:
            return last
        return Mailed(life.began, life.ascending_paise, NOTHING)

    def begin_life(self) -> None:
        """Forget what the licensee before has set; the batch is begun anew.

        The battery is that of the machine, whoever has it.
        """
        self.leave()
        machine = self._machine
        before, registers = machine.settings, machine.record.registers
        new = Settings(
            batch_items=registers.items,
            batch_ascending_paise=registers.ascending_paise,
            battery_changed=before.battery_changed,
            battery_warned=before.battery_warned,
            battery_warned_items=before.battery_warned_items,
        )
        machine.set(**{one.name: getattr(new, one.name) for one in fields(Settings)})

    def _others(self, number: int) -> tuple[Department, ...]:
        settings: Settings = self._machine.settings
        return tuple(one for one in settings.departments if one.number != number)

    # Service.

    @property
    def who(self) -> Role:
        """Whose deed is logged: the supervisor's, once that PIN was given."""
        is_supervisor = Role.SUPERVISOR in self._opened
        return Role.SUPERVISOR if is_supervisor else Role.OPERATOR

    def serve(self, service: Service) -> Refusal | None:
        """Do what service or the operator does; it is logged before it is done.

        Args:
            service: One of `AT_DESK`.

        Returns:
            None, or the fault of a scale that cannot be zeroed.
        """
        machine = self._machine
        machine.note(EventCode.SERVICE, service, self.who)
        if service is Service.INK:
            machine.sense(ink_ul=INK_UL_FULL)
        elif service is Service.TAPE:
            machine.sense(tape_mm=TAPE_MM_FULL)
        elif service is Service.JAM:
            machine.sense(paper_jam=False, cover_open=False)
        elif service is Service.BATTERY:
            changed = machine.psd.time or NO_TIME
            machine.psd.set_clock_lost()
            machine.note(EventCode.CLOCK_LOST)
            machine.set(
                battery_changed=changed,
                battery_warned=NO_TIME,
                battery_warned_items=0,
            )
            machine.sense(battery_age_days=0)
        elif service is Service.SCALE_ZEROED:
            return machine.franking.zero_scale()
        elif service is Service.BATCH:
            registers = machine.record.registers
            machine.set(
                batch_items=registers.items,
                batch_ascending_paise=registers.ascending_paise,
            )
        return None

    def tampered(self) -> None:
        """The PSD itself was opened: its keys are erased, for good.

        The seal stays broken: what the power cuts short is done at the next start.
        """
        self._machine.parts.seal.broken = True
        self._machine.psd.tamper()
        self._machine.note(EventCode.TAMPER)
        self._machine.look()
