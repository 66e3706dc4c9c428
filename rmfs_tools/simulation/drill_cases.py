"""What befell each machine of a restore drill, before the copy and since.

A case is a row of steps at the copy and a row of steps since it; every machine plays
one case, with amounts of its own. A step that does not go as it is laid out ends the
drill: a case that was not brought about would prove nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fm_device.dial_in import DialInReport
from protocol.dialogue.machine import INSPECTION, Outcome, Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.simulation.drill_bodies import Body, DrillError
from rmfs_tools.simulation.drill_world import DrillWorld

STEP_PAISE: Final = 10_000
"""Downloads are multiples of Rs 100."""
FIRST_DEPOSIT_PAISE: Final = 2_000_000
LATER_DEPOSIT_PAISE: Final = 500_000
_RECHARGE_STEPS: Final = 10
_FRANK_PAISE: Final = 500

Step = Callable[[DrillWorld, Body], None]


@dataclass(frozen=True, slots=True)
class Case:
    """What befalls a machine.

    Attributes:
        name: In a few words, unique.
        since: What is done after the copy.
        next_life: What is done last, with funds for the new life that it has by then.
        at_copy: What is done last before it.
        enrolled_since: The licence is enrolled after the copy.
        deposit: Whether a fund file since the copy brings it more: ``IN TIME`` is
            imported again before machines are resolved, ``LATE`` after.
    """

    name: str
    since: tuple[Step, ...] = ()
    at_copy: tuple[Step, ...] = ()
    enrolled_since: bool = False
    deposit: str = ""
    next_life: tuple[Step, ...] = ()


def inspect(world: DrillWorld, body: Body) -> None:
    """Dial in with nothing asked; what is pending is settled by it."""
    report = world.dial(body, INSPECTION)
    _expect(body, report, Outcome.INSPECTED, Outcome.CONFIRMED)
    if report.receipt is None or report.pending is not None:
        raise DrillError(f"{body.licence} has something pending still")


def frank(world: DrillWorld, body: Body) -> None:
    """Frank a few items."""
    for _ in range(body.dice.among(1, 3)):
        world.frank(body, _FRANK_PAISE * body.dice.among(1, 4))


def recharge(world: DrillWorld, body: Body) -> None:
    """Recharge, to the end."""
    _expect(body, world.dial(body, _some(body)), Outcome.CONFIRMED)


def recharge_more(world: DrillWorld, body: Body) -> None:
    """Recharge with more than the licence had at the copy."""
    funds = (
        body.life.deposited_paise - world.psd(body).record.registers.control_total_paise
    )
    amount = funds - STEP_PAISE * body.dice.among(0, 9)
    report = world.dial(body, Request(RequestKind.RECHARGE, Paise(amount)))
    _expect(body, report, Outcome.CONFIRMED)


def lose_confirmation(world: DrillWorld, body: Body) -> None:
    """Apply a voucher whose CONFIRMATION is lost on the way."""
    number = world.psd(body).record.recharge_number
    report = world.dial(body, _some(body), lose="CONFIRMATION")
    if report.receipt is not None or report.voucher is None:
        raise DrillError(f"{body.licence} was to lose a CONFIRMATION")
    if world.psd(body).record.recharge_number != number + 1:
        raise DrillError(f"{body.licence} was to apply a voucher")


def lose_voucher(world: DrillWorld, body: Body) -> None:
    """Ask for a voucher that is granted, and lost on the way."""
    report = world.dial(body, _some(body), lose="VOUCHER")
    if report.pending is None or report.voucher is not None:
        raise DrillError(f"{body.licence} was to lose a VOUCHER")


def void(world: DrillWorld, body: Body) -> None:
    """Take the outstanding voucher back."""
    world.administration.void(body.licence, world.by("asked by the licensee"))


def refund(world: DrillWorld, body: Body) -> None:
    """Give a part of DR back, as the authority has allowed it."""
    by = world.by("letter of the authority")
    world.administration.set_licence(body.licence, by, refund_allowed=True)
    left = world.psd(body).record.registers.descending_paise
    asked = Request(RequestKind.REFUND, Paise(body.dice.among(1, left)))
    _expect(body, world.dial(body, asked), Outcome.CONFIRMED)


def withdraw(world: DrillWorld, body: Body) -> None:
    """Give all of DR back: the machine goes out of service."""
    left = world.psd(body).record.registers.descending_paise
    asked = Request(RequestKind.WITHDRAWAL, left)
    _expect(body, world.dial(body, asked), Outcome.CONFIRMED)


def lose_withdrawal(world: DrillWorld, body: Body) -> None:
    """Give all of DR back; the CONFIRMATION is lost on the way."""
    left = world.psd(body).record.registers.descending_paise
    asked = Request(RequestKind.WITHDRAWAL, left)
    report = world.dial(body, asked, lose="CONFIRMATION")
    if report.receipt is not None or report.voucher is None:
        raise DrillError(f"{body.licence} was to lose a CONFIRMATION")


def live_on(world: DrillWorld, body: Body) -> None:
    """Begin a new life, and enrol it."""
    world.enrol(world.begin_life(body))


IN_TIME: Final = "IN TIME"
LATE: Final = "LATE"

CASES: Final = (
    Case("nothing since"),
    Case("franked since, not heard", (frank,)),
    Case("franked and inspected since", (frank, inspect)),
    Case("one recharge since", (frank, recharge)),
    Case("two recharges since", (recharge, frank, recharge)),
    Case("five recharges since", (recharge, recharge, recharge, recharge, recharge)),
    Case("confirmation lost as the server died", (lose_confirmation,)),
    Case("recharge, then confirmation lost", (recharge, frank, lose_confirmation)),
    Case("voucher lost as the server died", (lose_voucher,)),
    Case("recharge, then voucher lost", (recharge, lose_voucher)),
    Case("in doubt at the copy, silent since", (), (lose_confirmation,)),
    Case("in doubt at the copy, settled since", (inspect,), (lose_confirmation,)),
    Case("in doubt, settled, one recharge", (inspect, recharge), (lose_confirmation,)),
    Case("in doubt, settled, two recharges", (recharge,) * 2, (lose_confirmation,)),
    Case("voucher open at the copy, delivered", (inspect,), (lose_voucher,)),
    Case("voucher open at the copy, silent", (), (lose_voucher,)),
    Case("taken back since", (void, inspect), (lose_voucher,)),
    Case("taken back, one recharge", (void, inspect, recharge), (lose_voucher,)),
    Case(
        "taken back, two recharges",
        (void, inspect, recharge, recharge),
        (lose_voucher,),
    ),
    Case("granted and taken back since", (lose_voucher, void, inspect)),
    Case("refund since", (frank, refund)),
    Case("recharge and refund since", (recharge, refund)),
    Case("withdrawal since", (frank, withdraw)),
    Case("recharge and withdrawal since", (recharge, frank, withdraw)),
    Case("enrolled since, one recharge", (recharge, frank), enrolled_since=True),
    Case("enrolled since, two recharges", (recharge,) * 2, enrolled_since=True),
    Case("enrolled since, heard only", (inspect,), enrolled_since=True),
    Case("recharge of funds that came since", (recharge_more,), deposit=IN_TIME),
    Case("two of funds that came since", (recharge, recharge_more), deposit=IN_TIME),
    Case("funds whose file is found late", (recharge_more,), deposit=LATE),
    Case("two, the file is found late", (recharge, recharge_more), deposit=LATE),
    Case("withdrawal, a new life", (frank, withdraw, live_on)),
    Case("recharge, withdrawal, a new life", (recharge, frank, withdraw, live_on)),
    Case(
        "a new life, one recharge in it",
        (recharge, frank, withdraw, live_on),
        next_life=(recharge, frank),
    ),
    Case(
        "voucher open, then a new life", (inspect, withdraw, live_on), (lose_voucher,)
    ),
    Case(
        "taken back, then a new life",
        (void, inspect, withdraw, live_on),
        (lose_voucher,),
    ),
    Case("withdrawal open, then a new life", (inspect, live_on), (lose_withdrawal,)),
    Case(
        "two new lives",
        (withdraw, live_on),
        next_life=(recharge, frank, withdraw, live_on),
    ),
    Case(
        "enrolled since, then a new life",
        (recharge, frank, withdraw, live_on),
        enrolled_since=True,
    ),
)


def _some(body: Body) -> Request:
    amount = STEP_PAISE * body.dice.among(1, _RECHARGE_STEPS)
    return Request(RequestKind.RECHARGE, Paise(amount))


def _expect(body: Body, report: DialInReport, *outcomes: Outcome) -> None:
    if report.outcome not in outcomes:
        why = "" if report.refusal is None else f", {report.refusal.code.name}"
        message = f"{body.licence}: a dial-in ended {report.outcome.value}{why}"
        raise DrillError(f"{message}, which the case does not lay out")
