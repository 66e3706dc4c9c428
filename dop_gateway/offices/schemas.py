"""What is said about offices over HTTP."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, StringConstraints

from dop_gateway.offices.importing import Imported
from dop_gateway.offices.model import Office, OfficeKind
from dop_gateway.offices.reading import NAME_CHARACTERS_MAX
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.lists import ListQuery
from protocol.exchange.findings import Finding

OfficeKindName = Annotated[OfficeKind, ByName(OfficeKind)]
Facility = Annotated[str, StringConstraints(pattern=r"^F[0-9]{9}$")]
Pin = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{5}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}([0-9]{2})?$")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS_MAX)]
_MICRO: Final = 1_000_000


class OfficesQuery(ListQuery):
    """Which offices.

    `search` is in the name, or is a PIN, a code, a facility id; `under` is the facility
    id of an office: it and all that stand below it; `parent`: those right below it.
    """

    search: Annotated[str, Field(max_length=120)] = ""
    kind: OfficeKindName | None = None
    pin: Pin | Literal[""] = ""
    under: Facility | Literal[""] = ""
    parent: Facility | Literal[""] = ""
    closed: bool = False
    sort: Literal["name", "-name", "pin", "-pin", "path", "-path"] = "name"


class OfficeShown(BaseModel):
    """An office; `id` is what a role is given for, `parent` a facility id's office."""

    id: int
    facility: str
    kind: OfficeKindName
    name: str
    name_hi: str | None
    code: str | None
    pin: str | None
    parent: int | None
    delivers: bool
    serves_pin: bool
    district: str | None
    state: str | None
    latitude: str | None
    longitude: str | None
    listed: bool
    closed_at: str | None

    @classmethod
    def of(cls, one: Office) -> Self:
        """Tell of an office."""
        closed_at = one.closed_at
        return cls(
            id=one.office_id,
            facility=one.facility,
            kind=one.kind,
            name=one.name,
            name_hi=one.name_hi,
            code=one.code,
            pin=one.pin,
            parent=one.parent,
            delivers=one.delivers,
            serves_pin=one.serves_pin,
            district=one.district,
            state=one.state,
            latitude=_degrees(one.latitude_microdegrees),
            longitude=_degrees(one.longitude_microdegrees),
            listed=one.listed,
            closed_at=None if closed_at is None else show_moment(closed_at),
        )


class OfficeInTree(OfficeShown):
    """An office with the offices above it, from the top down."""

    line: list[OfficeShown]


class OfficeBody(Body):
    """An office that the directory does not list; a post office needs a PIN."""

    parent: Facility
    kind: OfficeKindName
    name: Name
    name_hi: Name | None = None
    code: Code | None = None
    pin: Pin | None = None
    delivers: bool = False
    district: Name | None = None
    state: Name | None = None
    reason: Reason


class CorrectionBody(Body):
    """What is to be said otherwise; what is left out stays."""

    name: Name | None = None
    name_hi: Name | None = None
    code: Code | None = None
    delivers: bool | None = None
    district: Name | None = None
    state: Name | None = None
    reason: Reason


class UnderBody(Body):
    """Under which office one is put."""

    parent: Facility
    reason: Reason


class OfficeReason(Body):
    """Why something is done to an office."""

    reason: Reason


class LineFinding(BaseModel):
    """Why a line of a directory is left out."""

    line: int
    words: str

    @classmethod
    def of(cls, one: Finding) -> Self:
        """Tell of a finding."""
        return cls(line=one.line_number, words=str(one))


class DirectoryShown(BaseModel):
    """What became, or would become, of a directory; see `Imported`.

    `sha256` is said again by whoever confirms the plan.
    """

    sha256: str
    taken: bool
    lines: int
    repeated: int
    left_out: int
    findings: list[LineFinding]
    added: int
    changed: int
    closed: int
    unchanged: int
    changes: list[str]
    unserved: list[str]
    unserved_count: int
    contested: list[str]
    contested_count: int

    @classmethod
    def of(cls, sha256: str, done: Imported) -> Self:
        """Tell of a directory."""
        return cls(
            sha256=sha256,
            taken=done.taken,
            lines=done.lines,
            repeated=done.repeated,
            left_out=done.left_out,
            findings=[LineFinding.of(one) for one in done.findings],
            added=done.added,
            changed=done.changed,
            closed=done.closed,
            unchanged=done.unchanged,
            changes=[str(one) for one in done.changes],
            unserved=list(done.unserved),
            unserved_count=done.unserved_count,
            contested=list(done.contested),
            contested_count=done.contested_count,
        )


def _degrees(microdegrees: int | None) -> str | None:
    if microdegrees is None:
        return None
    whole, rest = divmod(abs(microdegrees), _MICRO)
    return f"{'-' if microdegrees < 0 else ''}{whole}.{rest:06d}"
