"""One call of a replay: two real dialogues and what is on the line between them."""

from dataclasses import dataclass, field
from typing import Final, TypeVar

from protocol.dialogue.machine import MachineDialogue
from protocol.dialogue.machine import State as MachineState
from protocol.dialogue.server import (
    BooksAnswer,
    Closed,
    Delivered,
    FindCredential,
    Frozen,
    JudgeConfirmation,
    JudgeStatement,
    ServerDialogue,
    ServerEffect,
    StoreGoodbye,
    StoreLastVoucher,
    StoreUsage,
    Superseded,
)
from protocol.dialogue.server import State as ServerState
from protocol.dialogue.shared import SendPacket
from protocol.values import EpochSeconds
from rmfs_server.books import Books, Turn


@dataclass(frozen=True, slots=True)
class Did:
    """What became of a step.

    Attributes:
        done: The real code did it.
        words: Why not, or what it said to it, or empty.
    """

    done: bool
    words: str = ""


DONE: Final = Did(done=True)


def prevented(words: str) -> Did:
    """Say why a step was not done."""
    return Did(done=False, words=words)


@dataclass
class ReplayCall:
    """A call with both its sides.

    Attributes:
        machine: The machine's side, or None when it has left.
        server: The server's side, or None when it has ended.
        begun: When the link came up.
        up: Packets on their way to the server.
        down: Packets on their way to the machine.
        unsent: Packets that the machine has made and not sent yet.
        heard: The machine has taken a packet after the greetings.
        turn: Of the server's side, once its STATEMENT was judged.
        answer: What is committed and not sent.
        bodies: Messages that were sent to the machine, in order.
    """

    machine: MachineDialogue | None
    server: ServerDialogue | None
    begun: EpochSeconds
    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)
    unsent: list[bytes] = field(default_factory=list)
    heard: bool = False
    turn: Turn | None = None
    answer: BooksAnswer | None = None
    bodies: list[bytes] = field(default_factory=list)

    def greet(self, now: float) -> None:
        """Let the greetings cross: the STATEMENT is on its way then."""
        if self.server is None or self.machine is None:
            return
        greeting_2 = _packets(self.server.receive_packet(self.up.pop(0), now))
        effects = self.machine.receive_packet(greeting_2[0], now)
        self.up += [one.packet for one in effects if isinstance(one, SendPacket)]

    def tell_machine(self, now: float) -> Did:
        """Give the machine the next packet; it may fail upon it."""
        if self.machine is None or not self.down:
            return prevented("nothing has arrived")
        effects = self.machine.receive_packet(self.down.pop(0), now)
        self.heard = True
        sent = [one.packet for one in effects if isinstance(one, SendPacket)]
        self.unsent += sent
        failure = self.machine.failure
        if failure is None:
            return DONE
        self.machine = None
        self.unsent.clear()
        return prevented(f"ERROR {failure.code.name}: {failure.detail}")

    def send(self) -> Did:
        """Let what the machine has made leave."""
        if not self.unsent:
            return prevented("there is nothing to send")
        # A machine that says more before it was answered has taken what was played to
        # it; in the model its earlier message is then lost.
        self.up = self.unsent
        self.unsent = []
        if self.machine is not None and self.machine.state is MachineState.ENDED:
            self.machine = None
        return DONE

    def ask_books(self, books: Books, now: float, wall: EpochSeconds) -> Did:
        """Give the server the next packet, and its books the question.

        What the books answer is committed then, and not sent.
        """
        if self.server is None or not self.up:
            return prevented("nothing has arrived")
        effects = self.server.receive_packet(self.up.pop(0), now)
        found = _first(effects, FindCredential)
        if found is not None:
            effects = self.server.receive_answer(
                books.find_credential(found.licence), now
            )
        return self._answered(effects, books, wall)

    def send_answer(self, now: float) -> Did:
        """Let what is committed leave."""
        if self.server is None or self.answer is None:
            return prevented("nothing is committed that was not sent")
        self.bodies += _bodies(self.answer)
        effects = self.server.receive_answer(self.answer, now)
        self.answer = None
        self.down += _packets(effects)
        return DONE

    def step_aside(self, now: float) -> Did:
        """Tell the server's side that a newer call has won."""
        if self.server is None:
            return prevented("the side has ended")
        self.server.receive_answer(Superseded(), now)
        self.end_server()
        return DONE

    def end_server(self) -> None:
        """Forget the server's side; what is committed and not sent is never sent."""
        self.server = None
        self.answer = None
        self.up.clear()

    def end_machine(self) -> None:
        """Forget the machine's side."""
        self.machine = None
        self.down.clear()
        self.unsent.clear()

    def _answered(
        self, effects: list[ServerEffect], books: Books, wall: EpochSeconds
    ) -> Did:
        statement = _first(effects, JudgeStatement)
        if statement is not None:
            judged = books.judge_statement(
                statement.statement, statement.signed, wall, self.begun
            )
            if isinstance(judged, tuple):
                self.turn = judged[0]
                return self._committed(judged[1])
            self.end_server()
            return Did(done=True, words=type(judged).__name__)
        turn = self.turn
        if turn is None:
            return self._ended()
        answer = _ask(effects, books, turn, wall)
        if _first(effects, StoreGoodbye) is not None:
            # A GOODBYE of an older call is dropped without an answer (DLG-14.2).
            self.end_server()
            return DONE
        if isinstance(answer, Superseded):
            self.end_server()
            return prevented("the books say Superseded")
        if answer is None:
            return self._ended()
        return self._committed(answer)

    def _committed(self, answer: BooksAnswer) -> Did:
        # What is still on its way to the machine was played: this takes its place.
        self.down.clear()
        self.answer = answer
        return _told(answer)

    def _ended(self) -> Did:
        server = self.server
        if server is not None and server.state is ServerState.ENDED:
            self.end_server()
            return prevented("ERROR of the server")
        return prevented("the books are not asked")


def _ask(
    effects: list[ServerEffect], books: Books, turn: Turn, wall: EpochSeconds
) -> BooksAnswer | None:
    confirmation = _first(effects, JudgeConfirmation)
    if confirmation is not None:
        said, signed = confirmation.confirmation, confirmation.signed
        return books.judge_confirmation(turn, said, signed, wall)
    usage = _first(effects, StoreUsage)
    if usage is not None:
        return books.store_usage(turn, usage.statement, usage.rows, wall)
    presented = _first(effects, StoreLastVoucher)
    if presented is not None:
        return books.store_last_voucher(turn, presented.voucher, wall)
    goodbye = _first(effects, StoreGoodbye)
    if goodbye is not None:
        return books.store_goodbye(turn, goodbye.goodbye, wall)
    return None


def _told(answer: BooksAnswer) -> Did:
    if isinstance(answer, Frozen):
        return Did(done=True, words=f"Frozen, {answer.refusal.code.name}")
    if isinstance(answer, Closed) and answer.refusal is not None:
        return Did(done=True, words=f"refused, {answer.refusal.code.name}")
    return DONE


def _bodies(answer: BooksAnswer) -> list[bytes]:
    if isinstance(answer, Delivered):
        return [answer.voucher]
    if isinstance(answer, Closed):
        refusal = [] if answer.refusal is None else [answer.refusal.encode()]
        return [*refusal, answer.receipt.encode()]
    return []


def _packets(effects: list[ServerEffect]) -> list[bytes]:
    return [one.packet for one in effects if isinstance(one, SendPacket)]


_Question = TypeVar("_Question", bound=ServerEffect)


def _first(effects: list[ServerEffect], kind: type[_Question]) -> _Question | None:
    return next((one for one in effects if isinstance(one, kind)), None)
