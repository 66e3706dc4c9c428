"""Lines over modems, from end to end: driver, port, modem, network, and back."""

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.pool import ListenerPool
from hw.lines.port import LineError, LineLoss, LossCause
from hw.lines.virtual import VirtualLineParameters
from hw.link_driver import LinkDriver
from hw.modem.book import PhoneBook, parse_phone_book
from hw.modem.dialler import ModemDialler
from hw.modem.listener import ModemListener
from hw.modem.network import PhoneNetwork
from hw.modem.settings import ModemSettings
from hw.modem.trunk import RINGS_FOR_S
from protocol.link import Link, Role
from tests.line_user import EchoUser, RecordingUser
from tests.modem_desk import ModemDesk
from tests.reactor import step

STEPS_MAX = 200_000


class World:
    """A network, a modem that dials, and one that answers."""

    def __init__(
        self,
        book: PhoneBook | None = None,
        *,
        has_circuits: bool = True,
        init: str = "AT&F0E0V1Q0X4",
    ) -> None:
        self.clock = Clock()
        self.network = PhoneNetwork(self.clock, book)
        self.desks = [
            ModemDesk(self.clock, self.network, number, has_circuits=has_circuits)
            for number in ("111", "222", "333")
        ]
        self.troubles: list[str] = []
        self.init = init

    def dialler(self, number: str = "222", desk: int = 0) -> ModemDialler:
        settings = ModemSettings(number, init=self.init)
        return ModemDialler(self.clock, self.desks[desk].pair.opener, settings)

    def listener(self, desk: int = 1, **more: object) -> ModemListener:
        settings = ModemSettings(init=self.init, **more)  # type: ignore[arg-type]
        return ModemListener(
            self.clock,
            self.desks[desk].pair.opener,
            settings,
            on_trouble=self.troubles.append,
        )

    def dial(self, number: str = "222", desk: int = 0) -> RecordingUser:
        user = RecordingUser()
        self.dialler(number, desk).dial(user)
        return user

    def until(self, *users: RecordingUser, has: int = 0, lost: bool = False) -> None:
        for _ in range(STEPS_MAX):
            if all(
                user.losses if lost else user.lines and len(user.octets) >= has
                for user in users
            ):
                return
            assert not any(user.losses for user in users) or lost, users[0].losses
            assert step(self.clock), "nothing is due any more"
        raise AssertionError("it goes on for ever")

    def connect(self) -> tuple[RecordingUser, RecordingUser]:
        answering = RecordingUser()
        self.listener().listen(lambda _caller: answering)
        self.desks[0].wait(3)
        calling = self.dial()
        self.until(calling, answering)
        return calling, answering


def outcome(number: str, entry: str) -> PhoneBook:
    return parse_phone_book(f'[[number]]\ndial = "{number}"\noutcome = "{entry}"\n')


@pytest.mark.parametrize("has_circuits", [True, False])
@pytest.mark.parametrize("hangs_up", [0, 1])
def test_octets_cross_and_either_end_hangs_up(
    has_circuits: bool, hangs_up: int
) -> None:
    world = World(has_circuits=has_circuits)
    ends = world.connect()
    octets = bytes(range(256)) * 3
    for end in ends:
        end.line.send(octets)
    world.until(*ends, has=len(octets))
    for end in ends:
        end.octets = b""
    # Text of modems and an escape among the data are data.
    octets = b"+++\r\nNO CARRIER\r\n+++ATH\r" + octets
    for end in ends:
        end.line.send(octets)
    ends[hangs_up].line.send(b"last")
    ends[hangs_up].line.drop()
    world.until(*ends, lost=True)
    other = ends[1 - hangs_up]
    assert other.octets.startswith(octets + b"last")
    # Where only an escape helps, it reaches the other end as data.
    assert other.octets.removeprefix(octets + b"last") == (
        b"" if has_circuits else b"+++"
    )
    assert ends[hangs_up].loss == LineLoss(LossCause.DROPPED_HERE)
    assert other.loss.cause is LossCause.DROPPED_BY_PEER
    assert [end.story for end in ends] == [["up", "octets", "lost"]] * 2


def test_a_modem_can_be_called_again_and_again() -> None:
    world = World()
    answered: list[EchoUser] = []

    def answer(_caller: str) -> EchoUser:
        answered.append(EchoUser())
        return answered[-1]

    world.listener().listen(answer)
    for number in range(3):
        user = world.dial()
        world.until(user)
        user.line.send(b"%d" % number)
        world.until(user, has=1)
        assert user.octets == b"%d" % number
        user.line.drop()
        world.until(user, answered[-1], lost=True)
    assert len(answered) == 3


