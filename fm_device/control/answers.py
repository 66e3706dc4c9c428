"""What answers carry, as it is described at /openapi.json."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """An answer: all members are there, unless they say that they may be null."""

    model_config = ConfigDict(extra="forbid")


class ProblemAnswer(BaseModel):
    """A problem of RFC 9457. Go by `code`: it never changes."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="urn:rmfs:code: and the code.")
    title: str
    status: int
    detail: str = Field(description="What happened, and what to do next.")
    code: str = Field(examples=["PSD-01-001"])
    name: str = Field(description="The code's name in this product.")


class RegistersAnswer(Answer):
    """AR, DR and CT in paise, and the item counters."""

    ascending_paise: int
    descending_paise: int
    control_total_paise: int
    items: int
    items_with_zero: int


class StateAnswer(Answer):
    """Where the machine stands."""

    power: Literal["on", "off"]
    boot: str = Field(description="OFF, READY, WITHOUT_CLOCK, DIAL_ONLY or STOPPED.")
    state: str | None = Field(description="IN_SERVICE and so on; null while off.")
    registers: RegistersAnswer | None
    faults: list[str] = Field(description="Codes; /v1/faults has their words.")
    dial_in: str | None = Field(description="The dial-in that is running.")
    last_event: int = Field(description="For ?after= of /v1/events.")
    machine: dict[str, Any] | None = Field(
        description="All that `rmfs machine show --json` says; null while off."
    )


class TestAnswer(Answer):
    """One test of the last start."""

    part: str
    code: str
    verdict: str
    words: str


class PowerAnswer(Answer):
    """The power, and how the last start went."""

    power: Literal["on", "off"]
    boot: str
    cut_at: str | None = Field(description="Where the power is to fail, or null.")
    tests: list[TestAnswer] = Field(description="Of the last start; empty while off.")


class SoftKeyAnswer(Answer):
    """What a digit chooses on this screen."""

    digit: int
    words: str


class PanelAnswer(Answer):
    """What is to be seen of the panel."""

    screen: str
    lines: list[str] = Field(description="6 lines of at most 32 characters.")
    lamps: dict[str, str] = Field(description="ready, fault, line, funds.")
    soft_keys: list[SoftKeyAnswer]
    hint: str
    frank: str = Field(description="The last frank in words, or empty.")
    dial_in: str | None = Field(description="The dial-in that is running, or null.")


class SensorsAnswer(Answer):
    """What the sensors tell."""

    ink_ul: int
    tape_mm: int
    cover_open: bool
    paper_jam: bool
    paper_present: bool
    printer_c: int
    printer_answers: bool
    battery_age_days: int
    scale: str


class FaultAnswer(Answer):
    """A fault that stands."""

    code: str
    name: str
    kind: Literal["stop", "warning"]
    words: str
    cleared_by: str


class WeightAnswer(Answer):
    """A reading of the scale: a weight, or why there is none."""

    grams: int | None = Field(description="Whole grams, rounded up.")
    stable: bool
    fault: str | None


class SelectionAnswer(Answer):
    """What is chosen for the next franks."""

    product_class: int
    class_letters: str | None
    zone: str
    department: int
    day: str | None = Field(description="The day that the next frank bears.")
    slogan: int


class PriceAnswer(Answer):
    """What the thing on the scale costs."""

    value_paise: int
    class_letters: str
    weight_g: int


class FrankAnswer(Answer):
    """What came out of the printer."""

    mark: str = Field(description="VALID, ZERO, SPECIMEN or VOID.")
    item: int | None
    value_paise: int
    product_class: str
    weight_g: int | None
    printed_on: str
    time: int | None
    department: int | None
    authentication_code: str | None
    indicium: str | None = Field(description="The barcode's octets, in hexadecimal.")
    registers: RegistersAnswer | None
    warnings: list[str]


class RefusalAnswer(Answer):
    """Why the machine does not do what was asked."""

    code: str
    name: str
    words: str


class RunAnswer(Answer):
    """How a run of franks went; what is done is done, be the rest refused."""

    count: int = Field(description="How many were asked for.")
    done: int = Field(description="How many came out of the printer.")
    value_paise: int = Field(description="What all of them cost.")
    last: FrankAnswer | None = Field(description="The last of them.")
    refused: RefusalAnswer | None = Field(
        description="Why no more were; null where all were, or the run was stopped."
    )


class PinAnswer(Answer):
    """A PIN was right."""

    attempts_left: int
    words: str


class DepartmentAnswer(Answer):
    """A department, and what it has franked since the last statement of mailing."""

    number: int
    name: str
    limit_paise: int
    pin_needed: bool
    spent_paise: int


class AutoDialAnswer(Answer):
    """When the machine dials in by itself."""

    minute: int
    line: str


class SettingsAnswer(Answer):
    """What operator and supervisor have set."""

    high_value_paise: int
    low_funds_paise: int
    date_advance_max_days: int
    auto_advance_minute: int | None
    slogan: int
    departments: list[DepartmentAnswer]
    accounts_on: bool
    pins_on: bool
    auto_dial: AutoDialAnswer | None
    office_name: str
    medium: str


class DialInAnswer(Answer):
    """A dial-in, running or over."""

    id: str
    kind: str = Field(description="What is asked for: what is pending, if there is.")
    amount_paise: int
    line: str
    attempts: int
    notice: str = Field(description="What an operator is told before, or empty.")
    state: Literal["running", "ended", "failed"]
    progress: list[str] = Field(description="What has happened, oldest first.")
    report: dict[str, Any] | None = Field(
        description="When it has ended: all that `rmfs machine dial --json` says."
    )
    words: str = Field(description="When it has failed: why; else empty.")


class LogEntryAnswer(Answer):
    """An entry of the machine's event log."""

    number: int
    time: int = Field(description="By the PSD's clock; 0 when that was not set.")
    code: str = Field(description="That of the fault, where it is about one.")
    words: str
    detail: str


class PresetsAnswer(Answer):
    """Names of the presets that come with the product."""

    names: list[str]


class ReportsAnswer(Answer):
    """A report; statements of mailing may be several."""

    reports: list[dict[str, Any]]
