"""What the unit owes to a bench that is right, ignorable, or wrong in one way."""

import pytest

from hw.lab.fuzz.answers import owed_answer
from hw.lab.fuzz.oracles import Oracle
from hw.lab.fuzz.watching import Watch
from hw.lab.steps import parse_step
from hw.lab.taken import ENDED, Taken
from protocol.errors import ErrorCode
from protocol.link import Role
from protocol.messages import TABLE_OF, MessageType
from protocol.messages.codec import FieldValue


def came(name: str, **fields: FieldValue) -> Taken:
    if name == ENDED:
        return Taken(ENDED, wrong="closed")
    return Taken(name, b"\x05", b"\x00", TABLE_OF[MessageType[name]], fields)


def error(code: str) -> Taken:
    return Taken("ERROR", b"\x0e", error=ErrorCode[code])


STATEMENT = came(
    "STATEMENT",
    request=1,
    control_total_paise=0,
    amount_paise=20_000,
    recharge_number=0,
)


def watched(role: Role, *happened: str | Taken) -> list[str]:
    """Say what is found when steps are played and these things come."""
    watch = Watch(role)
    for one in happened:
        step = parse_step("take message" if isinstance(one, Taken) else one)
        watch.before(step, 0.0)
        watch.after(step, [one] if isinstance(one, Taken) else [], "", 0.0)
    return [f"{one.oracle.value} {one.clause}" for one in watch.findings]


def at_machine(*happened: str | Taken) -> list[str]:
    return watched(Role.MACHINE, "dial RECHARGE 20000", STATEMENT, *happened)


def at_server(*happened: str | Taken) -> list[str]:
    return watched(Role.SERVER, "dial RECHARGE 20000", *happened)


def test_a_machine_has_no_reason_to_complain_of_what_is_right() -> None:
    good = ("send VOUCHER", came("CONFIRMATION"), "send RECEIPT")
    assert at_machine(*good, came("GOODBYE"), came(ENDED)) == []
    assert at_machine(*good, error("MALFORMED")) == ["CLAUSE DLG-15"]
    assert at_machine(*good, came(ENDED)) == ["CLAUSE DLG-15"]


def test_what_must_be_ignored_is_no_reason_either() -> None:
    noise = "! octets noise=12"
    assert at_machine(noise, "send VOUCHER", came("CONFIRMATION")) == []
    assert at_machine(noise, error("MALFORMED")) == ["IGNORED LINK-1.3"]
    assert at_machine(noise, came(ENDED)) == ["IGNORED LINK-1.3"]
    confirmed = ("send VOUCHER", came("CONFIRMATION"), "! body 45aa")
    assert at_machine(*confirmed, error("UNEXPECTED")) == ["IGNORED DLG-2.2"]


def test_one_wrong_thing_is_owed_its_error_and_no_other() -> None:
    wrong = "send VOUCHER signature=wrong"
    assert at_machine(wrong, error("VOUCHER")) == []
    assert at_machine(wrong, error("MALFORMED")) == ["CLAUSE DLG-5.3"]
    assert at_machine(wrong, came("CONFIRMATION")) == ["CLAUSE DLG-5.3"]


@pytest.mark.parametrize(("request_kind", "asked"), [(0, 0), (1, 20_000), (4, 10_000)])
@pytest.mark.parametrize("text", ["send VOUCHER signature=wrong", "send VOUCHER"])
def test_a_voucher_that_ct_has_no_room_for_may_be_malformed(
    text: str, request_kind: int, asked: int
) -> None:
    """CT before and behind it are amounts like others (DLG-2.1)."""
    at_end = came(
        "STATEMENT",
        request=request_kind,
        control_total_paise=2**53 - 1,
        amount_paise=asked,
        recharge_number=1,
    )
    dialled = ("dial RECHARGE 20000", at_end, text)
    assert watched(Role.MACHINE, *dialled, error("MALFORMED")) == []


def test_behind_one_wrong_thing_nothing_more_is_owed() -> None:
    twice = ("send VOUCHER | flip=-1", "send VOUCHER | shorter=1")
    assert at_machine(*twice, error("MALFORMED")) == []
    assert at_machine("drop", came(ENDED)) == []


def test_who_was_silent_for_long_has_no_claim() -> None:
    watch = Watch(Role.MACHINE)
    for text, now_s in (("dial INSPECTION", 0.0), ("send RECEIPT", 70.0)):
        watch.before(parse_step(text), now_s)
        watch.after(parse_step(text), [], "", now_s)
    assert not watch.is_good


def test_an_honest_machine_is_never_frozen_by_a_server() -> None:
    frozen = came("REFUSAL", code=36, receipt_follows=0)
    assert at_server("send STATEMENT", frozen) == ["CLAUSE DLG-15"]
    assert at_server("send STATEMENT mark=wrong", frozen) == []


def test_what_was_reached_is_named_with_what_came_of_it() -> None:
    watch = Watch(Role.MACHINE)
    for one in ("dial RECHARGE 20000", STATEMENT, "send VOUCHER", came("CONFIRMATION")):
        step = parse_step("take message" if isinstance(one, Taken) else one)
        watch.before(step, 0.0)
        watch.after(step, [one] if isinstance(one, Taken) else [], "", 0.0)
    reached = {(one.state, one.event, one.reaction) for one in watch.cells}
    assert reached == {("stated", "VOUCHER", "CONFIRMATION")}


@pytest.mark.parametrize(
    ("text", "codes", "clause"),
    [
        ("send RECEIPT | shorter=1", {"MALFORMED"}, "DLG-2.1"),
        ("send RECEIPT funds_paise=9007199254740992", {"MALFORMED"}, "DLG-2.1"),
        ("send RECEIPT licence_state=9", {"MALFORMED"}, "DLG-2.1"),
        ("send RECEIPT | counter=+1", {"RECORD"}, "CHAN-6.4"),
        ("send RECEIPT | flip=-1", {"RECORD"}, "CHAN-6.3"),
        ("send VOUCHER signature=s-zero", {"VOUCHER"}, "DLG-5.3"),
        ("body ff00", set(), "DLG-2"),
    ],
)
def test_the_error_that_is_owed_follows_from_the_text(
    text: str, codes: set[str], clause: str
) -> None:
    owed = owed_answer(parse_step(text), Role.MACHINE, has_place=True)
    assert owed == (frozenset(codes), clause)


@pytest.mark.parametrize(
    "text",
    [
        "send RECEIPT",
        "send RECEIPT | counter=+0",
        "send VOUCHER signature=mirrored",
        "send VOUCHER amount_paise=+100",
        "send RECEIPT orders=+1",
        "body 45aabb",
        "drop",
    ],
)
def test_nothing_is_owed_where_the_books_decide_or_nothing_is_wrong(text: str) -> None:
    assert owed_answer(parse_step(text), Role.MACHINE, has_place=True) is None


def test_no_error_is_owed_to_what_may_be_an_error_itself() -> None:
    for text in ("send ORDER | type=0e", "send ORDER | octet=0:0e"):
        assert owed_answer(parse_step(text), Role.MACHINE, has_place=False) is None
    flipped = parse_step("send ORDER | flip=-1")
    assert owed_answer(flipped, Role.MACHINE, has_place=False) is not None


def test_the_oracles_have_the_names_that_files_hold() -> None:
    names = "ALIVE TIME MEMORY MONEY IGNORED SECRET CLAUSE"
    assert " ".join(one.value for one in Oracle) == names
