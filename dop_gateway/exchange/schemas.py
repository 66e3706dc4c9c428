"""What requests about the exchange hold, and what is answered."""

from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, Field

from dop_gateway.exchange.model import (
    Direction,
    FileRow,
    FileState,
    PartyKind,
    PartyState,
    RefusedLine,
)
from dop_gateway.exchange.reading import PartySeen
from dop_gateway.exchange.window_store import WindowMet
from dop_gateway.web.fields import Body, ByName, Reason, show_moment

Text = Annotated[str, Field(max_length=80)]
KindName = Annotated[PartyKind, ByName(PartyKind)]
PartyStateName = Annotated[PartyState, ByName(PartyState)]
DirectionName = Annotated[Direction, ByName(Direction)]
FileStateName = Annotated[FileState, ByName(FileState)]


class PartyBody(Body):
    """A new party."""

    code: Text
    kind: KindName
    name: Text
    reason: Reason


class PartyStateBody(Body):
    """Whether files are exchanged with a party."""

    state: PartyStateName
    reason: Reason


class PartyKeyBody(Body):
    """A public key that signs files of a party, as PEM."""

    key_id: Annotated[str, Field(max_length=32)]
    public_key: Annotated[str, Field(max_length=4_096)]
    valid_from: date
    reason: Reason


class PartyKeyEndBody(Body):
    """The last day on which a key signs."""

    valid_to: date
    reason: Reason


class AccountBody(Body):
    """The account of a party in the drop; its public key in one line of OpenSSH."""

    login: Annotated[str, Field(max_length=32)]
    ssh_key: Annotated[str, Field(max_length=2_000)]
    reason: Reason


class SkipBody(Body):
    """Files that will never come are given up, through this number."""

    layout: Text
    through: Annotated[int, Field(ge=1, le=2**32 - 1)]
    reason: Reason


class PartyKeyShown(BaseModel):
    """A key that signs."""

    key_id: str
    x: str
    y: str
    valid_from: date
    valid_to: date | None


class PartyShown(BaseModel):
    """A party."""

    code: str
    kind: KindName
    name: str
    state: PartyStateName
    since: str
    keys: list[PartyKeyShown]
    login: str | None
    ssh_key: str | None

    @classmethod
    def of(cls, seen: PartySeen) -> Self:
        """Tell of a party."""
        one, account = seen.party, seen.account
        return cls(
            code=one.code,
            kind=one.kind,
            name=one.name,
            state=one.state,
            since=show_moment(one.since),
            keys=[
                PartyKeyShown(
                    key_id=key.key_id,
                    x=key.x.hex(),
                    y=key.y.hex(),
                    valid_from=key.valid_from,
                    valid_to=key.valid_to,
                )
                for key in seen.keys
            ],
            login=None if account is None else account.login,
            ssh_key=None if account is None else account.key,
        )


class SkippedShown(BaseModel):
    """How many files have their turn now that waited."""

    released: int


class FileShown(BaseModel):
    """A file that went or came; `refused` counts lines that were not taken."""

    number: int
    direction: DirectionName
    party: str
    layout: str
    file_id: str | None
    name: str
    sequence: int | None
    business_date: date | None
    window: int | None
    at: str
    sha256: str
    size: int
    state: FileStateName
    state_at: str
    code: str
    words: str
    lines: int
    refused: int
    offers: int
    answer_by: str | None

    @classmethod
    def of(cls, row: FileRow) -> Self:
        """Tell of a file."""
        until = row.answer_by
        return cls(
            number=row.number,
            direction=row.direction,
            party=row.party,
            layout=row.layout,
            file_id=row.file_id,
            name=row.name,
            sequence=row.sequence,
            business_date=row.business_date,
            window=row.window,
            at=show_moment(row.at),
            sha256=row.sha256.hex(),
            size=row.size,
            state=row.state,
            state_at=show_moment(row.state_at),
            code=row.code,
            words=row.words,
            lines=row.lines,
            refused=row.refused,
            offers=row.offers,
            answer_by=None if until is None else show_moment(until),
        )


class RefusedLineShown(BaseModel):
    """A line that was not taken."""

    line_id: str
    code: str
    words: str

    @classmethod
    def of(cls, one: RefusedLine) -> Self:
        """Tell of a line."""
        return cls(line_id=one.line_id, code=one.code, words=one.words)


class FileWithLinesShown(BaseModel):
    """A file, with the first thousand lines of it that were not taken."""

    file: FileShown
    refused_lines: list[RefusedLineShown]


class WindowShown(BaseModel):
    """A file that was due in a window; `came_at` is null while it never came."""

    party: str
    business_date: date
    window: int
    layout: str
    met: bool
    came_at: str | None

    @classmethod
    def of(cls, one: WindowMet) -> Self:
        """Tell of a window."""
        came = one.came_at
        return cls(
            party=one.party,
            business_date=one.business_date,
            window=one.window,
            layout=one.layout,
            met=one.met,
            came_at=None if came is None else show_moment(came),
        )
