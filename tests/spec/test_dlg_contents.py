"""DLG-16: an order names a content, and the machine fetches it part by part.

Both dialogues of the product talk to each other here. Behind them stand a PSD and books
of a few lines, written for this: they keep what they must and decide nothing else.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import pytest

from hw.entropy import SeededEntropy
from protocol.channel import (
    DoubleMachineChannel,
    DoubleServerChannel,
    PacketType,
    packet_type,
    read_error,
)
from protocol.dialogue.machine import (
    ANSWER_TIMEOUT_S,
    FETCHING_S,
    INSPECTION,
    ContentTaken,
    MachineDialogue,
    MachineEffect,
    OrderTaken,
    Outcome,
    PsdAnswer,
    Receipted,
    Request,
    Tell,
)
from protocol.dialogue.machine import State as MachineAt
from protocol.dialogue.server import (
    STORE_TIMEOUT_S,
    BooksAnswer,
    Closed,
    ContentFound,
    CredentialFound,
    FindContent,
    FindCredential,
    JudgeStatement,
    Note,
    ServerDialogue,
    ServerEffect,
    Stored,
    StoreFailed,
    StoreGoodbye,
    Superseded,
)
from protocol.dialogue.server import State as ServerAt
from protocol.dialogue.shared import EndLink, SendPacket
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.keys import MachineIdentity, Realm, ServerIdentity
from protocol.messages import (
    CAPABILITY_OF,
    CONTENT_OCTETS_MAX,
    CONTENT_ORDERS,
    CONTENT_PART_OCTETS,
    SIGNATURE_OCTETS,
    WANTS_PER_DIAL_IN_MAX,
    Capability,
    ContentPart,
    Goodbye,
    LicenceState,
    Order,
    OrderKind,
    Receipt,
    Statement,
    Usage,
    UsageRow,
    Want,
    decode_message,
)
from protocol.registers import ZERO_REGISTERS, MachineState
from protocol.usage import usage_digest
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
)

SERVER = ServerIdentity.generate("RMFS-TEST", Realm.TEST, 1, SeededEntropy(b"server"))
MACHINE = MachineIdentity.generate(
    LicenceIdentifier("N123456"), "PSD00001", Realm.TEST, SeededEntropy(b"machine")
)
TARIFF = bytes(place % 249 for place in range(2 * CONTENT_PART_OCTETS + 100))
"""Three parts; who fetches a content does not look into it."""


def id_of(content: bytes) -> int:
    return int.from_bytes(sha256(content).digest()[:8], "big")


def order(serial: int, kind: OrderKind, value: int = 0) -> Order:
    return Order(OrderSerial(serial), kind, value)


@dataclass
class Memory:
    """What a machine keeps over its dial-ins."""

    serial: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)
    applied: list[OrderKind] = field(default_factory=list)


class SmallPsd:
    """A PSD without registers: it takes orders, and fetches what they name."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.channel = DoubleMachineChannel(MACHINE, SERVER.credential, b"machine")
        self.wants = 0
        self._held: list[Order] = []
        self._wanted: Want | None = None
        self._gone: set[int] = set()
        self._proved = False

    def dial(self, request: Request) -> bytes:
        return self.channel.greeting_1()

    def greet(self, packet: bytes) -> bytes:
        self.channel.receive_greeting_2(packet)
        statement = Statement(
            version=1,
            capabilities=Capability.TARIFF,
            licence=MACHINE.licence_identifier,
            psd_serial=b"PSD00001",
            firmware_major=1,
            firmware_minor=0,
            firmware_patch=0,
            state=MachineState.IN_SERVICE,
            registers=ZERO_REGISTERS,
            recharge_number=RechargeNumber(0),
            order_serial=OrderSerial(self.memory.serial),
            mark=bytes(8),
            usage_digest=usage_digest([]),
            time=EpochSeconds(0),
            dial_in=1,
            request=INSPECTION.kind,
            amount_paise=INSPECTION.amount_paise,
            signature=bytes(SIGNATURE_OCTETS),
        )
        octets = statement.encode()[:-SIGNATURE_OCTETS]
        signature = MACHINE.sign("STATEMENT", self.channel.binding + octets)
        return self.channel.greeting_3(octets + signature)

    def receive(self, packet: bytes) -> PsdAnswer | None:
        if self._proved:
            body = self.channel.open(packet)
        else:
            body = self.channel.receive_greeting_4(packet)
            self._proved = True
        message = decode_message(body)
        if isinstance(message, Receipt):
            return Receipted(message)
        if isinstance(message, Order):
            return self._take(message)
        if isinstance(message, ContentPart):
            return self._take_part(message)
        return None

    def want(self) -> bytes | None:
        if not self._held:
            return None
        due = self._held[0]
        waits = due.order in CONTENT_ORDERS and due.value not in self._gone
        if due.order_serial != self.memory.serial + 1 or not waits:
            return None
        self.wants += 1
        self._wanted = Want(due.value, len(self.memory.parts.get(due.value, b"")))
        return self.channel.seal(self._wanted.encode())

    def usage(self) -> tuple[bytes, ...]:
        return ()

    def last_voucher(self) -> bytes | None:
        return None

    def goodbye(self) -> bytes:
        goodbye = Goodbye(bytes(8), OrderSerial(self.memory.serial))
        return self.channel.seal(goodbye.encode())

    def hang_up(self) -> None:
        self._held.clear()

    def _take(self, due: Order) -> OrderTaken:
        applied = self._apply(due)
        if not applied:
            self._held.append(due)
        return OrderTaken(due, applied)

    def _apply(self, due: Order) -> bool:
        memory = self.memory
        here = memory.parts.get(due.value, b"")
        whole = due.order not in CONTENT_ORDERS or id_of(here) == due.value
        if due.order_serial != memory.serial + 1 or not whole:
            return False
        memory.serial = due.order_serial
        memory.applied.append(due.order)
        return True

    def _take_part(self, part: ContentPart) -> ContentTaken:
        wanted, self._wanted = self._wanted, None
        if wanted != Want(part.content_id, part.offset):
            raise RemoteProtocolError(
                "not wanted", clause="DLG-16.4", code=ErrorCode.UNEXPECTED
            )
        here = self.memory.parts.get(part.content_id, b"") + part.data
        if not part.total:
            self._gone.add(part.content_id)
        elif len(here) == part.total and id_of(here) != part.content_id:
            here = b""
        self.memory.parts[part.content_id] = here
        taken = []
        while self._held and self._apply(self._held[0]):
            taken.append(OrderTaken(self._held.pop(0), applied=True))
        return ContentTaken(part.content_id, len(here), part.total, tuple(taken))


