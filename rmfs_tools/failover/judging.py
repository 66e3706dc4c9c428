"""What must hold after a fall: what machines were granted is in the books, once.

It is plain values: `Dialled` and `Rested` are what machines saw and hold, `Booked` is
what the books of the new leader have. Whoever is to be judged takes no part in it.

Source: reliability notes, section 4.3, step 6.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

CONFIRMED: Final = "CONFIRMED"
IN_DOUBT: Final = "IN_DOUBT"


@dataclass(frozen=True, slots=True)
class Dialled:
    """A dial-in as its machine saw it.

    Attributes:
        at_s: When it ended, on the monotonic clock.
        took_s: How long it took.
        dial_in: Its number, counted by the machine.
        outcome: Name of the `Outcome`.
        number: Of the recharge that it brought, or None.
        paise: What it brought.
        why: What it failed by, or empty.
    """

    at_s: float
    took_s: float
    licence: str
    dial_in: int
    outcome: str
    number: int | None
    paise: int
    why: str


@dataclass(frozen=True, slots=True)
class Rested:
    """What a machine holds when all is over.

    Attributes:
        number: Of the recharge that it applied last.
        control_total_paise: All that it ever applied.
        refused: Why it did not come to rest, or empty.
    """

    licence: str
    number: int
    control_total_paise: int
    refused: str


@dataclass(frozen=True, slots=True)
class Booked:
    """A recharge in the books.

    Attributes:
        is_posted: It is booked as applied.
        dial_in: Number of the dial-in that asked for it; None if it is not known.
    """

    licence: str
    number: int
    paise: int
    is_posted: bool
    dial_in: int | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What there is, and what is wrong.

    Attributes:
        granted: Recharges that machines applied, ever.
        lost: Of them, those that the books do not have as applied.
        doubled: Recharges in the books that no machine applied, or more than once.
        found_again: Recharges whose dial-in ended without an answer although the books
            had it: the commit was in doubt, and a later dial-in found it by its number.
        faults: Everything that does not hold, in words.
    """

    granted: int
    lost: int
    doubled: int
    found_again: int
    faults: tuple[str, ...]


def judge(
    dialled: Iterable[Dialled], rested: Sequence[Rested], booked: Sequence[Booked]
) -> Judgement:
    """Hold what machines have against the books.

    Args:
        dialled: All dial-ins since the machines were new.
        rested: What each machine holds now.
        booked: All recharges in the books.
    """
    seen = list(dialled)
    brought = {(one.licence, one.dial_in): one.number for one in seen}
    granted = Counter(
        (one.licence, one.number, one.paise) for one in seen if one.number is not None
    )
    posted = Counter(
        (one.licence, one.number, one.paise) for one in booked if one.is_posted
    )
    missing, extra = granted - posted, posted - granted
    faults = [
        f"{licence}: recharge {number} of {paise} paise was granted, and is lost"
        for licence, number, paise in missing
    ]
    faults += [
        f"{licence}: recharge {number} of {paise} paise is booked, and was not applied"
        for licence, number, paise in extra
    ]
    faults += _unrest(rested, posted, granted)
    again = sum(
        brought.get((one.licence, one.dial_in), one.number) is None
        for one in booked
        if one.dial_in is not None and one.is_posted
    )
    return Judgement(
        granted=granted.total(),
        lost=missing.total(),
        doubled=extra.total(),
        found_again=again,
        faults=tuple(faults),
    )


def longest_gap_s(dialled: Iterable[Dialled], since_s: float, until_s: float) -> float:
    """Say for how long no recharge was complete, at the longest.

    Args:
        dialled: Dial-ins in any order.
        since_s: When the fault struck.
        until_s: When nobody was asked to recharge any more.
    """
    ends = (one.at_s for one in dialled if one.outcome == CONFIRMED)
    moments = sorted(at_s for at_s in ends if since_s < at_s < until_s)
    bounds = zip([since_s, *moments], [*moments, until_s], strict=True)
    return max(later - earlier for earlier, later in bounds)


def _unrest(
    rested: Sequence[Rested],
    posted: "Counter[tuple[str, int, int]]",
    granted: "Counter[tuple[str, int, int]]",
) -> Iterable[str]:
    in_books: Counter[str] = Counter()
    applied: Counter[str] = Counter()
    for totals, recharges in ((in_books, posted), (applied, granted)):
        for (licence, _, paise), times in recharges.items():
            totals[licence] += paise * times
    for one in rested:
        if one.refused:
            yield f"{one.licence}: did not come to rest: {one.refused}"
        if one.control_total_paise != applied[one.licence]:
            yield (
                f"{one.licence}: holds {one.control_total_paise} paise in all, and was "
                f"brought {applied[one.licence]}"
            )
        elif one.control_total_paise != in_books[one.licence]:
            yield (
                f"{one.licence}: holds {one.control_total_paise} paise in all, the "
                f"books say {in_books[one.licence]}"
            )
