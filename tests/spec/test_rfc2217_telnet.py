"""RFC 854, 855, 856 and 1143: what is data, what is a command, and no loops."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.ports.rfc2217.negotiation import (
    BINARY,
    COM_PORT,
    SUPPRESS_GO_AHEAD,
    TABLE,
    Offered,
    Options,
    OptionState,
    Refused,
    Side,
    Wanted,
)
from hw.ports.rfc2217.telnet import (
    SUBNEGOTIATION_OCTETS_MAX,
    DataReceived,
    NegotiationReceived,
    Order,
    OrderReceived,
    SubnegotiationReceived,
    TelnetReader,
    Verb,
    encode_data,
    encode_subnegotiation,
)

WILLING = frozenset({BINARY, SUPPRESS_GO_AHEAD, COM_PORT})


def read(octets: bytes, *, is_binary: bool = True) -> list[object]:
    reader = TelnetReader()
    reader.is_binary = is_binary
    return list(reader.receive(octets))


def test_iac_twice_is_one_octet_of_data() -> None:
    # RFC 854: the need to double the IAC to have it stand for data.
    assert read(b"a\xff\xffb") == [DataReceived(b"a\xffb")]
    assert encode_data(b"a\xffb", is_binary=True) == b"a\xff\xffb"


def test_commands_stand_in_their_place_among_the_data() -> None:
    assert read(b"a\xff\xf3b\xff\xfd\x2cc") == [
        DataReceived(b"a"),
        OrderReceived(Order.BREAK),
        DataReceived(b"b"),
        NegotiationReceived(Verb.DO, COM_PORT),
        DataReceived(b"c"),
    ]


def test_a_subnegotiation_may_have_doubled_octets_in_it() -> None:
    # RFC 855: an IAC in the parameters has to be doubled.
    octets = b"\xff\xfa\x2c\x0b\xff\xff\xff\xf0"
    assert read(octets) == [SubnegotiationReceived(COM_PORT, b"\x0b\xff")]
    assert encode_subnegotiation(COM_PORT, b"\x0b\xff") == octets


def test_a_command_breaks_a_subnegotiation_off() -> None:
    reader = TelnetReader()
    events = list(reader.receive(b"\xff\xfa\x2c\x01\xff\xfb\x00data"))
    assert events == [NegotiationReceived(Verb.WILL, BINARY), DataReceived(b"data")]
    assert reader.left_out == 1


@pytest.mark.parametrize("octets", [0, SUBNEGOTIATION_OCTETS_MAX + 1, 100_000])
def test_a_subnegotiation_without_an_end_in_sight_is_left_out(octets: int) -> None:
    reader = TelnetReader()
    inside = b"\x2c" + bytes(octets - 1) if octets else b""
    assert list(reader.receive(b"\xff\xfa" + inside + b"\xff\xf0after")) == [
        DataReceived(b"after")
    ]
    assert reader.left_out == 1


def test_without_binary_a_carriage_return_has_a_nul_behind_it() -> None:
    # RFC 854: CR NUL where a carriage return alone is meant; RFC 856 ends that.
    assert read(b"a\r\0b\r\nc", is_binary=False) == [DataReceived(b"a\rb\r\nc")]
    assert read(b"a\r\0b", is_binary=True) == [DataReceived(b"a\r\0b")]
    assert encode_data(b"a\rb", is_binary=False) == b"a\r\0b"


def test_an_agreement_about_binary_holds_from_its_place_on() -> None:
    reader = TelnetReader()
    taken = []
    for event in reader.receive(b"\r\0\xff\xfb\x00\r\0"):
        reader.is_binary = reader.is_binary or isinstance(event, NegotiationReceived)
        taken.append(event)
    assert taken[0] == DataReceived(b"\r")
    assert taken[2] == DataReceived(b"\r\0")


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 600)))
def test_data_comes_out_as_it_went_in_however_it_is_cut(
    data: bytes, cuts: list[int]
) -> None:
    for is_binary in (False, True):
        # Without BINARY a NUL behind a carriage return of the user is one, too.
        octets = encode_data(data, is_binary=is_binary)
        reader = TelnetReader()
        reader.is_binary = is_binary
        out = b""
        places = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
        for start, end in itertools.pairwise(places):
            for event in reader.receive(octets[start:end]):
                assert isinstance(event, DataReceived)
                out += event.octets
        assert out == data


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_whatever_arrives_nothing_raises_and_little_is_kept(parts: list[bytes]) -> None:
    reader = TelnetReader()
    options = Options(WILLING)
    for part in parts:
        for event in reader.receive(part):
            if isinstance(event, NegotiationReceived):
                assert len(options.receive(event)) in (0, 3)
        assert len(reader._payload) <= SUBNEGOTIATION_OCTETS_MAX + 1
    assert len(options._states) == 2 * len(WILLING)


def test_an_option_is_on_when_both_have_said_so() -> None:
    options = Options(WILLING)
    assert options.want(Side.OURS, COM_PORT) == b"\xff\xfb\x2c"
    assert options.state(Side.OURS, COM_PORT) is OptionState.ASKED
    assert options.receive(NegotiationReceived(Verb.DO, COM_PORT)) == b""
    assert options.is_on(Side.OURS, COM_PORT)
    assert not options.is_on(Side.THEIRS, COM_PORT)


def test_an_option_that_is_unknown_is_refused_once_each_time_it_is_offered() -> None:
    options = Options(WILLING)
    assert options.receive(NegotiationReceived(Verb.DO, 1)) == b"\xff\xfc\x01"
    assert options.receive(NegotiationReceived(Verb.WILL, 1)) == b"\xff\xfe\x01"
    assert options.receive(NegotiationReceived(Verb.DONT, 1)) == b""
    assert options.receive(NegotiationReceived(Verb.WONT, 1)) == b""


def test_every_state_has_an_answer_to_every_event() -> None:
    for state, event in itertools.product(
        OptionState, (Wanted(), Offered(), Refused())
    ):
        assert TABLE.row(state, event)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(Side), st.booleans())))
def test_two_ends_never_talk_about_an_option_for_ever(
    wishes: list[tuple[bool, Side, bool]],
) -> None:
    ends = (Options(WILLING), Options(WILLING))
    under_way: list[list[NegotiationReceived]] = [[], []]

    def post(octets: bytes, to: int) -> None:
        for event in TelnetReader().receive(octets):
            assert isinstance(event, NegotiationReceived)
            under_way[to].append(event)

    def deliver(most: int) -> None:
        for _ in range(most):
            for end in (0, 1):
                if under_way[end]:
                    post(ends[end].receive(under_way[end].pop(0)), 1 - end)

    for second, side, delivers in wishes:
        post(ends[second].want(side, BINARY), 1 - second)
        if delivers:
            deliver(1)
    deliver(10 + 4 * len(wishes))
    assert under_way == [[], []]
    for side, other in ((Side.OURS, Side.THEIRS), (Side.THEIRS, Side.OURS)):
        assert ends[0].is_on(side, BINARY) == ends[1].is_on(other, BINARY)
