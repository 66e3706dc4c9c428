"""What may be done in a scenario, as data.

Every class is one verb of the file; `fm_device.scenarios.verb_reading` says how it is
written there, docs/scenarios.md shows it to people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from fm_device.firmware.dates import NextWorkingDay
from fm_device.flash.settings import Department
from fm_device.psd.records import NOTHING
from fm_device.scenarios.moments import Moment
from protocol.values import Paise

Day = int | date | NextWorkingDay
TURN: Final = 0
"""In place of a number: the number of the turn of the repetition around the step."""


@dataclass(frozen=True, slots=True)
class FrankItems:
    """Frank items; each class in each department, `count` of each.

    Attributes:
        classes: Letters or numbers; empty for the class that is chosen.
        weight_g: What is laid on the scale; None for what lies there.
        zone: Empty for the one that is chosen.
        departments: Empty for the one that is chosen.
        day: The day that the franks bear; None for what is chosen.
        count: How many of each.
        confirm: The operator confirms a high value.
        until_refused: Go on until the machine refuses, `count` at most.
    """

    classes: tuple[str, ...] = ()
    weight_g: Decimal | None = None
    zone: str = ""
    departments: tuple[int, ...] = ()
    day: Day | None = None
    count: int = 1
    confirm: bool = False
    until_refused: bool = False


@dataclass(frozen=True, slots=True)
class TryOut:
    """Print to try the machine; as `zero` it must come out as a zero imprint."""

    count: int = 1
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Choose:
    """Choose without franking; what is None stays as it is."""

    product_class: str | None = None
    zone: str | None = None
    department: int | None = None
    day: Day | None = None
    slogan: int | None = None


@dataclass(frozen=True, slots=True)
class AskPsd:
    """Have the PSD debit a frank past the firmware, as firmware at fault would."""

    value_paise: Paise
    product_class: int
    day: int = 0


@dataclass(frozen=True, slots=True)
class DialIn:
    """Dial in.

    Attributes:
        kind: What for, as `vocabulary.REQUESTS`.
        amount_paise: How much, where the kind has an amount.
        attempts: How often, when the line fails.
        if_due: Only when the machine itself would dial now.
        meanwhile: What the operator tries while the line is up: frank or dial.
    """

    kind: str
    amount_paise: Paise = NOTHING
    attempts: int = 1
    if_due: bool = False
    meanwhile: str = ""


@dataclass(frozen=True, slots=True)
class EnterPin:
    """Give a PIN, perhaps again and again; waiting out the waits if told to."""

    role: str
    pin: str
    times: int = 1
    patiently: bool = False


@dataclass(frozen=True, slots=True)
class SetPin:
    """Set the PIN of a role, or take it away with None."""

    role: str
    pin: str | None


@dataclass(frozen=True, slots=True)
class Leave:
    """Close what PINs have opened."""


@dataclass(frozen=True, slots=True)
class Change:
    """Change settings, as the supervisor does; keys are fields of `Settings`."""

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PutDepartment:
    """Add or change a department."""

    department: Department


@dataclass(frozen=True, slots=True)
class DropDepartment:
    """Take a department away."""

    number: int


@dataclass(frozen=True, slots=True)
class Serve:
    """Do what service does, as `vocabulary.SERVICES`."""

    service: str


@dataclass(frozen=True, slots=True)
class NewFlash:
    """Put a new flash in, as service does; `meant` where the old one is sound."""

    meant: bool = False


@dataclass(frozen=True, slots=True)
class Sense:
    """Let the sensors tell something; keys are fields of `Sensors`."""

    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UseScale:
    """Do something to the scale, in the order of the fields.

    Attributes:
        mend: Take a fault away.
        fault: As `vocabulary.SCALE_FAULTS`, until it is mended.
        put_g: Lay so much on it; 0 clears it.
        shake: So many readings are not at rest.
        weigh: Have the machine read it.
    """

    mend: bool = False
    fault: str = ""
    put_g: Decimal | None = None
    shake: int = 0
    weigh: bool = True


@dataclass(frozen=True, slots=True)
class Power:
    """Switch: on, off, or cycle, which is off and on."""

    way: str


@dataclass(frozen=True, slots=True)
class CutPower:
    """Have the power fail in the next step that gets there.

    Attributes:
        during: print, nvram or flash.
        write: At which write of that memory; `TURN` for the turn's number.
        torn_octets: Octets of that write that are stored; None for all of them.
    """

    during: str
    write: int = 1
    torn_octets: int | None = 0


@dataclass(frozen=True, slots=True)
class FailPrint:
    """Have the printer fail in the middle of the next imprint, with the power on."""


@dataclass(frozen=True, slots=True)
class LoseCarrier:
    """Lose the carrier in the next dial-in, in the middle of a message.

    Attributes:
        during: As `vocabulary.MESSAGES`.
        number: In which message of that kind.
    """

    during: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class GiveOrder:
    """Give an order at the server.

    Attributes:
        kind: As `ORDERS`.
        value: What it carries; None for what brings a content.
        content: What the content is made from.
    """

    kind: str
    value: int | None = None
    content: Mapping[str, Any] | None = None


ORDERS: Final = (
    "clock",
    "lock",
    "unlock",
    "next-call",
    "frank-limit",
    "funds-limit",
    "retire-credit-key",
    "slogan-off",
    "tariff",
    "slogan",
    "firmware",
    "credit-key",
)


@dataclass(frozen=True, slots=True)
class ChangeLicence:
    """Change the licence at the server; what is None stays."""

    state: str | None = None
    expires_on: date | None = None
    refund_allowed: bool | None = None


@dataclass(frozen=True, slots=True)
class Deposit:
    """Have the Department's fund file bring a deposit."""

    amount_paise: Paise