@pytest.mark.parametrize(
    ("book", "cause", "words"),
    [
        (outcome("222", "busy"), LossCause.BUSY, "busy: 222 (BUSY)"),
        (outcome("222", "no answer"), LossCause.NO_ANSWER, "no answer: 222"),
        (outcome("222", "no carrier"), LossCause.NO_CARRIER, "no carrier"),
        (PhoneBook(dial_tone=False), LossCause.NO_DIALTONE, "no dial tone: 222"),
    ],
)
def test_why_there_is_no_line_reaches_the_user_in_words(
    book: PhoneBook, cause: LossCause, words: str
) -> None:
    world = World(book)
    user = world.dial()
    world.until(user, lost=True)
    assert user.story == ["lost"]
    assert user.loss.cause is cause
    assert words in str(user.loss)


def test_a_modem_that_is_off_is_told_of() -> None:
    world = World()
    world.desks[0].pair.modem.close()  # type: ignore[union-attr]
    user = world.dial()
    world.until(user, lost=True)
    assert user.loss.cause is LossCause.NO_MODEM
    assert "is its cable in" in str(user.loss)


def test_a_port_that_is_not_there_or_in_use_is_told_of() -> None:
    world = World()
    first, second = world.dial("999"), world.dial("999")
    world.until(second, lost=True)
    assert str(second.loss).endswith("modem port 111: in use: port 111")
    world.until(first, lost=True)
    world.desks[0].pair.unplug()
    third = world.dial()
    world.until(third, lost=True)
    assert third.loss.cause is LossCause.NO_PORT
    assert "not there" in str(third.loss)


def test_a_carrier_that_is_lost_in_a_call_reaches_both_users() -> None:
    world = World()
    ends = world.connect()
    latest = world.network.latest
    assert latest is not None
    latest.cut()
    world.until(*ends, lost=True)
    for end in ends:
        assert end.loss.cause is LossCause.DROPPED_BY_PEER
        assert "lost the carrier" in str(end.loss)


def test_a_modem_that_is_pulled_out_in_a_call_is_told_of() -> None:
    world = World()
    calling, answering = world.connect()
    world.desks[0].pair.unplug()
    world.until(calling, answering, lost=True)
    assert calling.loss.cause is LossCause.CARRIER_LOST
    assert str(calling.loss).endswith("to 222: unplugged")


def test_a_modem_that_a_crash_left_in_a_call_is_brought_back() -> None:
    world = World(has_circuits=False)
    desk = world.desks[0].sit_down()
    world.listener().listen(lambda _caller: RecordingUser())
    desk.wait(3)
    desk.say("ATD222", 30)
    assert b"CONNECT" in desk.terminal.octets
    # The terminal's program dies without a word; another opens the port.
    desk.terminal.port.close()
    desk.wait(0.1)
    user = world.dial()
    world.until(user)
    assert user.story == ["up"]


def test_a_call_is_given_up_while_it_rings() -> None:
    world = World()
    user = RecordingUser()
    call = world.dialler().dial(user)
    world.desks[0].wait(6)
    call.drop()
    assert user.story == []
    world.until(user, lost=True)
    assert user.loss.cause is LossCause.DROPPED_HERE


def test_a_server_that_wants_no_more_calls_hangs_up() -> None:
    world = World()
    world.listener().listen(lambda _caller: None)
    user = world.dial()
    world.until(user, lost=True)
    assert user.loss.cause is LossCause.DROPPED_BY_PEER


def test_the_callers_number_is_the_name_of_the_line() -> None:
    world = World(init="AT&FE0+VCID=1")
    names: list[str] = []
    answering = RecordingUser()

    def answer(caller: str) -> RecordingUser:
        names.append(caller)
        return answering

    world.listener(rings=2).listen(answer)
    calling = world.dial()
    world.until(calling, answering)
    assert names == [answering.line.name] == ["modem port 222 from 111"]
    assert calling.line.name == "modem port 111 to 222"


def test_modems_that_answer_by_themselves_are_listened_to() -> None:
    world = World()
    answering = RecordingUser()
    world.listener(rings=2, answers_itself=True).listen(lambda _caller: answering)
    world.desks[0].wait(3)
    world.until(world.dial(), answering)


