"""Why the firmware does not do what the operator asks: stable codes, words for people.

The PSD, the postage, the date and the dial-in have refusals of their own; all have a
`code` and `words`. Codes are ``module-function-number``: module FMW, function 01
memory, 03 printing, 12 operators.
"""

from typing import Protocol

from protocol.coded import Coded


class Refusal(Protocol):
    """What every refusal of a machine has, wherever it comes from."""

    @property
    def name(self) -> str:
        """Its name, for programs."""

    @property
    def code(self) -> str:
        """The stable code."""

    @property
    def words(self) -> str:
        """What the panel shows, and what to do next."""


class FirmwareRefusal(Coded):
    """Refusals of the firmware itself."""

    FLASH_NOT_FAULTY = (
        "FMW-01-005",
        "FLASH NOT FAULTY: a new one has no settings, tariffs or log; confirm it",
    )
    CONFIRM_VALUE = (
        "FMW-03-001",
        "HIGH VALUE: confirm it, or check weight and class",
    )
    NO_SLOGAN = ("FMW-03-002", "NO SUCH SLOGAN in this machine: choose another")
    SLOGAN_NOT_YOURS = (
        "FMW-03-003",
        "SLOGAN OF ANOTHER CUSTOMER: choose its department, or another slogan",
    )
    STOPPED = ("FMW-03-004", "SELF-TEST FAILED: switch off and call service")
    PRINT_UNFINISHED = (
        "FMW-03-005",
        "LAST FRANK NOT FINISHED, but accounted: switch off and on",
    )
    PIN_NEEDED = ("FMW-12-001", "PIN: enter the operator's PIN first")
    SUPERVISOR_NEEDED = ("FMW-12-002", "SUPERVISOR: enter the supervisor's PIN first")
    FUNDING_PIN_NEEDED = ("FMW-12-003", "FUNDING PIN: enter it before you recharge")
    DEPARTMENT_NEEDED = ("FMW-12-004", "DEPARTMENT: choose one first")
    DEPARTMENT_UNKNOWN = ("FMW-12-005", "NO SUCH DEPARTMENT: choose another")
    DEPARTMENT_LIMIT = (
        "FMW-12-006",
        "DEPARTMENT LIMIT reached: print a statement of mailing, or raise the limit",
    )
    NO_MAIL = ("FMW-12-007", "NOTHING FRANKED since the last statement of mailing")
    DEPARTMENT_MAIL = (
        "FMW-12-008",
        "DEPARTMENT HAS MAIL that no statement tells of: print a statement first",
    )
    NO_STATEMENT = (
        "FMW-12-009",
        "NO STATEMENT OF MAILING yet: frank, then print the first one",
    )
    NO_RECHARGE = ("FMW-12-010", "NO RECHARGE yet: dial in for one")
    MAIL_ROWS_LOST = (
        "FMW-12-011",
        "MAIL BEFORE IS STATED, ROWS LOST: ask the supervisor for a statement by total",
    )