@dataclass
class SmallBooks:
    """Books that know one machine, its orders, and contents."""

    orders: tuple[Order, ...]
    contents: dict[int, bytes] = field(default_factory=dict)
    asked: list[FindContent] = field(default_factory=list)
    goodbye: Goodbye | None = None

    def answer(self, effect: ServerEffect) -> BooksAnswer | None:
        if isinstance(effect, FindCredential):
            return CredentialFound(MACHINE.credential)
        if isinstance(effect, JudgeStatement):
            serial = effect.statement.order_serial
            orders = tuple(one for one in self.orders if one.order_serial > serial)
            return Closed(receipt(len(orders)), orders)
        if isinstance(effect, FindContent):
            self.asked.append(effect)
            content = self.contents.get(effect.content_id)
            part = ContentPart.cut(effect.content_id, effect.offset, content)
            return ContentFound(part)
        if isinstance(effect, StoreGoodbye):
            self.goodbye = effect.goodbye
        return None


def receipt(orders: int) -> Receipt:
    return Receipt(
        recharge_number=RechargeNumber(0),
        mark=bytes(8),
        time=EpochSeconds(1_780_288_200),
        funds_paise=Paise(0),
        licence_state=LicenceState.REGISTERED,
        orders=orders,
    )


class DialIn:
    """Carries packets between the two dialogues until both have nothing to say."""

    def __init__(self, memory: Memory, books: SmallBooks) -> None:
        self.psd = SmallPsd(memory)
        self.books = books
        self.machine = MachineDialogue(self.psd, INSPECTION)
        self.channel = DoubleServerChannel(SERVER, b"server")
        self.server = ServerDialogue(self.channel, 0.0)
        self.told: list[object] = []
        self.noted: list[Note] = []
        self.up: deque[bytes] = deque()
        self.down: deque[bytes] = deque()
        self.now = 0.0
        self.answer: Callable[[ServerEffect], BooksAnswer | None] = books.answer

    def run(self, step_s: float = 0.0) -> "DialIn":
        """Let both talk; each packet of the server takes `step_s`."""
        self.begin()
        while self.up or self.down:
            self.step(step_s)
        return self

    def begin(self) -> None:
        self._machine_does(self.machine.link_up(self.now))

    def step(self, step_s: float = 0.0) -> None:
        if self.up:
            self._server_does(self.server.receive_packet(self.up.popleft(), self.now))
        else:
            self.now += step_s
            packet = self.down.popleft()
            self._machine_does(self.machine.receive_packet(packet, self.now))

    def until(self, state: MachineAt | ServerAt) -> None:
        """Step until one of the two is in a state."""
        self.begin()
        while state not in (self.machine.state, self.server.state):
            self.step()

    def _machine_does(self, effects: list[MachineEffect]) -> None:
        for effect in effects:
            if isinstance(effect, SendPacket):
                self.up.append(effect.packet)
            elif isinstance(effect, Tell):
                self.told.append(effect.event)
            else:
                assert isinstance(effect, EndLink)

    def _server_does(self, effects: list[ServerEffect]) -> None:
        for effect in effects:
            if isinstance(effect, SendPacket):
                self.down.append(effect.packet)
            elif isinstance(effect, Note):
                self.noted.append(effect)
            else:
                answer = self.answer(effect)
                if answer is not None:
                    self._server_does(self.server.receive_answer(answer, self.now))


