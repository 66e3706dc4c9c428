"""Every difference of a licence explained: pure, from what is known of it.

Rules of this module:

- An explanation stands on documents alone: lines of fund files, credits, snapshots,
  registers that a machine signed. The ledger is never asked what it knows of itself.
- So what is left over is exactly what the ledger has and the documents have not, or the
  other way round: a fault of our own, which nothing here can explain away.
- What a maker tells of its funds, its own acknowledgements and its machines' signatures
  can contradict one another. Then the maker is wrong, and the amount is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from dop_gateway.money.credits import (
    Beyond,
    Gap,
    beyond,
    explained,
    gap_explained,
    named,
)
from dop_gateway.money.machine import machine_difference
from dop_gateway.money.model import (
    Balance,
    Cause,
    Credit,
    Difference,
    Entry,
    Explanation,
    Facts,
    FundLine,
    LicenceReport,
    Snapshot,
)
from protocol.values import EpochSeconds, Paise, show_rupees


def explain(facts: Facts, now: EpochSeconds) -> LicenceReport:
    """Explain the three balances of a licence.

    Args:
        facts: What is known of it.
        now: What is overdue then.
    """
    fit = None if facts.snapshot is None else _fit(facts, facts.snapshot)
    differences = (
        _deposited(facts, fit, now),
        _remaining(facts, fit, now),
        machine_difference(facts, now),
    )
    return LicenceReport(facts.licence, facts.maker, facts.balances, differences)


@dataclass(frozen=True, slots=True)
class _Fit:
    """What a snapshot has to be taken for, so that its sums come out.

    Attributes:
        snapshot: What the maker tells.
        arrived: Number of the last fund file that it has carried out.
        sure: Explanations by credits that are known.
        gap: Credits that nobody told of, and that the sums need; None if they do not.
        refunded_paise: Of what was paid back, the maker still shows so much.
        rest_paise: What is left: the maker contradicts itself.
    """

    snapshot: Snapshot
    arrived: int
    sure: tuple[Explanation, ...]
    gap: Gap | None
    refunded_paise: int
    rest_paise: int


# ── deposited ───────────────────────────────────────────────────────────────────────


def _deposited(facts: Facts, fit: _Fit | None, now: EpochSeconds) -> Difference:
    """Hold what is deposited against nothing: each line of it waits for an answer."""
    arrived = _answered(facts) if fit is None else fit.arrived
    parts = (
        Explanation(
            _waits_for(line, arrived, now),
            _waiting_words(line, arrived, now),
            -line.amount_paise,
            line.made_at,
            (_entry(line),),
        )
        for line in facts.lines
        if line.is_deposited and line.answered_at is None and line.amount_paise > 0
    )
    return Difference(Balance.DEPOSITED, facts.balances.deposited, 0, tuple(parts))


def _waits_for(line: FundLine, arrived: int, now: EpochSeconds) -> Cause:
    if line.is_claimed:
        return Cause.CLAIM
    if line.file_id is None or not _is_overdue(line, now):
        return Cause.IN_FLIGHT
    is_there = line.file <= arrived
    return Cause.LOST_ACKNOWLEDGEMENT if is_there else Cause.NOT_FETCHED


def _waiting_words(line: FundLine, arrived: int, now: EpochSeconds) -> str:
    amount, file = show_rupees(Paise(line.amount_paise)), line.file_id
    if line.is_claimed:
        return f"{amount} in {file or 'no file'} were taken back by who paid"
    if file is None:
        return f"{amount} go into the next fund file"
    if not _is_overdue(line, now):
        return f"{amount} are in {file}, whose answer is not due yet"
    if line.file <= arrived:
        return f"the maker has the {amount} of {file}, and did not say so"
    return f"the maker has not carried out {file} with {amount}"


def _is_overdue(line: FundLine, now: EpochSeconds) -> bool:
    return line.answer_by is not None and line.answer_by < now


# ── remaining ───────────────────────────────────────────────────────────────────────


def _remaining(facts: Facts, fit: _Fit | None, now: EpochSeconds) -> Difference:
    """Hold what the maker tells of its funds against our books."""
    ours = facts.balances.remaining
    if fit is None:
        parts = tuple(_no_snapshot(facts, now))
        return Difference(Balance.REMAINING, ours, None, parts)
    snapshot = fit.snapshot
    since = snapshot.turn.made_at
    explanations = [
        *_lines_since(facts, fit.arrived, now),
        *fit.sure,
        *_taken_back(facts, snapshot),
    ]
    if fit.gap is not None:
        explanations += gap_explained(facts, fit.gap, -1, snapshot.turn)
    if fit.refunded_paise:
        amount = show_rupees(Paise(fit.refunded_paise))
        words = f"{amount} were paid back, and the maker still shows them"
        explanations.append(Explanation(Cause.REFUND, words, fit.refunded_paise, since))
    if fit.rest_paise:
        explanations.append(_contradiction(snapshot, fit.rest_paise))
    return Difference(Balance.REMAINING, ours, snapshot.held_paise, tuple(explanations))


def _no_snapshot(facts: Facts, now: EpochSeconds) -> Iterator[Explanation]:
    documents = _by_documents(facts)
    if not documents:
        return
    amount = show_rupees(Paise(documents))
    if facts.files.remaining is None:
        words = f"the maker has told no remaining funds yet: {amount} by our books"
        yield Explanation(Cause.IN_FLIGHT, words, -documents, now)
    else:
        words = f"the maker leaves the licence out, which has {amount} by our books"
        since = facts.files.remaining.made_at
        yield Explanation(Cause.OEM_ERROR, words, -documents, since)


def _contradiction(snapshot: Snapshot, rest: int) -> Explanation:
    more = "more" if rest > 0 else "less"
    words = (
        f"the maker tells {show_rupees(Paise(snapshot.held_paise))}, which is "
        f"{show_rupees(Paise(abs(rest)))} {more} than its own acknowledgements and "
        "what its machines signed leave"
    )
    entry = Entry("remaining funds", snapshot.reference, snapshot.held_paise)
    return Explanation(Cause.OEM_ERROR, words, rest, snapshot.turn.made_at, (entry,))


def _by_documents(facts: Facts) -> int:
    documents = facts.documents
    return documents.brought_paise - documents.credited_paise - documents.refunded_paise


def _fit(facts: Facts, snapshot: Snapshot) -> _Fit:
    """Find what a snapshot has to be taken for, the likeliest first.

    A maker carries fund files out in their turn. That those are in a snapshot that were
    answered, and no others, is the likeliest; but the last answers may be later than
    the snapshot, and a file may have been carried out whose answer is lost. Credits
    that nobody told of lower what remains; what was paid back may still be shown.
    """
    sure, gap = _credits_since(facts, snapshot)
    wanted = snapshot.held_paise - _by_documents(facts)
    wanted -= sum(one.amount_paise for one in sure)
    wanted -= _claimed(facts)
    missed = 0 if gap is None else gap.amount_paise
    refunded = facts.documents.refunded_paise
    answered = _answered(facts)
    files = sorted({one.file for one in facts.lines})
    places = (
        answered,
        *(one for one in files if one > answered),
        *(one for one in reversed(files) if one < answered),
        0,
    )
    for place, with_gap, with_refund in product(places, (0, 1), (0, 1)):
        shifted = sum(_shift(one, place) for one in facts.lines)
        if shifted - with_gap * missed + with_refund * refunded == wanted:
            used = gap if with_gap else None
            return _Fit(snapshot, place, sure, used, with_refund * refunded, 0)
    return _Fit(
        snapshot,
        answered,
        sure,
        gap,
        0,
        wanted + missed - sum(_shift(one, answered) for one in facts.lines),
    )


def _claimed(facts: Facts) -> int:
    return facts.documents.answered_paise - facts.documents.brought_paise


def _taken_back(facts: Facts, snapshot: Snapshot) -> Iterator[Explanation]:
    claimed = _claimed(facts)
    if claimed:
        amount = show_rupees(Paise(abs(claimed)))
        words = f"{amount} are being taken back, and answered by the maker in part"
        yield Explanation(Cause.CLAIM, words, claimed, snapshot.turn.made_at)


def _answered(facts: Facts) -> int:
    files = (one.file for one in facts.lines if one.answered_at is not None)
    return max(files, default=0)


def _shift(line: FundLine, arrived: int) -> int:
    """Say by how much a line makes a snapshot differ from our books."""
    is_there = 0 < line.file <= arrived
    is_ours = line.answered_at is not None
    return (is_there - is_ours) * line.amount_paise


def _lines_since(
    facts: Facts, arrived: int, now: EpochSeconds
) -> Iterator[Explanation]:
    for line in facts.lines:
        shift = _shift(line, arrived)
        if not shift:
            continue
        amount = show_rupees(Paise(abs(line.amount_paise)))
        cause = Cause.IN_FLIGHT
        if line.answered_at is not None:
            words = f"the maker answered {line.file_id} with {amount} since it told"
        else:
            words = f"the maker carried out {line.file_id} with {amount}, unanswered"
            if _is_overdue(line, now):
                cause = Cause.LOST_ACKNOWLEDGEMENT
        yield Explanation(cause, words, shift, line.made_at, (_entry(line),))


def _credits_since(
    facts: Facts, snapshot: Snapshot
) -> tuple[tuple[Explanation, ...], Gap | None]:
    """Explain a snapshot by credits that are known, and say what may be missing."""

    def is_in_it(one: Credit) -> bool:
        return not one.turn.is_after(snapshot.turn)

    found = beyond(facts, is_in_it)
    lately = tuple(
        Explanation(
            Cause.IN_FLIGHT,
            f"{named(one)} came since the maker told of its funds",
            one.effect_paise,
            one.turn.made_at,
            (Entry("recharge", one.reference, one.effect_paise),),
        )
        for one in facts.lately
    )
    held = explained(facts, found, -1, snapshot.turn)
    return (*lately, *held), _gap(facts, snapshot, found)


def _gap(facts: Facts, snapshot: Snapshot, found: Beyond) -> Gap | None:
    """Say what the machine's CT, as its maker tells it, has beyond what is known."""
    told = snapshot.control_total_paise
    if told is None:
        return None
    lately = sum(one.effect_paise for one in facts.lately)
    rise = told - (found.control_total_paise - lately)
    if rise in {0, -found.unproved_paise}:
        return None
    return Gap(found.number, snapshot.number, rise)


def _entry(line: FundLine) -> Entry:
    name = f"{line.file_id or 'next file'}/{line.id}"
    return Entry("fund line", name, line.amount_paise)
