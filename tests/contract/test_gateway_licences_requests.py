"""What is asked for about a licence: renewal, address, machine, office, its end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
)
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.licences import changes, deciding, standing
from dop_gateway.licences.application import (
    ApplicationKind,
    ApplicationState,
    Scenario,
)
from dop_gateway.licences.changes_model import ChangeOutcome
from dop_gateway.licences.model import CancelReason, Licence, MachineState
from dop_gateway.licences.periods import last_day, months_after, renewal_fee
from dop_gateway.offices import store as offices
from dop_gateway.parameters.shipped import shipped_parameters
from protocol.errors import InvariantError
from protocol.exchange import Line, Value, read_file, shipped_layouts, write_file
from protocol.messages import LicenceState
from protocol.values import Paise
from tests.licence_desk import (
    FEE,
    HOLDER,
    LATE_FEE,
    MONDAY,
    LicenceDesk,
    file_of,
    licence_desk_at,
    machine_of,
)

RENEWAL = ApplicationKind.RENEWAL
EXPIRY = date(2027, 3, 31)
"""Of the vectors in the domain notes, section 25."""


@pytest.fixture
def desk(store_place: str) -> Iterator[LicenceDesk]:
    with licence_desk_at(store_place) as desk:
        yield desk


@pytest.fixture
def licence(desk: LicenceDesk) -> Licence:
    """Have a licence issued that ends on the 31st of March 2027."""
    desk.today = date(2022, 4, 1)
    issued = desk.issue()
    assert issued.expires_on == EXPIRY
    return issued


def renewal(desk: LicenceDesk, licence: Licence, fee: Paise) -> Any:
    return desk.form_for(licence, RENEWAL, receipt=desk.next_receipt(fee))


def hold(desk: LicenceDesk, licence: Licence) -> None:
    with desk.store.writing("test") as connection:
        standing.withhold(connection, licence.identifier, desk.by("authority"))


@pytest.mark.parametrize(
    ("applied_on", "fee", "days"),
    [
        (date(2027, 3, 1), FEE, 30),
        (date(2027, 3, 2), LATE_FEE, 29),
        (date(2027, 3, 31), LATE_FEE, 0),
        (date(2027, 4, 10), LATE_FEE, -10),
        (date(2026, 1, 5), FEE, 450),
    ],
)
def test_the_fee_of_a_renewal_depends_on_the_days_before_expiry(
    applied_on: date, fee: Paise, days: int
) -> None:
    assert (EXPIRY - applied_on).days == days
    assert renewal_fee(shipped_parameters(), applied_on, EXPIRY) == fee


@pytest.mark.parametrize(
    ("today", "fee", "other"),
    [(date(2027, 3, 1), FEE, LATE_FEE), (date(2027, 3, 2), LATE_FEE, FEE)],
)
def test_a_renewal_begins_the_day_after_the_old_expiry(
    desk: LicenceDesk, licence: Licence, today: date, fee: Paise, other: Paise
) -> None:
    desk.today = today
    with pytest.raises(InvalidError, match="the fee on"):
        desk.enter(renewal(desk, licence, other))
    renewed = desk.approve(desk.ready(renewal(desk, licence, fee)).id)
    # From 01-04-2027, five years.
    assert (renewed.state, renewed.expires_on, renewed.periods) == (
        LicenceState.RENEWED,
        date(2032, 3, 31),
        2,
    )
    with desk.store.reading() as connection:
        (line,) = changes.waiting(connection, "N", "license-modification")
    assert line.values["status"] == "RENEWED"
    assert line.values["expires_on"] == date(2032, 3, 31)


def test_an_expired_licence_is_renewed_from_the_same_day(
    desk: LicenceDesk, licence: Licence
) -> None:
    desk.today = date(2027, 6, 1)
    with desk.store.writing("test") as connection:
        standing.expire_due(connection, desk.today, desk.program, 10)
    renewed = desk.approve(desk.ready(renewal(desk, licence, LATE_FEE)).id)
    assert renewed.expires_on == date(2032, 3, 31)
    desk.today = date(2030, 1, 7)
    again = desk.approve(desk.ready(renewal(desk, renewed, FEE)).id)
    assert (again.state, again.periods) == (LicenceState.RENEWED, 3)


def test_a_renewal_has_five_working_days(desk: LicenceDesk, licence: Licence) -> None:
    desk.today = date(2026, 11, 16)
    one = desk.enter(renewal(desk, licence, FEE))
    # From a Monday; Saturdays are worked.
    assert one.due_on == date(2026, 11, 21)


def test_a_licence_that_is_held_is_not_renewed(
    desk: LicenceDesk, licence: Licence
) -> None:
    hold(desk, licence)
    with pytest.raises(ConflictError, match="released before it is renewed"):
        desk.enter(renewal(desk, licence, FEE))


def test_a_licensee_raises_what_concerns_the_own_licence(
    desk: LicenceDesk, licence: Licence
) -> None:
    desk.today = date(2026, 11, 16)
    form = replace(renewal(desk, licence, FEE), scenario=Scenario.OPEN)
    one = desk.enter(form, "licensee")
    assert (one.scenario, one.state) == (Scenario.OPEN, ApplicationState.ENTERED)
    with pytest.raises(InvalidError, match="brought so by LICENSING_OPERATOR"):
        desk.enter(replace(form, scenario=Scenario.NEW), "licensee")


def test_an_address_changes_within_the_jurisdiction_of_the_authority(
    desk: LicenceDesk, licence: Licence
) -> None:
    def form(**changed: Any) -> Any:
        holder = replace(HOLDER, **changed)
        return desk.form_for(licence, ApplicationKind.ADDRESS, holder=holder)

    with pytest.raises(InvalidError, match="is of Kolar Division"):
        desk.enter(form(pin="563101"))
    with pytest.raises(InvalidError, match="another needs a new licence"):
        desk.enter(form(name="Somebody Else"))
    one = desk.check(desk.enter(form(address=("1, Church Street",), pin="560002")))
    # The request is verified in the field, whoever the licensee is.
    assert one.is_verified_in_the_field
    with desk.store.writing("test") as connection:
        deciding.send_out(connection, one.id, desk.by("operator"))
        deciding.confirm(connection, one.id, desk.by("verifier"))
    moved = desk.approve(one.id)
    assert (moved.holder.address, moved.holder.pin) == (("1, Church Street",), "560002")
    assert (moved.number, moved.state) == (licence.number, licence.state)
    with desk.store.reading() as connection:
        (line,) = changes.waiting(connection, "N", "license-modification")
    assert (line.values["address_1"], line.values["address_2"]) == (
        "1, Church Street",
        None,
    )


def test_the_designated_office_changes_within_the_division(
    desk: LicenceDesk, licence: Licence
) -> None:
    def form(office: Any) -> Any:
        return desk.form_for(licence, ApplicationKind.OFFICE, office=office)

    with pytest.raises(InvalidError, match="the one that it has"):
        desk.enter(form(licence.office))
    with desk.store.reading() as connection:
        (kolar, *_) = offices.by_pin(connection, "563101")
    with pytest.raises(NotFoundError, match="within reach"):
        desk.enter(form(kolar.office_id))
    moved = desk.approve(desk.ready(form(desk.other_office.office_id)).id)
    assert moved.office == desk.other_office.office_id
    with desk.store.reading() as connection:
        (line,) = changes.waiting(connection, "N", "license-modification")
    assert line.values["office"] == desk.other_office.name


def machine_form(desk: LicenceDesk, licence: Licence, **changed: Any) -> Any:
    filled = {
        "identifier": "N777777",
        "provisioning": file_of(machine_of("N777777")),
        "cancel": CancelReason.PSD_FAULTY,
        **changed,
    }
    return desk.form_for(licence, ApplicationKind.MACHINE, **filled)


def test_another_machine_has_another_identifier_and_number(
    desk: LicenceDesk, licence: Licence
) -> None:
    """Domain notes, section 23, no. 7."""
    one = desk.ready(machine_form(desk, licence))
    with pytest.raises(ConflictError, match="CANCEL is not possible in REGISTERED"):
        desk.approve(one.id)
    hold(desk, licence)
    new = desk.approve(one.id, refund_allowed=True)
    old = desk.licence()
    assert (new.identifier, new.number) == ("N777777", "KN0600002")
    assert (new.replaces, new.holder, new.expires_on) == (
        old.identifier,
        old.holder,
        old.expires_on,
    )
    assert (old.state, old.machine_state, old.cancelled, old.refund_allowed) == (
        LicenceState.CANCELLED,
        MachineState.CANCELLED,
        CancelReason.PSD_FAULTY,
        True,
    )
    with desk.store.reading() as connection:
        issues = changes.waiting(connection, "N", "license-issue")
        told = changes.waiting(connection, "N", "license-modification")
    assert [one.licence for one in issues] == ["N123456", "N777777"]
    assert [one.values["status"] for one in told] == ["WITHHELD", "CANCELLED"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"provisioning": file_of(machine_of("N777777", "PSD23456"))}, "another one"),
        (
            {
                "identifier": "P777777",
                "provisioning": file_of(machine_of("P777777")),
            },
            "another maker",
        ),
        ({"identifier": "N123456"}, "never used again"),
        ({"cancel": CancelReason.MISUSE}, "FM_CANCELLATION, PSD_FAULTY"),
    ],
)
def test_a_machine_that_cannot_take_its_place_is_refused(
    desk: LicenceDesk, licence: Licence, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        desk.enter(machine_form(desk, licence, **changed))
    assert any(words in one.words for one in refused.value.findings)


def test_a_cancellation_ends_a_licence_that_is_held_for_good(
    desk: LicenceDesk, licence: Licence
) -> None:
    form = desk.form_for(
        licence, ApplicationKind.CANCELLATION, cancel=CancelReason.FM_CANCELLATION
    )
    one = desk.ready(form)
    with pytest.raises(ConflictError, match="not possible in REGISTERED"):
        desk.approve(one.id)
    hold(desk, licence)
    ended = desk.approve(one.id, refund_allowed=True)
    assert (ended.state, ended.refund_allowed) == (LicenceState.CANCELLED, True)
    with pytest.raises(ConflictError, match="nothing can be asked for any more"):
        desk.enter(form)


def test_a_psd_lives_again_with_new_keys_identifier_and_number(
    desk: LicenceDesk, licence: Licence
) -> None:
    hold(desk, licence)
    form = desk.form_for(
        licence, ApplicationKind.CANCELLATION, cancel=CancelReason.FM_CANCELLATION
    )
    desk.approve(desk.ready(form).id)
    credential = machine_of("N123456").credential
    old_keys = replace(
        machine_of("N888888", "PSD23456"),
        credential=replace(
            credential, licence_identifier=type(licence.identifier)("N888888")
        ),
    )
    with pytest.raises(InvalidError, match="a new life has new keys"):
        desk.enter(desk.form("N888888", provisioning=file_of(old_keys)))
    with pytest.raises(InvalidError, match="was given before"):
        desk.enter(desk.form())
    new = machine_of("N888888", "PSD23456", seed="another life")
    issued = desk.issue("N888888", provisioning=file_of(new))
    assert issued.number == "KN0600002"


def test_lines_stand_in_a_file_and_are_answered(desk: LicenceDesk) -> None:
    """RMFS-34: License Issue and License Modification go from DoP to the OEM."""
    for number in range(3):
        desk.issue(f"N00000{number}")
    layout = shipped_layouts()["license-issue"]
    with desk.store.writing("test") as connection:
        waiting = changes.waiting(connection, "N", "license-issue")
        header: dict[str, Value] = {
            "file_id": "ISS-N-000001",
            "sender": "DCR",
            "receiver": "N",
            "sequence": 1,
            "business_date": MONDAY,
            "window": 1,
            "made_at": desk.now,
        }
        lines = [Line("licence", one.told) for one in waiting]
        octets = write_file(layout, header, lines)
        assert len(read_file(layout, octets).lines) == len(waiting)
        changes.put_in_file(connection, [one.id for one in waiting], "ISS-N-000001")
        assert not changes.waiting(connection, "N", "license-issue")
        with pytest.raises(InvariantError, match="stands in another file"):
            changes.put_in_file(connection, [waiting[0].id], "ISS-N-000002")
        refused = {waiting[1].line_id: ("LIC-01-001", "it is registered already")}
        changes.answered(connection, "ISS-N-000001", refused, desk.program)
        # The same answer again changes nothing.
        changes.answered(connection, "ISS-N-000001", {}, desk.program)
        told = [
            changes.of_licence(connection, f"N00000{number}")[0] for number in range(3)
        ]
        found = incidents.find_open(
            connection, IncidentKind.LINE_REFUSED, f"ISS-N-000001 {waiting[1].line_id}"
        )
    assert [one.outcome for one in told] == [
        ChangeOutcome.TAKEN,
        ChangeOutcome.REFUSED,
        ChangeOutcome.TAKEN,
    ]
    assert told[1].code == "LIC-01-001"
    assert found is not None
    assert found.licence == "N000001"


def test_a_line_that_was_refused_is_told_again_as_the_licence_is_now(
    desk: LicenceDesk,
) -> None:
    issued = desk.issue()
    with desk.store.writing("test") as connection:
        (line,) = changes.waiting(connection, "N", "license-issue")
        by = desk.by("authority")
        with pytest.raises(ConflictError, match="was not refused"):
            standing.again(connection, issued.identifier, line.id, by)
        changes.put_in_file(connection, [line.id], "ISS-N-000001")
        refused = {line.line_id: ("LIC-01-001", "no")}
        changes.answered(connection, "ISS-N-000001", refused, desk.program)
        standing.again(connection, issued.identifier, line.id, by)
        (again,) = changes.waiting(connection, "N", "license-issue")
        assert (again.values, again.id > line.id) == (line.values, True)
        with pytest.raises(ConflictError, match="as it is now"):
            standing.again(connection, issued.identifier, line.id, by)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 11, 16), date(2031, 11, 15)),
        (date(2027, 4, 1), date(2032, 3, 31)),
        (date(2028, 2, 29), date(2033, 2, 28)),
        (date(2028, 3, 1), date(2033, 2, 28)),
        (date(2026, 1, 1), date(2030, 12, 31)),
    ],
)
def test_a_period_is_five_years_less_a_day(first: date, last: date) -> None:
    assert last_day(first, 5) == last
    assert last_day(last + timedelta(days=1), 5) > last


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 10, 15), 3, date(2027, 1, 15)),
        (date(2026, 11, 15), 1, date(2026, 12, 15)),
        (date(2026, 1, 31), 0, date(2026, 1, 31)),
    ],
)
def test_months_later_is_the_same_day_or_the_last(
    day: date, months: int, later: date
) -> None:
    assert months_after(day, months) == later