@dataclass(frozen=True, slots=True)
class LoseClock:
    """The battery of the clock fails for a moment."""


@dataclass(frozen=True, slots=True)
class Tamper:
    """Somebody opens the PSD."""


@dataclass(frozen=True, slots=True)
class CopyImage:
    """Copy both memories, as somebody with a soldering iron would."""

    name: str


@dataclass(frozen=True, slots=True)
class RestoreImage:
    """Put a copy back in the place of both memories."""

    name: str


@dataclass(frozen=True, slots=True)
class Damage:
    """Damage a memory while the machine is off.

    Attributes:
        what: As `DAMAGES`.
        copies: How many of its three copies.
        starts: In how many starts, one after the other, each of which repairs it.
    """

    what: str
    copies: int = 1
    starts: int = 1


DAMAGES: Final = (
    "psd-record",
    "psd-keys",
    "registers",
    "settings",
    "update",
    "tariff",
    "slogan",
    "firmware",
)


@dataclass(frozen=True, slots=True)
class ApplyPreset:
    """Bring the PSD into a situation of the library of presets; the machine is off."""

    name: str


@dataclass(frozen=True, slots=True)
class FailMemory:
    """Let the chip of the flash fail: read-only, dead, or whole again."""

    how: str


@dataclass(frozen=True, slots=True)
class Install:
    """Install a new machine at the licensee's premises and enrol it at the server."""

    pin_code: int


@dataclass(frozen=True, slots=True)
class Reinitialise:
    """Begin a new life of the machine under another licence, and enrol it."""

    licence: str


@dataclass(frozen=True, slots=True)
class PrintReport:
    """Print a report, or the last statement of mailing once more.

    Attributes:
        kind: As `fm_device.firmware.reporting.REPORTS`.
        again: The last statement of mailing once more.
        by_total: A statement of mailing though the rows before it are lost.
    """

    kind: str
    again: bool = False
    by_total: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """Take steps again and again.

    Attributes:
        times: How often.
        every: So long after the turn before; None for at once.
    """

    times: int
    steps: tuple["Step", ...]
    every: timedelta | None = None


Action = (
    ApplyPreset
    | FrankItems
    | TryOut
    | Choose
    | AskPsd
    | DialIn
    | EnterPin
    | SetPin
    | Leave
    | Change
    | PutDepartment
    | DropDepartment
    | Serve
    | NewFlash
    | Sense
    | UseScale
    | Power
    | CutPower
    | FailPrint
    | LoseCarrier
    | GiveOrder
    | ChangeLicence
    | Deposit
    | LoseClock
    | Tamper
    | CopyImage
    | RestoreImage
    | Damage
    | FailMemory
    | Install
    | Reinitialise
    | PrintReport
    | Repeat
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        place: Where it stands in its file, like ``steps[3]``.
        verb: What it is called there; empty where only time passes, or nothing does.
        at: When; None for at once.
        action: What is done, or None.
        expect: What is expected behind it, by the keys of `expectations.KEYS`.
        say: What it is about, for people.
    """

    place: str
    verb: str
    at: Moment | None
    action: Action | None
    expect: Mapping[str, Any]
    say: str = ""
