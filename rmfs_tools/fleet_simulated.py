"""Running a fleet in virtual time, with a server of the same process.

The days go by as fast as the computer can work, one after the other: a run begins where
the one before it ended. The books then tell of days that are still to come, so that
such a server is for simulations alone.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from fm_device.folder import machine_parts
from fm_device.psd.device import Psd
from hw.clock import WallClock, epoch_seconds, utc_instant
from hw.database import Store
from hw.entropy import SystemEntropy
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from protocol.channel import ServerChannel
from protocol.errors import RmfsError
from protocol.parameters import INDIA
from protocol.values import EpochSeconds
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.folder import open_books, read_server
from rmfs_server.limits import Limits
from rmfs_server.store import schema
from rmfs_server.writer import ImmediateWriter
from rmfs_tools.fleet import FleetError, FleetPlan, Member
from rmfs_tools.fleet_folder import read_fleet
from rmfs_tools.fleet_run import FleetRun, FleetSummary, OnWord

_MODEM: Final = VirtualLineParameters(bit_s=33_600, delay_s=0.02)
_DAY: Final = timedelta(days=1)


def run_simulated(
    folder: Path,
    server_folder: Path,
    days: int,
    clock: WallClock,
    *,
    at_once: int,
    on_word: OnWord,
) -> FleetSummary:
    """Let days of a fleet go by in virtual time, with the server in this process.

    Args:
        folder: The fleet's.
        server_folder: The server's; its books will tell of the days to come.
        days: How many. They begin with the one after the real time, or after the
            latest that the books or a machine know, whichever is later.
        clock: The real time.
        at_once: How many turns may go on at once.
        on_word: Told of what goes on.

    Raises:
        FleetError: The folder holds no fleet, or the run stands still.
    """
    plan, server = read_fleet(folder), read_server(server_folder)
    reactor = Clock()
    between = VirtualExchange(reactor, every_call(_MODEM))
    with open_books(server_folder) as store:
        began, why = _when_to_begin(folder, plan, store, clock)
        shown = began.astimezone(INDIA)
        on_word(f"virtual time begins at {shown:%Y-%m-%d %H:%M}, {why}")
        virtual = VirtualWallClock(reactor, began)
        run = FleetRun(
            folder, plan, reactor, virtual, between, at_once=at_once, on_word=on_word
        )
        exchange = Exchange(
            reactor=reactor,
            books=Books(
                store, server.credit_key, SystemEntropy(), server.find_credit_key
            ),
            writer=ImmediateWriter(),
            make_channel=lambda: ServerChannel(server.identity),
            wall_clock=virtual,
            limits=Limits(),
        )
        between.listen(exchange.answer)
        for day in range(days):
            opens = _midnight(virtual.utc()) + _DAY
            turns = run.day(opens.toordinal(), _until_turn(virtual, opens))
            _let_pass(reactor, turns)
            on_word(f"{opens:%Y-%m-%d}: day {day + 1} of {days} is over")
    return run.summary


class VirtualWallClock:
    """The time of day of a virtual reactor."""

    def __init__(self, reactor: IReactorTime, began: datetime) -> None:
        """Follow `reactor` from the aware instant at which it stands at 0."""
        self._reactor = reactor
        self._began = began

    def now(self) -> EpochSeconds:
        """Read the clock in whole seconds."""
        return epoch_seconds(self.utc())

    def utc(self) -> datetime:
        """Read the clock as an aware UTC instant."""
        return self._began + timedelta(seconds=float(self._reactor.seconds()))


def _when_to_begin(
    folder: Path, plan: FleetPlan, store: Store, clock: WallClock
) -> tuple[datetime, str]:
    """Say when virtual time begins, and why then.

    A machine that knows a later time takes its clock for one that was turned back, and
    franks nothing.
    """
    found = [
        (clock.now(), "now"),
        (_latest_in(store), "the latest that the books tell"),
    ]
    for member in plan.members():
        try:
            with machine_parts(folder / member.licence, "fleet run") as (nvram, _flash):
                latest = Psd(nvram, clock).record.latest
        except (RmfsError, OSError):
            # Its turn tells what is wrong with it.
            continue
        found.append((latest, f"the latest that {member.licence} knows"))
    latest, why = max(found, key=lambda one: one[0])
    return utc_instant(latest), why


def _latest_in(store: Store) -> EpochSeconds:
    """Say when something was last heard or posted; 0 when nothing was."""
    heard, posted = schema.signed_message.c.received_at, schema.journal.c.posted_at
    with store.reading() as connection:
        found = [
            connection.execute(select(func.max(column))).scalar_one()
            for column in (heard, posted)
        ]
    return EpochSeconds(max(moment or 0 for moment in found))


def _until_turn(clock: WallClock, opens: datetime) -> Callable[[Member], float]:
    """Say how long it is to the turn of a machine on the day that opens then."""
    waiting_s = (opens - clock.utc()).total_seconds()
    return lambda member: waiting_s + 60 * member.dial_minute


def _midnight(now: datetime) -> datetime:
    """Say when the Indian day of a moment began, in Indian time."""
    return now.astimezone(INDIA).replace(hour=0, minute=0, second=0, microsecond=0)


def _let_pass(reactor: Clock, turns: "Deferred[Any]") -> None:
    """Step from one due time to the next until all turns are over."""
    over: list[Any] = []
    turns.addBoth(over.append)
    while not over:
        calls = reactor.getDelayedCalls()
        if not calls:
            raise FleetError("the simulation stands still: nothing is due any more")
        due = min(float(call.getTime()) for call in calls)
        reactor.advance(max(0.0, due - float(reactor.seconds())))
    if hasattr(over[0], "raiseException"):
        over[0].raiseException()
