"""A maker of a rehearsal that cheats, and what the gateway has to find of it.

Before the last window of a day one of its machines is given credit as always. Then the
maker tells otherwise than it was, or gave more than there was. Half of what it told
wrongly or kept back it tells rightly some days later, as if it had been caught: then
nothing of it may be left. The other half stays as it is: every night the difference has
to be explained.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from dop_gateway import ledger
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.money.model import Cause
from protocol.dialogue.machine import Outcome
from protocol.exchange import (
    DetailLine,
    FundFile,
    Line,
    PaymentMode,
    encode_fund_file,
)
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.funds import import_fund_file
from rmfs_server.store import licences, told_items
from rmfs_server.store.sent_files import SentFile
from rmfs_server.store.told_items import Remaining
from rmfs_tools.rehearsal import cooking
from rmfs_tools.rehearsal.cooking import CHANGE_PAISE, Lines
from rmfs_tools.rehearsal.department import Department
from rmfs_tools.rehearsal.hiding import Dial, Hiding
from rmfs_tools.rehearsal.maker import Maker
from rmfs_tools.rehearsal.mistakes import Explained, Incident, Mistake, Sign


class Cheat(Enum):
    """How a maker cheats, by the name that reports use."""

    KEEPS_CREDIT_BACK = "maker-keeps-credit-back"
    HIDES_CREDIT = "maker-hides-credit"
    TELLS_LESS = "maker-tells-less-credit"
    TELLS_MORE = "maker-tells-more-credit"
    INVENTS_CREDIT = "maker-invents-credit"
    BEYOND_FUNDS = "maker-credits-beyond-funds"
    KEEPS_USAGE_BACK = "maker-keeps-usage-back"
    TELLS_LESS_USAGE = "maker-tells-less-usage"
    KEEPS_FUNDS_BACK = "maker-keeps-funds-back"


_FIRST_PAISE: Final = 200_000
_THEN_PAISE: Final = 100_000
_FRANK_PAISE: Final = 5_000
_CLASS: Final = 3
_TRIES: Final = 8
_CAUGHT_AFTER: Final = 2
"""Working days after which a maker tells rightly what it told wrongly."""
_LAYOUTS: Final[Mapping[Cheat, str]] = {
    Cheat.KEEPS_USAGE_BACK: "usage",
    Cheat.TELLS_LESS_USAGE: "usage",
    Cheat.KEEPS_FUNDS_BACK: "remaining-fund",
}
"""Which file is changed; otherwise the one of credits."""
_TOLD_AGAIN: Final = frozenset(Cheat) - {
    Cheat.HIDES_CREDIT,
    Cheat.INVENTS_CREDIT,
    Cheat.BEYOND_FUNDS,
    Cheat.KEEPS_FUNDS_BACK,
}
_NEEDED: Final[Mapping[Cheat, int]] = {
    Cheat.BEYOND_FUNDS: _FIRST_PAISE,
    Cheat.KEEPS_FUNDS_BACK: _FIRST_PAISE + _THEN_PAISE + CHANGE_PAISE,
}
"""What a machine must have at the maker for it; otherwise two recharges."""
_CREDIT, _DIAL_IN, _BALANCE = "download", "dial_in", "balance"


class Cheating:
    """A maker that cheats now and then, each time with another machine.

    Attributes:
        caught: Machines of which it has told rightly what it told wrongly before.
    """

    def __init__(self, maker: Maker, department: Department) -> None:
        """Begin as an honest maker."""
        self.caught: list[LicenceIdentifier] = []
        self._maker = maker
        self._department = department
        self._victims: set[LicenceIdentifier] = set()
        self._now: tuple[Cheat, LicenceIdentifier] | None = None
        self._again: list[tuple[int, int, LicenceIdentifier]] = []
        self._told_wrongly = 0
        self._hiding = Hiding(maker, Cheat.HIDES_CREDIT.value)

    def prepare(self, cheat: Cheat | None, dial: Dial) -> None:
        """Have a machine credited of which the maker can then tell something else.

        Nothing comes of it if no machine can be credited. Nothing else goes wrong in
        this window: machines whose credits were hidden before show them now.
        """
        self._hiding.look_in(dial)
        if cheat is None:
            return
        able = self._candidates(_NEEDED.get(cheat, _FIRST_PAISE + _THEN_PAISE))
        found = next(
            (one for one in able if self._is_credited(cheat, one, dial)),
            None,
        )
        if found is not None:
            self._victims.add(found.licence)
            self._now = cheat, found.licence

    def tell_again(self, day: int) -> None:
        """Let the next files tell rightly what was told wrongly long enough ago.

        Args:
            day: Working days so far.
        """
        for one in [one for one in self._again if one[0] <= day]:
            _, file, licence = one
            with self._maker.store.writing("tell again") as connection:
                told_items.give_back(connection, file)
            self._again.remove(one)
            self.caught.append(licence)

    def before_session(self, day: int) -> list[Mistake]:
        """Make the files of this window and change what they tell, before they go.

        Args:
            day: Working days so far.

        Returns:
            What has to be found now.
        """
        if not self._maker.is_up or not (self._now or self._hiding.is_at_work):
            return []
        files = cooking.made_now(self._maker)
        mistakes = self._cheat(files, day)
        self._hiding.change(files)
        return mistakes + self._hiding.shown()

    def _cheat(self, files: Mapping[str, SentFile], day: int) -> list[Mistake]:
        if self._now is None:
            return []
        (cheat, licence), self._now = self._now, None
        file = files.get(_LAYOUTS.get(cheat, "credit-download"))
        if file is None:
            return []
        lines = cooking.lines_of(self._maker, file)
        line = next(
            found
            for record in (_CREDIT, _DIAL_IN, _BALANCE)
            if (found := cooking.last_of(lines, record, licence)) is not None
        )
        if cheat is not Cheat.BEYOND_FUNDS:
            cooking.cook(
                self._maker, file, lambda lines: self._changed(cheat, lines, licence)
            )
        if cheat is Cheat.HIDES_CREDIT:
            self._hiding.begin(licence, _THEN_PAISE)
            return []
        if cheat in _TOLD_AGAIN:
            self._told_wrongly += 1
            if self._told_wrongly % 2:
                self._again.append((day + _CAUGHT_AFTER, file.identity, licence))
        signs = self._signs(cheat, licence, line, file.file_id)
        return [Mistake(cheat.value, f"{licence} in {file.name}", signs)]

    def _candidates(self, needed: int) -> Sequence[Remaining]:
        with self._maker.store.reading() as connection:
            return [
                one
                for one in told_items.remaining(connection)
                if one.remaining_paise >= needed and one.licence not in self._victims
            ][:_TRIES]

    def _is_credited(self, cheat: Cheat, one: Remaining, dial: Dial) -> bool:
        amount = _FIRST_PAISE
        if cheat is Cheat.BEYOND_FUNDS:
            amount = self._invent_funds(one)
        if dial(one.licence, amount).outcome is not Outcome.CONFIRMED:
            return False
        if cheat is Cheat.BEYOND_FUNDS:
            return True
        self._maker.fleet.frank(one.licence, _FRANK_PAISE, _CLASS)
        return dial(one.licence, _THEN_PAISE).outcome is Outcome.CONFIRMED

    def _invent_funds(self, one: Remaining) -> Paise:
        """Bring more into the maker's books than the Department has ever told of."""
        with self._department.parts.store.reading() as connection:
            held = ledger.balances_of(connection, [one.licence])[one.licence]
        amount = Paise(held.deposited + held.remaining + CHANGE_PAISE)
        with self._maker.store.reading() as connection:
            known = licences.find(connection, one.licence)
        licensee = "" if known is None else known.licensee
        now = self._maker.clock.now()
        today = business_date(now)
        line = DetailLine(
            line_id="1",
            licence=one.licence,
            licence_number=one.number,
            licensee=licensee,
            amount_paise=amount,
            mode=PaymentMode.NETBANKING,
            value_date=today,
            available_from=today,
        )
        file_id = f"INVENTED-{one.licence}"
        file = FundFile.by_hand(file_id, self._maker.letter, today, (line,))
        import_fund_file(self._maker.store, encode_fund_file(file), now)
        return amount

    def _changed(self, cheat: Cheat, lines: Lines, licence: LicenceIdentifier) -> Lines:
        # A file has lines of one of these kinds.
        credit = cooking.last_of(lines, _CREDIT, licence)
        dial_in = cooking.last_of(lines, _DIAL_IN, licence)
        balance = cooking.last_of(lines, _BALANCE, licence)
        if cheat is Cheat.KEEPS_USAGE_BACK:
            return cooking.without(lines, _DIAL_IN, licence)
        if dial_in is not None:
            return cooking.with_less_usage(lines, dial_in, _FRANK_PAISE)
        if balance is not None:
            told: Any = balance.values["remaining_paise"]
            return cooking.put(lines, balance, remaining_paise=told - CHANGE_PAISE)
        if credit is None:
            return lines
        if cheat in {Cheat.KEEPS_CREDIT_BACK, Cheat.HIDES_CREDIT}:
            return cooking.without_line(lines, credit)
        if cheat is Cheat.INVENTS_CREDIT:
            return cooking.with_invented(self._maker, lines, credit)
        more = CHANGE_PAISE if cheat is Cheat.TELLS_MORE else -CHANGE_PAISE // 2
        return cooking.with_amount(lines, credit, more)

    def _signs(
        self, cheat: Cheat, licence: LicenceIdentifier, line: Line, file_id: str
    ) -> list[Sign]:
        today = business_date(self._maker.clock.now())
        told: Mapping[str, Any] = line.values
        number = told.get("recharge_number", 0)
        credit = f"{licence}:{number}"
        if cheat is Cheat.INVENTS_CREDIT:
            invented = f"{licence}:{number + 1}"
            return [Incident(IncidentKind.CREDIT_NOT_SIGNED, invented)]
        if cheat is Cheat.TELLS_LESS_USAGE:
            subject = f"{self._maker.letter}:{file_id}:{told['line_id']}"
            return [Incident(IncidentKind.USAGE_NOT_SIGNED, subject)]
        kind, subject, cause = {
            Cheat.KEEPS_CREDIT_BACK: (
                IncidentKind.CREDIT_NOT_REPORTED,
                licence,
                Cause.NOT_REPORTED,
            ),
            Cheat.BEYOND_FUNDS: (
                IncidentKind.CREDIT_BEYOND_FUNDS,
                credit,
                Cause.BEYOND_FUNDS,
            ),
            Cheat.KEEPS_USAGE_BACK: (
                IncidentKind.USAGE_NOT_REPORTED,
                licence,
                Cause.USAGE_NOT_REPORTED,
            ),
            Cheat.KEEPS_FUNDS_BACK: (
                IncidentKind.SNAPSHOT_WRONG,
                licence,
                Cause.OEM_ERROR,
            ),
        }.get(cheat, (IncidentKind.CREDIT_ALTERED, credit, Cause.NOT_BELIEVED))
        return [Incident(kind, subject), Explained(licence, cause, today)]
