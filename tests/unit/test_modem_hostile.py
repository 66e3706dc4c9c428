"""Garbage at both sides of a modem: nothing raises, and nothing grows without bound."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hw.modem.carrier_text import TEXT
from hw.modem.dialogue import ModemDialogue
from hw.modem.dialogue_states import DialogueState, Received
from hw.modem.escape import EscapeMethod
from hw.modem.results import parse_caller, parse_result
from hw.modem.settings import ModemSettings
from hw.ports.port import ModemCircuits, TerminalCircuits
from tests.modem_desk import connected, one_desk

WORDS = (
    *(b"OK", b"ERROR", b"RING", b"CONNECT 9600", b"CONNECT", b"NO CARRIER", b"BUSY"),
    *(b"NMBR = 1", b"0", b"1", b"3", b"\r", b"\n", b"+++", b"\x7e", b"\xff"),
)
COMMANDS = (
    *(
        b"AT",
        b"at",
        b"A/",
        b"D222",
        b"D1;",
        b"DL",
        b"A",
        b"O",
        b"H",
        b"Z",
        b"&F",
        b"&W",
    ),
    *(b"S0=1", b"S3=36", b"S12=0", b"S2=0", b"V0", b"Q1", b"E1", b"X0", b"&D3", b"&K4"),
    *(b"\r", b"\n", b"+++", b",", b"\x13", b"\x11", b"$", b" ", b"\x08"),
)
SAID = st.one_of(st.sampled_from(WORDS), st.binary(max_size=40))
TYPED = st.one_of(st.sampled_from(COMMANDS), st.binary(max_size=40))
WAITS = st.sampled_from((0.0, 0.01, 0.2, 1.2, 9.0))


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(
        st.tuples(SAID, WAITS, st.sampled_from(("say", "dcd", "no dcd", "hang up"))),
        max_size=40,
    ),
    answers=st.booleans(),
    has_circuits=st.booleans(),
)
def test_whatever_a_modem_says_the_dialogue_goes_on_or_ends(
    steps: list[tuple[bytes, float, str]], answers: bool, has_circuits: bool
) -> None:
    dialogue = ModemDialogue(ModemSettings("1", guard_s=0.2), answers=answers)
    now = 0.0
    data = received = 0
    dialogue.port_up(ModemCircuits() if has_circuits else None, now)
    for said, wait_s, what in steps:
        if what == "say":
            data += len(said)
            dialogue.octets_received(said, now)
        elif what == "hang up":
            dialogue.hang_up(now)
        elif has_circuits:
            dialogue.circuits_changed(ModemCircuits(carrier=what == "dcd"), now)
        now += wait_s
        for _ in range(10):
            if dialogue.deadline is not None and dialogue.deadline <= now:
                dialogue.handle_timer(now)
        received += sum(
            len(effect.octets)
            for effect in dialogue.effects()
            if isinstance(effect, Received)
        )
    assert received <= data
    if dialogue.state is not DialogueState.CONNECTED:
        # It waits for nothing for ever.
        assert (dialogue.deadline is None) is (dialogue.state is DialogueState.OVER)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(TYPED, WAITS), max_size=30), ties=st.booleans())
def test_whatever_is_typed_the_modem_lives(
    steps: list[tuple[bytes, float]], ties: bool
) -> None:
    method = EscapeMethod.TIES if ties else EscapeMethod.GUARD_TIME
    desk = one_desk(escape=method)
    for typed, wait_s in steps:
        desk.type(typed, wait_s)
    desk.wait(120)
    # DTR and a new profile bring any modem back.
    desk.terminal.port.set_circuits(TerminalCircuits())
    desk.pair.unplug()
    desk.wait(1)
    assert len(desk.terminal.octets) < 100_000
    assert not desk.clock.getDelayedCalls()


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.booleans(), TYPED, WAITS), max_size=20))
def test_whatever_is_typed_in_a_call_nothing_is_left_behind(
    steps: list[tuple[bool, bytes, float]],
) -> None:
    desks = connected()
    for first, typed, wait_s in steps:
        desks[0 if first else 1].type(typed, wait_s)
    for desk in desks:
        desk.pair.unplug()
    desks[0].wait(300)
    assert not desks[0].clock.getDelayedCalls()


@settings(max_examples=200)
@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=8),
            st.integers(0, len(TEXT)).map(lambda length: TEXT[:length]),
        ),
        max_size=12,
    )
)
def test_data_that_do_not_end_with_the_text_arrive_whole(pieces: list[bytes]) -> None:
    dialogue = ModemDialogue(ModemSettings("1"))
    dialogue.port_up(None, 0.0)
    dialogue.handle_timer(1.0)
    for said in (b"OK\r\n", b"OK\r\n", b"CONNECT\r\n"):
        dialogue.octets_received(said, 1.0)
    pieces = [piece for piece in [*pieces, b"."] if piece]
    for piece in pieces:
        dialogue.octets_received(piece, 1.0)
    octets = b"".join(
        effect.octets for effect in dialogue.effects() if isinstance(effect, Received)
    )
    assert octets == b"".join(pieces)


@given(st.text(max_size=60))
def test_any_line_is_a_result_or_is_none(line: str) -> None:
    result = parse_result(line)
    assert result is None or result.code
    caller = parse_caller(line)
    assert caller is None or caller.isascii()
