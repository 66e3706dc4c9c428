"""A licence is applied for, checked, approved and issued (domain notes, 6.2)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from dop_gateway import ledger
from dop_gateway.errors import (
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotFoundError,
    SamePersonError,
)
from dop_gateway.licences import (
    changes,
    deciding,
    history,
    makers,
    makers_store,
    store,
)
from dop_gateway.licences.application import (
    ApplicationState,
    Check,
    CheckItem,
    CheckResult,
    Scenario,
)
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.model import Body, CommercialAs, LicenceKind, MachineState
from dop_gateway.licences.tables import licence_serial
from dop_gateway.moves import IllegalMoveError, ObjectionError
from hw.entropy import SeededEntropy
from protocol.exchange import shipped_layouts
from protocol.keys import MakerKey, Realm
from protocol.messages import LicenceState
from tests.at_once import with_patience
from tests.licence_desk import (
    CLIENT,
    FEE,
    HOLDER,
    LATE_FEE,
    MONDAY,
    LicenceDesk,
    file_of,
    licence_desk_at,
    machine_of,
    receipt,
)

COMMERCIAL: dict[str, Any] = {
    "licence_kind": LicenceKind.COMMERCIAL,
    "commercial_as": CommercialAs.REGISTRAR,
    "clients": (CLIENT,),
}


@pytest.fixture
def desk(store_place: str) -> Iterator[LicenceDesk]:
    with licence_desk_at(store_place) as desk:
        yield desk


def pointers(refused: pytest.ExceptionInfo[InvalidError]) -> list[str]:
    return [one.pointer for one in refused.value.findings]


def test_a_licence_that_is_issued_has_number_period_keys_and_accounts(
    desk: LicenceDesk,
) -> None:
    issued = desk.issue()
    assert (issued.number, issued.state) == ("KN0600001", LicenceState.REGISTERED)
    assert issued.machine_state is MachineState.UNINSTALLED
    # Five years, the day of issue included.
    assert (issued.issued_on, issued.expires_on) == (MONDAY, date(2031, 11, 15))
    machine = machine_of("N123456")
    with desk.store.reading() as connection:
        registered = store.credential_of(connection, "N123456")
        balances = ledger.balances(connection, issued.identifier)
        assert store.find_many(connection, ["N123456", "N000000"]).keys() == {"N123456"}
        assert store.find_by_number(connection, issued.number) == issued
    assert registered is not None
    assert registered.machine == machine.credential
    assert registered.octets == machine.credential.ccs
    assert (balances.deposited, balances.machine) == (0, 0)


def test_its_maker_is_told_in_the_words_of_the_layout(desk: LicenceDesk) -> None:
    issued = desk.issue(**COMMERCIAL)
    with desk.store.reading() as connection:
        (line,) = changes.waiting(connection, "N", "license-issue")
    layout = shipped_layouts()["license-issue"].lines["licence"]
    assert line.told.keys() == {field.name for field in layout.told}
    for field in layout.told:
        value = line.told[field.name]
        assert field.blank or value is not None
        if value is not None:
            assert field.spelling.read(field.spelling.write(value)) == value
    assert line.values["licence_number"] == issued.number
    assert line.values["credential"] == machine_of("N123456").credential.ccs


def test_the_moves_of_an_application_are_kept_with_who_made_them(
    desk: LicenceDesk,
) -> None:
    issued = desk.issue()
    with desk.store.reading() as connection:
        made = history.of(connection, Axis.APPLICATION, str(issued.application))
    assert [(one.move, one.login) for one in made] == [
        ("ENTER", "operator"),
        ("CHECK", "operator"),
        ("SEND_OUT", "operator"),
        ("CONFIRM", "verifier"),
        ("APPROVE", "authority"),
    ]


def test_numbers_of_a_division_have_no_gaps(desk: LicenceDesk) -> None:
    desk.issue("N000001")
    ready = desk.ready(desk.form("N000002"))
    with desk.store.writing("test") as connection:
        makers.withdraw_model(connection, "N", "FM-1", MONDAY, desk.by("operator"))
    with pytest.raises(ConflictError, match="no approved model"):
        desk.approve(ready.id)
    with desk.store.writing("test") as connection:
        makers.approve_model(connection, "N", "FM-1", MONDAY, desk.by("operator"))
    assert desk.approve(ready.id).number == "KN0600002"


def test_numbers_that_are_taken_at_once_differ_and_have_no_gaps(
    desk: LicenceDesk,
) -> None:
    ready = [desk.ready(desk.form(f"N00000{number}")).id for number in range(8)]
    with_patience(desk.store)
    with ThreadPoolExecutor(4) as threads:
        issued = list(threads.map(desk.approve, ready))
    assert sorted(one.number for one in issued) == [
        f"KN0600{number:03d}" for number in range(1, 9)
    ]


def test_an_application_that_two_approve_at_once_is_issued_once(
    desk: LicenceDesk,
) -> None:
    one = desk.ready(desk.form())

    def approve(who: str) -> str:
        try:
            return desk.approve(one.id, who).number
        except IllegalMoveError:
            return "decided"

    with_patience(desk.store)
    with ThreadPoolExecutor(2) as threads:
        done = set(threads.map(approve, ("authority", "director")))
    assert done == {"KN0600001", "decided"}


def test_a_receipt_that_two_bring_at_once_pays_once(desk: LicenceDesk) -> None:
    paid = receipt(7)

    def bring(identifier: str) -> str:
        try:
            desk.enter(desk.form(identifier, receipt=paid))
        except (InvalidError, ConflictError):
            return "refused"
        return "taken"

    with_patience(desk.store)
    with ThreadPoolExecutor(2) as threads:
        done = sorted(threads.map(bring, ("N000001", "N000002")))
    assert done == ["refused", "taken"]


def test_a_division_that_has_given_all_numbers_gives_no_more(
    desk: LicenceDesk,
) -> None:
    ready = desk.ready(desk.form())
    with desk.store.writing("test") as connection:
        connection.execute(
            insert(licence_serial).values(division_code="KN06", last=99_999)
        )
    with pytest.raises(ConflictError, match="has given all its"):
        desk.approve(ready.id)


def test_who_entered_an_application_does_not_approve_it(desk: LicenceDesk) -> None:
    """GW-03: maker and checker are two people."""
    one = desk.ready(desk.form(scenario=Scenario.OPEN), "officer")
    with desk.store.writing("test") as connection:
        with pytest.raises(NotAllowedError):
            deciding.approve(connection, one.id, desk.by("operator"))
        both = replace(
            desk.by("officer"),
            actor=replace(
                desk.people["officer"], grants=desk.people["authority"].grants
            ),
        )
        with pytest.raises(SamePersonError):
            deciding.approve(connection, one.id, both)
    assert desk.approve(one.id).identifier == "N123456"


@pytest.mark.parametrize(
    ("who", "scenario", "error"),
    [
        ("officer", Scenario.NEW, InvalidError),
        ("operator", Scenario.OPEN, InvalidError),
        ("authority", Scenario.NEW, InvalidError),
        ("rival", Scenario.OPEN, NotFoundError),
        ("stranger", Scenario.NEW, NotFoundError),
    ],
)
def test_an_application_comes_from_paper_or_from_the_maker(
    desk: LicenceDesk, who: str, scenario: Scenario, error: type[Exception]
) -> None:
    with pytest.raises(error):
        desk.enter(desk.form(scenario=scenario), who)


def test_what_no_role_reaches_is_not_there(desk: LicenceDesk) -> None:
    one = desk.ready(desk.form())
    with pytest.raises(NotFoundError):
        desk.approve(one.id, "stranger")


Change = Callable[[LicenceDesk], dict[str, Any]]
WRONG: list[tuple[Change, list[str]]] = [
    (lambda _: {"identifier": "X12"}, ["/identifier"]),
    (lambda _: {"identifier": "Q123456"}, ["/identifier"]),
    (lambda _: {"identifier": "N999999"}, ["/provisioning"]),
    (lambda _: {"provisioning": b"{}"}, ["/provisioning"]),
    (
        lambda _: {"provisioning": file_of(machine_of("N123456", model="OTHER"))},
        ["/provisioning"],
    ),
    (lambda _: {"provisioning": None}, ["/provisioning"]),
    (lambda _: {"holder": None}, ["/holder"]),
    (lambda _: {"holder": replace(HOLDER, name="A|B")}, ["/holder/name"]),
    (lambda _: {"holder": replace(HOLDER, name=" A")}, ["/holder/name"]),
    (lambda _: {"holder": replace(HOLDER, address=())}, ["/holder/address"]),
    (
        lambda _: {"holder": replace(HOLDER, address=("a", "b\n", "c", "d"))},
        ["/holder/address", "/holder/address/1"],
    ),
    (lambda _: {"holder": replace(HOLDER, telephone="12")}, ["/holder/telephone"]),
    (lambda _: {"holder": replace(HOLDER, email="a@b")}, ["/holder/email"]),
    (lambda _: {"holder": replace(HOLDER, pin="56")}, ["/holder/pin", "/holder/pin"]),
    (lambda _: {"holder": replace(HOLDER, pin="563101")}, ["/holder/pin"]),
    (lambda _: {"licence_kind": LicenceKind.DEPARTMENTAL}, ["/licence_kind"]),
    (lambda _: {"licence_kind": LicenceKind.CLICK_CHARGE}, ["/licence_kind"]),
    (lambda _: {"holder": replace(HOLDER, body=Body.POSTS)}, ["/licence_kind"]),
    (
        lambda _: {"licence_kind": LicenceKind.COMMERCIAL},
        ["/commercial_as", "/clients"],
    ),
    (lambda _: {"clients": (CLIENT,)}, ["/clients"]),
    (
        lambda _: {
            **COMMERCIAL,
            "clients": (replace(CLIENT, name="", consented_on=date(2026, 11, 17)),),
        },
        ["/clients/0/name", "/clients/0/consented_on"],
    ),
    (lambda desk: {"office": desk.division.office_id}, ["/office"]),
    (lambda _: {"office": 9_999}, ["/office"]),
    (lambda _: {"office": 1}, ["/office"]),
    (lambda _: {"receipt": receipt(1, LATE_FEE)}, ["/receipt/amount"]),
    (
        lambda _: {"receipt": replace(receipt(1), number="FM1")},
        ["/receipt/number"],
    ),
    (
        lambda _: {"receipt": receipt(1, FEE, MONDAY + timedelta(days=1))},
        ["/receipt/paid_on"],
    ),
    (lambda _: {"licence": "N123456"}, ["/licence"]),
]


@pytest.mark.parametrize(("change", "told"), WRONG)
def test_everything_that_is_wrong_with_an_application_is_told(
    desk: LicenceDesk, change: Change, told: list[str]
) -> None:
    with pytest.raises(InvalidError) as refused:
        desk.enter(replace(desk.form(), **change(desk)))
    assert pointers(refused) == told


def test_a_file_that_another_maker_signed_is_refused(desk: LicenceDesk) -> None:
    forger = MakerKey.generate("Maker-N", Realm.TEST, SeededEntropy(b"forger"))
    with pytest.raises(InvalidError, match="the maker is not known here"):
        desk.enter(desk.form(provisioning=file_of(machine_of("N123456"), forger)))


def test_a_key_that_was_ended_signs_nothing_new(desk: LicenceDesk) -> None:
    one = desk.ready(desk.form())
    with desk.store.writing("test") as connection:
        (key,) = makers_store.keys(connection, "N")
        by = desk.by("operator")
        makers.end_key(connection, "N", key.public.fingerprint, by)
        with pytest.raises(NotFoundError):
            makers.end_key(connection, "N", key.public.fingerprint, by)
        with pytest.raises(ConflictError, match="or was"):
            makers.add_key(connection, "N", key.public, by)
    with pytest.raises(ConflictError, match="the maker is not known here"):
        desk.approve(one.id)


@pytest.mark.parametrize(
    ("today", "open_"), [(date(2024, 12, 15), True), (date(2024, 12, 16), False)]
)
def test_forbes_gets_no_new_licences_from_its_day_on(
    desk: LicenceDesk, today: date, open_: bool
) -> None:
    key = MakerKey.generate("Maker-F", Realm.TEST, SeededEntropy(b"maker F"))
    with desk.store.writing("test") as connection:
        makers.add_key(connection, "F", key.public, desk.by("operator"))
        makers.approve_model(
            connection, "F", "FM-1", date(2020, 1, 1), desk.by("operator")
        )
    desk.today = today
    form = desk.form("F000001", provisioning=file_of(machine_of("F000001"), key))
    if open_:
        assert desk.enter(form).maker == "F"
        return
    with pytest.raises(InvalidError, match="F gets no new licences"):
        desk.enter(form)


def test_a_receipt_pays_once_and_again_when_it_was_in_vain(desk: LicenceDesk) -> None:
    paid = receipt(7)
    first = desk.enter(desk.form("N000001", receipt=paid))
    with pytest.raises(InvalidError, match="pays for application"):
        desk.enter(desk.form("N000002", receipt=paid))
    with desk.store.writing("test") as connection:
        deciding.reject(connection, first.id, desk.by("authority"))
    assert desk.issue("N000002", receipt=paid).number == "KN0600001"


def test_one_application_waits_for_a_machine(desk: LicenceDesk) -> None:
    desk.enter(desk.form())
    with pytest.raises(ConflictError, match="waits already"):
        desk.enter(desk.form())


def test_an_identifier_and_a_psd_in_use_are_refused(desk: LicenceDesk) -> None:
    desk.issue()
    with pytest.raises(InvalidError, match="was given before"):
        desk.enter(desk.form())
    again = machine_of("N000002", "PSD23456")
    with pytest.raises(InvalidError, match="in use with N123456"):
        desk.enter(desk.form("N000002", provisioning=file_of(again)))


def test_an_application_is_judged_once_more_when_it_is_approved(
    desk: LicenceDesk,
) -> None:
    waits = desk.ready(
        desk.form("N000002", provisioning=file_of(machine_of("N000002", "PSD23456")))
    )
    desk.issue()
    with pytest.raises(ConflictError, match="in use with N123456"):
        desk.approve(waits.id)
    assert desk.state_of(waits.id) is ApplicationState.VERIFIED


@pytest.mark.parametrize("body", list(Body))
def test_only_private_licensees_are_verified_in_the_field(
    desk: LicenceDesk, body: Body
) -> None:
    kind = LicenceKind.DEPARTMENTAL if body is Body.POSTS else LicenceKind.INDIVIDUAL
    form = desk.form(holder=replace(HOLDER, body=body), licence_kind=kind)
    one = desk.check(desk.enter(form))
    if body is not Body.PRIVATE:
        assert desk.approve(one.id).kind.has_notional_credit is (body is Body.POSTS)
        return
    with pytest.raises(ObjectionError, match="send somebody out") as refused:
        desk.approve(one.id)
    assert refused.value.code == "not-verified"


def test_every_line_of_the_check_list_is_marked(desk: LicenceDesk) -> None:
    one = desk.enter(desk.form(scenario=Scenario.OPEN), "officer")

    def check(*checks: Check) -> None:
        with desk.store.writing("test") as connection:
            deciding.check(connection, one.id, checks, desk.by("authority"))

    satisfied = {item: Check(item, CheckResult.SATISFIED) for item in one.items}
    with pytest.raises(ObjectionError, match="not marked yet: GENUINENESS"):
        check(*list(satisfied.values())[1:])
    with pytest.raises(InvalidError, match="no line of ISSUE"):
        check(Check(CheckItem.OUT_OF_USE, CheckResult.SATISFIED))
    with pytest.raises(InvalidError, match="marked twice"):
        check(*satisfied.values(), satisfied[CheckItem.FEE])
    # The maker raised it: its papers have to be seen.
    satisfied[CheckItem.ORIGINALS] = Check(
        CheckItem.ORIGINALS, CheckResult.NOT_APPLICABLE
    )
    with pytest.raises(InvalidError, match="ORIGINALS applies here"):
        check(*satisfied.values())
    assert desk.check(one).state is ApplicationState.CHECKED


def test_what_is_wanting_in_the_field_is_looked_at_again_or_rejected(
    desk: LicenceDesk,
) -> None:
    one = desk.check(desk.enter(desk.form()))
    with desk.store.writing("test") as connection:
        deciding.send_out(connection, one.id, desk.by("operator"))
        with pytest.raises(InvalidError):
            deciding.object_to(connection, one.id, desk.by("verifier", " "))
        deciding.object_to(connection, one.id, desk.by("verifier", "nobody there"))
        deciding.send_out(connection, one.id, desk.by("operator"))
        deciding.object_to(connection, one.id, desk.by("verifier", "nobody there"))
        with pytest.raises(InvalidError):
            deciding.reject(connection, one.id, desk.by("authority", ""))
        rejected = deciding.reject(connection, one.id, desk.by("authority"))
    assert (rejected.state, rejected.ended_on) == (ApplicationState.REJECTED, MONDAY)


def test_who_brought_an_application_takes_it_back(desk: LicenceDesk) -> None:
    one = desk.enter(desk.form(scenario=Scenario.OPEN), "officer")
    with desk.store.writing("test") as connection:
        deciding.withdraw(connection, one.id, desk.by("officer"))
    assert desk.state_of(one.id) is ApplicationState.WITHDRAWN


def test_a_late_application_is_warned_of_once_with_the_reason(
    desk: LicenceDesk,
) -> None:
    one = desk.enter(desk.form())
    assert one.due_on == MONDAY + timedelta(days=10)
    with desk.store.writing("test") as connection:
        assert not deciding.warn_late(connection, one.due_on, desk.program, 10)
        explained = deciding.explain(
            connection, one.id, desk.by("authority", "papers are missing")
        )
        assert explained.delay == "papers are missing"
        late = one.due_on + timedelta(days=1)
        assert deciding.warn_late(connection, late, desk.program, 10) == 1
        assert not deciding.warn_late(connection, late, desk.program, 10)
