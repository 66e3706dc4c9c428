"""What a reconciliation found, as JSON for programs and as lines for people."""

from collections.abc import Iterator
from typing import Any

from dop_gateway.money.model import Difference, Explanation, LicenceReport, age
from dop_gateway.money.reconciling import Outcome, shown_whole
from protocol.values import EpochSeconds, Paise, show_rupees


def shown_outcome(outcome: Outcome, now: EpochSeconds) -> dict[str, Any]:
    """Give a reconciliation as JSON."""
    return {
        "day": outcome.day.isoformat(),
        "licences": outcome.licences,
        "unexplained_paise": outcome.unexplained_paise,
        "reports": [shown_report(one, now) for one in outcome.reports],
        "whole": shown_whole(outcome),
    }


def shown_report(report: LicenceReport, now: EpochSeconds) -> dict[str, Any]:
    """Give what is explained of a licence as JSON."""
    return {
        "licence": report.licence,
        "maker": report.maker,
        "deposited_paise": report.balances.deposited,
        "remaining_paise": report.balances.remaining,
        "machine_paise": report.balances.machine,
        "unexplained_paise": report.unexplained_paise,
        "differences": [_difference(one, now) for one in report.differences],
    }


def lines(report: LicenceReport) -> Iterator[str]:
    """Tell of a licence, a line for each explanation."""
    for found in report.differences:
        for one in found.explanations:
            amount = show_rupees(Paise(one.amount_paise))
            yield (
                f"{report.licence} {found.balance.name} {one.cause.name} {amount}: "
                f"{one.words}"
            )
        if found.unexplained_paise:
            amount = show_rupees(Paise(found.unexplained_paise))
            yield f"{report.licence} {found.balance.name} UNEXPLAINED {amount}"


def _difference(found: Difference, now: EpochSeconds) -> dict[str, Any]:
    return {
        "balance": found.balance.name,
        "ours_paise": found.ours_paise,
        "told_paise": found.told_paise,
        "unexplained_paise": found.unexplained_paise,
        "explanations": [_explanation(one, now) for one in found.explanations],
    }


def _explanation(one: Explanation, now: EpochSeconds) -> dict[str, Any]:
    return {
        "cause": one.cause.name,
        "words": one.words,
        "amount_paise": one.amount_paise,
        "since": one.since,
        "age": age(one.since, now).label,
        "entries": [
            {"kind": of.kind, "id": of.id, "amount_paise": of.amount_paise}
            for of in one.entries
        ],
    }