def test_a_pool_answers_with_whichever_modem_is_called() -> None:
    world = World()
    pool = ListenerPool([world.listener(1), world.listener(2)])
    assert pool.address == "modem:port 222, modem:port 333"
    answered: list[str] = []

    def answer(caller: str) -> RecordingUser:
        answered.append(caller)
        return RecordingUser()

    pool.listen(answer)
    with pytest.raises(LineError, match="already"):
        pool.listen(answer)
    world.desks[0].wait(3)
    first = world.dial("333")
    world.until(first)
    first.line.drop()
    world.until(first, lost=True)
    world.until(world.dial("222"))
    assert answered == ["modem port 333", "modem port 222"]
    pool.close()
    with pytest.raises(LineError, match="needs a line"):
        ListenerPool([])


def test_a_listener_tells_of_its_modem_once_and_finds_it_again() -> None:
    world = World()
    pair = world.desks[1].pair
    pair.unplug()
    listener = world.listener()
    listener.listen(lambda _caller: RecordingUser())
    world.desks[0].wait(60)
    (trouble,) = world.troubles
    assert trouble.startswith("modem:port 222 answers no calls: the port cannot be")
    assert trouble.endswith("modem port 222: not there: port 222")
    pair.plug_in()
    pair.attach(world.desks[1].modem)
    world.desks[0].wait(15)
    assert world.troubles[1:] == ["modem:port 222 answers calls again"]
    world.until(world.dial())
    listener.close()


def test_a_closed_listener_lets_go_of_its_port() -> None:
    world = World()
    listener = world.listener()
    listener.listen(lambda _caller: RecordingUser())
    world.desks[0].wait(3)
    listener.close()
    world.desks[0].wait(1)
    assert world.desks[1].pair.terminal is None
    user = world.dial()
    world.until(user, lost=True)
    assert user.loss.cause is LossCause.NO_ANSWER


def test_a_number_is_needed_to_dial() -> None:
    with pytest.raises(LineError, match="dial="):
        World().dialler("")


class _LinkEnd:
    """Says one thing over a link, and hears one."""

    deadline = None

    def __init__(self, says: bytes) -> None:
        self.says = says
        self.heard = b""
        self.losses: list[LineLoss] = []

    def link_up(self, driver: LinkDriver, now: float) -> None:
        driver.send_message(self.says)

    def message_received(self, message: bytes, now: float) -> None:
        self.heard += message

    def link_down(self, reason: str, now: float) -> None:
        pass

    def line_lost(self, loss: LineLoss, now: float) -> None:
        self.losses.append(loss)

    def handle_timer(self, now: float) -> None:
        pass


@pytest.mark.parametrize("has_circuits", [True, False])
def test_a_link_over_a_noisy_line_delivers_what_was_said(has_circuits: bool) -> None:
    book = parse_phone_book('[[number]]\ndial="222"\nspeed=1200\nber=1e-3\ndelay=0.02')
    world = World(book, has_circuits=has_circuits)
    machine, server = _LinkEnd(bytes(300)), _LinkEnd(b"+++" * 100)
    drivers = [
        LinkDriver(Link(role), world.clock, end, connect=role is Role.MACHINE)
        for role, end in ((Role.MACHINE, machine), (Role.SERVER, server))
    ]
    world.listener().listen(lambda _caller: drivers[1])
    world.dialler().dial(drivers[0])
    for _ in range(STEPS_MAX):
        if machine.heard and server.heard:
            break
        assert step(world.clock)
    assert (machine.heard, server.heard) == (server.says, machine.says)
    drivers[0].drop()
    world.desks[0].wait(60)
    assert machine.losses[0].cause is LossCause.DROPPED_HERE


