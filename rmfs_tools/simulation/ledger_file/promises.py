"""What had been promised when the power failed, held against what was recovered."""

from bisect import bisect_right
from collections.abc import Container
from enum import Enum

from rmfs_tools.simulation.ledger_file.examine import Recovered
from rmfs_tools.simulation.ledger_file.record import Record


class Fault(Enum):
    """What can be wrong with what was recovered; a state counts under the first."""

    CORRUPT = "SQLite says so, or a row refers to none"
    HALF = "the rows are not those between two transactions"
    LOST = "an acknowledged transaction is missing"
    SENT_WITHOUT_ROW = "a voucher was sent, and no row has it"
    UNBALANCED = "the product's own check of the books finds something"


class Promises:
    """The transactions of a record, by the moment of a power failure."""

    def __init__(self, record: Record) -> None:
        """Take them from a record."""
        self._begun = [one.begun for one in record.commits]
        self._acknowledged = [one.acknowledged for one in record.commits]
        self._names = [one.name for one in record.commits]
        self._sent = record.sent
        self._sent_after = [one.after for one in record.sent]
        self._places: dict[bytes, list[int]] = {record.content: [0]}
        for place, one in enumerate(record.commits, start=1):
            self._places.setdefault(one.content, []).append(place)

    @property
    def contents(self) -> Container[bytes]:
        """The digests that the rows had between two transactions."""
        return self._places

    def broken(self, done: int, recovered: Recovered) -> tuple[Fault, str] | None:
        """Say which promise is broken, if one is.

        Args:
            done: So many operations were done when the power failed.
            recovered: What was found.
        """
        if recovered.corrupt is not None:
            return Fault.CORRUPT, recovered.corrupt
        # A transaction may be there from the moment on when its COMMIT was said.
        latest = bisect_right(self._begun, done)
        promised = bisect_right(self._acknowledged, done)
        places = [
            place
            for place in self._places.get(recovered.content, [])
            if place <= latest
        ]
        if not places:
            return Fault.HALF, f"such rows never were; {promised} were acknowledged"
        found = max(places)
        if found < promised:
            missing = self._names[found:promised]
            return Fault.LOST, f"acknowledged and missing: {', '.join(missing)}"
        for sent in self._sent[: bisect_right(self._sent_after, done)]:
            if sent.octets not in recovered.sent:
                what = f"sent after operation {sent.after}: {sent.octets.hex()}"
                return Fault.SENT_WITHOUT_ROW, what
        if recovered.findings:
            return Fault.UNBALANCED, "; ".join(recovered.findings)
        return None