def test_a_tariff_is_fetched_in_parts_and_what_waits_behind_it_follows() -> None:
    orders = (order(1, OrderKind.TARIFF, id_of(TARIFF)), order(2, OrderKind.LOCK, 4))
    memory = Memory()
    books = SmallBooks(orders, {id_of(TARIFF): TARIFF})
    call = DialIn(memory, books).run()
    assert call.machine.outcome is Outcome.INSPECTED
    assert memory.applied == [OrderKind.TARIFF, OrderKind.LOCK]
    assert [asked.offset for asked in books.asked] == [0, 512, 1024]
    assert books.goodbye is not None
    assert books.goodbye.order_serial == 2
    first = [told for told in call.told if isinstance(told, OrderTaken)]
    assert [taken.applied for taken in first] == [False, False]
    parts = [told for told in call.told if isinstance(told, ContentTaken)]
    assert [part.received for part in parts] == [512, 1024, len(TARIFF)]
    assert [part.total for part in parts] == [len(TARIFF)] * 3
    done = tuple(OrderTaken(one, applied=True) for one in orders)
    assert [part.orders for part in parts] == [(), (), done]
    assert call.noted == []


def test_without_a_content_to_fetch_nothing_is_wanted() -> None:
    memory = Memory()
    books = SmallBooks((order(1, OrderKind.LOCK), order(2, OrderKind.NOTHING)))
    call = DialIn(memory, books).run()
    assert call.machine.outcome is Outcome.INSPECTED
    assert (memory.serial, books.asked, call.psd.wants) == (2, [], 0)


@pytest.mark.parametrize("parts", [1, 2])
def test_a_lost_line_costs_no_part_that_has_come(parts: int) -> None:
    memory = Memory()
    orders = (order(1, OrderKind.TARIFF, id_of(TARIFF)),)
    books = SmallBooks(orders, {id_of(TARIFF): TARIFF})
    call = DialIn(memory, books)
    call.begin()
    while len(memory.parts.get(id_of(TARIFF), b"")) < parts * CONTENT_PART_OCTETS:
        call.step()
    call.machine.line_lost("cut", call.now)
    call.server.line_lost("cut", call.now)
    assert memory.serial == 0
    books.asked.clear()
    DialIn(memory, books).run()
    assert memory.serial == 1
    assert books.asked[0].offset == parts * CONTENT_PART_OCTETS


def test_a_content_that_is_not_here_holds_its_order_back_and_no_more() -> None:
    orders = (order(1, OrderKind.TARIFF, id_of(TARIFF)), order(2, OrderKind.LOCK))
    memory = Memory()
    books = SmallBooks(orders)
    call = DialIn(memory, books).run()
    assert call.machine.outcome is Outcome.INSPECTED
    assert (memory.serial, call.psd.wants) == (0, 1)
    assert ContentTaken(id_of(TARIFF), 0, 0, ()) in call.told
    assert books.goodbye is not None
    assert books.goodbye.order_serial == 0