def test_a_book_leads_to_other_places_and_they_call_back() -> None:
    clock = Clock()
    exchange = VirtualExchange(
        clock, every_call(VirtualLineParameters(bit_s=1_000_000))
    )
    book = parse_phone_book('[[number]]\ndial="800"\nto="over there"\nspeed=9600')
    here = PhoneNetwork(clock, book, make_dialler=lambda _text: exchange)
    there = PhoneNetwork(clock)
    there.listen(exchange, "800")
    desks = [ModemDesk(clock, here, "1"), ModemDesk(clock, there, "800")]
    answering, calling = EchoUser(), RecordingUser()
    ModemListener(clock, desks[1].pair.opener, ModemSettings()).listen(
        lambda _caller: answering
    )
    desks[0].wait(3)
    ModemDialler(clock, desks[0].pair.opener, ModemSettings("800")).dial(calling)
    desks[0].wait(15)
    calling.line.send(bytes(500))
    desks[0].wait(15)
    assert calling.octets == bytes(500)
    calling.line.drop()
    desks[0].wait(10)
    assert calling.loss.cause is LossCause.DROPPED_HERE
    assert answering.loss.cause is LossCause.DROPPED_BY_PEER
    desks[1].pair.unplug()
    again = RecordingUser()
    ModemDialler(clock, desks[0].pair.opener, ModemSettings("800")).dial(again)
    desks[0].wait(100)
    assert again.loss.cause is LossCause.NO_ANSWER


def test_a_call_from_another_place_waits_for_the_modem_to_answer() -> None:
    clock = Clock()
    exchange = VirtualExchange(
        clock, every_call(VirtualLineParameters(bit_s=1_000_000))
    )
    news: list[str] = []
    network = PhoneNetwork(clock, on_news=news.append)
    network.listen(exchange, "800")
    assert network.places == ["virtual exchange"]
    desk = ModemDesk(clock, network, "800").sit_down()
    caller, second, third = RecordingUser(), RecordingUser(), RecordingUser()
    exchange.dial(caller)
    exchange.dial(second)
    desk.wait(1)
    exchange.dial(third)
    desk.wait(1)
    # One rings at a time; another hears of it at once, or when its line is up.
    assert second.losses
    assert third.losses
    assert news == ["a call from virtual exchange finds 800 busy"]
    caller.line.send(b"early")
    desk.wait(1)
    assert desk.say("ATE0A", 20).endswith("CONNECT 33600\r\nearly")
    desk.type(b"answer")
    assert caller.octets == b"answer"
    caller.line.drop()
    desk.wait(3)
    assert desk.terminal.octets.endswith(b"NO CARRIER\r\n")
    fourth = RecordingUser()
    exchange.dial(fourth)
    desk.wait(1)
    fourth.line.drop()
    desk.wait(9)
    assert not desk.modem.is_busy
    desk.terminal.octets = b""
    desk.wait(20)
    assert desk.terminal.octets == b""
    flooding = RecordingUser()
    exchange.dial(flooding)
    desk.wait(1)
    for _ in range(40):
        flooding.line.send(bytes(2000))
        desk.wait(0.1)
    assert flooding.losses
    network.close()


def _no_dialler(text: str) -> ModemDialler:
    raise LineError(f"{text} is no line")


@pytest.mark.parametrize(
    ("dialler", "cause", "words"),
    [
        (_no_dialler, LossCause.NO_ANSWER, "800: nowhere is no line"),
        (None, LossCause.NO_CARRIER, "nowhere is out of reach from here"),
    ],
)
def test_a_place_that_cannot_be_reached_is_told_of(
    dialler: Callable[[str], ModemDialler] | None, cause: LossCause, words: str
) -> None:
    clock = Clock()
    news: list[str] = []
    network = PhoneNetwork(
        clock,
        parse_phone_book('[[number]]\ndial="800"\nto="nowhere"'),
        make_dialler=dialler,
        on_news=news.append,
    )
    desk = ModemDesk(clock, network, "1")
    user = RecordingUser()
    ModemDialler(clock, desk.pair.opener, ModemSettings("800")).dial(user)
    desk.wait(60)
    assert user.loss.cause is cause
    assert news == [words]


def test_a_line_that_is_cut_off_has_no_dial_tone() -> None:
    world = World()
    world.network.line("111").cut()
    user = world.dial()
    world.until(user, lost=True)
    assert user.loss.cause is LossCause.NO_DIALTONE


def test_a_call_from_another_place_that_nobody_answers_is_given_up() -> None:
    clock = Clock()
    exchange = VirtualExchange(
        clock, every_call(VirtualLineParameters(bit_s=1_000_000))
    )
    network = PhoneNetwork(clock)
    network.listen(exchange, "800")
    desk = ModemDesk(clock, network, "800").sit_down()
    caller = RecordingUser()
    exchange.dial(caller)
    desk.wait(RINGS_FOR_S - 1)
    assert not caller.losses
    desk.wait(2)
    assert caller.loss.cause is LossCause.DROPPED_BY_PEER
    assert not desk.modem.is_busy
