"""What is wrong with a statement of mailing that is handed in: all of it, at once.

Rules of this module:

- It is pure; whoever captures gives it what is known.
- A statement begins where the one before ended: number, AR and DR. What a commercial
  licensee franked for several customers is stated in several statements of one closing,
  which together are what the machine franked.
- The registers that the machine signed in its dial-ins bound those of the paper.

Source: domain notes, section 11; what is not public is OURS.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from dop_gateway.errors import FieldFinding
from dop_gateway.licences.model import (
    RECHARGED,
    RECHARGING,
    Licence,
    LicenceKind,
)
from dop_gateway.offices.model import Office, OfficeId
from dop_gateway.posting.model import COPIES, Mailing, NewMailing, parse_som_number
from dop_gateway.usage.store import Taken
from protocol.contents import CLASS_NUMBER_MAX
from protocol.errors import LocalProtocolError
from protocol.values import AMOUNT_PAISE_MAX, Paise, show_rupees

LINES_MAX: Final = 2 * CLASS_NUMBER_MAX


@dataclass(frozen=True, slots=True)
class Around:
    """What is known when a statement is handed in.

    Attributes:
        licence: Whose mail it is.
        designated: Its office.
        office: Where the mail is handed in.
        today: When.
        began_paise: AR and DR when the life of the PSD began.
        group: Statements captured last, all of one closing; empty before the first.
        before: The last dial-in until the statement was closed.
        after: The first dial-in after that.
    """

    licence: Licence
    designated: Office
    office: OfficeId
    today: date
    began_paise: tuple[Paise, Paise]
    group: tuple[Mailing, ...]
    before: Taken | None
    after: Taken | None


def findings(new: NewMailing, around: Around) -> Iterator[FieldFinding]:
    """Say what is wrong with a statement."""
    yield from _place(around)
    yield from _paper(new, around)
    yield from _amounts(new)
    yield from _continuity(new, around)
    yield from _dial_ins(new, around)


def belongs_to(new: NewMailing, group: tuple[Mailing, ...]) -> bool:
    """Whether a statement is of the same closing as those captured last."""
    return bool(group) and _registers(new) == _registers(group[-1])


def _place(around: Around) -> Iterator[FieldFinding]:
    licence = around.licence
    if licence.office != around.office:
        designated = around.designated
        words = f"mail of {licence.identifier} is handed in at {designated.name}"
        yield FieldFinding("/office", "wrong_office", f"{words}, {designated.pin}")
    if licence.state not in RECHARGED or licence.is_expired(around.today):
        state = licence.state.name
        words = f"licence {licence.number} is {state}, to {licence.expires_on}"
        yield FieldFinding("/number", "licence_out_of_force", f"{words}: refuse it")
    if licence.machine_state not in RECHARGING:
        words = f"the machine is {licence.machine_state.name}: refuse its mail"
        yield FieldFinding("/number", "machine_out_of_service", words)


def _paper(new: NewMailing, around: Around) -> Iterator[FieldFinding]:
    if new.copies != COPIES:
        words = "one copy for the Customer Record Book and one to keep are needed"
        yield FieldFinding("/copies", "wrong_count", words)
    if new.mail_dated > around.today:
        words = f"it is dated {new.mail_dated}: it is handed in on that day"
        yield FieldFinding("/mail_dated", "not_yet", words)
    stale = any(not line.is_registered for line in new.lines)
    if new.mail_dated < around.today and stale:
        words = "unregistered articles of a day before are refused"
        yield FieldFinding("/mail_dated", "previous_date", words)
    if new.shortage_collected_paise != new.shortage_due_paise:
        due = show_rupees(new.shortage_due_paise)
        words = f"{due} are short: collect them, no more and no less"
        yield FieldFinding("/shortage_collected", "shortage", words)
    is_commercial = around.licence.kind is LicenceKind.COMMERCIAL
    if new.customer and not is_commercial:
        words = "only a commercial licensee franks for customers"
        yield FieldFinding("/customer", "not_commercial", words)


def _amounts(new: NewMailing) -> Iterator[FieldFinding]:
    registers = {
        "/opening_ascending": new.opening_ascending_paise,
        "/opening_descending": new.opening_descending_paise,
        "/closing_ascending": new.closing_ascending_paise,
        "/closing_descending": new.closing_descending_paise,
        "/shortage_due": new.shortage_due_paise,
    }
    for pointer, paise in registers.items():
        if not 0 <= paise <= AMOUNT_PAISE_MAX:
            yield FieldFinding(pointer, "out_of_range", "no register has such a sum")
    if not 1 <= len(new.lines) <= LINES_MAX:
        yield FieldFinding("/lines", "wrong_count", "it has a line for each class")
    places = [(line.product_class, line.is_registered) for line in new.lines]
    for number, line in enumerate(new.lines):
        pointer = f"/lines/{number}"
        if not 1 <= line.product_class <= CLASS_NUMBER_MAX:
            yield FieldFinding(pointer, "unknown_class", "classes are 1 to 255")
        if line.items < 1 or line.amount_paise < 1:
            yield FieldFinding(
                pointer, "too_small", "a class without items is left out"
            )
        if (line.product_class, line.is_registered) in places[:number]:
            yield FieldFinding(pointer, "twice", "this class stands above already")


def _continuity(new: NewMailing, around: Around) -> Iterator[FieldFinding]:
    running = _running(new, around.licence)
    if running is None:
        words = f"it is {around.licence.identifier}, a dash and six digits"
        yield FieldFinding("/number", "wrong_form", words)
        return
    last = around.group[-1] if around.group else None
    if last is not None and running != last.running + 1:
        words = f"the last one was {last.number}: the next one has to be captured"
        yield FieldFinding("/number", "not_the_next", words)
    same = belongs_to(new, around.group)
    franked = sum(one.amount_paise for one in around.group) if same else 0
    if not same:
        yield from _opening(new, around, running)
    rest = new.rise_paise - franked
    if new.customer and new.amount_paise <= rest:
        return
    if new.amount_paise != rest:
        words = (
            f"{show_rupees(new.amount_paise)} by class, AR has risen by "
            f"{show_rupees(Paise(new.rise_paise))}"
        )
        if franked:
            words += f", of which {show_rupees(Paise(franked))} are stated"
        yield FieldFinding("/lines", "not_the_sum", words)


def _opening(new: NewMailing, around: Around, running: int) -> Iterator[FieldFinding]:
    if around.group:
        last = around.group[-1]
        known = (last.closing_ascending_paise, last.closing_descending_paise)
    elif running == 1:
        known = around.began_paise
    else:
        return
    told = (new.opening_ascending_paise, new.opening_descending_paise)
    for pointer, name, one, before in (
        ("/opening_ascending", "AR", told[0], known[0]),
        ("/opening_descending", "DR", told[1], known[1]),
    ):
        if one != before:
            words = f"{name} was {show_rupees(before)} when the last one was closed"
            yield FieldFinding(pointer, "not_continuous", words)


def _dial_ins(new: NewMailing, around: Around) -> Iterator[FieldFinding]:
    own = new.closing_ascending_paise
    before, after = around.before, around.after
    against = None
    if before is not None and before.ascending_paise > own:
        against = before
    elif after is not None and after.ascending_paise < own:
        against = after
    if against is not None:
        words = (
            f"dial-in {against.number} says AR {show_rupees(against.ascending_paise)}: "
            "look at the paper again, then tell DCR"
        )
        yield FieldFinding("/closing_ascending", "against_dial_in", words)


def _running(new: NewMailing, licence: Licence) -> int | None:
    try:
        identifier, running = parse_som_number(new.number)
    except LocalProtocolError:
        return None
    return running if identifier == licence.identifier else None


def _registers(one: NewMailing) -> tuple[int, ...]:
    return (
        one.opening_ascending_paise,
        one.opening_descending_paise,
        one.closing_ascending_paise,
        one.closing_descending_paise,
    )
