"""The registers of one body: what a PSD may do to them, and what it may say of them.

A body is followed from the first time that its memory is seen. Every later sight of it
is one commit further, or, after a power cut, none or one that nobody saw. An image that
was put back begins a new count, and a body that states registers which it never had
(``forged``), or is a copy of one that did, is no PSD any more and is not followed.

Source:
    protocol/SPEC.md REG-1 to REG-4, REG-6, REG-10; DLG-4, DLG-6, DLG-7.
"""

from rmfs_tools.simulation.observations import MachineStored
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.franks import Franks
from rmfs_tools.simulation.oracle.messages import (
    CODE_USAGE_MISMATCH,
    PAISE_MAX,
    VOID,
    WITHDRAWAL,
    Confirmation,
    Goodbye,
    LastVoucher,
    Message,
    Receipt,
    Refusal,
    Statement,
    Voucher,
)
from rmfs_tools.simulation.oracle.properties import Property
from rmfs_tools.simulation.oracle.vouchers import Vouchers, voucher_of
from rmfs_tools.simulation.oracle.words import differs_from, registers

_COUNTERS_MAX = 2**32 - 1
_ZERO_MARK = bytes(8)


class Body:
    """One machine, as far as it is seen.

    Args:
        name: Of the body.
        stored: What was seen in its memory first.
        vouchers: All that the server has stored.
        findings: Where to report.
    """

    def __init__(
        self, name: str, stored: MachineStored, vouchers: Vouchers, findings: Findings
    ) -> None:
        self.name = name
        self.stored = stored
        self.forged = False
        self.suspect = False
        self.call: int | None = None
        self._wish: tuple[str, int] | None = None
        self._wishes_are_told = False
        self._vouchers = vouchers
        self._findings = findings
        self._franks = Franks(name, findings)
        self._lives = {stored.licence}
        self._image_awaited = False
        self._expected_paise = stored.control_total_paise
        self._heard_voucher: bytes | None = None
        self._heard_in = -1
        self._heard_mark: bytes | None = None
        self._heard_clearing = False
        self._last_applied: bytes | None = None
        self._dial_in = -1

    @property
    def licence(self) -> str:
        """Of its present life."""
        return self.stored.licence

    def wish(self, kind: str, amount_paise: int) -> None:
        """Remember what its operator asks for, until a voucher answers it."""
        self._wish = (kind, amount_paise)
        self._wishes_are_told = True

    def put_image_back(self) -> None:
        """Expect an older memory at the next sight."""
        self._image_awaited = True

    def store(self, now: MachineStored) -> None:
        """Compare what is stored now with what was stored before."""
        if self.forged:
            self.stored = now
            return
        before, self.stored = self.stored, now
        self._check_sum(now)
        if self._image_awaited:
            self._begin(now)
            return
        if now.powered_on:
            self._power_came(before, now)
        if self._went_back(before, now):
            self._begin(now)
        elif now.licence != before.licence:
            self._check_new_life(before, now)
        else:
            self._check_mark(before, now)
            number_rose = self._check_voucher(before, now)
            self._check_pending(before, now, number_rose=number_rose)
            if number_rose:
                self._franks.expect_none(before, now)
            else:
                self._franks.debit(before, now, self.call)
        if now.control_total_paise != self._expected_paise:
            self._broken(
                Property.MONEY_9,
                f"CT is {now.control_total_paise}, base and vouchers applied give "
                f"{self._expected_paise}",
            )

    def frank(self, value_paise: int) -> None:
        """Look at a frank that was handed out."""
        if not self.forged:
            self._franks.handed_out(value_paise)

    def hear(self, message: Message, octets: bytes, call: int) -> None:
        """Remember what the server told it."""
        if isinstance(message, Voucher):
            if octets == self._heard_voucher and call != self._heard_in:
                self._findings.reached("voucher heard twice")
            self._heard_voucher, self._heard_in = octets, call
        elif isinstance(message, Receipt):
            self._heard_mark = message.mark
        elif isinstance(message, Refusal) and message.code != CODE_USAGE_MISMATCH:
            self._answer_to_request(message)

    def say(self, message: Message, call: int) -> None:
        """Compare what it says with what it has stored."""
        if isinstance(message, Statement):
            self.call = call
        if self.forged:
            return
        differs = ""
        if isinstance(message, Statement):
            if message.dial_in <= self._dial_in:
                self._broken(
                    Property.ORDER_2,
                    f"dial-in {message.dial_in} after {self._dial_in}",
                )
            self._dial_in = message.dial_in
            differs = differs_from(self.stored, message)
        elif isinstance(message, Confirmation):
            differs = differs_from(self.stored, message)
        elif isinstance(message, Goodbye) and message.mark != self.stored.mark:
            differs = f"mark {message.mark.hex()}, stored {self.stored.mark.hex()}"
        elif isinstance(message, LastVoucher):
            applied = self._last_applied
            if applied is not None and message.voucher != applied:
                differs = "a voucher that it did not apply last"
        if differs:
            self._broken(Property.ORDER_1, f"{type(message).__name__}: {differs}")

    def _begin(self, stored: MachineStored) -> None:
        """Begin to count with what is stored now."""
        self._expected_paise = stored.control_total_paise
        self._franks.begin()
        self._image_awaited = False
        self._heard_voucher = self._heard_mark = self._last_applied = None
        self._heard_clearing = False
        self._dial_in = -1
        self.call = None

    def _broken(self, broken: Property, what: str) -> None:
        self._findings.broken(broken, self.name, what)

    def _check_sum(self, now: MachineStored) -> None:
        amounts = (now.ascending_paise, now.descending_paise, now.control_total_paise)
        if (
            now.ascending_paise + now.descending_paise != now.control_total_paise
            or not 0 <= now.items <= now.items_with_zero <= _COUNTERS_MAX
            or min(amounts) < 0
            or max(amounts) > PAISE_MAX
        ):
            self._broken(
                Property.MONEY_1,
                f"AR, DR, CT {amounts}, items {now.items} of {now.items_with_zero}",
            )

    def _power_came(self, before: MachineStored, now: MachineStored) -> None:
        self.call = None
        self._franks.power_came()
        if now.pending is not None and now.pending == before.pending:
            self._findings.reached("pending kept over a power cut")
        if registers(now) != registers(before) or now.pending != before.pending:
            self._findings.reached("write found at power-on")

    def _went_back(self, before: MachineStored, now: MachineStored) -> bool:
        """Say whether a register fell that never may (REG-3)."""
        fell = [
            f"{name} from {was} to {is_now}"
            for name, was, is_now in (
                ("AR", before.ascending_paise, now.ascending_paise),
                ("items", before.items, now.items),
                ("items with zero", before.items_with_zero, now.items_with_zero),
                ("number", before.number, now.number),
            )
            if is_now < was
        ]
        if fell:
            self._broken(Property.MONEY_2, f"went back: {', '.join(fell)}")
        return bool(fell)

    def _check_new_life(self, before: MachineStored, now: MachineStored) -> None:
        """REG-10: from WITHDRAWN, empty, everything goes on, a name never used."""
        fits = (
            before.state == "WITHDRAWN"
            and before.descending_paise == 0
            and registers(now) == registers(before)
            and now.pending is None
            and now.mark == _ZERO_MARK
            and now.licence not in self._lives
        )
        if not fits:
            self._broken(
                Property.LIFE_1,
                f"{before.licence} in {before.state} with DR {before.descending_paise} "
                f"became {now.licence}: {registers(before)} to {registers(now)}",
            )
        self._lives.add(now.licence)
        self._begin(now)
        self._findings.reached("new life")

    def _check_mark(self, before: MachineStored, now: MachineStored) -> None:
        if now.mark not in (before.mark, self._heard_mark):
            self._broken(
                Property.ORDER_3,
                f"mark {now.mark.hex()} is stored and no RECEIPT brought it",
            )

    def _check_voucher(self, before: MachineStored, now: MachineStored) -> bool:
        """Look at number and CT; say whether a voucher was applied."""
        rose = now.number - before.number
        change = now.control_total_paise - before.control_total_paise
        if rose == 0:
            if change:
                self._broken(Property.MONEY_4, f"CT moved by {change} without a number")
            return False
        voucher = voucher_of(self._heard_voucher) if self._heard_voucher else None
        if rose > 1 or voucher is None or self._heard_voucher is None:
            self._broken(
                Property.MONEY_4,
                f"number rose from {before.number} to {now.number}, voucher heard: "
                f"{voucher}",
            )
            self._expected_paise = now.control_total_paise
            return True
        self._expected_paise += voucher.effect_paise
        self._last_applied = self._heard_voucher
        self._check_origin(voucher, self._heard_voucher, now)
        self._check_fit(voucher, before, now)
        if voucher.kind == VOID:
            self._findings.reached("VOID applied")
        return True

    def _check_origin(
        self, voucher: Voucher, octets: bytes, now: MachineStored
    ) -> None:
        """Was it stored, is it for this PSD, was it applied once?"""
        if not self._vouchers.stored(octets):
            self._broken(Property.MONEY_5, f"applied {voucher}, which was never stored")
        credential = self._vouchers.credential(now.licence)
        if voucher.licence != now.licence or credential != voucher.credential_hash:
            self._broken(
                Property.MONEY_7,
                f"of {now.licence} applied a voucher for {voucher.licence}, "
                f"credential {voucher.credential_hash.hex()}",
            )
        before = self._vouchers.apply(octets, self.name)
        if before is None:
            return
        if not self.suspect:
            self._broken(
                Property.MONEY_8, f"applied {voucher}, which {before} had applied"
            )
        elif before == self.name:
            self._findings.reached("voucher applied again from an image")
        else:
            self._findings.reached("voucher applied by two bodies")

    def _check_fit(
        self, voucher: Voucher, before: MachineStored, now: MachineStored
    ) -> None:
        fits = (
            voucher.number == now.number
            and voucher.before_paise == before.control_total_paise
            and voucher.after_paise == now.control_total_paise
            and voucher.after_paise == voucher.before_paise + voucher.effect_paise
        )
        if voucher.kind == WITHDRAWAL:
            fits = fits and now.descending_paise == 0 and now.state == "WITHDRAWN"
        if not fits:
            self._broken(
                Property.MONEY_6,
                f"applied {voucher}: number {before.number} to {now.number}, CT "
                f"{before.control_total_paise} to {now.control_total_paise}, DR "
                f"{now.descending_paise}, {now.state}",
            )

    def _check_pending(
        self, before: MachineStored, now: MachineStored, *, number_rose: bool
    ) -> None:
        if number_rose:
            self._wish = None
            if now.pending is not None:
                self._broken(
                    Property.PENDING_2,
                    f"{now.pending} is left after voucher {now.number}",
                )
            return
        if before.pending is None:
            if now.pending is not None:
                self._heard_clearing = False
                self._check_wish(now.pending)
        elif now.pending != before.pending:
            if now.pending is not None or not self._heard_clearing:
                self._broken(
                    Property.PENDING_1,
                    f"{before.pending} became {now.pending} without voucher or refusal",
                )
            else:
                self._findings.reached("request refused and cleared")

    def _check_wish(self, pending: tuple[str, int]) -> None:
        if self._wishes_are_told and self._wish != pending:
            last = self._wish or "nothing since a voucher answered it"
            self._broken(
                Property.PENDING_4, f"{pending} is pending, its operator wished {last}"
            )

    def _answer_to_request(self, refusal: Refusal) -> None:
        if refusal.cleared:
            self._heard_clearing = True
        elif self.stored.pending is not None:
            self._findings.reached("request refused and kept")
