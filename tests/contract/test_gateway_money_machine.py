"""Whatever happens to money in the books, in whatever order, it is explained."""

from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from dop_gateway.money.model import Cause
from tests.money_desk import money_desk_at
from tests.money_office import MoneyOffice

MISTAKES = (
    *("", "", "down", "fund_lost", "answer_lost"),
    *("withhold", "disbelieve", "usage_missing"),
)
_RUPEES = st.sampled_from([1_000, 1_300, 2_100])
WINDOWS = st.lists(
    st.tuples(
        st.one_of(st.none(), _RUPEES),
        st.one_of(st.none(), st.sampled_from([100, 300, 900, 1_700])),
        st.one_of(st.none(), st.sampled_from([5, 24, 150])),
        st.sampled_from(MISTAKES),
        st.sampled_from([0, 0, 0, -7, 31_337]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=10)
@given(windows=WINDOWS)
def test_every_rupee_is_explained_after_every_window(
    windows: list[tuple[int | None, int | None, int | None, str, int]],
) -> None:
    with (
        TemporaryDirectory() as folder,
        money_desk_at(f"sqlite:///{folder}/store.sqlite") as (desk, machine),
    ):
        office = MoneyOffice(desk, machine)
        office.deposit(2_000)
        office.exchange()
        for deposit, recharge, franked, mistake, error in windows:
            if deposit:
                office.deposit(deposit)
            if recharge:
                office.recharge(recharge)
            if franked:
                office.frank(franked)
            office.exchange(mistake, error)
            named = office.named()
            told = mistake != "down"
            if told and error:
                assert Cause.OEM_ERROR in named
            if told and office.withheld:
                assert named & {Cause.NOT_REPORTED, Cause.NOT_BELIEVED}


def test_each_mistake_is_named_until_it_is_mended() -> None:
    with (
        TemporaryDirectory() as folder,
        money_desk_at(f"sqlite:///{folder}/store.sqlite") as (desk, machine),
    ):
        office = MoneyOffice(desk, machine)
        office.deposit(5_000)
        office.exchange()
        for mistake, cause in (
            ("answer_lost", Cause.LOST_ACKNOWLEDGEMENT),
            ("fund_lost", Cause.NOT_FETCHED),
        ):
            office.deposit(1_000)
            for _ in range(3):
                office.exchange(mistake)
            assert office.named() == {cause}
            office.exchange()
            assert office.named() == set()
        office.recharge(100)
        office.exchange("disbelieve")
        assert office.named() == {Cause.NOT_BELIEVED}
        office.recharge(300)
        office.exchange("withhold")
        assert office.named() == {Cause.NOT_BELIEVED, Cause.NOT_REPORTED}
