"""One story, cut at one point after the other, and redialled until all is quiet.

Money is looked at after the cut, after a voucher was taken back, and after each redial.
The machine is switched on anew for each dial-in, and the server lives on unless it was
killed.

With the channel's double a story repeats every octet, and what follows a cut depends on
what both sides have stored and on nothing else. So the redials of a situation that was
met before, octet for octet in NVRAM and database, are not dialled again. With the real
channel, whose keys no seed chooses, each is dialled.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, NamedTuple

from fm_device.dial_in import DialInReport
from fm_device.psd.records import PsdRecord
from hw.lines.exchange import every_call
from hw.nvram import MemoryNvram, PowerCutError, PowerCutNvram
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import InvariantError
from protocol.registers import VoucherKind
from rmfs_tools.simulation.cuts_memory import NotedNvram, StruckWrite
from rmfs_tools.simulation.cuts_points import (
    CommitCut,
    Cut,
    OctetCut,
    When,
    Whole,
    WriteCut,
)
from rmfs_tools.simulation.cuts_seen import (
    AtCut,
    Ended,
    Redialled,
    Trial,
    found_words,
    headline,
    outstanding_words,
    pending_words,
    row_met,
    server_words,
)
from rmfs_tools.simulation.cuts_stories import Story, request_effect_paise
from rmfs_tools.simulation.pair import LINE, Kept, Pair, cut_after
from rmfs_tools.simulation.pair_books import (
    BooksSeen,
    money_findings,
    quiet_findings,
)
from rmfs_tools.simulation.pair_mortal import KilledAt, NotedCommits
from rmfs_tools.simulation.pair_parties import LICENCE

DIAL_INS_MAX: Final = 4
"""So many redials bring every cut to rest, or liveness is broken."""
_WHOLE_FRAMES: Final = every_call(replace(LINE, delivery_octets=1024))
"""The same line where nothing is cut by octets: it hands over what has come at once."""
_NO_POWER: Final = "NO POWER"


@dataclass(frozen=True, slots=True)
class _Aftermath:
    """What is seen after a cut, whoever reads what of it."""

    at_cut: AtCut
    redialled: Redialled
    findings: tuple[str, ...]


class _Situation(NamedTuple):
    """What both sides have stored: the memory, and a digest of the database."""

    memory: bytes
    books_digest: bytes


class Trials:
    """Cuts one story, again and again.

    Attributes:
        dialled: How many redials were really dialled, and not remembered.
        whole: The story when it is not cut.
    """

    def __init__(self, pair: Pair, story: Story, begins: Kept) -> None:
        """Tell the story once to its end, to learn where it can be cut.

        Args:
            pair: On which it is told; it is in nobody else's hands meanwhile.
            story: Which.
            begins: Where it begins.

        Raises:
            InvariantError: It does not come to its end without a cut.
        """
        self.dialled = 0
        self._pair = pair
        self._story = story
        self._begins = begins
        self._struck: dict[int, StruckWrite] = {}
        self._known: dict[_Situation, _Aftermath] = {}
        pair.put_back(begins)
        self._before = pair.psd().record
        self._books = pair.see_books()
        self.whole = self._tell_whole()

    def at(self, cut: Cut) -> Trial:
        """Cut the story at a point, and redial until all is quiet.

        Raises:
            InvariantError: The point was not reached.
        """
        if isinstance(cut, WriteCut):
            operator, aftermath = _NO_POWER, self._after_write(cut)
        else:
            operator = self._cut(cut)
            memory, database = self._pair.stored()
            aftermath = self._after(_Situation(memory, sha256(database).digest()))
        at_cut = replace(aftermath.at_cut, operator=operator)
        return Trial(cut, at_cut, aftermath.redialled, aftermath.findings)

    def _tell_whole(self) -> Whole:
        pair = self._pair
        octets = pair.dial(self._story.request)
        pair.put_back(self._begins)
        counted = PowerCutNvram(pair.nvram)
        noted = NotedCommits(lambda: pair.writer.jobs)
        pair.start_server(noted)
        report = pair.dial(self._story.request, nvram=counted, plan=_WHOLE_FRAMES)
        pair.settle()
        if octets.receipt is None or report.receipt is None:
            raise InvariantError(f"{self._story.name} does not end without a cut")
        return Whole(
            octets.octets_up + octets.octets_down,
            counted.write_lengths,
            tuple(noted.commits),
        )

    # The cut.

    def _cut(self, cut: OctetCut | CommitCut) -> str:
        """Tell the story until it is cut, and let the line be lost on both sides."""
        self._pair.put_back(self._begins)
        if isinstance(cut, CommitCut):
            return self._cut_commit(cut)
        report = self._pair.dial(self._story.request, plan=cut_after(cut.octets))
        self._pair.settle()
        return headline(report)

    def _strike(self, write: int) -> StruckWrite:
        """Tell the story until a write of the NVRAM that never begins."""
        pair = self._pair
        pair.put_back(self._begins)
        noted = NotedNvram(PowerCutNvram(pair.nvram, write))
        try:
            pair.dial(self._story.request, nvram=noted, plan=_WHOLE_FRAMES)
        except PowerCutError:
            pair.settle()
            kept = pair.keep()
            digest = sha256(pair.stored()[1]).digest()
            return StruckWrite(kept.image, kept.books, digest, *noted.latest)
        raise InvariantError(f"write {write} was not reached")

    def _cut_commit(self, cut: CommitCut) -> str:
        pair = self._pair
        if cut.when is When.BEFORE:
            pair.start_server(dies_before_job=cut.job)
        else:
            pair.start_server(KilledAt(cut.commit, after=cut.when is When.AFTER))
        report = pair.dial(self._story.request, plan=_WHOLE_FRAMES)
        if not pair.writer.dead:
            raise InvariantError(f"commit {cut.commit} was not reached")
        pair.settle()
        pair.start_server()
        return headline(report)

    # What follows.

    def _after_write(self, cut: WriteCut) -> _Aftermath:
        """Let the power fail at a write, and redial.

        The machine is dead from there on, so that nothing else depends on how much of
        that write is stored: what comes before it is told once for each write.
        """
        if cut.write not in self._struck:
            self._struck[cut.write] = self._strike(cut.write)
        struck = self._struck[cut.write]
        memory = MemoryNvram(struck.image_after(cut))
        # Power-on repairs what was torn: many cuts leave the same then.
        self._pair.psd(memory)
        situation = _Situation(memory.image(), struck.books_digest)
        return self._after(situation, struck.books)

    def _after(
        self, situation: _Situation, books: sqlite3.Connection | None = None
    ) -> _Aftermath:
        """Redial, or remember what came of the same situation.

        Args:
            situation: What both sides have stored.
            books: To be put back first; without them the pair is in the situation.
        """
        if situation in self._known:
            return self._known[situation]
        if books is not None:
            self._pair.put_back(Kept(situation.memory, books), 1)
        aftermath = self._redial(self._pair.psd().record)
        if not self._pair.real_channel:
            self._known[situation] = aftermath
        return aftermath

    def _redial(self, record: PsdRecord) -> _Aftermath:
        pair, story = self._pair, self._story
        books = pair.see_books()
        findings = money_findings(record, books)
        findings += self._credited_early(books)
        applied = record.recharge_number != self._before.recharge_number
        machine = "applied" if applied else "pending" if record.pending else "free"
        at_cut = AtCut(
            operator="",
            machine=machine,
            pending=pending_words(record.pending),
            server=server_words(books, self._books),
            outstanding=outstanding_words(books),
        )
        if story.taken_back and books.opened:
            pair.administration.void(LICENCE, pair.by("taken back"))
            books = pair.see_books()
            findings += money_findings(record, books)
        row = row_met(record, books)
        found = found_words(row, books, record.pending)
        reports, more = self._dial_until_quiet(INSPECTION if applied else story.other)
        findings += more
        was_taken_back = any(one.taken_back for one in books.opened)
        wanted = Ended.ONCE
        if machine == "free":
            wanted = Ended.OTHER if request_effect_paise(story.other) else Ended.NEVER
        elif story.void_stored or (was_taken_back and not applied):
            wanted = Ended.NEVER
        findings += self._at_rest(wanted)
        if machine != "free":
            findings += self._other_vouchers(reports, taken_back=was_taken_back)
        redialled = Redialled(
            row=row,
            found=found,
            dial_ins=len(reports),
            ended=Ended.WRONG if findings else wanted,
            after_paise=pair.psd().record.registers.control_total_paise,
            funds_paise=pair.see_books().funds_paise,
        )
        return _Aftermath(at_cut, redialled, tuple(findings))

    def _dial_until_quiet(
        self, request: Request
    ) -> tuple[list[DialInReport], list[str]]:
        pair = self._pair
        reports: list[DialInReport] = []
        findings: list[str] = []
        while len(reports) < DIAL_INS_MAX:
            report = pair.dial(request, plan=_WHOLE_FRAMES)
            pair.settle()
            self.dialled += 1
            reports.append(report)
            if report.receipt is not None and report.pending is None:
                return reports, findings
            findings += pair.money_findings()
        return reports, [*findings, f"not quiet after {DIAL_INS_MAX} dial-ins"]

    def _credited_early(self, books: BooksSeen) -> list[str]:
        """Find value that was given back before it was posted (REG-5.3)."""
        waits = books.open_effect_paise < 0
        if waits and books.funds_paise != self._books.funds_paise:
            return ["the account was credited before the machine has told"]
        return []

    def _at_rest(self, wanted: Ended) -> list[str]:
        """Compare both sides with the one end that the cut allows."""
        effect = {
            Ended.ONCE: self._story.effect_paise,
            Ended.OTHER: request_effect_paise(self._story.other),
        }.get(wanted, 0)
        record, books = self._pair.psd().record, self._pair.see_books()
        found = quiet_findings(record, books, self._books.posted_paise + effect)
        funds = self._books.funds_paise + self._books.reserved_paise - effect
        if books.funds_paise != funds:
            found.append(f"{books.funds_paise} paise of funds, {funds} expected")
        return found

    def _other_vouchers(
        self, reports: Sequence[DialInReport], *, taken_back: bool
    ) -> list[str]:
        """Find vouchers for another amount than the one that is frozen."""
        request = self._story.request
        allowed = {(VoucherKind(request.kind), int(request.amount_paise))}
        if taken_back:
            allowed.add((VoucherKind.VOID, 0))
        return [
            f"a voucher {voucher.kind.name} {voucher.amount_paise} came"
            for report in reports
            if (voucher := report.voucher) is not None
            and (voucher.kind, voucher.amount_paise) not in allowed
        ]
