"""Credits that the ledger does not have: told and kept, refused, or never told of.

They are found from the machine's control total alone, which changes by a credit and by
nothing else: where it goes on, by how much, and whether somebody told of that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dop_gateway.downloads.model import DownloadFault, DownloadState
from dop_gateway.money.model import Cause, Credit, Entry, Explanation, Facts, Turn
from protocol.values import Paise, show_rupees

_CAUSES = {
    DownloadState.TAKEN: Cause.IN_FLIGHT,
    DownloadState.WAITING: Cause.NOT_REPORTED,
    DownloadState.UNPROVED: Cause.MACHINE_DISCREPANCY,
    DownloadState.UNFUNDED: Cause.IN_FLIGHT,
    DownloadState.BROKEN: Cause.MACHINE_DISCREPANCY,
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Credits between two that are known, of which nobody told so that we took it.

    Attributes:
        after: Number of the credit before.
        upto: Of the last one that is missing, as far as it is known.
        amount_paise: By how much CT changed.
    """

    after: int
    upto: int
    amount_paise: int


@dataclass(frozen=True, slots=True)
class Beyond:
    """What lies beyond the credits of the ledger.

    Attributes:
        held: Credits that are kept.
        gaps: Before them.
        number: Of the last of them, or of the ledger's.
        control_total_paise: Where CT is after it.
        unproved_paise: What people settled at the end, which the machine may not have.
    """

    held: tuple[Credit, ...]
    gaps: tuple[Gap, ...]
    number: int
    control_total_paise: int
    unproved_paise: int


def beyond(facts: Facts, takes: Callable[[Credit], bool]) -> Beyond:
    """Go on from the last credit of the ledger through those that are kept.

    Args:
        facts: Of a licence.
        takes: Which of the kept ones count.
    """
    number, reached = int(facts.taken_number), int(facts.taken_control_total_paise)
    held: list[Credit] = []
    gaps: list[Gap] = []
    unproved = 0
    for one in filter(takes, facts.held):
        before = one.control_total_paise - one.effect_paise
        if before != reached:
            gaps.append(Gap(number, max(one.number - 1, number), before - reached))
        held.append(one)
        number, reached = one.number, int(one.control_total_paise)
        proved = one.state is not DownloadState.UNPROVED
        unproved = 0 if proved else unproved + one.effect_paise
    return Beyond(tuple(held), tuple(gaps), number, reached, unproved)


def explained(
    facts: Facts, found: Beyond, sign: int, told: Turn
) -> Iterator[Explanation]:
    """Explain a difference by credits that the ledger does not have.

    Args:
        facts: Of the licence.
        found: Beyond the ledger.
        sign: 1 where a credit makes the difference greater, -1 where less.
        told: When the other side told of its balance.
    """
    for one in found.held:
        entry = Entry("recharge", one.reference, one.effect_paise)
        yield Explanation(
            held_cause(one),
            f"{named(one)}: {one.state.value}",
            sign * one.effect_paise,
            one.turn.made_at,
            (entry,),
        )
    for gap in found.gaps:
        yield from gap_explained(facts, gap, sign, told)


def gap_explained(
    facts: Facts, gap: Gap, sign: int, told: Turn
) -> Iterator[Explanation]:
    """Explain credits of which nobody told so that we took it.

    Lines that were refused account for what they tell, if there is one for each number;
    what is left nobody told of.
    """
    since = told.made_at
    refused = {
        one.number: one
        for one in facts.refused
        if gap.after < one.number <= max(gap.upto, gap.after + 1)
    }
    rest = gap.amount_paise
    if refused:
        is_all = len(refused) >= gap.upto - gap.after
        amount = rest if is_all else sum(one.effect_paise for one in refused.values())
        entries = tuple(
            Entry("refused line", one.reference, one.effect_paise)
            for one in refused.values()
        )
        words = (
            f"{_rs(amount)} behind recharge {gap.after}, told as no machine signed it"
        )
        cause = Cause.NOT_BELIEVED
        yield Explanation(cause, words, sign * amount, since, entries)
        rest -= amount
    if not rest:
        return
    made = facts.files.downloads
    if made is not None and not told.is_after(made):
        cause = Cause.NOT_REPORTED
        words = (
            f"{_rs(rest)} behind recharge {gap.after}, of which the maker told nothing"
        )
    else:
        cause = Cause.IN_FLIGHT
        words = f"{_rs(rest)} behind recharge {gap.after}, whose file has not come yet"
    yield Explanation(cause, words, sign * rest, since)


def _rs(amount: int) -> str:
    return show_rupees(Paise(abs(amount)))


def held_cause(one: Credit) -> Cause:
    """Say why a credit is kept, and not in the ledger."""
    if one.code == DownloadFault.BEYOND_FUNDS.code:
        return Cause.BEYOND_FUNDS
    return _CAUSES[one.state]


def named(one: Credit) -> str:
    """Name a credit, as in ``recharge 7 of Rs 500.00``."""
    return f"recharge {one.number} of {show_rupees(Paise(one.effect_paise))}"
