"""Plays a case: carries its steps out, one after the other, and judges.

What is asked for before the test and does not happen makes a case inconclusive; what
the case expects and does not happen makes it fail, and so does a clause that was seen
broken on the way. A bench, line or hook that fails is an error and says nothing of the
unit.
"""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from hw.lab.bench import Bench, NoCallError, linked, pause
from hw.lab.bending import LATE, bent_message, bent_packets, said_otherwise
from hw.lab.catalogue import Case, Ends
from hw.lab.comparing import differences
from hw.lab.conversation import (
    Conversation,
    MachineConversation,
    ServerConversation,
    Taken,
    error_name,
)
from hw.lab.finishing import finish
from hw.lab.frame_making import line_octets
from hw.lab.frame_steps import FrameSteps
from hw.lab.looking import differs, hidden
from hw.lab.machine_side import Asked, MachineSide, OneCall
from hw.lab.machine_steps import MachineSteps
from hw.lab.operator import OperatorError, UnitRefusedError
from hw.lab.server_side import ServerSide
from hw.lab.side import Fields, number
from hw.lab.signatures import BENT, OF_MACHINES, UNBOUND, bent_signature
from hw.lab.station import SilenceError
from hw.lab.steps import Step, StepError, parse_step
from hw.lab.trace import Trace
from hw.lab.unit_steps import UnitSteps, obeyed
from hw.lab.values import RIGHT, resolve
from hw.lab.verbs import (
    ALL,
    ALTERNATIVES,
    BESIDE,
    BY_FRAMES,
    BY_HAND,
    BY_ITSELF,
    NOTHING,
    REPEATEDLY,
    WITHIN,
    table_named,
    words_of,
)
from hw.lab.verdicts import Judgement, Verdict
from protocol.channel import BINDING_OCTETS, PacketType
from protocol.errors import ErrorCode, LocalProtocolError
from protocol.messages import (
    WANTS_PER_DIAL_IN_MAX,
    MessageTable,
    MessageType,
    RefusalCode,
)
from protocol.messages.codec import encode_fields
from protocol.registers import Registers, RequestKind

_HARMLESS: Final = frozenset({"twice", "shorter", "longer"})
"""Bends that leave a packet one that its receiver takes."""
_REST_S: Final = 0.05
"""Between a dropped line and the next dial-in: the unit has to hear of the loss."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the unit has stated at one moment.

    Attributes:
        registers: Its registers.
        recharge_number: Number of the voucher applied last.
    """

    registers: Registers
    recharge_number: int


@dataclass(frozen=True, slots=True)
class Result:
    """How one case came out.

    Attributes:
        case: The case.
        verdict: The verdict.
        reason: Why.
        trace: What was seen.
        lasted_s: How long it took.
        before: What a machine under test had stated before, if anything.
        after: What it stated last.
    """

    case: Case
    verdict: Verdict
    reason: str
    trace: Trace
    lasted_s: float
    before: Stated | None = None
    after: Stated | None = None


