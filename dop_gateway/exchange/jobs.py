"""Jobs of the exchange: files at the start of each window, a look round at its end."""

from datetime import date, time
from typing import Final

from dop_gateway.exchange import applying, checking, party_store, windows
from dop_gateway.exchange.making import Making, Order
from dop_gateway.exchange.model import Party, PartyKind, PartyState
from dop_gateway.exchange.registered import SOURCES
from dop_gateway.exchange.sources import Sources
from dop_gateway.exchange.windows import WINDOWS
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.jobs.dues import Almanac, almanac, at_times, window_ends, window_starts
from dop_gateway.jobs.model import Ending, Job, Outcome
from dop_gateway.parts import Parts
from protocol.parameters import business_date
from protocol.values import EpochSeconds

EARLY_RUN: Final = "exchange.early_run"
EARLY_RUN_AT: Final = "exchange.early_run_at"


def make(parts: Parts, moment: EpochSeconds, sources: Sources = SOURCES) -> Outcome:
    """Make the files of the window that begins; made before, they are there."""
    with parts.store.reading() as connection:
        known = almanac(connection)
    return _make(parts, sources, known, moment)


def make_early(
    parts: Parts, moment: EpochSeconds, sources: Sources = SOURCES
) -> Outcome:
    """Make files before the first window, where a deployment wants that."""
    with parts.store.reading() as connection:
        known = almanac(connection)
    if not known.parameters.switch(EARLY_RUN, business_date(moment)):
        return Outcome(Ending.NOTHING_TO_DO, f"{EARLY_RUN} is off")
    return _make(parts, sources, known, moment)


def check(parts: Parts, moment: EpochSeconds, sources: Sources = SOURCES) -> Outcome:
    """Look what is missing at the end of a window, and offer again what must be."""
    by = _by(parts, "exchange-check")
    applied = applying.catch_up_all(parts.store, parts.exchange, sources, by)
    with parts.store.reading() as connection:
        known = almanac(connection)
        makers = party_store.all_parties(connection, PartyKind.MAKER)
    turn = windows.turn_until(known, moment)
    if turn is None:
        return Outcome(Ending.NOTHING_TO_DO, "no window ends then any more")
    missing = again = 0
    for maker in makers:
        with parts.store.writing("check a window") as connection:
            party = party_store.find(connection, maker.code, lock=True)
            if party is None or party.state is not PartyState.OPEN:
                continue
            found = checking.check(
                connection, party, turn, lambda end: windows.next_end(known, end), by
            )
        missing += found.missing
        again += found.again
    words = f"{missing} files missing, {again} offered again, {applied} caught up"
    return Outcome(Ending.DONE, words)


def _make(
    parts: Parts, sources: Sources, known: Almanac, moment: EpochSeconds
) -> Outcome:
    by = _by(parts, "exchange-make")
    # What is made late has time until the window after the one that it is made in.
    late = EpochSeconds(max(moment, by.now))
    turn = windows.turn_at(known, moment)
    order = Order(turn, moment, windows.answer_by(known, late))
    count = lines = 0
    for maker in _makers(parts):
        with parts.store.writing("make the files of a window") as connection:
            party = party_store.find(connection, maker.code, lock=True)
            if party is None or party.state is not PartyState.OPEN:
                continue
            making = Making(connection, parts.exchange, party, by)
            made = making.make_all(sources, order)
        count += len(made)
        lines += sum(row.lines for row in made)
    if count == 0:
        return Outcome(Ending.NOTHING_TO_DO, "no files are exchanged with any maker")
    return Outcome(Ending.DONE, f"{count} files with {lines} lines")


def _makers(parts: Parts) -> list[Party]:
    with parts.store.reading() as connection:
        return party_store.all_parties(connection, PartyKind.MAKER)


def _by(parts: Parts, name: str) -> By:
    return By(GATEWAY, parts.clock.now(), name, "the windows of the day")


def _early(known: Almanac, day: date) -> list[time]:
    if not known.calendar.is_working_day(day):
        return []
    return [known.parameters.time_of_day(EARLY_RUN_AT, day)]


JOBS: Final = (
    Job(
        "exchange-early",
        "Make files for the makers before the first window, if that is switched on.",
        at_times(_early),
        make_early,
    ),
    Job(
        "exchange-make",
        "Make four files for each maker when a window begins.",
        window_starts(WINDOWS),
        make,
    ),
    Job(
        "exchange-check",
        "Say at the end of a window what did not come and what was not acknowledged.",
        window_ends(WINDOWS),
        check,
    ),
)
