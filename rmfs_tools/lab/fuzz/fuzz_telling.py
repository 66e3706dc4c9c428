"""What a campaign says on the way, and at its end."""

import json
from typing import Any, Final

from hw.clock import MonotonicClock
from rmfs_tools.lab.fuzz.campaigning import Campaign, Found
from rmfs_tools.lab.fuzz.fuzz_folder import Row
from rmfs_tools.lab.screen import Screen

_TERMINAL_EVERY_S: Final = 0.2
_ELSEWHERE_EVERY_S: Final = 20.0


class CampaignProgress:
    """Says how far a campaign is: often on a terminal, elsewhere now and then."""

    def __init__(self, screen: Screen, clock: MonotonicClock) -> None:
        """Begin with nothing said.

        Args:
            screen: Shows it.
            clock: Real time.
        """
        self._screen = screen
        self._clock = clock
        self._every_s = _TERMINAL_EVERY_S if screen.is_terminal else _ELSEWHERE_EVERY_S
        self._said_s = clock.now()

    def played(self, campaign: Campaign) -> None:
        """Note that one more case was played."""
        now_s = self._clock.now()
        if now_s - self._said_s >= self._every_s:
            self._said_s = now_s
            self._screen.status(progress_words(campaign))

    def shrunk(self, found: Found) -> None:
        """Note that something was found, and that it is small now."""
        flaky = " (it did not happen again)" if found.flaky else ""
        self._screen.tell(
            f"found after {found.cases} cases: {found.finding}{flaky}; "
            f"{len(found.drawn.steps)} steps were made {len(found.case.steps)} "
            f"by playing {found.shrinks} more"
        )


def progress_words(campaign: Campaign) -> str:
    """Say how far a campaign is."""
    of = "" if campaign.goal is None else f" of {campaign.goal}"
    cells = campaign.coverage.counts
    return (
        f"round {campaign.rounds + 1}, case {campaign.cases}{of}, "
        f"{campaign.cases_per_s:.0f}/s, {cells.reached} of {cells.known} cells, "
        f"{len(campaign.known)} found"
    )


def summary(campaign: Campaign) -> dict[str, Any]:
    """Sum a campaign up for programs."""
    cells = campaign.coverage.counts
    return {
        "target": campaign.target,
        "seed": campaign.seed,
        "presets": list(campaign.presets),
        "rounds": campaign.rounds,
        "cases": campaign.cases,
        "shrinks": campaign.shrinks,
        "cases_per_s": round(campaign.cases_per_s, 1),
        "lasted_s": round(campaign.lasted_s, 1),
        "cells": {"reached": cells.reached, "known": cells.known},
        "findings": len(campaign.known),
        "interrupted": campaign.interrupted,
        "trouble": campaign.trouble,
    }


def summary_json(campaign: Campaign) -> str:
    """Sum a campaign up in one line for programs."""
    return json.dumps(summary(campaign), separators=(",", ":"))


def summary_words(campaign: Campaign) -> str:
    """Sum a campaign up in one line."""
    cells = campaign.coverage.counts
    findings = len(campaign.known)
    found = {0: "nothing found", 1: "1 finding"}.get(findings, f"{findings} findings")
    return (
        f"{found}: {campaign.cases} cases in {campaign.rounds} rounds, seed "
        f"{campaign.seed}, {campaign.cases_per_s:.0f} a second, "
        f"{cells.reached} of {cells.known} cells reached"
    )


def row_words(row: Row) -> str:
    """Show a finding in one line."""
    oracle, clause, _ = row.key
    flaky = "  (it did not happen again)" if row.flaky else ""
    return f"{row.name:13} {oracle:8}{clause:10}{row.reason}{flaky}"
