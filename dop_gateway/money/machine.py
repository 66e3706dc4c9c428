"""What a machine signed last, against what our books have in it."""

from collections.abc import Iterator

from dop_gateway.money.credits import Beyond, Gap, beyond, explained, gap_explained
from dop_gateway.money.model import (
    Balance,
    Cause,
    Credit,
    Difference,
    Entry,
    Explanation,
    Facts,
    Word,
)
from protocol.values import EpochSeconds, Paise, show_rupees


def machine_difference(facts: Facts, now: EpochSeconds) -> Difference:
    """Hold the descending register against our books.

    Args:
        facts: Of the licence.
        now: Stands for when something began, where that is not known.
    """
    ours, word = facts.balances.machine, _last(facts)
    documents = facts.documents.credited_paise - facts.documents.used_paise
    documents -= facts.documents.given_up_paise
    if word is None:
        parts: tuple[Explanation, ...] = ()
        if documents:
            words = "the machine has signed nothing that we took"
            parts = (Explanation(Cause.IN_FLIGHT, words, -documents, now),)
        return Difference(Balance.MACHINE, ours, None, parts)
    told = word.descending_paise - facts.registered.descending_paise
    explanations = [
        *_credits(facts, word),
        *_franked(facts, word),
        *_given_up(facts, word),
    ]
    rest = told - documents - sum(one.amount_paise for one in explanations)
    if rest:
        explanations.append(_disagrees(facts, word, rest))
    return Difference(Balance.MACHINE, ours, told, tuple(explanations))


def _last(facts: Facts) -> Word | None:
    """Give the last word: a Statement of Mailing counts where it is further on."""
    word, mailing = facts.word, facts.mailing
    if word is None or mailing is None:
        return word or mailing
    is_later = mailing.ascending_paise > word.ascending_paise
    return mailing if is_later else word


def _credits(facts: Facts, word: Word) -> Iterator[Explanation]:
    def is_in_it(one: Credit) -> bool:
        return word.number is None or one.number <= word.number

    found = beyond(facts, is_in_it)
    yield from explained(facts, found, 1, word.turn)
    rise = _rise(found, word)
    if rise:
        gap = Gap(found.number, word.number or found.number + 1, rise)
        yield from gap_explained(facts, gap, 1, word.turn)


def _rise(found: Beyond, word: Word) -> int:
    return word.control_total_paise - found.control_total_paise


def _franked(facts: Facts, word: Word) -> Iterator[Explanation]:
    """Explain what was franked and is not in the ledger as postage."""
    used = facts.documents.used_paise
    told = facts.told_ascending_paise - facts.registered.ascending_paise
    entry = Entry("registers", word.reference, word.ascending_paise)
    if told != used:
        words = (
            f"{_rs(told - used)} are told as franked, out of credit that is not here"
        )
        yield Explanation(Cause.IN_FLIGHT, words, used - told, word.at, (entry,))
    untold = word.ascending_paise - facts.told_ascending_paise
    if not untold:
        return
    made = facts.files.usage
    if untold < 0:
        cause = Cause.MACHINE_DISCREPANCY
        words = f"AR is {_rs(-untold)} less than it was before"
    elif not word.is_signed:
        cause = Cause.IN_FLIGHT
        words = f"{_rs(untold)} were franked since the last dial-in"
    elif made is not None and not word.turn.is_after(made):
        cause = Cause.USAGE_NOT_REPORTED
        words = f"{_rs(untold)} were franked of which the maker told no usage"
    else:
        cause = Cause.IN_FLIGHT
        words = f"{_rs(untold)} were franked, and the usage file has not come yet"
    yield Explanation(cause, words, -untold, word.at, (entry,))


def _given_up(facts: Facts, word: Word) -> Iterator[Explanation]:
    amount = facts.documents.given_up_paise
    if amount:
        words = f"{_rs(amount)} were paid back, and the cancelled machine shows them"
        yield Explanation(Cause.REFUND, words, amount, word.at)


def _disagrees(facts: Facts, word: Word, rest: int) -> Explanation:
    words = (
        f"AR {_rs(word.ascending_paise)}, DR {_rs(word.descending_paise)} and CT "
        f"{_rs(word.control_total_paise)} do not belong together"
    )
    if facts.discrepancies:
        words = f"{words}; {facts.discrepancies[-1]}"
    entry = Entry("registers", word.reference, word.descending_paise)
    return Explanation(Cause.MACHINE_DISCREPANCY, words, rest, word.at, (entry,))


def _rs(amount: int) -> str:
    return show_rupees(Paise(amount))
