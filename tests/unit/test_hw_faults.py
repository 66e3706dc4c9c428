"""Each fault befalls the octets that it is set to, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.entropy import SeededEntropy
from hw.lines.faults.chain import FaultChain
from hw.lines.faults.character import BadOctets, CharacterForm
from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.trigger import NEVER, Places, Trigger
from hw.lines.port import LineError
from hw.ports.settings import Parity

TEXT = b"0123456789abcdefghij"
EVEN = CharacterForm(parity=Parity.EVEN)


def chain_of(
    parameters: WayParameters,
    form: CharacterForm | None = None,
    bad_octets: BadOctets = BadOctets.NULL,
) -> FaultChain:
    return FaultChain(
        parameters,
        form or CharacterForm(),
        bad_octets,
        lambda name, seed: SeededEntropy(f"{name} {seed}".encode()),
    )


def places_of(trigger: Trigger, octets: int = 1000) -> list[int]:
    return list(Places(trigger, SeededEntropy(b"places")).before(octets))


def test_a_fault_without_rate_and_octet_never_befalls() -> None:
    assert places_of(NEVER) == []
    assert NEVER.is_never


def test_a_fault_at_an_octet_befalls_once_after_so_many() -> None:
    assert places_of(Trigger(at=100)) == [100]


def test_a_fault_at_an_octet_befalls_as_many_in_a_row_as_it_is_counted() -> None:
    assert places_of(Trigger(at=100, count=3)) == [100, 101, 102]


def test_a_fault_with_a_rate_befalls_without_end_or_so_many_times() -> None:
    endless = places_of(Trigger(0.1))
    assert 70 < len(endless) < 130
    assert places_of(Trigger(0.1, count=5)) == endless[:5]


def test_a_fault_with_a_rate_and_an_octet_begins_there() -> None:
    later = places_of(Trigger(0.1, at=500))
    assert later == [500 + place for place in places_of(Trigger(0.1)) if place < 500]


def test_a_certain_fault_befalls_every_octet() -> None:
    assert places_of(Trigger(1.0, at=990)) == list(range(990, 1000))


@pytest.mark.parametrize(
    "trigger", [Trigger(0.0), Trigger(0.0, at=3), Trigger(count=0)]
)
def test_a_fault_without_chance_never_befalls(trigger: Trigger) -> None:
    assert trigger.is_never
    assert places_of(trigger) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", 1.1), ("rate", -0.1), ("rate", float("nan")), ("at", -1), ("count", -1)],
)
def test_an_impossible_trigger_is_refused(name: str, value: float) -> None:
    with pytest.raises(LineError, match=f"{name} is .*, but a fault has "):
        Trigger(**{name: value})  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("parameters", "heard"),
    [
        (WayParameters(drops=Trigger(at=3)), b"012456789abcdefghij"),
        (WayParameters(drops=Trigger(1.0, at=3)), b"012"),
        (WayParameters(duplicates=Trigger(at=3, count=2)), b"0123344567"),
        (WayParameters(breaks=Trigger(at=3), break_octets=5), b"012\x0089ab"),
        (WayParameters(framing_errors=Trigger(at=3)), b"012\x00456"),
        (WayParameters(bit_errors=Trigger(at=3)), b"0122456"),
        (WayParameters(bit_errors=Trigger(at=3, count=9)), b"012\xcc556"),
    ],
    ids=lambda value: "" if isinstance(value, WayParameters) else repr(value),
)
def test_what_is_heard_of_a_fault(parameters: WayParameters, heard: bytes) -> None:
    assert chain_of(parameters).pass_on(TEXT).startswith(heard)


def test_an_octet_that_nobody_sent_is_heard_before_the_one_it_is_set_to() -> None:
    heard = chain_of(WayParameters(insertions=Trigger(at=3))).pass_on(TEXT)
    assert heard[:3] + heard[4:] == TEXT
    values = chain_of(WayParameters(insertions=Trigger(1.0))).pass_on(bytes(1000))[::2]
    assert len(set(values)) > 200


def test_a_break_goes_on_over_the_next_octets_whenever_they_are_sent() -> None:
    chain = chain_of(WayParameters(breaks=Trigger(at=2), break_octets=4))
    assert [chain.pass_on(TEXT[i : i + 1]) for i in range(8)] == [
        *(b"0", b"1", b"\x00", b"", b"", b"", b"6", b"7")
    ]
    assert chain.times()["breaks"] == 1


@pytest.mark.parametrize(
    ("bad_octets", "heard"),
    [
        (BadOctets.NULL, b"012\x00456"),
        (BadOctets.IGNORE, b"012456"),
        (BadOctets.KEEP, b"0122456"),
    ],
)
def test_a_struck_octet_is_known_to_be_bad_where_the_parity_is_checked(
    bad_octets: BadOctets, heard: bytes
) -> None:
    struck = WayParameters(bit_errors=Trigger(at=3))
    chain = chain_of(struck, EVEN, bad_octets)
    assert chain.pass_on(TEXT).startswith(heard)
    assert chain.times() == {"bit_errors": 1, "bad_octets": 1}
    unchecked = chain_of(struck, None, bad_octets)
    assert unchecked.pass_on(TEXT).startswith(b"0122456")
    assert unchecked.times()["bad_octets"] == 0


def test_two_bits_struck_in_a_character_pass_its_parity() -> None:
    chain = chain_of(WayParameters(bit_errors=Trigger(at=3, count=2)), EVEN)
    assert chain.pass_on(TEXT).startswith(b"0120456")
    assert chain.times()["bad_octets"] == 0


def test_the_parity_bit_is_struck_as_the_data_bits_are() -> None:
    chain = chain_of(
        WayParameters(bit_errors=Trigger(at=3, count=10)), EVEN, BadOctets.KEEP
    )
    # Nine bits of octet 3 and the first bit of octet 4.
    assert chain.pass_on(TEXT).startswith(b"012\xcc5567")


@pytest.mark.parametrize("parity", [Parity.MARK, Parity.SPACE])
def test_mark_and_space_parity_show_nothing_but_a_struck_parity_bit(
    parity: Parity,
) -> None:
    form = CharacterForm(parity=parity)
    chain = chain_of(WayParameters(bit_errors=Trigger(at=3)), form)
    assert chain.pass_on(TEXT).startswith(b"0122456")
    chain = chain_of(WayParameters(parity_errors=Trigger(at=3)), form)
    assert chain.pass_on(TEXT).startswith(b"012\x00456")
    assert chain.times() == {"parity_errors": 1, "bad_octets": 1}


def test_a_parity_error_leaves_the_data_as_they_were_sent() -> None:
    parameters = WayParameters(parity_errors=Trigger(1.0))
    chain = chain_of(parameters, EVEN, BadOctets.KEEP)
    assert chain.pass_on(TEXT) == TEXT
    assert chain.times() == {"parity_errors": 20, "bad_octets": 20}


def test_a_break_is_read_as_one_octet_0_whatever_is_done_with_bad_octets() -> None:
    parameters = WayParameters(
        breaks=Trigger(at=2), break_octets=3, framing_errors=Trigger(1.0)
    )
    chain = chain_of(parameters, None, BadOctets.IGNORE)
    assert chain.pass_on(TEXT) == b"\x00"
    assert chain.times()["bad_octets"] == 17


@pytest.mark.parametrize(
    ("form", "bits"),
    [
        (CharacterForm(), 10),
        (CharacterForm(7), 9),
        (CharacterForm(7, Parity.EVEN), 10),
        (CharacterForm(8, Parity.ODD, 2), 12),
        (CharacterForm(8, Parity.NONE, 2), 11),
    ],
)
def test_all_bits_of_a_character_are_counted(form: CharacterForm, bits: int) -> None:
    assert form.bits == bits


triggers = st.builds(
    Trigger,
    rate=st.none() | st.sampled_from([0.0, 0.01, 0.1, 0.5]),
    at=st.none() | st.integers(0, 100),
    count=st.none() | st.integers(0, 10),
)
ways = st.builds(
    WayParameters,
    bit_errors=triggers,
    bursts=triggers,
    burst_bits=st.integers(1, 50),
    parity_errors=triggers,
    framing_errors=triggers,
    breaks=triggers,
    break_octets=st.integers(1, 40),
    drops=triggers,
    duplicates=triggers,
    insertions=triggers,
)


@given(
    ways,
    st.sampled_from([EVEN, CharacterForm(), CharacterForm(7, Parity.ODD)]),
    st.sampled_from(BadOctets),
    st.lists(st.integers(0, 30), max_size=20),
)
def test_all_faults_together_befall_the_same_however_the_stream_is_cut(
    parameters: WayParameters,
    form: CharacterForm,
    bad_octets: BadOctets,
    lengths: list[int],
) -> None:
    octets = bytes(number % 251 for number in range(sum(lengths)))
    whole = chain_of(parameters, form, bad_octets)
    piecewise = chain_of(parameters, form, bad_octets)
    got = b""
    done = 0
    for length in lengths:
        got += piecewise.pass_on(octets[done : done + length])
        done += length
    assert got == whole.pass_on(octets)
    assert piecewise.times() == whole.times()


@given(ways)
def test_a_fault_that_is_added_moves_no_other(parameters: WayParameters) -> None:
    together = chain_of(parameters, EVEN)
    together.pass_on(bytes(300))
    for name in together.times():
        if name != "bad_octets":
            alone = WayParameters(
                **{name: getattr(parameters, name)},
                burst_bits=parameters.burst_bits,
                break_octets=parameters.break_octets,
            )
            chain = chain_of(alone, EVEN)
            chain.pass_on(bytes(300))
            assert chain.times()[name] == together.times()[name]
