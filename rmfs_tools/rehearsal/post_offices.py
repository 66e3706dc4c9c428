"""Who pays at counters of post offices in a rehearsal, and what goes wrong there.

The counters of every second Division are the gateway's own, those of the others are
behind the e-Payment Central Server: so both ways into the Department are walked.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from dop_gateway.deposits.model import DepositState
from dop_gateway.ledger import Source
from dop_gateway.offices.model import Office
from protocol.exchange import PaymentMode
from protocol.values import LicenceIdentifier, Paise
from rmfs_tools.rehearsal.central import CentralMistake, CentralServer
from rmfs_tools.rehearsal.counters import CounterMistake, Counters, Payer
from rmfs_tools.rehearsal.department import Department
from rmfs_tools.rehearsal.mistakes import TAKEN_BACK, DepositIs, Mistake
from rmfs_tools.simulation.dice import Dice

OfficeMistake = CounterMistake | CentralMistake

MISTAKES: Final[Sequence[OfficeMistake]] = (
    CounterMistake.CHEQUE_BOUNCED,
    CentralMistake.DOES_NOT_TALLY,
    CounterMistake.DRAFT_BOUNCED,
    *(one for one in CentralMistake if one is not CentralMistake.DOES_NOT_TALLY),
)
_MODES: Final = (PaymentMode.PO_CASH, PaymentMode.PO_CHEQUE, PaymentMode.PO_DRAFT)
_MODE_OF: Final[Mapping[OfficeMistake, PaymentMode]] = {
    CounterMistake.CHEQUE_BOUNCED: PaymentMode.PO_CHEQUE,
    CounterMistake.DRAFT_BOUNCED: PaymentMode.PO_DRAFT,
    CentralMistake.CHEQUE_BOUNCED: PaymentMode.PO_CHEQUE,
}
"""What has to be tendered for a mistake; for the others anything will do."""


class PostOffices:
    """All counters, and the mistakes that are made with what they take."""

    def __init__(self, department: Department, seed: int) -> None:
        """Begin with nobody who pays."""
        self._dice = Dice(seed, "counters")
        self._own = Counters(department)
        self._central = CentralServer(department, seed)
        divisions = department.divisions
        self._with_own = {one.office_id for one in divisions[::2]}
        self._payers: dict[LicenceIdentifier, Payer] = {}
        self._mistake: OfficeMistake | None = None
        self._struck = ""

    def know(self, payer: Payer) -> None:
        """Learn where a licensee pays."""
        self._payers[payer.licence.identifier] = payer

    def payer_for(
        self, mistake: OfficeMistake, licences: Sequence[LicenceIdentifier]
    ) -> LicenceIdentifier | None:
        """Find one of these licences at whose counter a mistake can be made."""
        own = isinstance(mistake, CounterMistake)
        fitting = [
            one for one in licences if self._has_own(self._payers[one].division) is own
        ]
        return self._dice.one_of(fitting) if fitting else None

    def pay(
        self,
        identifier: LicenceIdentifier,
        amount: Paise,
        day: date,
        mistake: OfficeMistake | None = None,
    ) -> None:
        """Let a licensee pay, in a way that is drawn unless a mistake needs one."""
        payer = self._payers[identifier]
        mode = self._dice.one_of(_MODES)
        if mistake is not None:
            mode = _MODE_OF.get(mistake, mode)
        if self._has_own(payer.division):
            bounces = isinstance(mistake, CounterMistake)
            number = self._own.take(payer, amount, mode, day, bounces=bounces)
        else:
            central = mistake if isinstance(mistake, CentralMistake) else None
            number = self._central.take(payer, amount, mode, day, central)
        if mistake is not None:
            self._mistake, self._struck = mistake, number

    def end(self, day: date) -> None:
        """Let treasurers and postmasters end a day."""
        self._own.end(day)

    def close_day(self, day: date) -> list[Mistake]:
        """Let the Central Server make its file; gives what went wrong on the day."""
        mistake, struck = self._mistake, self._struck
        self._mistake, self._struck = None, ""
        central = mistake if isinstance(mistake, CentralMistake) else None
        signs = self._central.close_day(day, central, struck)
        if isinstance(mistake, CounterMistake):
            # What a cheque says is no money before the bank has paid it (RMFS-10).
            is_cheque = mistake is CounterMistake.CHEQUE_BOUNCED
            never = frozenset({DepositState.AUTHENTICATED} if is_cheque else ())
            signs = [DepositIs(struck, TAKEN_BACK, Source.POST_OFFICE, never)]
        return [] if mistake is None else [Mistake(mistake.value, struck, signs)]

    def fetched(self, day: date) -> None:
        """Take what both tell, as at 22:00 of a day."""
        self._own.hand_over()
        self._central.fetched(day)

    def _has_own(self, division: Office) -> bool:
        return division.office_id in self._with_own
