"""What a panel hears: keys that people press, and news of what became of a wish.

A *hard* key is a key cap of the machine. A *soft* key is a line of a menu that an
operator chose: it is pressed by the menu, never by a finger.
"""

from dataclasses import dataclass
from typing import Final

from fm_device.panel.wishes import FrankRun, Wish
from fm_device.psd.pins import Role


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit, 0 to 9."""

    digit: int


@dataclass(frozen=True, slots=True)
class Up:
    """One line up."""


@dataclass(frozen=True, slots=True)
class Down:
    """One line down."""


@dataclass(frozen=True, slots=True)
class Left:
    """One step back: a day earlier, the last digit away."""


@dataclass(frozen=True, slots=True)
class Right:
    """One step on: a day later."""


@dataclass(frozen=True, slots=True)
class Ok:
    """Take what is shown."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Leave it, and go back to the first screen."""


@dataclass(frozen=True, slots=True)
class FundsKey:
    """Registers and dial-ins."""


@dataclass(frozen=True, slots=True)
class ClassKey:
    """The product class."""


@dataclass(frozen=True, slots=True)
class DateKey:
    """The day that franks bear."""


@dataclass(frozen=True, slots=True)
class ZeroKey:
    """A print to try the machine."""


@dataclass(frozen=True, slots=True)
class ReportKey:
    """The reports."""


@dataclass(frozen=True, slots=True)
class MenuKey:
    """Everything else."""


@dataclass(frozen=True, slots=True)
class FrankKey:
    """Frank what lies on the scale."""


@dataclass(frozen=True, slots=True)
class PowerKey:
    """On or off."""


HardKey = (
    Digit
    | Up
    | Down
    | Left
    | Right
    | Ok
    | Clear
    | FundsKey
    | ClassKey
    | DateKey
    | ZeroKey
    | ReportKey
    | MenuKey
    | FrankKey
    | PowerKey
)


@dataclass(frozen=True, slots=True)
class RechargeKey:
    """Ask for an amount to be recharged."""


@dataclass(frozen=True, slots=True)
class RefundKey:
    """Ask for an amount to be given back."""


@dataclass(frozen=True, slots=True)
class WithdrawKey:
    """Give the whole credit back, and end this machine's service."""


@dataclass(frozen=True, slots=True)
class DepartmentKey:
    """Who pays."""


@dataclass(frozen=True, slots=True)
class SloganKey:
    """The slogan beside the frank."""


@dataclass(frozen=True, slots=True)
class FaultsKey:
    """The faults that stand."""


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """What was mended or refilled."""


@dataclass(frozen=True, slots=True)
class SettingsKey:
    """The supervisor's settings."""


@dataclass(frozen=True, slots=True)
class RunKey:
    """Many items of one kind, one after the other."""


@dataclass(frozen=True, slots=True)
class PinKey:
    """Somebody wants to give the PIN of a role."""

    role: Role


@dataclass(frozen=True, slots=True)
class NewPinKey:
    """The supervisor sets the PIN of a role."""

    role: Role


@dataclass(frozen=True, slots=True)
class AmountKey:
    """The supervisor sets a limit.

    Attributes:
        name: The field of `Settings`.
        words: For people.
    """

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class WishKey:
    """A line of a menu that is done at once."""

    wish: Wish


SoftKey = (
    RechargeKey
    | RefundKey
    | WithdrawKey
    | DepartmentKey
    | SloganKey
    | FaultsKey
    | ServiceKey
    | SettingsKey
    | RunKey
    | PinKey
    | NewPinKey
    | AmountKey
    | WishKey
)


@dataclass(frozen=True, slots=True)
class Started:
    """The machine is on."""


@dataclass(frozen=True, slots=True)
class StartFailed:
    """The machine does not start; the words say why."""

    words: str


@dataclass(frozen=True, slots=True)
class Done:
    """A wish was carried out; the words stand on the first screen."""

    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """The operator has to read something.

    Attributes:
        words: What is wrong and what to do next, or what was done.
        code: The stable code, or empty.
    """

    words: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class ValueToConfirm:
    """The machine wants a high value confirmed."""


@dataclass(frozen=True, slots=True)
class TotalToConfirm:
    """The rows of the mail are lost: the machine can state it by total alone."""


@dataclass(frozen=True, slots=True)
class ZoneWanted:
    """The class asks how far the item goes."""


@dataclass(frozen=True, slots=True)
class DepartmentWanted:
    """The machine wants to know who pays."""


@dataclass(frozen=True, slots=True)
class PinWanted:
    """A wish needs a PIN; it waits until that was given."""

    role: Role
    wish: Wish


@dataclass(frozen=True, slots=True)
class PinTaken:
    """The PIN was right."""


@dataclass(frozen=True, slots=True)
class PinRefused:
    """The PIN was not taken; the words say why."""

    words: str


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run is under way, or goes on."""

    run: FrankRun


@dataclass(frozen=True, slots=True)
class NextItem:
    """The next item of a run lies on the scale, and no key was pressed before."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last item of a run is franked."""


@dataclass(frozen=True, slots=True)
class DialBegan:
    """A dial-in is under way; the notice is for the operator, and may be empty."""

    notice: str


@dataclass(frozen=True, slots=True)
class DialMoved:
    """Something happened in the dial-in."""

    words: str


@dataclass(frozen=True, slots=True)
class FramePassed:
    """A frame passed on the line.

    Attributes:
        sent: By the machine; else it came from the server.
        words: What it is.
    """

    sent: bool
    words: str


@dataclass(frozen=True, slots=True)
class DialEnded:
    """The dial-in is over; the lines say how."""

    lines: tuple[str, ...]


News = (
    Started
    | StartFailed
    | Done
    | Told
    | ValueToConfirm
    | TotalToConfirm
    | ZoneWanted
    | DepartmentWanted
    | PinWanted
    | PinTaken
    | PinRefused
    | RunBegan
    | NextItem
    | RunEnded
    | DialBegan
    | DialMoved
    | FramePassed
    | DialEnded
)
PanelEvent = HardKey | SoftKey | News

HARD_KEYS: Final[tuple[HardKey, ...]] = (
    *(Digit(digit) for digit in range(10)),
    Up(),
    Down(),
    Left(),
    Right(),
    Ok(),
    Clear(),
    FundsKey(),
    ClassKey(),
    DateKey(),
    ZeroKey(),
    ReportKey(),
    MenuKey(),
    FrankKey(),
    PowerKey(),
)
"""Every key cap of the machine."""
