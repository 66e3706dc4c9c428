"""One licence, its maker and its machine, with everything that may go wrong between.

It is plain numbers: what truly happens, what each side is told of it, and from that the
`Facts` that the Department has. Mistakes are made on purpose, and kept by their name.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from dop_gateway.downloads.following import follow
from dop_gateway.downloads.model import (
    HELD,
    Chain,
    Download,
    DownloadFault,
    DownloadState,
)
from dop_gateway.ledger import Balances
from dop_gateway.money.model import (
    Cause,
    Credit,
    Documents,
    Facts,
    FundLine,
    MakerFiles,
    Registered,
    Snapshot,
    Turn,
    Word,
)
from protocol.registers import VoucherKind
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)

LICENCE = LicenceIdentifier("N123456")
NUMBER = LicenceNumber("KN0600001")
BEGAN = date(2026, 11, 16)
BEGAN_AT = 1_794_800_000
WINDOW_S = 14_400
ZERO = Paise(0)
NONE = RechargeNumber(0)


@dataclass
class Line:
    """A line of a fund file, as both sides see it."""

    id: int
    amount: int
    made_at: int
    file: int = 0
    sent_at: int = 0
    carried_out: bool = False
    answered_at: int | None = None


@dataclass
class Told:
    """A credit that came in a file."""

    download: Download
    turn: Turn
    state: DownloadState = DownloadState.WAITING
    code: str = ""


@dataclass
class Maker:
    """What is true at the maker and in the machine."""

    remaining: int = 0
    ascending: int = 0
    control_total: int = 0
    number: int = 0
    untold: list[Download] = field(default_factory=list)

    @property
    def descending(self) -> int:
        """What may still be franked."""
        return self.control_total - self.ascending


@dataclass
class World:
    """What happened so far.

    Attributes:
        window: How many windows there were.
        mistakes: Numbers of files or recharges by what was done to them.
    """

    maker: Maker = field(default_factory=Maker)
    window: int = 0
    lines: list[Line] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    refused: list[Told] = field(default_factory=list)
    brought: int = 0
    remaining: int = 0
    machine: int = 0
    used: int = 0
    told_ascending: int = 0
    snapshot: Snapshot | None = None
    word: Word | None = None
    files: MakerFiles = field(default_factory=MakerFiles)
    withheld: set[int] = field(default_factory=set)
    disbelieved: set[int] = field(default_factory=set)
    error: int = 0

    @property
    def now(self) -> EpochSeconds:
        """The moment of the last window."""
        return EpochSeconds(BEGAN_AT + self.window * WINDOW_S)

    @property
    def turn(self) -> Turn:
        """The last window."""
        day = BEGAN + timedelta(days=self.window // 3)
        return Turn(day, self.window % 3 + 1, self.now)

    # ── what truly happens ──────────────────────────────────────────────────────────

    def deposit(self, rupees: int) -> None:
        """Bring a deposit to the licence."""
        self.lines.append(Line(len(self.lines) + 1, rupees * 100, self.now))

    def recharge(self, rupees: int) -> None:
        """Let the machine take from its funds, as far as there are any."""
        amount = min(rupees * 100, self.maker.remaining)
        if amount:
            self._credit(VoucherKind.RECHARGE, amount)

    def withdraw(self) -> None:
        """Let the machine give back what it holds."""
        if self.maker.descending:
            self._credit(VoucherKind.WITHDRAWAL, self.maker.descending)

    def frank(self, paise: int) -> None:
        """Let the machine frank, as far as it can."""
        self.maker.ascending += min(paise, self.maker.descending)

    def _credit(self, kind: VoucherKind, amount: int) -> None:
        maker = self.maker
        effect = amount if kind is VoucherKind.RECHARGE else -amount
        maker.number += 1
        maker.remaining -= effect
        before, maker.control_total = maker.control_total, maker.control_total + effect
        maker.untold.append(
            Download(
                line_id=str(maker.number),
                licence=LICENCE,
                licence_number=NUMBER,
                number=RechargeNumber(maker.number),
                kind=kind,
                amount_paise=Paise(amount),
                at=self.now,
                control_total_before_paise=Paise(before),
                control_total_after_paise=Paise(maker.control_total),
                ascending_paise=Paise(maker.ascending),
                descending_paise=Paise(maker.descending),
                items=0,
                message=b"signed",
                binding=b"",
                voucher=b"",
            )
        )

    # ── a window, with what may go wrong in it ──────────────────────────────────────

    def exchange(
        self,
        *,
        fund_lost: bool = False,
        answer_lost: bool = False,
        withhold: bool = False,
        disbelieve: bool = False,
        twice: bool = False,
        downloads_lost: bool = False,
        usage_missing: bool = False,
        snapshot_error: int = 0,
        snapshot_missing: bool = False,
        down: bool = False,
    ) -> None:
        """Let both sides exchange their files.

        Args:
            fund_lost: The maker fetches fund files, and does not carry them out.
            answer_lost: Its acknowledgement gets lost.
            withhold: It leaves the first new credit out, for ever.
            disbelieve: It alters the first new credit.
            twice: It tells every credit twice.
            downloads_lost: The file of credits does not come in this window.
            usage_missing: The usage of this machine is left out.
            snapshot_error: The funds that it tells are wrong by so much.
            snapshot_missing: It tells no funds in this window.
            down: The maker does nothing in this window.
        """
        self.window += 1
        self._send()
        if down:
            return
        if not fund_lost:
            self._carry_out()
        if not downloads_lost:
            self._tell_credits(withhold=withhold, disbelieve=disbelieve, twice=twice)
        if not usage_missing:
            self._tell_usage()
        else:
            self.files = replace(self.files, usage=self.turn)
        if not snapshot_missing:
            self._tell_funds(snapshot_error)
        if not answer_lost:
            self._answer()
        self._follow()

    def _send(self) -> None:
        file = max((one.file for one in self.lines), default=0) + 1
        for one in self.lines:
            if not one.file:
                one.file, one.sent_at = file, self.now

    def _carry_out(self) -> None:
        for one in self.lines:
            if one.file and not one.carried_out:
                one.carried_out = True
                self.maker.remaining += one.amount

    def _tell_credits(self, *, withhold: bool, disbelieve: bool, twice: bool) -> None:
        new, self.maker.untold = self.maker.untold, []
        if new and withhold:
            self.withheld.add(new.pop(0).number)
        if new and disbelieve:
            self.disbelieved.add(new[0].number)
            self.refused.append(
                Told(new.pop(0), self.turn, DownloadState.REFUSED, "DWN-10-006")
            )
        known = {one.download.number for one in self.told}
        for one in [*new, *new] if twice else new:
            if one.number not in known:
                self.told.append(Told(one, self.turn))
                known.add(one.number)
        self.files = replace(self.files, downloads=self.turn)

    def _tell_usage(self) -> None:
        self.files = replace(self.files, usage=self.turn)
        if self.maker.number or self.maker.ascending:
            self.told_ascending = self.maker.ascending
            self.word = Word(
                Paise(self.maker.ascending),
                Paise(self.maker.descending),
                Paise(self.maker.control_total),
                RechargeNumber(self.maker.number),
                self.now,
                is_signed=True,
                turn=self.turn,
                reference="usage",
            )

    def _tell_funds(self, error: int) -> None:
        self.error = error
        self.files = replace(self.files, remaining=self.turn)
        self.snapshot = Snapshot(
            Paise(self.maker.remaining + error),
            ZERO,
            RechargeNumber(self.maker.number),
            Paise(self.maker.control_total),
            self.turn,
            "remaining funds",
            self.now,
        )

    def _answer(self) -> None:
        for one in self.lines:
            if one.carried_out and one.answered_at is None:
                one.answered_at = self.now
                self.brought += one.amount
                self.remaining += one.amount

    # ── what the Department makes of it ─────────────────────────────────────────────

    def chain(self) -> Chain:
        """Say how far credits are taken."""
        taken = [one for one in self.told if one.state is DownloadState.TAKEN]
        if not taken:
            return Chain(NONE, ZERO)
        last = taken[-1].download
        return Chain(last.number, last.control_total_after_paise)

    def _follow(self) -> None:
        waiting = [one for one in self.told if one.state is not DownloadState.TAKEN]
        deposited = sum(one.amount for one in self.lines if one.answered_at is None)
        followed = follow(
            [one.download for one in waiting],
            self.chain(),
            remaining_paise=self.remaining,
            machine_paise=self.machine,
            coming_paise=deposited,
        )
        for place, (one, state) in enumerate(
            zip(waiting, followed.states, strict=True)
        ):
            one.state = state
            objection = followed.objections.get(place)
            one.code = "" if objection is None else objection.fault.code
        self.remaining = followed.remaining_paise
        self.machine = followed.machine_paise
        postable = min(self.told_ascending - self.used, self.machine)
        self.used += postable
        self.machine -= postable

    def facts(self) -> Facts:
        """Give what the Department knows."""
        chain = self.chain()
        taken = [one for one in self.told if one.state is DownloadState.TAKEN]
        snapshot = self.snapshot
        since = None if snapshot is None else snapshot.turn
        return Facts(
            licence=LICENCE,
            maker="N",
            balances=Balances(
                Paise(sum(one.amount for one in self.lines if one.answered_at is None)),
                Paise(self.remaining),
                Paise(self.machine),
            ),
            documents=Documents(
                brought_paise=self.brought,
                answered_paise=self.brought,
                credited_paise=sum(one.download.effect_paise for one in taken),
                refunded_paise=0,
                given_up_paise=0,
                used_paise=self.used,
            ),
            registered=Registered(ZERO, ZERO, ZERO, NONE),
            taken_number=chain.number,
            taken_control_total_paise=chain.control_total_paise,
            told_ascending_paise=Paise(self.told_ascending),
            files=self.files,
            lines=tuple(
                _fund_line(one)
                for one in self.lines
                if one.answered_at is None
                or (snapshot is not None and one.answered_at >= snapshot.applied_at)
            ),
            held=tuple(_credit(one) for one in self.told if one.state in HELD),
            refused=tuple(
                _credit(one)
                for one in self.refused
                if one.download.number > chain.number
            ),
            lately=tuple(
                _credit(one)
                for one in taken
                if since is not None and one.turn.is_after(since)
            ),
            snapshot=snapshot,
            word=self._last_word(),
        )

    def _last_word(self) -> Word | None:
        """Give the last that the machine has signed: a dial-in, or a confirmation."""
        words = [] if self.word is None else [self.word]
        for one in self.told:
            of = one.download
            words.append(
                Word(
                    of.ascending_paise,
                    of.descending_paise,
                    of.control_total_after_paise,
                    of.number,
                    of.at,
                    is_signed=True,
                    turn=one.turn,
                    reference="recharge",
                )
            )
        return max(
            words, key=lambda one: (one.number or 0, one.ascending_paise), default=None
        )

    # ── what has to be named ────────────────────────────────────────────────────────

    def to_be_named(self) -> set[Cause]:
        """Say which causes the mistakes of this moment have to be given."""
        causes = set()
        late = [
            one
            for one in self.lines
            if one.file and one.answered_at is None and _answer_by(one) < self.now
        ]
        told = self.snapshot is not None and self.snapshot.turn == self.turn
        if told and any(one.carried_out for one in late):
            causes.add(Cause.LOST_ACKNOWLEDGEMENT)
        if told and any(not one.carried_out for one in late):
            causes.add(Cause.NOT_FETCHED)
        if told and self.error:
            causes.add(Cause.OEM_ERROR)
        seen = self._last_word()
        reached = self.chain().number
        heard = 0 if seen is None else seen.number or 0
        # Until the file of that window has come, it may be what is missing.
        complete = self.files.downloads == self.turn
        if complete and any(reached < one <= heard for one in self.withheld):
            causes.add(Cause.NOT_REPORTED)
        if any(reached < one <= heard for one in self.disbelieved):
            causes.add(Cause.NOT_BELIEVED)
        return causes


def _answer_by(one: Line) -> int:
    return one.sent_at + WINDOW_S


def _fund_line(one: Line) -> FundLine:
    return FundLine(
        id=str(one.id),
        amount_paise=one.amount,
        file_id=f"FND-{one.file}" if one.file else None,
        file=one.file,
        made_at=EpochSeconds(one.made_at),
        answer_by=EpochSeconds(_answer_by(one)) if one.file else None,
        answered_at=None if one.answered_at is None else EpochSeconds(one.answered_at),
    )


def _credit(one: Told) -> Credit:
    of = one.download
    return Credit(
        of.number,
        of.effect_paise,
        of.control_total_after_paise,
        one.state,
        one.code,
        f"CRD/{of.line_id}",
        one.turn,
    )


__all__ = ["DownloadFault", "World"]
