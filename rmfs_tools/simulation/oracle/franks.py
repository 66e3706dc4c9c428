"""Postage that leaves a machine: each frank was debited before, once, when it might be.

Source:
    protocol/SPEC.md REG-2, REG-6.1; DLG-4.5, DLG-4.6.
"""

from rmfs_tools.simulation.observations import MachineStored
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.properties import Property

_NO_FRANKS = frozenset(
    {
        "UNINSTALLED",
        "INSTALLED",
        "BLOCKED",
        "LOCKED",
        "FAULT",
        "WITHDRAWN",
        "WITHHELD",
        "LOCKED_OUT",
    }
)


class Franks:
    """The debits and franks of one body.

    Args:
        body: Its name.
        findings: Where to report.
    """

    def __init__(self, body: str, findings: Findings) -> None:
        self._body = body
        self._findings = findings
        self._open_debit_paise: int | None = None

    def begin(self) -> None:
        """Begin to count anew."""
        self._open_debit_paise = None

    def power_came(self) -> None:
        """A debit whose frank did not come out before the power went is lost."""
        if self._open_debit_paise is not None:
            self._open_debit_paise = None
            self._findings.reached("debit lost to a power cut")

    def handed_out(self, value_paise: int) -> None:
        """Compare a frank with the debit that stands for it."""
        if self._open_debit_paise != value_paise:
            self._broken(
                Property.MONEY_3,
                f"a frank of {value_paise} came out, debited and open is "
                f"{self._open_debit_paise}",
            )
        self._open_debit_paise = None

    def expect_none(self, before: MachineStored, now: MachineStored) -> None:
        """A voucher moves DR and CT alone (REG-4)."""
        if _moved(before, now) != (0, 0, 0):
            self._broken(Property.MONEY_6, "AR or items moved together with a voucher")

    def debit(
        self, before: MachineStored, now: MachineStored, call: int | None
    ) -> None:
        """Look at what AR and items did in a commit without a voucher.

        Args:
            before: What was stored.
            now: What is stored.
            call: The dialogue that the machine is in, or None.
        """
        value, items, with_zero = moved = _moved(before, now)
        if moved == (0, 0, 0):
            return
        if with_zero != 1 or items != (1 if value else 0):
            self._broken(
                Property.MONEY_3,
                f"AR rose by {value} with {items} items and {with_zero} franks",
            )
        if self._open_debit_paise is not None:
            self._broken(
                Property.MONEY_3,
                f"debited {value} while {self._open_debit_paise} was not handed out",
            )
        self._open_debit_paise = value
        if now.powered_on:
            # The write was whole, and the power went before anything came out.
            self.power_came()
        if before.pending is not None and before.pending[0] != "RECHARGE":
            self._broken(Property.FRANK_1, f"franked while {before.pending} is pending")
        if call is not None:
            self._broken(Property.FRANK_2, f"franked in the dialogue of call {call}")
        if before.state in _NO_FRANKS:
            self._broken(Property.FRANK_3, f"franked in {before.state}")

    def _broken(self, broken: Property, what: str) -> None:
        self._findings.broken(broken, self._body, what)


def _moved(before: MachineStored, now: MachineStored) -> tuple[int, int, int]:
    return (
        now.ascending_paise - before.ascending_paise,
        now.items - before.items,
        now.items_with_zero - before.items_with_zero,
    )
