"""A layout: how the values of one kind of file stand in its octets.

What a file tells is named in Python; where and how it stands is said by a layout alone:
order, widths, separator, tags, how dates and amounts are spelt. A layout is a TOML file
(`layout_file` reads it); those of this product are shipped beside this module, in
`layouts/`, and a deployment may put others in their place.

A file has a header, lines, and perhaps a trailer, one record each per line of text::

    H|RMFS-FUNDS|2|FND-N-000017|DCR|N|17|2026-11-17|1|2026-11-17T09:00:00+05:30
    D|1|N123456|KN0600065|Bharat Stationers, Bengaluru|2000.00|...
    T|1|2000.00

Source: docs/exchange-files.md, which is ours: Annexure F is not public.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.exchange.spelling import FieldError, Spelling, Value

SIGNATURE_TAG: Final = "S"
HEADER: Final = "header"
TRAILER: Final = "trailer"
_IN_A_NAME: Final = re.compile(r"\{([a-z_]+)\}")
_FILE_NAME_CHARACTERS: Final = "[A-Za-z0-9.-]{1,80}"


@dataclass(frozen=True, slots=True)
class Width:
    """How a field fills its columns in a file of fixed width.

    Attributes:
        columns: In characters.
        right: It stands at the right end, and is filled up before it.
        pad: With what it is filled up: a space, or a zero before numbers.
    """

    columns: int
    right: bool
    pad: str

    def fill(self, told: str) -> str:
        """Fill up; what is too long stays too long."""
        if self.pad == "0" and told.startswith("-"):
            return "-" + told[1:].rjust(self.columns - 1, "0")
        if not self.right:
            return told.ljust(self.columns)
        return told.rjust(self.columns, self.pad if told else " ")

    def bare(self, columns: str) -> str:
        """Take the filling off.

        Raises:
            FieldError: It is not filled up as `fill` does.
        """
        if not self.right or not columns.strip(" "):
            told = columns.rstrip(" ")
        elif self.pad == " ":
            told = columns.lstrip(" ")
        else:
            sign = "-" if columns.startswith("-") else ""
            told = columns[len(sign) :].lstrip("0")
            told = sign + (told if told[:1].isdigit() else "0" + told)
        if self.fill(told) != columns:
            where = "before" if self.right else "behind"
            filling = "zeros" if self.pad == "0" else "spaces"
            raise FieldError(f"{columns!r} is not filled up with {filling} {where} it")
        return told


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Attributes:
        name: As Python knows it.
        kind: Name of its type.
        spelling: How it is written and read.
        blank: It may be left empty; its value is then None.
        constant: In every file this value, which is no news to anybody.
        given: Not in the file: it is always this value.
        unique: No two lines of a file have the same.
        counts: It tells how many lines there are.
        sums: The field of the lines whose sum it tells; empty if it tells none.
        width: In files of fixed width; None in others.
        note: What it means, for people.
    """

    name: str
    kind: str
    spelling: Spelling
    blank: bool = False
    constant: Value = None
    given: Value = None
    unique: bool = False
    counts: bool = False
    sums: str = ""
    width: Width | None = None
    note: str = ""

    @property
    def is_in_the_file(self) -> bool:
        """Whether it stands in the file."""
        return self.given is None

    @property
    def is_told(self) -> bool:
        """Whether it has a value that the writer of a file names."""
        computed = self.counts or bool(self.sums)
        return self.given is None and self.constant is None and not computed


@dataclass(frozen=True)
class Record:
    """What stands in one line of text.

    Attributes:
        name: As Python knows it: ``header``, ``trailer``, or what a line is.
        tag: What it begins with; empty if nothing.
        fields: In the order of the file.
        optional: A deployment's layout may do without it: what it tells is then not
            told.
    """

    name: str
    tag: str
    fields: tuple[Field, ...]
    optional: bool = False

    @cached_property
    def in_the_file(self) -> tuple[Field, ...]:
        """The fields that stand in the file."""
        return tuple(field for field in self.fields if field.is_in_the_file)

    @cached_property
    def told(self) -> tuple[Field, ...]:
        """The fields whose values the writer of a file names."""
        return tuple(field for field in self.fields if field.is_told)

    @cached_property
    def given(self) -> Mapping[str, Value]:
        """The values that every such record has without telling them."""
        return {one.name: one.given for one in self.fields if one.given is not None}

    @cached_property
    def columns(self) -> int:
        """Characters of the record in a file of fixed width."""
        widths = (field.width.columns for field in self.in_the_file if field.width)
        return len(self.tag) + sum(widths)

    @property
    def takes_a_line(self) -> bool:
        """Whether the file has a line for it."""
        return bool(self.tag or self.in_the_file)


