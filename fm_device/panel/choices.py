"""The lists that an operator chooses from, as the machine has them at the moment."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fm_device.firmware.desk import Service
from fm_device.flash.settings import Medium
from fm_device.panel.facts import Facts
from fm_device.panel.keys import (
    AmountKey,
    Clear,
    DepartmentKey,
    FaultsKey,
    NewPinKey,
    PinKey,
    RechargeKey,
    RefundKey,
    RunKey,
    ServiceKey,
    SettingsKey,
    SloganKey,
    SoftKey,
    WishKey,
    WithdrawKey,
)
from fm_device.panel.wishes import (
    Change,
    ChooseClass,
    ChooseDepartment,
    ChooseSlogan,
    ChooseZone,
    Dial,
    Leave,
    PrintReport,
    ReportName,
    Serve,
)
from fm_device.psd.pins import Role
from protocol.registers import RequestKind
from protocol.values import Paise, show_rupees


class Screen(Enum):
    """What the display is about."""

    OFF = auto()
    """Dark: the machine is switched off."""
    STOPPED = auto()
    """The machine does not start; only its switch does anything."""
    HOME = auto()
    """What lies on the scale, what it costs, what is left."""
    MESSAGE = auto()
    """Something to read."""
    CLASS = auto()
    ZONE = auto()
    DEPARTMENT = auto()
    SLOGAN = auto()
    DATE = auto()
    CONFIRM_VALUE = auto()
    """A high value is to be confirmed."""
    COUNT = auto()
    """How many items a run has."""
    RUNNING = auto()
    """One item is franked after the other."""
    FUNDS = auto()
    """The registers, and what may be dialled for."""
    AMOUNT = auto()
    """How much is recharged or refunded."""
    CONFIRM_WITHDRAWAL = auto()
    """The end of this machine's service is to be confirmed."""
    DIALLING = auto()
    PIN = auto()
    REPORTS = auto()
    CONFIRM_TOTAL = auto()
    """A statement of mailing by total is to be confirmed."""
    MENU = auto()
    FAULTS = auto()
    SERVICE = auto()
    SETTINGS = auto()
    LIMIT = auto()
    """A limit of the settings is typed."""
    NEW_PIN = auto()
    """A new PIN is typed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a list: what it says, and what choosing it does."""

    words: str
    key: SoftKey | Clear


HIGH_VALUE: Final = AmountKey("high_value_paise", "CONFIRM A FRANK ABOVE")
LOW_FUNDS: Final = AmountKey("low_funds_paise", "WARN OF FUNDS BELOW")
_CLOSE: Final = Clear()
_SERVICES: Final = (
    ("New ink cartridge", Service.INK),
    ("New roll of tape", Service.TAPE),
    ("Paper path cleared", Service.JAM),
    ("Scale set to zero", Service.SCALE_ZEROED),
    ("New batch begun", Service.BATCH),
    ("New battery", Service.BATTERY),
)


def choices(screen: Screen, facts: Facts) -> tuple[Choice, ...]:
    """List what may be chosen on a screen; empty where it is no list."""
    found = _LISTS.get(screen)
    return () if found is None else found(facts)


def _classes(facts: Facts) -> tuple[Choice, ...]:
    return tuple(
        Choice(f"{one.letters:4}{one.name}", WishKey(ChooseClass(one.number)))
        for one in facts.classes
    )


def _zones(facts: Facts) -> tuple[Choice, ...]:
    zones = () if facts.product_class is None else facts.product_class.zones
    return tuple(Choice(zone, WishKey(ChooseZone(zone))) for zone in zones)


def _departments(facts: Facts) -> tuple[Choice, ...]:
    return (
        Choice("none", WishKey(ChooseDepartment(0))),
        *(
            Choice(f"{one.number:2} {one.name}", WishKey(ChooseDepartment(one.number)))
            for one in facts.departments
        ),
    )


def _slogans(facts: Facts) -> tuple[Choice, ...]:
    return (
        Choice("none", WishKey(ChooseSlogan(0))),
        *(
            Choice(f"{one.number:2} {one.name}", WishKey(ChooseSlogan(one.number)))
            for one in facts.slogans
        ),
    )


def _funds(_facts: Facts) -> tuple[Choice, ...]:
    return (
        Choice("Recharge", RechargeKey()),
        Choice("Dial in for an inspection", WishKey(Dial(RequestKind.INSPECTION))),
        Choice("Refund of an amount", RefundKey()),
        Choice("Withdraw the machine", WithdrawKey()),
    )


def _reports(_facts: Facts) -> tuple[Choice, ...]:
    return tuple(Choice(name.words, WishKey(PrintReport(name))) for name in ReportName)


def _menu(facts: Facts) -> tuple[Choice, ...]:
    pins = tuple(
        Choice(f"PIN of the {role.name.lower()}", PinKey(role))
        for role in Role
        if role in facts.pins - facts.opened
    )
    leave = (Choice("Leave: close what PINs opened", WishKey(Leave())),)
    return (
        Choice("Department", DepartmentKey()),
        Choice("Slogan", SloganKey()),
        Choice(f"Faults ({len(facts.faults)})", FaultsKey()),
        Choice("Service", ServiceKey()),
        Choice("Settings", SettingsKey()),
        Choice("Run of many franks", RunKey()),
        *pins,
        *(leave if facts.opened else ()),
    )


def _faults(facts: Facts) -> tuple[Choice, ...]:
    if not facts.faults:
        return (Choice("No faults", _CLOSE),)
    return tuple(Choice(f"{one.code} {one.words}", _CLOSE) for one in facts.faults)


def _services(_facts: Facts) -> tuple[Choice, ...]:
    return tuple(Choice(words, WishKey(Serve(one))) for words, one in _SERVICES)


def _settings(facts: Facts) -> tuple[Choice, ...]:
    now = facts.settings
    on_tape = now.medium is Medium.TAPE
    other = Medium.PAPER if on_tape else Medium.TAPE
    return (
        Choice(
            f"Confirm above {_limit(now.high_value_paise)}",
            HIGH_VALUE,
        ),
        Choice(
            f"Warn below {_limit(now.low_funds_paise)}",
            LOW_FUNDS,
        ),
        Choice(
            f"Print on {now.medium.value}: change",
            WishKey(Change("medium", other)),
        ),
        Choice(
            f"PIN to frank: {_yes(now.pins_on)}: change",
            WishKey(Change("pins_on", not now.pins_on)),
        ),
        Choice(
            f"Department: {_yes(now.accounts_on)}: change",
            WishKey(Change("accounts_on", not now.accounts_on)),
        ),
        *(
            Choice(f"New PIN of the {role.name.lower()}", NewPinKey(role))
            for role in Role
        ),
    )


def _limit(amount: Paise) -> str:
    return show_rupees(amount) if amount else "never"


def _yes(needed: bool) -> str:
    return "needed" if needed else "not needed"


_LISTS: Final[dict[Screen, Callable[[Facts], tuple[Choice, ...]]]] = {
    Screen.CLASS: _classes,
    Screen.ZONE: _zones,
    Screen.DEPARTMENT: _departments,
    Screen.SLOGAN: _slogans,
    Screen.FUNDS: _funds,
    Screen.REPORTS: _reports,
    Screen.MENU: _menu,
    Screen.FAULTS: _faults,
    Screen.SERVICE: _services,
    Screen.SETTINGS: _settings,
}
LISTS: Final = tuple(_LISTS)
"""The screens on which something is chosen from a list."""
