"""What a rehearsal has shown: mistakes with what was said of them, and all money."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from dop_gateway.money import reconciling
from dop_gateway.money.model import Cause
from dop_gateway.money.reconciling import Outcome
from hw.database.ledger_checks import Finding
from protocol.parameters import business_date
from protocol.values import Paise, show_rupees
from rmfs_server.store.verify import verify_books
from rmfs_tools.rehearsal.mistakes import Named, look_for
from rmfs_tools.rehearsal.playing import Played, Rehearsal

_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """The end of a rehearsal.

    Attributes:
        machines: How many there were.
        played: What was done.
        named: Every mistake that was put in, with what the gateway says of it.
        outcome: Of the last reconciliation.
        faults: What does not hold in the ledgers, the gateway's or a maker's.
        failed_jobs: Runs of jobs that did not end well, in words.
    """

    machines: int
    played: Played
    named: Sequence[Named]
    outcome: Outcome
    faults: Sequence[str]
    failed_jobs: Sequence[str]

    @property
    def unnamed(self) -> list[Named]:
        """Mistakes that the gateway has not found."""
        return [one for one in self.named if not one.is_named]

    @property
    def is_good(self) -> bool:
        """Whether every mistake was named and every paisa is explained."""
        clean = not (self.unnamed or self.faults or self.failed_jobs)
        return clean and self.outcome.unexplained_paise == 0

    def explained_paise(self) -> dict[Cause, int]:
        """Sum what the three balances differ by, by cause, whatever its sign."""
        found: dict[Cause, int] = {}
        for report in self.outcome.reports:
            for one in report.explanations:
                found[one.cause] = found.get(one.cause, 0) + abs(one.amount_paise)
        return found

    def summary(self) -> dict[str, Any]:
        """Give the last line for programs."""
        return {
            "machines": self.machines,
            "days": self.played.days,
            "injected": len(self.named),
            "named": len(self.named) - len(self.unnamed),
            "unexplained_paise": self.outcome.unexplained_paise,
        }

    def lists(self) -> list[dict[str, Any]]:
        """Give the lists before it: mistakes, differences, the whole."""
        mistakes = [
            {
                "mistake": one.mistake.name,
                "subject": one.mistake.subject,
                "named": one.is_named,
                "words": list(one.words),
            }
            for one in self.named
        ]
        differences = [
            {
                "licence": report.licence,
                "cause": one.cause.name,
                "amount_paise": one.amount_paise,
                "words": one.words,
            }
            for report in self.outcome.reports
            for one in report.explanations
        ]
        whole = {
            "played": asdict(self.played),
            "money": reconciling.shown_whole(self.outcome),
            "faults": list(self.faults),
            "failed_jobs": list(self.failed_jobs),
        }
        return [{"mistakes": mistakes}, {"differences": differences}, whole]

    def show(self, say: Callable[[str], None]) -> None:
        """Tell a person."""
        say("\nMistakes, and what the gateway says of them")
        for one in self.named:
            mark = "named" if one.is_named else "NOT NAMED"
            say(f"  {mark:9} {one.mistake.name}: {one.mistake.subject}")
            for words in one.words:
                say(f"              {words}")
            for sign in one.missing:
                say(f"              not found: {sign}")
        say("\nDifferences between the three balances, explained")
        for cause, paise in self.explained_paise().items():
            say(f"  {show_rupees(Paise(paise)):>16}  {cause.name}: {cause.value}")
        reports = self.outcome.reports
        shown = [one for report in reports for one in report.explanations]
        for explanation in shown[:_SHOWN_MAX]:
            say(f"  {explanation.words}")
        if len(shown) > _SHOWN_MAX:
            say(f"  … and {len(shown) - _SHOWN_MAX} more: --json tells all")
        for fault in (*self.faults, *self.failed_jobs):
            say(f"  WRONG: {fault}")
        played, money = self.played, Paise(self.played.deposited_paise)
        downloaded = Paise(played.downloaded_paise)
        say(
            f"\n{self.machines} machines, {played.days} days of which "
            f"{played.working_days} were worked: {played.deposits} deposits of "
            f"{show_rupees(money)}, {played.at_counters} of them at counters, "
            f"{played.dial_ins} dial-ins with {show_rupees(downloaded)} downloaded, "
            f"{played.franks} franks"
        )
        found = self.summary()
        say(
            f"{found['injected']} mistakes, {found['named']} named; unexplained: "
            f"{show_rupees(Paise(self.outcome.unexplained_paise))}"
        )


def look_back(rehearsal: Rehearsal) -> Shown:
    """Reconcile once more, look for every mistake, and check every ledger."""
    department = rehearsal.department
    by = department.program
    with department.parts.store.writing("reconcile") as connection:
        outcome = reconciling.reconcile(connection, business_date(by.now), by)
    with department.parts.store.reading() as connection:
        named = look_for(connection, rehearsal.mistakes)
        faults = [_told("gateway", one) for one in reconciling.verify(connection)]
    for maker in rehearsal.makers:
        rehearsal.played.franks += maker.fleet.franks
        with maker.store.reading() as connection:
            found = verify_books(connection)
        faults += [_told(f"maker {maker.letter}", one) for one in found]
    failed = [f"{one.name}: {one.words}" for one in department.failed]
    machines = len(rehearsal.licences)
    return Shown(machines, rehearsal.played, named, outcome, faults, failed)


def _told(where: str, finding: Finding) -> str:
    return f"{where}: {finding.subject}: {finding.rule}: {finding.detail}"
