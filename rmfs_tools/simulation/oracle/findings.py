"""What is found broken, each once, and how often a rare state was reached."""

from collections.abc import Iterable
from typing import Final

from rmfs_tools.simulation.oracle.properties import Property
from rmfs_tools.simulation.violations import Violation

RARE: Final[dict[str, str]] = {
    "debit lost to a power cut": "postage was taken and no frank came out",
    "write found at power-on": "a commit was whole though the power went during it",
    "pending kept over a power cut": "a request was still there at power-on",
    "voucher sent again": "the stored octets went out in another call",
    "voucher heard twice": "a machine heard the same octets in two calls",
    "voucher applied by two bodies": "a clone had the same voucher",
    "voucher applied again from an image": "the image was older than the voucher",
    "VOID applied": "the VOID came before its voucher",
    "voucher applied though a VOID was stored": "the voucher came before its VOID",
    "VOID settled": "the books followed the VOID",
    "recharge posted by statement": "the CONFIRMATION was lost",
    "recharge posted by confirmation": "the usual end",
    "refund posted by statement": "its CONFIRMATION was lost",
    "refund posted by confirmation": "the usual end",
    "withdrawal posted by statement": "its CONFIRMATION was lost",
    "withdrawal posted by confirmation": "the usual end",
    "older call superseded": "a STATEMENT was answered while an earlier call hung",
    "superseded call heard": "a machine's word came in by a call that had lost",
    "request refused and cleared": "a refusal ended a request",
    "request refused and kept": "a refusal left a request, for a voucher stood out",
    "new life": "a withdrawn machine began again under another licence",
    "clone frozen": "a licence with a clone was frozen",
    "image restored across a mark frozen": "an old image was found by mark or number",
    "forged registers frozen": "registers that never were have been found",
    "number ahead frozen": "a machine was ahead of its books",
    "frozen account refused": "a machine called while its account was frozen",
    "books restored": "an old backup was put back",
    "machine ahead of restored books posted": "a person posted what was presented",
    "person posted": "a freeze was ended by POST",
    "person reversed": "a freeze was ended by REVERSE",
    "person adopted": "a freeze was ended by ADOPT",
    "person kept": "a freeze was ended by KEEP",
    "person closed a former life": "an old copy held for in use what was withdrawn",
    "deposit corrected": "money was taken back by the Department",
    "cheat without a trace": "a cheat that no discrepancy has followed (REG-11)",
}
"""Rare states and what each means. A run that never reached one says so."""


class Findings:
    """Violations, each reported once for its subject, and counters of rare states."""

    def __init__(self) -> None:
        self._at_s = 0.0
        self._known: set[tuple[Property, str]] = set()
        self._new: list[Violation] = []
        self._counts = dict.fromkeys(RARE, 0)

    def begin(self, at_s: float) -> None:
        """Take the time of the event that is looked at now."""
        self._at_s = at_s

    def broken(self, broken: Property, subject: str, what: str) -> None:
        """Say that a property is broken.

        Args:
            broken: Which.
            subject: By whom: a body, a licence, a journal. A property is reported once
                for each subject.
            what: What was seen, and what was expected.
        """
        key = (broken, subject)
        if key not in self._known:
            self._known.add(key)
            self._new.append(Violation(self._at_s, broken.value, f"{subject}: {what}"))

    def reached(self, name: str) -> None:
        """Count a rare state; ``name`` is a key of `RARE`."""
        self._counts[name] += 1

    def take(self) -> list[Violation]:
        """Give what is new, and forget it."""
        if not self._new:
            return []
        new, self._new = self._new, []
        return new

    def counts(self, more: Iterable[tuple[str, int]] = ()) -> dict[str, int]:
        """Give all counters, with those that are counted elsewhere."""
        return {**self._counts, **dict(more)}