def test_an_order_taken_back_under_its_serial_frees_those_behind_it() -> None:
    lock = order(2, OrderKind.LOCK)
    memory = Memory()
    tariff = order(1, OrderKind.TARIFF, id_of(TARIFF))
    DialIn(memory, SmallBooks((tariff, lock))).run()
    DialIn(memory, SmallBooks((order(1, OrderKind.NOTHING), lock))).run()
    assert memory.applied == [OrderKind.NOTHING, OrderKind.LOCK]


def test_octets_that_do_not_give_the_content_id_are_never_applied() -> None:
    memory = Memory()
    orders = (order(1, OrderKind.TARIFF, id_of(TARIFF)),)
    books = SmallBooks(orders, {id_of(TARIFF): TARIFF[::-1]})
    call = DialIn(memory, books).run()
    assert call.machine.outcome is Outcome.INSPECTED
    assert (memory.serial, call.psd.wants) == (0, WANTS_PER_DIAL_IN_MAX)


def test_what_one_dial_in_may_not_fetch_the_next_one_does() -> None:
    contents = [bytes((seed,)) * CONTENT_OCTETS_MAX for seed in range(5)]
    orders = tuple(
        order(serial, OrderKind.FIRMWARE, id_of(content))
        for serial, content in enumerate(contents, 1)
    )
    memory = Memory()
    books = SmallBooks(orders, {id_of(content): content for content in contents})
    first = DialIn(memory, books).run()
    assert first.machine.outcome is Outcome.INSPECTED
    assert (first.noted, first.psd.wants) == ([], WANTS_PER_DIAL_IN_MAX)
    assert memory.serial == 4
    second = DialIn(memory, books).run()
    assert (memory.serial, second.psd.wants) == (5, 128)


def test_a_slow_line_fetches_for_ten_minutes_and_is_complete_all_the_same() -> None:
    content = bytes(CONTENT_OCTETS_MAX)
    memory = Memory()
    orders = (order(1, OrderKind.FIRMWARE, id_of(content)),)
    books = SmallBooks(orders, {id_of(content): content})
    call = DialIn(memory, books).run(step_s=7.0)
    assert call.machine.outcome is Outcome.INSPECTED
    assert 0 < len(memory.parts[id_of(content)]) < len(content)
    assert FETCHING_S < call.now < FETCHING_S + ANSWER_TIMEOUT_S
    DialIn(memory, books).run(step_s=1.0)
    assert memory.serial == 1


def test_a_want_beyond_the_bound_is_unexpected() -> None:
    call = closed_call(SmallBooks((), {id_of(TARIFF): TARIFF}))
    for _ in range(WANTS_PER_DIAL_IN_MAX):
        assert isinstance(asked(call, Want(id_of(TARIFF), 0)), ContentPart)
    assert asked(call, Want(id_of(TARIFF), 0)) is ErrorCode.UNEXPECTED
    assert call.server.state is ServerAt.ENDED


def test_a_want_between_the_parts_of_a_usage_is_unexpected() -> None:
    call = closed_call(SmallBooks(()))
    usage = Usage(1, 1, 2, (UsageRow(1, 1, Paise(100)),))
    packet = call.psd.channel.seal(usage.encode())
    assert call.server.receive_packet(packet, 0.0) == []
    assert asked(call, Want(1, 0)) is ErrorCode.UNEXPECTED


def test_a_want_behind_the_ack_of_a_usage_is_unexpected() -> None:
    call = closed_call(SmallBooks(()))
    usage = Usage(1, 1, 1, (UsageRow(1, 1, Paise(100)),))
    packet = call.psd.channel.seal(usage.encode())
    call.server.receive_packet(packet, 0.0)
    call.server.receive_answer(Stored(), 0.0)
    assert call.server.state is ServerAt.CLOSED
    assert asked(call, Want(1, 0)) is ErrorCode.UNEXPECTED


@pytest.mark.parametrize("offset", [1, 511, 513, 1536, 2**32 - 1, 2**32 - 512])
def test_an_offset_where_no_part_begins_is_answered_with_not_here(offset: int) -> None:
    call = closed_call(SmallBooks((), {id_of(TARIFF): TARIFF}))
    answer = asked(call, Want(id_of(TARIFF), offset))
    assert answer == ContentPart(id_of(TARIFF), offset, 0, b"")
    assert call.server.state is ServerAt.CLOSED


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (StoreFailed("the books are away"), ErrorCode.UNAVAILABLE),
        (Superseded(), ErrorCode.SUPERSEDED),
    ],
)
def test_books_that_cannot_serve_end_the_dialogue(
    answer: BooksAnswer, code: ErrorCode
) -> None:
    call = closed_call(SmallBooks(()))
    call.answer = lambda _effect: answer
    assert asked(call, Want(1, 0)) is code
    assert call.server.state is ServerAt.ENDED
    assert [note.code for note in call.noted] == [code]


