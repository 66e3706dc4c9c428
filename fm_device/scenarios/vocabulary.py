"""The names that a scenario may use, gathered from the code that has them.

Refusals and faults are named as in the code (``FUNDS_SHORT``) or by their stable code
(``PSD-01-001``), which tells apart two of the same name.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

from fm_device.firmware.boot import BootState, Part
from fm_device.firmware.dates import DateRefusal
from fm_device.firmware.desk import AT_DESK
from fm_device.firmware.dialling import DialRefusal
from fm_device.firmware.faults import MachineFault
from fm_device.firmware.refusals import FirmwareRefusal
from fm_device.flash.events import EventCode
from fm_device.frank import FrankMark
from fm_device.postage.pricing import PostageRefusal
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.pins import PinVerdict, Role
from fm_device.psd.states import Silence
from fm_device.scenarios.form import Read, WrongValueError, suggestion, text
from hw.scales.port import ScaleFault
from protocol.coded import Coded
from protocol.dialogue.machine import Outcome
from protocol.messages import LicenceState, MessageType, RefusalCode
from protocol.registers import MachineState, RequestKind

REFUSALS: Final = (
    FrankRefusal,
    PostageRefusal,
    FirmwareRefusal,
    DialRefusal,
    DateRefusal,
)
"""Everything that a machine answers in place of doing what it was asked."""
TOLD: Final = (*REFUSALS, MachineFault, PinVerdict, Part)
"""Every code that people are told; a scenario of the library reaches each of them."""


def names(members: Iterable[Enum]) -> tuple[str, ...]:
    """List the names of an enumeration as a scenario writes them: in-service."""
    return tuple(spelled(member) for member in members)


def spelled(member: Enum) -> str:
    """Spell one name as a scenario writes it."""
    return member.name.lower().replace("_", "-")


STATES: Final = names(MachineState)
BOOTS: Final = names(BootState)
PARTS: Final = names(Part)
ROLES: Final = names(Role)
SERVICES: Final = names(AT_DESK)
SCALE_FAULTS: Final = names(ScaleFault)
EVENTS: Final = names(EventCode)
MARKS: Final = names(FrankMark)
VERDICTS: Final = names(PinVerdict)
OUTCOMES: Final = names(Outcome)
REQUESTS: Final = names(RequestKind)
SILENCES: Final = names(Silence)
SERVER_REFUSALS: Final = names(RefusalCode)
LICENCE_STATES: Final = names(LicenceState)
MESSAGES: Final = names(MessageType)


def told(*kinds: type[Coded]) -> Read[str]:
    """Read a refusal or a fault: its name or its code, as it was written."""
    members = [member for kind in kinds for member in kind]
    possible = {member.name for member in members} | {one.code for one in members}

    def read(value: Any) -> str:
        name = text(value)
        if name not in possible:
            raise WrongValueError(f"{name!r} is none{suggestion(name, possible)}")
        return name

    return read


def is_told(member: Any, name: str) -> bool:
    """Whether something that was told is what a scenario calls so."""
    return name in (member.name, member.code)


def reached_name(member: Coded) -> str:
    """Name a member with its kind, so that no two are alike: `FrankRefusal.LOCKED`."""
    return f"{type(member).__name__}.{member.name}"
