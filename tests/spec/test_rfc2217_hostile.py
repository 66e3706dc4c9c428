"""Whatever a peer sends, each end goes on or ends by its rules, and keeps little."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.ports.rfc2217.telnet import SUBNEGOTIATION_OCTETS_MAX
from tests.reactor import step
from tests.spec.rfc2217_parties import (
    Modem,
    Script,
    Terminal,
    access_server,
    opener,
    said,
)

FAST = every_call(VirtualLineParameters(bit_s=10_000_000))
STEPS_MAX = 2000

PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"\xff", b"\xff\xfa\x2c", b"\xff\xf0", b"\r", b"\0", said(108)]),
    st.builds(
        lambda verb, option: bytes((255, verb, option)),
        st.integers(250, 254),
        st.integers(0, 255),
    ),
    st.builds(
        said,
        st.integers(0, 120),
        st.binary(max_size=6),
    ),
)


def _settle(clock: Clock) -> None:
    for _ in range(STEPS_MAX):
        if clock.seconds() > 60 or not step(clock):
            return
    raise AssertionError("it goes on and on")


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_a_client_outlives_any_server(pieces: list[bytes]) -> None:
    clock = Clock()
    exchange = VirtualExchange(clock, FAST)
    script = Script(greeting=b"\xff\xfd\x2c\xff\xfd\x00\xff\xfb\x00" + b"".join(pieces))
    exchange.listen(lambda _caller: script)
    terminal = Terminal()
    opener(clock, exchange).open(terminal)
    _settle(clock)
    assert terminal.story.count("lost") <= 1
    assert terminal.story.count("up") <= 1
    # Answers are shorter than what asked for them, and the client's own are few.
    assert len(script.octets) < 400 + 3 * len(script.greeting)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_a_server_outlives_any_client(pieces: list[bytes]) -> None:
    clock = Clock()
    exchange = VirtualExchange(clock, FAST)
    modem = Modem()
    access_server(clock, exchange).listen(lambda _caller: modem)
    script = Script(greeting=b"".join(pieces))
    exchange.dial(script)
    _settle(clock)
    assert modem.story[:1] == ["up"]
    assert len(script.octets) < 400 + 4 * len(script.greeting)


def test_a_subnegotiation_that_never_ends_is_not_kept() -> None:
    clock = Clock()
    exchange = VirtualExchange(clock, FAST)
    modem = Modem()
    access_server(clock, exchange).listen(lambda _caller: modem)
    script = Script(greeting=b"\xff\xfb\x2c\xff\xfa\x2c")
    exchange.dial(script)
    for _ in range(20):
        step(clock)
    for _ in range(100):
        script.line.send(bytes(10_000))
        clock.advance(1)
    port = modem.port
    reader = port._session._reader  # type: ignore[attr-defined]  # looked into on purpose
    assert len(reader._payload) <= SUBNEGOTIATION_OCTETS_MAX + 1
    assert modem.octets == b""
