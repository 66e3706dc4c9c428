"""Whatever happens and whatever goes wrong: every rupee is explained, and rightly."""

from dataclasses import replace
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dop_gateway.ledger import Balances
from dop_gateway.money.explaining import explain
from dop_gateway.money.model import Age, Cause, LicenceReport, ageing
from protocol.values import EpochSeconds, Paise
from tests.money_world import World

RUPEES: Final = st.integers(10, 60).map(lambda hundreds: hundreds * 100)
POSTAGE: Final = st.integers(5, 5_000).map(lambda rupees: rupees * 100)
ERRORS: Final = st.sampled_from([-7, 13, 31_337])
NO_MISTAKE: Final = {Cause.IN_FLIGHT}


def report_of(world: World) -> LicenceReport:
    """Explain what a world has come to."""
    return explain(world.facts(), world.now)


def named(world: World) -> set[Cause]:
    """Give the causes that are named."""
    return {one.cause for one in report_of(world).explanations if one.amount_paise}


class Life(RuleBasedStateMachine):
    """A licence to which everything may happen, in any order."""

    def __init__(self) -> None:
        """Begin with a licence that has nothing."""
        super().__init__()
        self.world = World()

    @rule(rupees=RUPEES)
    def deposit(self, rupees: int) -> None:
        """Bring a deposit."""
        self.world.deposit(rupees)

    @rule(rupees=RUPEES)
    def recharge(self, rupees: int) -> None:
        """Recharge the machine."""
        self.world.recharge(rupees)

    @rule(paise=POSTAGE)
    def frank(self, paise: int) -> None:
        """Frank."""
        self.world.frank(paise)

    @rule()
    def withdraw(self) -> None:
        """Give back what the machine holds."""
        self.world.withdraw()

    @rule()
    def exchange(self) -> None:
        """Exchange files as it should be."""
        self.world.exchange()

    @rule(
        mistake=st.sampled_from(
            [
                "fund_lost",
                "answer_lost",
                "withhold",
                "disbelieve",
                "twice",
                "downloads_lost",
                "usage_missing",
                "snapshot_missing",
                "down",
            ]
        )
    )
    def exchange_with_a_mistake(self, mistake: str) -> None:
        """Exchange files with one mistake."""
        flags = {mistake: True}
        self.world.exchange(**flags)

    @rule(error=ERRORS)
    def exchange_with_a_wrong_snapshot(self, error: int) -> None:
        """Exchange files, of which one tells other funds than there are."""
        self.world.exchange(snapshot_error=error)

    @invariant()
    def every_rupee_is_explained(self) -> None:
        """Nothing is left over, in none of the three balances."""
        report = report_of(self.world)
        assert report.unexplained_paise == 0
        for found in report.differences:
            total = sum(one.amount_paise for one in found.explanations)
            assert total == found.amount_paise

    @invariant()
    def every_mistake_is_named(self) -> None:
        """What was done on purpose is found, and called what it is."""
        missing = self.world.to_be_named() - named(self.world)
        assert not missing


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=30)
TestLife = Life.TestCase


def a_world() -> World:
    """Make a licence with Rs 5,000 at the maker, of which the machine has Rs 2,000."""
    world = World()
    world.deposit(5_000)
    world.exchange()
    world.recharge(2_000)
    world.frank(24_00)
    world.exchange()
    return world


def test_what_goes_well_needs_no_explanation() -> None:
    world = a_world()
    world.recharge(100)
    world.exchange()
    assert named(world) == set()
    assert [one.amount_paise for one in report_of(world).differences] == [0, 0, 0]


def test_a_deposit_on_its_way_is_in_flight() -> None:
    world = a_world()
    world.deposit(1_000)
    assert named(world) == NO_MISTAKE


def test_a_lost_acknowledgement_is_told_from_a_file_that_was_not_carried_out() -> None:
    for mistake, cause in (
        ("answer_lost", Cause.LOST_ACKNOWLEDGEMENT),
        ("fund_lost", Cause.NOT_FETCHED),
    ):
        world = a_world()
        world.deposit(1_000)
        for _ in range(3):
            flags = {mistake: True}
            world.exchange(**flags)
        assert named(world) == {cause}
        world.exchange()
        assert named(world) == set()


def test_a_credit_that_is_left_out_is_found_by_the_next_word_of_the_machine() -> None:
    world = a_world()
    world.recharge(300)
    world.exchange(withhold=True)
    assert named(world) == {Cause.NOT_REPORTED}
    amounts = [one.amount_paise for one in report_of(world).explanations]
    assert amounts == [-300_00, 300_00]


