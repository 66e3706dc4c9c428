"""One licence in the books: its rows, what moves them, and who may move them.

A transaction is compared with the rows before it. What moves without a message that
explains it can only be a person's doing (REG-9): it is held as a claim until the next
event about the licence, which must be that the person did it.

Source:
    protocol/SPEC.md REG-5, REG-7 to REG-9; DLG-7.3, DLG-8.1.
"""

from collections import deque

from rmfs_tools.simulation.observations import (
    BooksCommitted,
    MachineRow,
    MachineStored,
    PersonResolved,
    Recharge,
)
from rmfs_tools.simulation.oracle.conversations import CONVERSATIONS_MAX, Conversation
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.judge import OPEN, Accepted, View, effect_of
from rmfs_tools.simulation.oracle.ledger import Ledger
from rmfs_tools.simulation.oracle.machine import Body
from rmfs_tools.simulation.oracle.messages import Statement
from rmfs_tools.simulation.oracle.properties import Property

_MARKS_KEPT = 8
_DIAL_INS_KEPT = 256
_CHEAT_FROZEN = {
    "clone": "clone frozen",
    "image restored": "image restored across a mark frozen",
    "forged": "forged registers frozen",
}
_RESOLVED = {
    "POST": "person posted",
    "REVERSE": "person reversed",
    "ADOPT": "person adopted",
    "KEEP": "person kept",
    "CLOSE": "person closed a former life",
}


