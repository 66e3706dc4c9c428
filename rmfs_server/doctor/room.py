"""Looks at whether a Remaining Fund file has room for all licences, now and soon.

It lists all of them, and the files of a window are made together or not at all: over
the bounds of its layout none is made any more.

Source: RMFS-33; docs/growing.md.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, select

from protocol.errors import RmfsError
from protocol.exchange import Layout
from rmfs_server.department import read_department
from rmfs_server.doctor.findings import Found, fault, good, warning
from rmfs_server.exchange import settings as exchange
from rmfs_server.exchange.making import MORE_ROOM
from rmfs_server.store import schema

_LISTING: Final = "remaining-fund"
_PERCENT_WARNING: Final = 80
"""Ours: both sides have to agree on a layout, and that takes its time."""
_MEASURED_LINES: Final = 1_000
"""A shorter file says little of a line: it is header, trailer and signature as well."""
_AREA: Final = "exchange"


def look_at_listing(connection: Connection, folder: Path) -> Iterator[Found]:
    """Look at how full a Remaining Fund file is, where files are exchanged from here.

    Args:
        connection: To the books.
        folder: The server's, with the layouts of its exchange.
    """
    if not (folder / exchange.SETTINGS).is_file():
        return
    try:
        layout = read_department(folder).layouts[_LISTING]
    except RmfsError:
        # The look at the keys of the exchange has told it.
        return
    count = select(func.count()).select_from(schema.licence)
    licences = int(connection.execute(count).scalar_one())
    yield from judge_room(layout, licences, _octets_of_a_line(connection))


def judge_room(
    layout: Layout, licences: int, octets_of_a_line: float | None
) -> Iterator[Found]:
    """Say whether a file that lists so many licences is within its layout's bounds.

    Args:
        layout: Of Remaining Fund files, as this server uses it.
        licences: In the books.
        octets_of_a_line: As the last file had them; None if they are not known.
    """
    bounds = [("lines_max", "lines", licences, layout.lines_max)]
    if octets_of_a_line is not None:
        octets = round(licences * octets_of_a_line)
        bounds.append(("octets_max", "octets", octets, layout.octets_max))
    for key, of, wanted, most in bounds:
        words = (
            f"a Remaining Fund file of {licences:,} licences has {wanted:,} {of}; "
            f"{key} of layout {layout.name} is {most:,}"
        )
        if wanted > most:
            todo = f"no file of a window is made any more: {MORE_ROOM}"
            yield fault(_AREA, words, todo)
        elif 100 * wanted >= _PERCENT_WARNING * most:
            todo = f"over it no file of a window is made any more: {MORE_ROOM}"
            yield warning(_AREA, words, todo)
        else:
            yield good(_AREA, words)


def _octets_of_a_line(connection: Connection) -> float | None:
    """Take from the last long file how many octets a line has there."""
    file = schema.sent_file.c
    last = connection.execute(
        select(func.length(file.octets), file.lines)
        .where(file.layout == _LISTING, file.lines >= _MEASURED_LINES)
        .order_by(file.id.desc())
        .limit(1)
    ).one_or_none()
    return None if last is None else float(last[0] / last[1])