def test_a_credit_that_no_machine_signed_is_not_believed_and_named() -> None:
    world = a_world()
    world.recharge(300)
    world.exchange(disbelieve=True)
    assert named(world) == {Cause.NOT_BELIEVED}


def test_a_credit_told_twice_is_told_once() -> None:
    world = a_world()
    world.recharge(300)
    world.exchange(twice=True)
    assert named(world) == set()


def test_a_maker_that_contradicts_itself_is_wrong_by_the_amount_that_is_named() -> None:
    world = a_world()
    world.exchange(snapshot_error=-7)
    (found,) = report_of(world).explanations
    assert (found.cause, found.amount_paise) == (Cause.OEM_ERROR, -7)


def test_usage_that_is_left_out_is_found_by_the_next_confirmation() -> None:
    world = a_world()
    world.frank(50_00)
    world.recharge(100)
    world.exchange(usage_missing=True)
    assert named(world) == {Cause.USAGE_NOT_REPORTED}


def test_an_oem_that_is_down_leaves_everything_in_flight() -> None:
    world = a_world()
    world.recharge(100)
    world.exchange(down=True)
    assert named(world) == set()
    world.exchange(downloads_lost=True)
    assert named(world) == NO_MISTAKE


def test_a_fault_of_our_own_ledger_is_never_explained_away() -> None:
    world = a_world()
    world.remaining += 5
    world.machine -= 3
    report = report_of(world)
    assert report.unexplained_paise == 8


def test_a_statement_of_mailing_tells_what_was_franked_since_the_last_dial_in() -> None:
    world = a_world()
    facts = world.facts()
    assert facts.word is not None
    mailing = replace(
        facts.word,
        ascending_paise=Paise(facts.word.ascending_paise + 500),
        descending_paise=Paise(facts.word.descending_paise - 500),
        number=None,
        is_signed=False,
    )
    report = explain(replace(facts, mailing=mailing), world.now)
    (found,) = report.explanations
    assert (found.cause, found.amount_paise) == (Cause.IN_FLIGHT, -500)
    assert found.words == "Rs 5.00 were franked since the last dial-in"
    behind = replace(mailing, ascending_paise=Paise(1))
    assert explain(replace(facts, mailing=behind), world.now).explanations == ()


def test_registers_that_do_not_belong_together_are_the_machines_discrepancy() -> None:
    world = a_world()
    facts = world.facts()
    assert facts.word is not None
    word = replace(facts.word, descending_paise=Paise(7))
    report = explain(
        replace(facts, word=word, discrepancies=("discrepancy 3 of N: X",)), world.now
    )
    (found,) = report.explanations
    assert found.cause is Cause.MACHINE_DISCREPANCY
    assert found.words.endswith("discrepancy 3 of N: X")
    assert report.unexplained_paise == 0


def test_what_was_paid_back_after_cancellation_is_a_refund() -> None:
    world = a_world()
    facts = world.facts()
    held = facts.balances
    documents = replace(
        facts.documents, refunded_paise=held.remaining, given_up_paise=held.machine
    )
    empty = Balances(held.deposited, Paise(0), Paise(0))
    report = explain(replace(facts, balances=empty, documents=documents), world.now)
    assert report.unexplained_paise == 0
    assert [(one.cause, one.amount_paise) for one in report.explanations] == [
        (Cause.REFUND, held.remaining),
        (Cause.REFUND, held.machine),
    ]


def test_a_licence_that_a_maker_leaves_out_is_its_error() -> None:
    world = a_world()
    facts = world.facts()
    report = explain(replace(facts, snapshot=None), world.now)
    (found,) = report.explanations
    assert (found.cause, found.amount_paise) == (
        Cause.OEM_ERROR,
        -facts.balances.remaining,
    )


def test_what_is_explained_is_summed_by_its_age() -> None:
    world = a_world()
    world.deposit(1_000)
    explanations = report_of(world).explanations
    for days, expected in (
        (0, Age.UP_TO_1),
        (1, Age.UP_TO_1),
        (2, Age.UP_TO_3),
        (5, Age.UP_TO_7),
        (30, Age.UP_TO_30),
        (31, Age.OLDER),
    ):
        now = EpochSeconds(world.now + days * 86_400)
        sums = ageing(explanations, now)[Cause.IN_FLIGHT]
        assert {one: paise for one, paise in sums.items() if paise} == {
            expected: 100_000
        }
