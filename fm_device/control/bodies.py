"""What requests carry: strict, and nothing that is not described.

A number is a number and no text, money is in paise, and a name that is not known is
refused, so that a mistyped one does not pass for the default.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from protocol.values import AMOUNT_PAISE_MAX

ServiceName = Literal[
    "INK", "TAPE", "JAM", "BATTERY", "SCALE_ZEROED", "HOUSING", "BATCH"
]
RoleName = Literal["OPERATOR", "SUPERVISOR", "FUNDING"]
ScaleFaultName = Literal[
    "NO_ANSWER",
    "GARBLED",
    "OVERLOAD",
    "UNDERLOAD",
    "NOT_ZERO",
    "UNSTABLE",
    "WRONG_UNIT",
    "REFUSED",
    "DEFECTIVE",
]
KeyName = Literal[
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "UP",
    "DOWN",
    "LEFT",
    "RIGHT",
    "OK",
    "CLEAR",
    "FUNDS",
    "CLASS",
    "DATE",
    "ZERO",
    "REPORT",
    "MENU",
    "FRANK",
    "POWER",
]
Amount = Annotated[int, Field(ge=0, le=AMOUNT_PAISE_MAX)]
Pin = Annotated[str, Field(pattern=r"^[0-9]{4,8}$", description="4 to 8 digits.")]
Grams = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?$",
        description="Grams as a decimal in a string, so that none is rounded: 18.4",
        examples=["18.4"],
    ),
]


class Body(BaseModel):
    """A body: strict, and without unknown members."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def given(self) -> dict[str, Any]:
        """List the members that the request has named."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _without_defaults(schema: dict[str, Any]) -> None:
    for described in schema["properties"].values():
        described.pop("default", None)


class Changes(Body):
    """A body of changes: what it does not name stays, so that nothing has a default."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class PowerBody(Body):
    """Switch the machine on or off, or cut its power at once."""

    action: Literal["on", "off", "cut"] = Field(
        description="cut strikes in the middle of whatever the machine does, a dial-in "
        "too; the machine is off afterwards, and its memory has what was written."
    )


class CutBody(Body):
    """Where the power is to fail later."""

    at: Literal["nvram", "flash", "print"] = Field(
        description="In a write of the PSD's memory, in a write of the firmware's "
        "memory, or while a frank is printed."
    )
    number: int = Field(
        1, ge=1, le=1_000_000, description="In which one from now on; 1 is the next."
    )
    torn_octets: int | None = Field(
        0,
        ge=0,
        le=65_536,
        description="How many octets of that write still reach the memory; null for "
        "all of them: it is stored, and the machine never learns. Not for a print.",
    )


class KeysBody(Body):
    """Keys to be pressed one after the other."""

    keys: list[KeyName] = Field(
        min_length=1, max_length=64, examples=[["MENU", "DOWN", "OK"]]
    )


class SensorsBody(Changes):
    """What sensors tell from now on; what is not named stays.

    The scale's own condition follows from weighing.
    """

    ink_ul: int = Field(0, ge=0, le=1_000_000)
    tape_mm: int = Field(0, ge=0, le=10_000_000)
    cover_open: bool = False
    paper_jam: bool = False
    paper_present: bool = False
    printer_c: int = Field(0, ge=-50, le=150)
    printer_answers: bool = False
    battery_age_days: int = Field(0, ge=0, le=100_000)


class ServiceBody(Body):
    """What service or the operator did at the machine."""

    service: ServiceName


class NewFlashBody(Body):
    """A new flash is put in."""

    meant: bool = Field(
        default=False, description="It is known that the old one may not be faulty."
    )


class LoadBody(Body):
    """What lies on the scale, in place of what lay there."""

    grams: Grams


class ScaleFaultBody(Body):
    """How the scale fails."""

    fault: ScaleFaultName
    readings: int | None = Field(
        None, ge=1, le=1_000, description="For so many readings; null until mended."
    )


class ShakeBody(Body):
    """The scale does not come to rest for some readings.

    The panel weighs too: whenever something was changed, and when it is looked at.
    """

    readings: int = Field(ge=1, le=1_000)


class SelectionBody(Changes):
    """What is chosen for the next franks; what is not named stays."""

    product_class: str | int = Field(
        "L", description="Letters of the tariff in force, or the number of the class."
    )
    zone: str = Field("", max_length=32, description="For classes that ask for it.")
    department: int = Field(0, ge=0, le=50, description="Who pays; 0 for none.")
    day: int | str = Field(
        0, description="So many days ahead, a date as 2026-12-01, or next."
    )
    slogan: int = Field(0, ge=0, le=10, description="Its number; 0 for none.")


class FrankBody(Body):
    """Frank what lies on the scale."""

    confirmed: bool = Field(
        default=False, description="The operator has confirmed a high value."
    )


class RunBody(Body):
    """Frank one item after the other, each weighed and priced anew."""

    count: int = Field(ge=1, le=10_000, description="How many at most.")
    confirmed: bool = Field(
        default=False, description="The operator has confirmed a high value."
    )
    zero: bool = Field(
        default=False, description="Print to try the machine, as /v1/trials does."
    )


class EnterPinBody(Body):
    """A PIN is given at the machine."""

    role: RoleName
    pin: Pin


class SetPinBody(Body):
    """A PIN is set, or with null taken away; the supervisor does."""

    pin: Pin | None


class AutoDialBody(Body):
    """When the machine dials in by itself, every day."""

    minute: int = Field(ge=0, le=1_439)
    line: str = Field(min_length=1, max_length=200)


class SettingsBody(Changes):
    """Settings to be changed; what is not named stays. The supervisor does."""

    high_value_paise: Amount = 0
    low_funds_paise: Amount = 0
    date_advance_max_days: int = Field(0, ge=0, le=366)
    auto_advance_minute: int | None = Field(None, ge=0, le=1_439)
    accounts_on: bool = False
    pins_on: bool = False
    auto_dial: AutoDialBody | None = None
    office_name: str = Field("", max_length=32)
    medium: Literal["paper", "tape"] = "paper"


class DepartmentBody(Body):
    """A department, in place of the one with its number."""

    name: str = Field(min_length=1, max_length=32)
    limit_paise: Amount = Field(0, description="0 for no limit.")
    pin_needed: bool = False


class DialInBody(Body):
    """A dial-in. What is pending from an earlier one is asked for again before all."""

    kind: Literal["RECHARGE", "REFUND", "WITHDRAWAL", "INSPECTION"]
    amount_paise: Amount = Field(
        0, description="For a recharge and a refund; a withdrawal takes all."
    )
    attempts: int = Field(1, ge=1, le=10, description="While the line fails.")
    line: str | None = Field(
        None,
        max_length=200,
        description="A line string; null for that of --line.",
        examples=["tcp:127.0.0.1:7001", "virtual:speed=9600:ber=1e-5:tcp:h:7001"],
    )


class PresetBody(Body):
    """A situation to be brought about: the text of a preset, or a name of ours."""

    toml: str | None = Field(None, max_length=60_000)
    name: str | None = Field(None, max_length=64, examples=["low-funds"])


class RegistersBody(Changes):
    """Registers to be written; what is not named stays, CT follows unless named."""

    ascending_paise: Amount = 0
    descending_paise: Amount = 0
    control_total_paise: Amount = 0
    items: int = Field(0, ge=0, le=0xFFFF_FFFF)
    items_with_zero: int = Field(0, ge=0, le=0xFFFF_FFFF)