class Licence:
    """What is known of one licence.

    Args:
        name: Its identifier.
        ledger: The balances.
        findings: Where to report.

    Attributes:
        ended: What its machine held as it began another life; None until it has.
    """

    def __init__(self, name: str, ledger: Ledger, findings: Findings) -> None:
        self.name = name
        self.row: MachineRow | None = None
        self.recharges: dict[int, Recharge] = {}
        self.bodies: dict[str, Body] = {}
        self.conversations: dict[int, Conversation] = {}
        self.accepted: Accepted | None = None
        self.ended: MachineStored | None = None
        self.opening_paise = 0
        self.reported = 0
        self.issued: deque[bytes] = deque(maxlen=_MARKS_KEPT)
        self.state = ""
        self.suspect = False
        self.restored = False
        self.usage_unsure = False
        self._open: dict[int, Recharge] = {}
        self._cheats: set[str] = set()
        self._ledger = ledger
        self._findings = findings
        self._accepted_in: dict[int, Accepted | None] = {}
        self._claims: list[tuple[Property, str]] = []
        self._persons = 0

    @property
    def honest(self) -> bool:
        """Nobody cheated, and its books are those that it knows."""
        return not (self.suspect or self.restored)

    @property
    def untraced(self) -> int:
        """How many kinds of cheat no discrepancy has followed."""
        return len(self._cheats)

    @property
    def open(self) -> Recharge | None:
        """The recharge that is outstanding; the last, should there be several."""
        return next(reversed(self._open.values())) if self._open else None

    def keep(self, row: Recharge) -> None:
        """Take a row about a recharge."""
        self.recharges[row.number] = row
        if row.state in OPEN:
            self._open[row.number] = row
        else:
            self._open.pop(row.number, None)

    def view(self) -> View | None:
        """Give the books as they are; None before it is enrolled."""
        if self.row is None:
            return None
        funds = self._ledger.balance("funds", self.name)
        return View(self.row, self.open, self.accepted, funds)

    def broken(self, broken: Property, what: str) -> None:
        """Report a property of this licence."""
        self._findings.broken(broken, self.name, what)

    def cheat(self, how: str) -> None:
        """Somebody cheated: from now on nothing is expected of its machines."""
        self.suspect = True
        self._cheats.add(how)
        for body in self.bodies.values():
            body.suspect = True

    def converse(self, call: int, statement: Statement) -> None:
        """Begin a call in which a STATEMENT came."""
        self.conversations[call] = Conversation(
            call, statement, self.view(), self.reported
        )

    def forgotten_calls(self) -> list[int]:
        """Drop the oldest calls beyond the bound, and name them."""
        dropped = []
        while len(self.conversations) > CONVERSATIONS_MAX:
            oldest = next(iter(self.conversations))
            del self.conversations[oldest]
            dropped.append(oldest)
        return dropped

    def claim(self, claims: list[tuple[Property, str]]) -> None:
        """Hold what only a person may have done, unless one was just named."""
        if claims and self._persons:
            self._persons -= 1
        else:
            self._claims.extend(claims)

    def expose(self) -> None:
        """Report the claims that no person has answered for."""
        if self._claims:
            for broken, what in self._claims:
                self.broken(broken, what)
            self._claims = []

    def hear(self) -> None:
        """A machine was heard: whatever a person did is done."""
        self.expose()
        self._persons = 0

    def person(self, event: PersonResolved) -> None:
        """A person resolved the freeze: claims that are held were theirs."""
        if self._claims:
            self._claims = []
        else:
            self._persons += 1
        if event.action in _RESOLVED:
            self._findings.reached(_RESOLVED[event.action])
        # What the server accepts as last registers now is not seen.
        self._accepted_in.clear()
        self.accepted = None
        if self.restored:
            self.issued.clear()

    def report(self, event: BooksCommitted, *, frozen_now: bool) -> None:
        """Take the discrepancies of a transaction, and the freezing in it."""
        codes = [code for name, code in event.discrepancies if name == self.name]
        if not codes and not frozen_now:
            return
        self.reported += len(codes)
        if not codes:
            self.broken(Property.FREEZE_3, "frozen, and no discrepancy reported")
        if self.row is None or not self.row.frozen:
            self.broken(Property.FREEZE_3, f"{codes} reported, and not frozen")
        usage_may_be_lost = self.usage_unsure and all(
            "39" in code or "USAGE" in code for code in codes
        )
        if self.honest and not usage_may_be_lost:
            self.broken(
                Property.FREEZE_2, f"honest, and frozen in {event.what} by {codes}"
            )
        for how in self._cheats:
            if how in _CHEAT_FROZEN:
                self._findings.reached(_CHEAT_FROZEN[how])
        self._cheats.clear()

    def enrol(self) -> None:
        """Take the base of the registers from the first row (REG-5)."""
        if self.row is not None and not self._ledger.balance("machine", self.name):
            self.opening_paise = self.row.control_total_paise

    def accept(self, dial_in: int, accepted: Accepted) -> None:
        """Take registers that the server has accepted."""
        self.accepted = accepted
        # A clone counts its dial-ins alike: which of the two a copy holds is not known.
        is_alone = self._accepted_in.pop(dial_in, accepted) == accepted
        self._accepted_in[dial_in] = accepted if is_alone else None
        if len(self._accepted_in) > _DIAL_INS_KEPT:
            del self._accepted_in[next(iter(self._accepted_in))]

    def begin(self, row: MachineRow, recharges: list[Recharge]) -> None:
        """Take the books with which a world begins."""
        self.row = row
        for one in recharges:
            self.keep(one)
        self.enrol()
        self.check_balances()

    def restore(self, row: MachineRow | None, recharges: list[Recharge]) -> None:
        """Take the books of a backup; calls do not outlive the server."""
        self.row = row
        self.recharges.clear()
        self._open.clear()
        for one in recharges:
            self.keep(one)
        self.conversations.clear()
        self.issued.clear()
        self.restored = True
        self.usage_unsure = True
        self.accepted = self._accepted_in.get(row.dial_in) if row else None
        if row is not None:
            self.check_balances()

    def check_balances(self) -> None:
        """LEDGER-5 to LEDGER-7: the ledger and the rows say the same."""
        row = self.row
        if row is None:
            return
        held = self._ledger.balance("machine", self.name) + self.opening_paise
        if held != row.control_total_paise:
            self.broken(
                Property.LEDGER_5,
                f"the machine account has {held}, the books expect CT "
                f"{row.control_total_paise}",
            )
        reserved = self._ledger.balance("reserved", self.name)
        wanted = sum(
            one.amount_paise for one in self._open.values() if one.kind == "RECHARGE"
        )
        if reserved != wanted:
            self.broken(
                Property.LEDGER_6, f"reserved {reserved}, open recharges {wanted}"
            )
        if len(self._open) > 1:
            self.broken(Property.LEDGER_7, f"open at once: {sorted(self._open)}")

    def check_bodies(self) -> None:
        """MONEY-10: an honest machine stands where its books have it."""
        if not self.honest or self.row is None:
            return
        may_be = {(self.row.number, self.row.control_total_paise)}
        out = self.open
        if out is not None:
            expected = self.row.control_total_paise
            may_be.add((out.number, expected + effect_of(out)))
            if out.void is not None:
                may_be.add((out.number, expected))
        for body in self.bodies.values():
            stored = body.stored
            if (stored.number, stored.control_total_paise) not in may_be:
                self.broken(
                    Property.MONEY_10,
                    f"{body.name} has number {stored.number} and CT "
                    f"{stored.control_total_paise}, its books allow {sorted(may_be)}",
                )