class StopCaseError(Exception):
    """A case cannot go on."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        """Say how it ends."""
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Held:
    """A call that is up while another one is spoken in."""

    talk: Conversation
    unanswered: Taken | None
    call: OneCall


_OF_CASES: Final = (
    StopCaseError,
    OperatorError,
    SilenceError,
    NoCallError,
    LocalProtocolError,
)
"""What stops a case."""


class Player:
    """Plays one case on a bench."""

    def __init__(
        self, bench: Bench, side: ServerSide | MachineSide, case: Case
    ) -> None:
        """Prepare.

        Args:
            bench: Where it is played.
            side: What the bench is in this case.
            case: What is played.
        """
        self._bench = bench
        self._side = side
        self._case = case
        self._trace = Trace(lambda: float(bench.reactor.seconds()), bench.clock)
        self._judgement = Judgement()
        self._talk: Conversation | None = None
        self._other_call: _Held | None = None
        self._kept: dict[str, tuple[bytes, bytes]] = {}
        self._last_packet = b""
        self._last_body = b""
        self._unanswered: Taken | None = None
        self._right: Fields = {}
        self._frames = FrameSteps(self._trace)
        self._unit = UnitSteps(bench.operator, side)
        self._machine = MachineSteps(side)
        self._before = self._stated()
        self._verbs: dict[str, Callable[[Step], Coroutine[Any, Any, None]]] = {
            "dial": self._dial,
            "take": self._take,
            "send": self._send,
            "packet": self._packet,
            "body": self._body,
            "keep": self._keep,
            "differs": self._differs_from,
            "hidden": self._hidden,
            "finish": self._finish,
            "drop": self._drop,
            "disconnect": self._disconnect,
            "wait": self._wait,
            "recharge": self._recharge,
            "content": self._content,
            "frank": self._frank,
            "apply": self._machine.apply,
            "forget": self._machine.forget,
            "become": self._machine.become,
            "usage": self._machine.usage,
            "wants": self._wants,
            "other": self._other,
            "power": self._power,
            "ask": self._ask,
            "registers": self._registers,
            "frame": self._frame,
            "octets": self._octets,
            "again": self._again,
        }

    async def play(self) -> Result:
        """Carry out all steps and what the case looks at afterwards."""
        try:
            for step in self._case.steps:
                await self._carry_out(step)
            await self._look_after()
        except StopCaseError as stop:
            self._judgement.worsen(stop.verdict, stop.reason)
        except OperatorError as error:
            self._judgement.worsen(Verdict.ERROR, str(error))
        except (LocalProtocolError, StepError) as error:
            self._judgement.worsen(Verdict.ERROR, f"the bench: {error}")
        if self._judgement.verdict is not None:
            await self._tidy_up()
        await self._let_both_go()
        self._judgement.conclude()
        verdict = self._judgement.verdict or Verdict.ERROR
        self._trace.remark(f"{verdict.value}: {self._judgement.reason}")
        return Result(
            self._case,
            verdict,
            self._judgement.reason,
            self._trace,
            self._trace.lasted_s,
            self._before,
            self._stated(),
        )

    async def _carry_out(self, step: Step) -> None:
        self._trace.step(step.text)
        try:
            await self._verbs[step.verb](step)
        except SilenceError:
            self._differs(step, "nothing came")
        except (NoCallError, UnitRefusedError) as error:
            self._differs(step, str(error))
        if step.expects:
            self._judgement.met()

    def _differs(self, step: Step, what: str) -> None:
        """End a case at a step that did not come true.

        Raises:
            StopCaseError: Always.
        """
        verdict = Verdict.FAIL if step.expects else Verdict.INCONCLUSIVE
        raise StopCaseError(verdict, f"{step.text}: {what}")

    # The call.

    async def _dial(self, step: Step) -> None:
        words = words_of(step)
        if words and words[0] in {BY_ITSELF, NOTHING}:
            await self._be_dialled(step, words[0])
            return
        request = RequestKind[words[0].upper()] if words else RequestKind.INSPECTION
        amount = int(words[1], 0) if len(words) > 1 else 0
        asked = Asked(request, amount, REPEATEDLY in step.words)
        if BESIDE in step.words:
            self._other_call, self._talk = self._held(), None
        found = await obeyed(step, self._call(asked, by_frames=BY_FRAMES in step.words))
        if found:
            self._differs(step, found)

    async def _be_dialled(self, step: Step, what: str) -> None:
        """Wait for a call that nobody has asked the unit for."""
        within_s = float(step.fields.get(WITHIN, self._bench.patience_s))
        try:
            by_frames = BY_FRAMES in step.words
            await self._call(None, by_frames=by_frames, within_s=within_s)
        except NoCallError:
            if what == NOTHING:
                return
            raise
        if what == NOTHING:
            self._differs(step, "it dialled by itself")

    async def _call(
        self,
        asked: Asked | None,
        *,
        by_frames: bool = False,
        within_s: float | None = None,
    ) -> None:
        await self._let_go()
        self._talk = await self._bench.call(
            asked, self._trace, by_frames=by_frames, within_s=within_s
        )
        self._frames.begin(self._talk)
        self._unanswered = None

    async def _recharge(self, step: Step) -> None:
        """Have the unit recharged from end to end."""
        amount = int(step.words[0], 0)
        texts = ["take STATEMENT request=RECHARGE", "send VOUCHER"]
        if isinstance(self._side, MachineSide):
            texts = ["send STATEMENT", "take VOUCHER kind=RECHARGE"]
        await self._call(Asked(RequestKind.RECHARGE, amount))
        for text in texts:
            preamble = parse_step(text)
            await self._verbs[preamble.verb](preamble)
        await self._finish(step)

    async def _let_go(self) -> None:
        """Hang up what is still there."""
        talk, self._talk = self._talk, None
        if talk is not None and not talk.station.is_over:
            talk.station.drop()
            await pause(self._bench.reactor, _REST_S)

    @property
    def _talking(self) -> Conversation:
        if self._talk is None:
            raise StopCaseError(Verdict.ERROR, "the bench: no call was begun")
        return self._talk

    async def _again(self, _: Step) -> None:
        talk = self._talking
        if isinstance(talk, MachineConversation) and isinstance(
            self._side, MachineSide
        ):
            self._side.begin()
            self._talk = talk.again()
            self._frames.go_on(self._talk)
            if not talk.station.by_frames:
                await linked(talk.station, self._bench.patience_s)

    def _held(self) -> _Held | None:
        """Give the call that is up, to be spoken in later."""
        if self._talk is None or not isinstance(self._side, MachineSide):
            return None
        return _Held(self._talk, self._unanswered, self._side.one_call())

    async def _other(self, _: Step) -> None:
        """Speak in the other one of two calls."""
        other, self._other_call = self._other_call, self._held()
        if other is None or not isinstance(self._side, MachineSide):
            raise StopCaseError(Verdict.ERROR, "the bench: there is no other call")
        self._talk, self._unanswered = other.talk, other.unanswered
        self._side.speak_in(other.call)
        self._frames.go_on(self._talk)

    async def _let_both_go(self) -> None:
        """Hang up whatever is still there."""
        await self._let_go()
        if self._other_call is not None:
            self._talk, self._other_call = self._other_call.talk, None
            await self._let_go()

    async def _drop(self, _: Step) -> None:
        await self._let_go()

    async def _disconnect(self, _: Step) -> None:
        self._talking.station.disconnect()

    async def _wait(self, step: Step) -> None:
        await pause(self._bench.reactor, float(step.words[0]))

    # What comes.

    async def _take(self, step: Step) -> None:
        within_s = float(step.fields.get(WITHIN, self._bench.patience_s))
        name = step.words[0]
        if name == "nothing":
            try:
                taken = await self._next(within_s)
            except SilenceError:
                return
            self._differs(step, f"{taken} came")
        one_packet = name.startswith("GREETING")
        taken = await self._next(within_s, one_packet=one_packet)
        self._judge_taken(step, taken)

    async def _next(self, within_s: float, *, one_packet: bool = False) -> Taken:
        """Take what comes next, and let the side learn of it."""
        talk = self._talking
        taken = await self._frames.next(within_s, one_packet=one_packet)
        self._unanswered = taken
        if taken.packet:
            self._last_packet, self._last_body = taken.packet, taken.body
        if taken.table is not None and taken.fields:
            # What would be right follows from what was known before.
            self._right = self._side.right(taken.table, {})
            breaches = self._side.heard(
                taken.table, taken.fields, taken.body, talk.binding
            )
            for breach in breaches:
                self._trace.remark(f"broken: {breach}")
                self._judgement.worsen(Verdict.FAIL, str(breach))
            self._note_registers(taken)
        return taken

    def _judge_taken(self, step: Step, taken: Taken) -> None:
        names = step.words[0].split(ALTERNATIVES)
        if taken.name not in names:
            self._differs(step, f"{taken} came")
        if taken.name == "ERROR" and len(step.words) > 1:
            wanted = "".join(step.words[1:]).split(ALTERNATIVES)
            got = "" if taken.error is None else error_name(taken.error)
            if got not in wanted:
                self._differs(step, f"ERROR {got} came")
        if taken.table is not None and taken.wrong:
            self._differs(step, str(taken))
        if taken.table is not None:
            found = differences(step, taken.table, taken.fields, self._right)
            if found:
                self._differs(step, "; ".join(found))

    # What is said.

    async def _send(self, step: Step) -> None:
        talk = self._talking
        name = step.words[0]
        if name == "ERROR":
            code = step.words[1] if len(step.words) > 1 else "MALFORMED"
            octet = int(code, 16) if code.startswith("0x") else ErrorCode[code]
            self._put(step, bytes([PacketType.ERROR, octet]), b"")
            return
        if name.startswith("GREETING"):
            self._put(step, self._greeting(step), b"")
            return
        if isinstance(talk, MachineConversation):
            await self._greet(step, talk)
        body = self._message(step, talk)
        self._put(step, self._sealed(step, talk, body), body)

    async def _greet(self, step: Step, talk: MachineConversation) -> None:
        instead = await talk.greet(self._bench.patience_s)
        if instead is not None:
            self._differs(step, f"{instead} came in the greeting")

    def _greeting(self, step: Step) -> bytes:
        talk, side, name = self._talking, self._side, step.words[0]
        said = said_otherwise(step)
        by_hand = BY_HAND in step.words or bool(said.words)
        if isinstance(talk, ServerConversation) and isinstance(side, ServerSide):
            if by_hand:
                return talk.greet_by_hand(side.identity, said)
            return talk.greeting_2
        if isinstance(talk, MachineConversation) and isinstance(side, MachineSide):
            if by_hand:
                return talk.greet_by_hand(side.identity, side.server, side.dial_in)
            if name == PacketType.GREETING_1.name:
                return talk.greeting_1()
        raise StopCaseError(Verdict.ERROR, f"the bench: {name} is sent by its message")

    def _message(self, step: Step, talk: Conversation) -> bytes:
        words = step.words
        if words[0] == "stored":
            return self._stored(words[1])
        if words[0] == "kept":
            return self._kept_named(words[1])[1]
        table = table_named(words[0])
        if table is None:
            raise StopCaseError(Verdict.ERROR, f"the bench: no message {words[0]}")
        fields = self._filled(step, table)
        body = bent_message(step, self._written(step, table, fields, talk))
        if isinstance(self._side, MachineSide):
            self._side.said(table, fields)
        elif not set(step.bends) - _HARMLESS:
            self._side.said(table, fields, body)
        return body

    def _filled(self, step: Step, table: MessageTable) -> Fields:
        """Fill a message in: what is right, but for what the step says."""
        wish: Fields = {}
        for field in table.fields:
            if field.name in step.fields and field.name != "signature":
                # What would be right follows from the fields before it.
                right = self._side.right(table, wish)[field.name]
                wish[field.name] = resolve(field, step.fields[field.name], right)
        return {**self._side.right(table, wish), **wish}

    def _written(
        self, step: Step, table: MessageTable, fields: Fields, talk: Conversation
    ) -> bytes:
        if not table.is_signed:
            return encode_fields(table, fields)
        wish = step.fields.get("signature", RIGHT)
        if isinstance(self._side, ServerSide):
            body = self._side.sign(table, fields, wish)
        else:
            binding = bytes(BINDING_OCTETS) if wish == UNBOUND else talk.binding
            body = self._side.sign(table, fields, binding, wish)
        if wish in OF_MACHINES:
            return body
        if wish in BENT:
            return body[:-64] + bent_signature(wish, body[-64:])
        signature = resolve(table.fields[-1], wish, body[-64:])
        return body[:-64] + (signature if isinstance(signature, bytes) else b"")

    def _stored(self, name: str) -> bytes:
        if isinstance(self._side, ServerSide) and name == MessageType.VOUCHER.name:
            return self._side.book.voucher
        raise StopCaseError(Verdict.ERROR, f"the bench: no {name} is stored")

    def _sealed(self, step: Step, talk: Conversation, body: bytes) -> bytes:
        if "bare" in step.bends:
            return body
        if isinstance(talk, MachineConversation | ServerConversation):
            said = said_otherwise(step)
            return talk.seal(body, said if said.words else None)
        raise StopCaseError(Verdict.ERROR, "the bench: no channel")

    def _put(self, step: Step, packet: bytes, body: bytes) -> None:
        """Send a packet, bent as the step says."""
        for one in bent_packets(step, self._talking, packet, body):
            self._last_packet, self._last_body = one, body
            self._unanswered = None
            with suppress(*((LocalProtocolError,) if LATE in step.bends else ())):
                self._frames.put(one)

    async def _packet(self, step: Step) -> None:
        word = step.words[0]
        kept = self._kept.get(word)
        packet = bytes.fromhex(word) if kept is None else kept[0]
        self._put(step, packet, b"")

    async def _body(self, step: Step) -> None:
        talk = self._talking
        if isinstance(talk, MachineConversation):
            await self._greet(step, talk)
        body = bytes.fromhex(step.words[0])
        self._put(step, self._sealed(step, talk, body), body)

    async def _keep(self, step: Step) -> None:
        self._kept[step.words[0]] = self._last_packet, self._last_body

    def _kept_named(self, name: str) -> tuple[bytes, bytes]:
        kept = self._kept.get(name)
        if kept is None:
            raise StopCaseError(Verdict.ERROR, f"the bench: nothing is kept as {name}")
        return kept

    async def _wants(self, step: Step) -> None:
        """Want parts, and take each."""
        if not isinstance(self._side, MachineSide):
            return
        until_whole = step.words[0] == ALL
        left = WANTS_PER_DIAL_IN_MAX if until_whole else int(step.words[0], 0)
        while left and not (until_whole and self._side.fetching.is_whole):
            left -= 1
            await self._send(replace(step, verb="send", words=("WANT",)))
            await self._take(Step(step.text, "take", ("CONTENT",)))
        if until_whole and not self._side.fetching.is_whole:
            self._differs(step, "the content did not come whole")

    async def _differs_from(self, step: Step) -> None:
        found = differs(step, self._kept_named(step.words[0])[0], self._last_packet)
        if found:
            self._differs(step, found)

    async def _hidden(self, step: Step) -> None:
        side = self._side
        of = side.identity if isinstance(side, MachineSide) else side.machine.credential
        found = hidden(self._trace, of.licence_identifier)
        if found:
            self._differs(step, found)

    async def _finish(self, step: Step) -> None:
        talk = self._talking
        said = await finish(
            self._side, talk, self._bench.patience_s, self._next, self._unanswered
        )
        if said:
            self._differs(step, said)

    # Frames.

    async def _frame(self, step: Step) -> None:
        found = await self._frames.carry_out(step, self._bench.patience_s, self._make)
        if found:
            self._differs(step, found)

    def _make(self, name: str) -> bytes:
        """Make a packet that is to be carried in frames."""
        if name.startswith("GREETING_2") or name == "GREETING_1":
            return self._greeting(Step(name, "send", (name,)))
        if name in self._kept:
            return self._kept[name][0]
        talk = self._talking
        step = Step(name, "send", (name,))
        body = self._message(step, talk)
        return self._sealed(step, talk, body)

    async def _octets(self, step: Step) -> None:
        self._talking.station.send_octets(line_octets(step))

    # At the unit.

    async def _frank(self, step: Step) -> None:
        found = await self._unit.frank(step)
        if found:
            self._differs(step, found)

    async def _power(self, step: Step) -> None:
        await self._unit.power(step)

    async def _ask(self, step: Step) -> None:
        found = await self._unit.ask(step)
        if found:
            self._differs(step, found)

    async def _content(self, step: Step) -> None:
        if isinstance(self._side, ServerSide):
            self._side.make_content(step.words[0], step.fields)

    async def _registers(self, step: Step) -> None:
        found = self._compared(int(step.fields.get("moved", "0"), 0))
        if found:
            self._differs(step, found)

    def _compared(self, moved: int) -> str:
        before, after = self._before, self._stated()
        if before is None or after is None:
            return "no registers were stated"
        expected = before.registers.control_total_paise + moved
        if after.registers.control_total_paise != expected:
            return f"CT is {after.registers.control_total_paise}, not {expected}"
        if not moved and after != before:
            return f"registers were {before}, and are {after}"
        return ""

    def _stated(self) -> Stated | None:
        if isinstance(self._side, ServerSide):
            return Stated(self._side.book.registers, self._side.book.recharge_number)
        return Stated(self._side.registers, self._side.recharge_number)

    def _note_registers(self, taken: Taken) -> None:
        stated = self._stated()
        if stated is not None and taken.name in {"STATEMENT", "CONFIRMATION"}:
            self._trace.registers(stated.registers, stated.recharge_number)

    # After the steps.

    async def _tidy_up(self) -> None:
        """Leave a machine as it was, where a case has stopped in the middle.

        What comes of it, the next case will tell.
        """
        if not isinstance(self._side, ServerSide):
            return
        self._trace.step("afterwards: tidied up")
        with suppress(*_OF_CASES):
            await self._unit.put_back()
            await self._call(Asked())
            await self._next(self._bench.patience_s)
            await self._finish(Step("finish", "finish"))

    async def _look_after(self) -> None:
        """Dial in once more and look at what the case says."""
        ends = self._case.ends
        if ends is Ends.NOTHING:
            return
        step = Step(f"! afterwards: {ends.value}", "afterwards", expects=True)
        self._trace.step(step.text)
        try:
            await self._let_both_go()
            self._machine.be("itself")
            await self._call(Asked())
            if isinstance(self._side, MachineSide):
                await self._look_at_server(step, ends)
            else:
                await self._look_at_machine(step, ends)
        except SilenceError:
            self._differs(step, "nothing came")
        except (NoCallError, UnitRefusedError) as error:
            self._differs(step, str(error))
        if ends is not Ends.SERVED:
            self._judgement.met()

    async def _look_at_machine(self, step: Step, ends: Ends) -> None:
        taken = await self._next(self._bench.patience_s)
        if taken.name != MessageType.STATEMENT.name:
            self._differs(step, f"{taken} came")
        if ends is Ends.UNCHANGED:
            found = self._compared(0)
            if found:
                self._differs(step, found)
        talk = self._talking
        said = await finish(self._side, talk, self._bench.patience_s, self._next)
        if said:
            self._differs(step, said)

    async def _look_at_server(self, step: Step, ends: Ends) -> None:
        talk, side = self._talking, self._side
        if not isinstance(talk, MachineConversation) or isinstance(side, ServerSide):
            return
        await self._greet(step, talk)
        await self._send(Step("send STATEMENT", "send", ("STATEMENT",)))
        wanted = "VOUCHER" if side.is_due_a_voucher else "RECEIPT"
        funds_paise = side.account.funds_paise
        taken = await self._next(self._bench.patience_s)
        if taken.name != ("REFUSAL" if ends is Ends.FROZEN else wanted):
            self._differs(step, f"{taken} came")
        frozen = RefusalCode.ACCOUNT_FROZEN
        if ends is Ends.FROZEN and number(taken.fields, "code") != frozen:
            self._differs(step, f"the code is not {frozen.name}")
        if ends is Ends.UNCHANGED and taken.name == MessageType.RECEIPT.name:
            found = number(taken.fields, "funds_paise")
            if found != funds_paise:
                self._differs(step, f"funds are {found} paise, not {funds_paise}")
        said = await finish(side, talk, self._bench.patience_s, self._next)
        if said:
            self._differs(step, said)
