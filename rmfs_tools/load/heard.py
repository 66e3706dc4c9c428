"""What machines have heard: counts that several processes and seconds add up to."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from fm_device.dial_in import DialInReport
from protocol.dialogue.machine import Outcome
from rmfs_tools.load.spread import Spread

BUSY: Final = "busy"
CONFIRMED: Final = Outcome.CONFIRMED.value


@dataclass(slots=True)
class Heard:
    """What became of dial-ins, each with its redials.

    Attributes:
        due: Came due.
        left_out: Of them those for which no machine was free.
        begun: Of them those that began.
        ended: How dial-ins ended, by kind.
        redials: Calls after the first of a dial-in.
        busy: How often the server said that it has too much to do.
        under_way: Dial-ins that have begun and not ended.
        waits: Of each that was confirmed, from the moment it came due to its end.
        late: From the moment that a dial-in came due to its beginning: what the
            processes that dial could not keep up with.
    """

    due: int = 0
    left_out: int = 0
    begun: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    redials: int = 0
    busy: int = 0
    under_way: int = 0
    waits: Spread = field(default_factory=Spread)
    late: Spread = field(default_factory=Spread)

    @property
    def confirmed(self) -> int:
        """Complete recharges."""
        return self.ended[CONFIRMED]

    @property
    def failed(self) -> int:
        """Dial-ins that ended otherwise."""
        return self.ended.total() - self.confirmed

    def beside(self, other: "Heard") -> None:
        """Add what others heard at the same time."""
        self._add(other)
        self.under_way += other.under_way

    def then(self, other: "Heard") -> None:
        """Add what was heard afterwards."""
        self._add(other)
        self.under_way = other.under_way

    def _add(self, other: "Heard") -> None:
        self.due += other.due
        self.left_out += other.left_out
        self.begun += other.begun
        self.ended.update(other.ended)
        self.redials += other.redials
        self.busy += other.busy
        self.waits.merge(other.waits)
        self.late.merge(other.late)

    def as_json(self) -> dict[str, Any]:
        """Give it to another process."""
        return {
            "due": self.due,
            "left_out": self.left_out,
            "begun": self.begun,
            "ended": dict(self.ended),
            "redials": self.redials,
            "busy": self.busy,
            "under_way": self.under_way,
            "waits": self.waits.as_json(),
            "late": self.late.as_json(),
        }

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> "Heard":
        """Take what another process has given."""
        return cls(
            **{
                **told,
                "ended": Counter(told["ended"]),
                "waits": Spread.of_json(told["waits"]),
                "late": Spread.of_json(told["late"]),
            }
        )


def kind_of(report: DialInReport) -> str:
    """Name how a dial-in ended, in few different words."""
    outcome = report.outcome
    if outcome in (Outcome.CONFIRMED, Outcome.INSPECTED):
        return str(outcome.value)
    if report.refusal is not None:
        return f"{outcome.value}: {report.refusal.code.name}"
    if report.server_is_busy:
        return BUSY
    if report.failure is not None:
        return f"{outcome.value}: {report.failure.code.name}"
    return f"{outcome.value}: {report.loss.cause.value}"
