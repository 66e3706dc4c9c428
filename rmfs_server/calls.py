"""Calls: each line's link and dialogue, and the effects carried out in order.

A `Call` joins the sans-I/O parts: link events go to a `ServerDialogue`, its effects go
to the link or, through the writer, to the books, whose answers go back to the
dialogue that asked. The `Exchange` knows all calls: it admits them within the limits,
drops the older of two calls of one machine, and drains on the way down.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

from hw.clock import WallClock
from hw.lines.port import LineLoss, LineUser
from hw.link_driver import LinkDriver
from protocol.channel import ServerChannelPort
from protocol.dialogue.server import (
    BooksAnswer,
    FindContent,
    FindCredential,
    JudgeConfirmation,
    JudgeStatement,
    Note,
    ServerDialogue,
    ServerEffect,
    State,
    StoreFailed,
    StoreGoodbye,
    StoreLastVoucher,
    StoreUsage,
    Superseded,
)
from protocol.dialogue.shared import (
    EndLink,
    SendPacket,
)
from protocol.errors import ErrorCode
from protocol.link import BULK, Link, Role
from protocol.values import LicenceIdentifier
from rmfs_server.admission import Admission, line_of
from rmfs_server.books import Books, Turn
from rmfs_server.busy import Refusals
from rmfs_server.limits import Limits
from rmfs_server.operations.call_record import CallRecords
from rmfs_server.questions import Lookup
from rmfs_server.writer import Writer

_log = logging.getLogger(__name__)

_Question = (
    FindCredential
    | JudgeStatement
    | JudgeConfirmation
    | FindContent
    | StoreUsage
    | StoreLastVoucher
    | StoreGoodbye
)
_Answer = BooksAnswer | tuple[Turn, BooksAnswer] | None

_WRONG: Final = frozenset(
    {ErrorCode.HANDSHAKE, ErrorCode.UNKNOWN_MACHINE, ErrorCode.STATEMENT}
)
_SAYS_NOTHING: Final = frozenset(
    {State.READY, State.GREETED, State.IDENTIFYING, State.ENDED}
)
"""A dialogue that was in no other state has not proved its machine."""


class Exchange:
    """All calls of one server process."""

    def __init__(
        self,
        *,
        reactor: IReactorTime,
        books: Books,
        writer: Writer,
        make_channel: Callable[[], ServerChannelPort],
        wall_clock: WallClock,
        limits: Limits,
        records: CallRecords | None = None,
    ) -> None:
        """Join the parts; calls come in through `answer`."""
        self.reactor = reactor
        self.books = books
        self.writer = writer
        self.make_channel = make_channel
        self.wall_clock = wall_clock
        self.limits = limits
        self.admission: Admission[Call] = Admission(limits, Call.give_way)
        self.records = records or CallRecords()
        self.refusals = Refusals(reactor, limits, self.records.turned_away)
        self._calls: set[Call] = set()
        self._call_of: dict[LicenceIdentifier, Call] = {}
        self._idle: Callable[[], None] | None = None

    def answer(self, caller: str) -> LineUser | None:
        """Take a call, or turn it away while draining or beyond a limit."""
        now = self.reactor.seconds()
        line = line_of(caller)
        why = self.admission.against(line, now, calls=len(self._calls))
        if why is not None:
            known = self.admission.knows(line)
            return self.refusals.refuse(caller, why, known=known)
        call = Call(self, caller)
        self._calls.add(call)
        return call.driver

    def states(self) -> Counter[str]:
        """Count the calls that are up by the state of their dialogue."""
        return Counter(call.state for call in self._calls)

    def won(self, licence: LicenceIdentifier, call: "Call") -> None:
        """Let the newest call of a machine stand, and drop an older one at once."""
        older = self._call_of.get(licence)
        self._call_of[licence] = call
        if older is not None and older is not call:
            self.records.figures.superseded += 1
            older.supersede()

    def dialogue_over(self, licence: LicenceIdentifier, call: "Call") -> None:
        """Forget what a dialogue won: the next on this line is another one."""
        if self._call_of.get(licence) is call:
            del self._call_of[licence]

    def gone(self, call: "Call") -> None:
        """Forget a call whose line is lost."""
        self._calls.discard(call)
        if not self._calls:
            self._end_drain()

    def drain(self, done: Callable[[], None]) -> None:
        """Take no more calls; `done` once the last is over or time is up.

        A call that is still in a dialogue when time is up is told UNAVAILABLE. One that
        has hung up already, and only waits for its peer to do so, is not waited for.
        """
        self.admission.draining = True
        _log.info("no more calls: %d are up, going down", len(self._calls))
        if not self._calls:
            done()
            return
        self._idle = done
        for call in list(self._calls):
            call.end_when_idle()
        self.reactor.callLater(self.limits.drain_s, self._give_up)

    def _give_up(self) -> None:
        in_dialogue = [call for call in self._calls if call.in_dialogue]
        for call in in_dialogue:
            call.give_up()
        if not in_dialogue:
            self._end_drain()

    def _end_drain(self) -> None:
        if self._idle is not None:
            idle, self._idle = self._idle, None
            idle()


class Call:
    """One line: a link, and one dialogue after another on it."""

    def __init__(self, exchange: Exchange, caller: str) -> None:
        """Wait for the line to come up."""
        self.caller = caller
        self._record = exchange.records.answered(caller)
        self._exchange = exchange
        self._dialogue: ServerDialogue | None = None
        self._turn: Turn | None = None
        self._begun = exchange.wall_clock.now()
        self._started = exchange.reactor.seconds()
        self._dialogues = 0
        self._idle_since: float | None = self._started
        self._proof_due: float | None = None
        self._resting = False
        self._expect_proof(self._started)
        self.driver = LinkDriver(
            Link(Role.SERVER, BULK), exchange.reactor, self, connect=False
        )

    @property
    def in_dialogue(self) -> bool:
        """Whether there is somebody to be told when the server goes down."""
        return self._dialogue is not None

    @property
    def state(self) -> str:
        """The name of the dialogue's state; IDLE when there is none."""
        return "IDLE" if self._dialogue is None else self._dialogue.state.name

    @property
    def deadline(self) -> float | None:
        """The earliest of dialogue, idle and whole-call time-outs."""
        # Looked at after every frame: hence no list of them.
        due = self._started + self._exchange.limits.call_s
        if self._idle_since is not None:
            due = min(due, self._idle_since + self._exchange.limits.idle_s)
        if self._proof_due is not None and self._proof_due < due:
            due = self._proof_due
        dialogue = self._dialogue
        if dialogue is not None and (dialogues := dialogue.deadline) is not None:
            due = min(due, dialogues)
        return due

    def link_up(self, driver: LinkDriver, now: float) -> None:
        """Begin a dialogue with a channel of its own, unless there were too many."""
        self._record.dialogue_begun(now)
        self._dialogues += 1
        if self._dialogues > self._exchange.limits.dialogues:
            self.driver.drop()
            return
        if self._dialogues > 1 and not self._begins_again(now):
            self.driver.drop()
            return
        self._dialogue = ServerDialogue(self._exchange.make_channel(), now)
        self._turn = None
        self._begun = self._exchange.wall_clock.now()
        self._idle_since = None

    def message_received(self, message: bytes, now: float) -> None:
        """Give a packet to the dialogue."""
        if self._dialogue is not None:
            self._carry_out(self._dialogue.receive_packet(message, now))

    def link_down(self, reason: str, now: float) -> None:
        """End the dialogue; a machine may set the link up again."""
        if self._dialogue is not None:
            self._carry_out(self._dialogue.line_lost(reason, now))
            self._record.dialogue_over(self._dialogue.licence, now)
        if self._turn is not None:
            self._exchange.dialogue_over(self._turn.licence, self)
        self._dialogue = None
        self._turn = None
        self._idle_since = now
        self._rest(now)
        if self._exchange.admission.draining:
            self.driver.drop()

    def line_lost(self, loss: LineLoss, now: float) -> None:
        """End the call."""
        self.link_down(str(loss), now)
        self._record.over(loss, self.driver.link.counters)
        self._leave_place()
        self._exchange.gone(self)

    def handle_timer(self, now: float) -> None:
        """Look at all time-outs of this call."""
        if self._dialogue is not None:
            self._carry_out(self._dialogue.handle_timer(now))
        limits = self._exchange.limits
        # The same sums as in `deadline`: a difference may round to less, and the timer
        # would then fire again and again at the same moment.
        idle = self._idle_since is not None and now >= self._idle_since + limits.idle_s
        late = self._proof_due is not None and now >= self._proof_due
        if idle or late or now >= self._started + limits.call_s:
            self._note(ErrorCode.TIMEOUT, "the line was idle or the call too long")
            self._started = now
            self._idle_since = None
            self._leave_place()
            self.driver.drop()

    def supersede(self) -> None:
        """Give way to a newer call of the same machine: tell it and hang up."""
        self._answer(Superseded())
        self.driver.drop()

    def end_when_idle(self) -> None:
        """Hang up now if no dialogue is running."""
        if self._dialogue is None:
            self.driver.drop()

    def give_up(self) -> None:
        """Tell the machine to dial later, and hang up."""
        if self._dialogue is not None:
            now = self._exchange.reactor.seconds()
            self._carry_out(self._dialogue.go_down(now))
        self.driver.drop()

    def give_way(self) -> None:
        """Hang up: nobody is proved here for too long, or not any more."""
        self._note(ErrorCode.TIMEOUT, "another call needs its place")
        self._leave_place()
        self.driver.drop()

    def _expect_proof(self, now: float) -> None:
        """Have a place among the handshakes until the machine is proved."""
        self._rest_no_more()
        if self._proof_due is None:
            self._exchange.admission.enter(self, line_of(self.caller), now)
        self._proof_due = now + self._exchange.limits.proof_s

    def _begins_again(self, now: float) -> bool:
        self._expect_proof(now)
        return self._exchange.admission.may_begin_again(line_of(self.caller), now)

    def _expect_no_proof(self, *, proved: bool) -> None:
        """Leave that place."""
        if self._proof_due is not None:
            self._proof_due = None
            self._exchange.admission.leave(self, proved=proved)

    def _rest(self, now: float) -> None:
        """Be ready to give way: a dialogue that was proved is over."""
        if self._proof_due is None and not self._resting:
            self._resting = True
            self._exchange.admission.rest(self, now)

    def _rest_no_more(self) -> None:
        if self._resting:
            self._resting = False
            self._exchange.admission.rested(self)

    def _leave_place(self) -> None:
        """Leave whatever place this call has: it is over."""
        self._rest_no_more()
        self._expect_no_proof(proved=False)

    def _carry_out(self, effects: list[ServerEffect]) -> None:
        dialogue = self._dialogue
        if dialogue is not None and dialogue.state not in _SAYS_NOTHING:
            self._expect_no_proof(proved=True)
        for effect in effects:
            if isinstance(effect, SendPacket):
                self.driver.send_message(effect.packet)
            elif isinstance(effect, EndLink):
                self.driver.disconnect()
            elif isinstance(effect, Note):
                self._note(effect.code, effect.detail)
            else:
                self._ask(effect)
        if dialogue is not None and dialogue.state is State.ENDED:
            self._dialogue_ended(dialogue.licence)

    def _dialogue_ended(self, licence: LicenceIdentifier | None) -> None:
        """Rest from now on, and be idle: the machine may keep the link up for ever."""
        now = self._exchange.reactor.seconds()
        self._record.dialogue_over(licence, now)
        if self._idle_since is None:
            self._idle_since = now
        self._rest(now)

    def _ask(self, effect: _Question) -> None:
        """Put a question to the books; the answer goes to the dialogue that asked."""
        dialogue, books = self._dialogue, self._exchange.admission.books
        question = books.begin(self._exchange.reactor.seconds())

        def answered(answer: _Answer) -> None:
            books.end(question)
            self._answered(dialogue, answer)

        def unanswered(error: BaseException) -> None:
            books.end(question)
            self._unanswered(dialogue, error)

        self._exchange.writer.submit(self._job(effect), answered, unanswered)

    def _job(self, effect: _Question) -> Callable[[], _Answer]:
        books = self._exchange.books
        now = self._exchange.wall_clock.now()
        if isinstance(effect, FindCredential):
            return Lookup(books, effect.licence)
        if isinstance(effect, JudgeStatement):
            return books.about_statement(
                effect.statement, effect.signed, now, self._begun
            )
        turn = self._turn
        if turn is None:
            return Superseded
        if isinstance(effect, JudgeConfirmation):
            return books.about_confirmation(
                turn, effect.confirmation, effect.signed, now
            )
        if isinstance(effect, FindContent):
            return lambda: books.find_content(turn, effect.content_id, effect.offset)
        if isinstance(effect, StoreUsage):
            return books.about_usage(turn, effect.statement, effect.rows, now)
        if isinstance(effect, StoreLastVoucher):
            return books.about_last_voucher(turn, effect.voucher, now)
        return books.about_goodbye(turn, effect.goodbye, now)

    def _answered(self, dialogue: ServerDialogue | None, answer: _Answer) -> None:
        if isinstance(answer, tuple):
            turn, answer = answer
            self._exchange.won(turn.licence, self)
            if self._dialogue is dialogue:
                self._turn = turn
            else:
                self._exchange.dialogue_over(turn.licence, self)
        if answer is not None and self._dialogue is dialogue:
            self._answer(answer)

    def _unanswered(
        self, dialogue: ServerDialogue | None, error: BaseException
    ) -> None:
        self._record.books_failed(error)
        if self._dialogue is dialogue:
            self._answer(StoreFailed("the books did not answer"))

    def _answer(self, answer: BooksAnswer) -> None:
        dialogue = self._dialogue
        if dialogue is None:
            return
        now = self._exchange.reactor.seconds()
        self._record.books_answered(answer)
        self._carry_out(dialogue.receive_answer(answer, now))
        self.driver.settle()

    def _note(self, code: ErrorCode | None, detail: str) -> None:
        name = "LINE" if code is None else code.name
        licence = None if self._dialogue is None else self._dialogue.licence
        self._record.ended_early(name, detail, licence)
        if code in _WRONG:
            self._exchange.records.figures.wrong += 1
            now = self._exchange.reactor.seconds()
            line = line_of(self.caller)
            self._exchange.admission.wrong.count(line, now)
            if self._exchange.admission.wrong.too_many(line, now):
                self.driver.drop()
