"""One order for every machine in use, each in a transaction of its own.

A run that was cut off is run again: a machine whose last order is the same, and still
waits, is left out, and one that runs the firmware which is ordered or a newer one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from protocol.values import LicenceIdentifier, OrderSerial
from rmfs_server.administration import Administration
from rmfs_server.refusals import MoveRefusedError, NotNeededError


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What became of an order for all.

    Attributes:
        ordered: The serial under which each machine got it.
        waiting: Machines that are left out: it waits for them, or they have it.
        refused: Machines that did not get it, and why.
    """

    ordered: dict[LicenceIdentifier, OrderSerial] = field(default_factory=dict)
    waiting: list[LicenceIdentifier] = field(default_factory=list)
    refused: dict[LicenceIdentifier, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Tell a program."""
        return {
            "counts": {
                "ordered": len(self.ordered),
                "waiting": len(self.waiting),
                "refused": len(self.refused),
            },
            "ordered": [
                {"licence": licence, "serial": serial}
                for licence, serial in self.ordered.items()
            ],
            "waiting": self.waiting,
            "refused": [
                {"licence": licence, "reason": reason}
                for licence, reason in self.refused.items()
            ],
        }


def order_all(
    office: Administration,
    give: Callable[[LicenceIdentifier], OrderSerial],
    on_progress: Callable[[str], None],
) -> FleetReport:
    """Give an order to every machine in use.

    Args:
        office: Knows the machines.
        give: Gives it to one of them.
        on_progress: Told a line for each machine as soon as it is done.

    Raises:
        StoreError: The database failed; what was told before stands.
    """
    report = FleetReport()
    for licence in office.machines_in_use():
        try:
            report.ordered[licence] = serial = give(licence)
            on_progress(f"{licence}: order {serial}")
        except NotNeededError as error:
            report.waiting.append(licence)
            on_progress(f"{licence}: {error}")
        except MoveRefusedError as error:
            report.refused[licence] = str(error)
            on_progress(f"{licence}: refused: {error}")
    return report