@dataclass(frozen=True)
class Layout:
    """One kind of file.

    Attributes:
        name: As Python knows it: ``fund``, ``usage``.
        version: Raised with every change of the layout.
        title: What it is, for people.
        separator: Between the fields; empty in a file of fixed width.
        line_end: Behind every line, the last one too.
        encoding: ``utf-8`` or ``ascii``.
        file_name: Name of such a file, with fields of the header in braces.
        signed: The last line may be a signature over all octets before it.
        lines_max: Most lines beside header and trailer.
        line_octets_max: Most octets of a line.
        octets_max: Most octets of a file.
        header: Its record; it takes no line if nothing of it is in the file.
        lines: The records that may stand as lines, by name.
        trailer: None if there is none.
    """

    name: str
    version: int
    title: str
    separator: str
    line_end: str
    encoding: str
    file_name: str
    signed: bool
    lines_max: int
    line_octets_max: int
    octets_max: int
    header: Record
    lines: Mapping[str, Record]
    trailer: Record | None

    @cached_property
    def records(self) -> tuple[Record, ...]:
        """Header, lines, trailer."""
        ends = () if self.trailer is None else (self.trailer,)
        return (self.header, *self.lines.values(), *ends)

    @cached_property
    def by_tag(self) -> Mapping[str, Record]:
        """The records by their tags; none if they have no tags."""
        return {record.tag: record for record in self.records if record.tag}

    @cached_property
    def summed(self) -> frozenset[str]:
        """The fields of lines whose sums the file tells."""
        return frozenset(
            field.sums for one in self.records for field in one.fields if field.sums
        )

    @property
    def lines_besides(self) -> int:
        """Most lines that are no lines of content: header, trailer, signature."""
        ends = self.header.takes_a_line, self.trailer is not None, self.signed
        return sum(ends)

    @property
    def only_line(self) -> Record:
        """The record of all lines, where there are no tags."""
        return next(iter(self.lines.values()))

    def name_file(self, header: Mapping[str, Value]) -> str:
        """Say what a file with this header is called.

        Raises:
            LocalProtocolError: The header lacks a field, or its value is out of bounds.
        """
        fields = {field.name: field for field in self.header.told}
        name = self.file_name
        for found in _IN_A_NAME.findall(self.file_name):
            try:
                told = fields[found].spelling.write(header[found])
            except (KeyError, FieldError) as error:
                raise LocalProtocolError(f"no name for the file: {error}") from error
            name = name.replace(f"{{{found}}}", told)
        if self.is_file_name(name):
            return name
        raise LocalProtocolError(f"{name!r} is no name of a file of layout {self.name}")

    def is_file_name(self, name: str) -> bool:
        """Whether a file of this kind may have this name."""
        return self._file_names.fullmatch(name) is not None

    @cached_property
    def _file_names(self) -> re.Pattern[str]:
        parts = _IN_A_NAME.split(self.file_name)
        literal = (re.escape(part) for part in parts[::2])
        return re.compile(_FILE_NAME_CHARACTERS.join(literal), re.ASCII)


class Layouts(Mapping[str, Layout]):
    """The layouts of a deployment, by name."""

    def __init__(self, layouts: Mapping[str, Layout]) -> None:
        """Keep them in the order of their names."""
        self._layouts = dict(sorted(layouts.items()))

    def __getitem__(self, name: str) -> Layout:
        return self._layouts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)

    def __len__(self) -> int:
        return len(self._layouts)

    def of_file(self, file_name: str) -> Layout | None:
        """Find the layout whose files have such a name; None if there is none."""
        for layout in self._layouts.values():
            if layout.is_file_name(file_name):
                return layout
        return None