def test_books_that_do_not_answer_a_want_in_time_are_unavailable() -> None:
    call = closed_call(SmallBooks(()))
    call.answer = lambda _effect: None
    assert asked(call, Want(1, 0)) is None
    assert call.server.state is ServerAt.SERVING
    effects = call.server.handle_timer(STORE_TIMEOUT_S)
    assert isinstance(effects[0], SendPacket)
    assert packet_type(effects[0].packet) is PacketType.ERROR
    assert [e.code for e in effects if isinstance(e, Note)] == [ErrorCode.UNAVAILABLE]


def test_a_machine_does_not_wait_for_a_content_for_ever() -> None:
    call = DialIn(Memory(), SmallBooks((order(1, OrderKind.TARIFF, id_of(TARIFF)),)))
    call.until(MachineAt.FETCHING)
    call.machine.handle_timer(call.now + ANSWER_TIMEOUT_S)
    assert call.machine.failure is not None
    assert call.machine.failure.code is ErrorCode.TIMEOUT
    assert call.machine.outcome is Outcome.INSPECTED, "the RECEIPT is stored"


@pytest.mark.parametrize(
    "part",
    [
        ContentPart(id_of(TARIFF) ^ 1, 0, 512, bytes(512)),
        ContentPart(id_of(TARIFF), 512, 1024, bytes(512)),
        ContentPart(id_of(TARIFF), 512, 0, b""),
    ],
)
def test_a_content_that_was_not_wanted_ends_the_dialogue_and_changes_nothing(
    part: ContentPart,
) -> None:
    memory = Memory()
    orders = (order(1, OrderKind.TARIFF, id_of(TARIFF)),)
    call = DialIn(memory, SmallBooks(orders))
    call.answer = lambda effect: (
        ContentFound(part)
        if isinstance(effect, FindContent)
        else call.books.answer(effect)
    )
    call.run()
    assert call.machine.failure is not None
    assert call.machine.failure.code is ErrorCode.UNEXPECTED
    assert (memory.serial, memory.parts) == (0, {})


def test_an_order_while_a_content_is_awaited_is_unexpected() -> None:
    call = DialIn(Memory(), SmallBooks((order(1, OrderKind.TARIFF, id_of(TARIFF)),)))
    lock = order(2, OrderKind.LOCK)
    call.until(MachineAt.FETCHING)
    effects = call.machine.receive_packet(call.channel.seal(lock.encode()), 0.0)
    assert call.machine.failure is not None
    assert call.machine.failure.code is ErrorCode.UNEXPECTED
    assert isinstance(effects[0], SendPacket)
    assert packet_type(effects[0].packet) is PacketType.ERROR


def test_every_kind_of_order_says_which_capability_it_needs() -> None:
    assert set(CAPABILITY_OF) == set(OrderKind)
    assert {int(kind): bit and int(bit) for kind, bit in CAPABILITY_OF.items()} == {
        **dict.fromkeys(range(1, 6)),
        6: 32,
        7: 32,
        8: 8,
        16: 1,
        17: 2,
        18: 4,
        19: 8,
        20: 2,
    }
    assert set(range(16, 20)) == CONTENT_ORDERS


def closed_call(books: SmallBooks) -> DialIn:
    """Bring the server to CLOSED; what the machine says then is the test's business."""
    call = DialIn(Memory(), books)
    call.until(ServerAt.CLOSED)
    call.psd.receive(call.down.popleft())
    return call


def asked(call: DialIn, want: Want) -> ContentPart | ErrorCode | None:
    """Give the server a WANT, and read what it says to that."""
    call.up.append(call.psd.channel.seal(want.encode()))
    call.step()
    if not call.down:
        return None
    packet = call.down.popleft()
    if packet_type(packet) is PacketType.ERROR:
        return read_error(packet)
    return ContentPart.decode(call.psd.channel.open(packet))
