"""Whatever befalls a line, a link delivers what was sent, in order, or goes down.

The FCS of a frame has 16 bits: of the frames that noise makes of others, one in 65,536
passes for good, and is the channel's to refuse. So the searches here are the same in
every run.
"""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.faults.character import BadOctets
from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.trigger import NEVER, Trigger
from hw.lines.port import LineLoss
from hw.lines.virtual import VirtualLine, VirtualLineParameters
from hw.link_driver import LinkDriver
from hw.ports.settings import Parity
from protocol.link import Link, Role
from tests.reactor import step

HOURS_MAX_S = 24 * 3600.0


class Talker:
    """Sends its messages as soon as the link is up, and keeps what it hears."""

    deadline: float | None = None

    def __init__(self, messages: list[bytes]) -> None:
        self.to_send = messages
        self.heard: list[bytes] = []
        self.ends: list[str] = []

    def link_up(self, driver: LinkDriver, now: float) -> None:
        if not self.ends:
            for message in self.to_send:
                driver.send_message(message)

    def message_received(self, message: bytes, now: float) -> None:
        if not self.ends:
            self.heard.append(message)

    def link_down(self, reason: str, now: float) -> None:
        self.ends.append(reason)

    def line_lost(self, loss: LineLoss, now: float) -> None:
        self.ends.append(str(loss))

    def handle_timer(self, now: float) -> None:
        return


@dataclass
class Talk:
    """What came of a talk over one line."""

    machine: Talker
    server: Talker
    line: VirtualLine
    took_s: float

    @property
    def is_complete(self) -> bool:
        return (
            self.server.heard == self.machine.to_send
            and self.machine.heard == self.server.to_send
        )

    @property
    def ended(self) -> bool:
        return bool(self.machine.ends or self.server.ends)


def talk_over(
    parameters: VirtualLineParameters, up: list[bytes], down: list[bytes]
) -> Talk:
    clock = Clock()
    exchange = VirtualExchange(clock, every_call(parameters))
    machine, server = Talker(up), Talker(down)
    exchange.listen(
        lambda _caller: LinkDriver(Link(Role.SERVER), clock, server, connect=False)
    )
    exchange.dial(LinkDriver(Link(Role.MACHINE), clock, machine, connect=True))
    line = exchange.latest
    assert line is not None
    talk = Talk(machine, server, line, 0.0)
    while not (talk.is_complete or talk.ended) and clock.seconds() < HOURS_MAX_S:
        assert step(clock), "nothing is due, and the talk is not over"
    talk.took_s = clock.seconds()
    return talk


def check(talk: Talk) -> None:
    assert talk.is_complete or talk.ended, f"still talking after {talk.took_s} s"
    for sent, heard in (
        (talk.machine.to_send, talk.server.heard),
        (talk.server.to_send, talk.machine.heard),
    ):
        assert heard == sent[: len(heard)]


def _triggers(*rates: float) -> st.SearchStrategy[Trigger]:
    """Most faults never befall, or the link of most examples would not come up."""
    places = st.integers(0, 1500)
    return st.one_of(
        *3 * [st.just(NEVER)],
        st.builds(Trigger, rate=st.sampled_from(rates), at=st.none() | places),
        st.builds(Trigger, at=places, count=st.integers(1, 40)),
        st.builds(Trigger, rate=st.just(0.2), at=places, count=st.integers(1, 100)),
    )


OCTET_RATES = (1e-4, 1e-3, 3e-3, 0.01)
ways = st.builds(
    WayParameters,
    jitter_s=st.sampled_from([0.0, 0.01, 0.3, 2.0]),
    bit_errors=_triggers(1e-5, 1e-4, 1e-3, 3e-3),
    bursts=_triggers(1e-5, 1e-4, 3e-4),
    burst_bits=st.integers(2, 200),
    parity_errors=_triggers(*OCTET_RATES),
    framing_errors=_triggers(*OCTET_RATES),
    breaks=_triggers(1e-4, 1e-3),
    break_octets=st.integers(1, 300),
    drops=_triggers(*OCTET_RATES),
    duplicates=_triggers(*OCTET_RATES),
    insertions=_triggers(*OCTET_RATES),
    carrier_losses=st.sampled_from([*3 * [NEVER], Trigger(1e-3)]),
)
lines = st.builds(
    VirtualLineParameters,
    bit_s=st.sampled_from([1200, 9600, 33_600, 115_200]),
    delay_s=st.sampled_from([0.0, 0.02, 0.3]),
    seed=st.integers(0, 2**32),
    parity=st.sampled_from([Parity.EVEN, Parity.ODD, Parity.MARK]),
    stop_bits=st.sampled_from([1, 2]),
    bad_octets=st.sampled_from(BadOctets),
    turnaround_s=st.sampled_from([None, None, 0.0, 0.2, 1.0]),
    up=ways,
    down=ways,
)
messages = st.lists(
    st.integers(300, 2000).map(lambda octets: bytes(n % 253 for n in range(octets)))
    | st.binary(min_size=1, max_size=60),
    min_size=2,
    max_size=6,
)


