"""Lines of payments and entries of an account, held against each other (RMFS-15)."""

from datetime import date
from itertools import product
from typing import Any

import pytest

from dop_gateway.bank import judging
from dop_gateway.bank.judging import Judged, Key
from dop_gateway.bank.model import (
    TABLE,
    AmountsAgree,
    AmountsDiffer,
    DayClosed,
    Entered,
    FileId,
    Item,
    ItemState,
    Side,
    Told,
    ToldUnrealised,
)
from protocol.errors import NoTransitionError
from protocol.exchange import Line, Value

MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)
EVENTS = (AmountsAgree, AmountsDiffer, DayClosed, Entered, Told, ToldUnrealised)
S = ItemState
ROWS: dict[tuple[ItemState, Any], ItemState] = {
    (S.NEW, Told): S.TOLD,
    (S.NEW, ToldUnrealised): S.UNREALISED,
    (S.NEW, Entered): S.ENTERED,
    (S.TOLD, AmountsAgree): S.AGREED,
    (S.TOLD, AmountsDiffer): S.DIFFERS,
    (S.TOLD, DayClosed): S.NOT_IN_ACCOUNT,
    (S.UNREALISED, Told): S.TOLD,
    (S.UNREALISED, Entered): S.ENTERED,
    (S.ENTERED, AmountsAgree): S.AGREED,
    (S.ENTERED, AmountsDiffer): S.DIFFERS,
    (S.ENTERED, DayClosed): S.NOT_IN_FILE,
    (S.NOT_IN_ACCOUNT, AmountsAgree): S.AGREED,
    (S.NOT_IN_ACCOUNT, AmountsDiffer): S.DIFFERS,
    (S.NOT_IN_FILE, Told): S.NOT_IN_FILE,
}


def payment(reference: str = "R1", amount: int = 200_000, **more: Any) -> Line:
    values = {
        "line_id": "1",
        "licence": "N123456",
        "licence_number": None,
        "licensee": None,
        "amount_paise": amount,
        "mode": "NETBANKING",
        "value_date": MONDAY,
        "reference": reference,
        "branch": None,
        "instrument": None,
        "realised_on": None,
    }
    return Line("payment", {**values, **more})


def returned(reference: str = "R1", amount: int = -200_000) -> Line:
    values: dict[str, Value] = {
        "line_id": "9",
        "reference": reference,
        "amount_paise": amount,
        "returned_on": TUESDAY,
        "words": None,
    }
    return Line("returned", values)


def entry(reference: str = "R1", amount: int = 200_000, line: str = "1") -> Line:
    values: dict[str, Value] = {
        "line_id": line,
        "value_date": MONDAY,
        "amount_paise": amount,
        "reference": reference,
        "words": None,
    }
    return Line("entry", values)


def tell(*lines: Line, known: Any = (), day: date = MONDAY) -> Judged:
    return judging.tell(by_key(known), lines, FileId(1), day)


def enter(*lines: Line, known: Any = (), day: date = MONDAY) -> Judged:
    return judging.enter(by_key(known), lines, FileId(2), day)


def by_key(items: Any) -> dict[Key, Item]:
    return {(one.reference, one.side): one for one in items}


def only(judged: Judged) -> Item:
    (item,) = judged.items
    return item


@pytest.mark.parametrize(("state", "event"), list(product(ItemState, EVENTS)))
def test_every_state_answers_every_event_as_the_page_says(
    state: ItemState, event: type
) -> None:
    wanted = ROWS.get((state, event))
    if wanted is None:
        with pytest.raises(NoTransitionError):
            TABLE.row(state, event())
    else:
        assert TABLE.row(state, event()).to is wanted


def test_it_does_not_matter_which_file_comes_first() -> None:
    told_first = enter(entry(), known=tell(payment()).items)
    entered_first = tell(payment(), known=enter(entry()).items)
    for judged in (told_first, entered_first):
        item = only(judged)
        assert (item.state, item.captured.licence) == (S.AGREED, "N123456")


def test_a_cheque_without_its_realisation_is_named_and_waits_for_it() -> None:
    """RMFS-10."""
    early = tell(payment(mode="SBI_CHEQUE"))
    assert only(early).state is S.UNREALISED
    assert [one.kind.name for one in early.named] == ["LINE_REFUSED"]
    later = payment(mode="SBI_CHEQUE", realised_on=TUESDAY)
    told = tell(later, known=early.items, day=TUESDAY)
    assert (only(told).state, told.named) == (S.TOLD, ())
    agreed = enter(entry(), known=told.items, day=TUESDAY)
    assert only(agreed).captured.realised_on == TUESDAY


def test_money_for_a_cheque_that_is_not_realised_is_told_by_nobody() -> None:
    early = tell(payment(mode="SBI_CHEQUE"))
    item = only(enter(entry(), known=early.items))
    assert (item.state, item.told) == (S.ENTERED, None)
    assert judging.close(item).state is S.NOT_IN_FILE


def test_a_payment_that_was_booked_twice_is_a_difference_of_amounts() -> None:
    told = tell(payment())
    item = only(enter(entry(), entry(line="2"), known=told.items))
    assert item.state is S.DIFFERS
    named = judging.name(item)
    assert named is not None
    assert (named.kind.name, named.amount_paise) == ("BANK_AMOUNT", 200_000)


def test_an_entry_of_the_same_reference_on_another_day_is_an_item_of_its_own() -> None:
    agreed = enter(entry(), known=tell(payment()).items)
    again = only(enter(entry(), known=agreed.items, day=TUESDAY))
    assert (again.id, again.reference, again.state) == (
        *(None, "R1/20261117", S.ENTERED),
    )


def test_what_comes_in_and_what_goes_out_again_are_two_items() -> None:
    told = tell(payment(), returned())
    assert [one.side for one in told.items] == [Side.CREDIT, Side.DEBIT]
    both = enter(entry(), entry(amount=-200_000, line="2"), known=told.items)
    assert {one.state for one in both.items} == {S.AGREED}


def test_a_return_that_the_account_does_not_have_is_named() -> None:
    item = judging.close(only(tell(returned())))
    named = judging.name(item)
    assert named is not None
    assert (named.kind.name, named.subject) == ("BANK_NOT_IN_ACCOUNT", "R1 returned")
    assert "is taken back" in named.words


def test_a_line_of_nothing_is_named_and_an_entry_of_nothing_is_none() -> None:
    told = tell(payment(amount=0))
    assert (told.items, len(told.named)) == ((), 1)
    assert enter(entry(amount=0)).items == ()


def test_nothing_is_wrong_with_what_agrees() -> None:
    assert judging.name(only(enter(entry(), known=tell(payment()).items))) is None