@settings(max_examples=250, derandomize=True)
@given(lines, messages, messages)
def test_what_is_delivered_over_a_line_with_any_faults_is_what_was_sent(
    parameters: VirtualLineParameters, up: list[bytes], down: list[bytes]
) -> None:
    check(talk_over(parameters, up, down))


TEXT = [bytes(range(n, n + 200)) for n in range(0, 40, 4)]
"""2,000 octets, in ten messages."""


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "way",
    [
        WayParameters(bit_errors=Trigger(1e-3)),
        WayParameters(bursts=Trigger(1e-4)),
        WayParameters(breaks=Trigger(at=500, count=3), break_octets=48),
        WayParameters(framing_errors=Trigger(2e-3)),
        WayParameters(drops=Trigger(2e-3)),
        WayParameters(duplicates=Trigger(2e-3)),
        WayParameters(insertions=Trigger(2e-3)),
        WayParameters(jitter_s=0.2),
        WayParameters(drops=Trigger(1.0, at=700, count=300)),
    ],
    ids=lambda way: ",".join(
        field
        for field in WayParameters.__slots__
        if getattr(way, field) != getattr(WayParameters(), field)
    ),
)
def test_a_line_that_is_bad_and_no_worse_delivers_everything(
    way: WayParameters, seed: int
) -> None:
    parameters = VirtualLineParameters(
        bit_s=33_600, delay_s=0.02, seed=seed, up=way, down=way
    )
    talk = talk_over(parameters, TEXT, TEXT)
    check(talk)
    assert talk.is_complete


@pytest.mark.parametrize("bad_octets", BadOctets)
def test_a_line_with_a_parity_delivers_everything_whatever_is_heard_of_bad_octets(
    bad_octets: BadOctets,
) -> None:
    way = WayParameters(parity_errors=Trigger(2e-3), bit_errors=Trigger(3e-4))
    parameters = VirtualLineParameters(
        bit_s=9600, parity=Parity.EVEN, bad_octets=bad_octets, up=way, down=way
    )
    talk = talk_over(parameters, TEXT, TEXT)
    check(talk)
    assert talk.is_complete
    assert talk.line.up.bad_octets > 3


@pytest.mark.parametrize("turnaround_s", [0.0, 0.05, 0.5])
def test_a_half_duplex_line_delivers_everything(turnaround_s: float) -> None:
    parameters = VirtualLineParameters(
        bit_s=9600, delay_s=0.02, bit_error_rate=1e-4, turnaround_s=turnaround_s
    )
    talk = talk_over(parameters, TEXT, TEXT)
    check(talk)
    assert talk.is_complete


@pytest.mark.parametrize("side", ["up", "down"])
@pytest.mark.parametrize("at", [0, 1, 100, 1000])
def test_a_line_that_goes_silent_takes_the_link_down(side: str, at: int) -> None:
    silent = WayParameters(drops=Trigger(1.0, at=at))
    parameters = (
        VirtualLineParameters(up=silent)
        if side == "up"
        else VirtualLineParameters(down=silent)
    )
    talk = talk_over(parameters, TEXT, TEXT)
    check(talk)
    assert talk.ended
    assert not talk.is_complete
    assert talk.took_s < 90


def test_a_line_that_is_lost_takes_the_link_down() -> None:
    for octets in range(0, 300, 7):
        parameters = VirtualLineParameters(cut_after_octets=octets)
        talk = talk_over(parameters, TEXT, TEXT)
        check(talk)
        assert talk.ended
