"""The settings of a virtual line: a small grammar that says what is wrong."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.lines.faults.character import BadOctets
from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.trigger import Trigger
from hw.lines.port import LineError
from hw.lines.virtual import VirtualLineParameters
from hw.lines.virtual_strings import (
    VIRTUAL_SETTINGS,
    parse_virtual_settings,
    show_virtual_settings,
)
from hw.ports.settings import Parity

PAGE = Path(__file__).parents[2] / "docs" / "virtual-line.md"


def parse(text: str) -> VirtualLineParameters:
    settings = [setting.partition("=") for setting in text.split(":")]
    return parse_virtual_settings((name, value) for name, _, value in settings)


def both(way: WayParameters) -> VirtualLineParameters:
    return VirtualLineParameters(up=way, down=way)


def test_the_form_of_a_character_is_set_for_the_whole_line() -> None:
    assert parse("bits=7:parity=even:stop=2:bad=ignore") == VirtualLineParameters(
        data_bits=7, parity=Parity.EVEN, stop_bits=2, bad_octets=BadOctets.IGNORE
    )


def test_a_line_turns_and_is_cut_in_its_first_calls() -> None:
    assert parse("turnaround=0.2:cut_up=9:cut_calls=1") == VirtualLineParameters(
        turnaround_s=0.2, cut_after_octets_up=9, cut_calls=1
    )


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("jitter=0.01", WayParameters(jitter_s=0.01)),
        (
            "burst=1e-4:burst_bits=30",
            WayParameters(bursts=Trigger(1e-4), burst_bits=30),
        ),
        ("ber_at=100", WayParameters(bit_errors=Trigger(at=100))),
        ("parity_error_at=1", WayParameters(parity_errors=Trigger(at=1))),
        ("framing_error=0.1", WayParameters(framing_errors=Trigger(0.1))),
        (
            "break_at=9:break_octets=24",
            WayParameters(breaks=Trigger(at=9), break_octets=24),
        ),
        ("drop_at=100:drop_count=3", WayParameters(drops=Trigger(at=100, count=3))),
        ("duplicate=1:duplicate_seed=5", WayParameters(duplicates=Trigger(1, seed=5))),
        ("insert=1e-5", WayParameters(insertions=Trigger(1e-5))),
    ],
)
def test_a_fault_is_set_for_both_directions(text: str, way: WayParameters) -> None:
    if "parity_error" in text:
        parsed = parse(f"{text}:parity=odd")
        assert parsed.up == parsed.down == way
    else:
        assert parse(text) == both(way)


def test_a_fault_is_set_for_one_direction() -> None:
    assert parse("drop_up=0.1:drop_at_up=500") == VirtualLineParameters(
        up=WayParameters(drops=Trigger(0.1, at=500))
    )
    assert parse("speed=1200:speed_up=75:delay_down=0.5") == VirtualLineParameters(
        bit_s=1200, up=WayParameters(bit_s=75), down=WayParameters(delay_s=0.5)
    )
    assert parse("ber=1e-4:ber_up=0") == VirtualLineParameters(
        bit_error_rate=1e-4, up=WayParameters(bit_errors=Trigger(0.0))
    )


@pytest.mark.parametrize("text", ["drop=0.1:drop_up=0.2", "drop_up=0.2:drop=0.1"])
def test_what_is_set_for_one_direction_goes_before_what_is_set_for_both(
    text: str,
) -> None:
    assert parse(text) == VirtualLineParameters(
        up=WayParameters(drops=Trigger(0.2)), down=WayParameters(drops=Trigger(0.1))
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("baud=300", "a line has no 'baud', only speed, delay, ber, seed, bits"),
        ("dorp=0.1", "; did you mean drop?"),
        ("drop_sideways=1", "a line has no 'drop_sideways'"),
        ("seed_up=1", "a line has no 'seed_up'"),
        ("drop_up_at=1", "a line has no 'drop_up_at'"),
        ("baud=300", "; did you mean speed?"),
        ("drop=often", "drop=often is no number"),
        ("drop_at=1.5", "drop_at=1.5 is no number"),
        ("drop=", "drop= is no number"),
        ("parity=maybe", "parity=maybe is not one of none, even, odd, mark, space"),
        ("bad=gone", "bad=gone is not one of null, ignore, keep"),
        ("drop=2", "drop=2: rate is 2.0, but a fault has 0 to 1"),
        ("drop_at_down=-1", "drop_at_down=-1: at is -1, but a fault has 0 to"),
        ("ber_up=0.6", "ber_up=0.6: ber is 0.6, but a line has 0 to 0.5"),
        ("bits=9", "bits=9: data_bits is 9, but a line has 7 to 8"),
        ("jitter=-1", "jitter=-1: jitter_s is -1.0, but a line has 0 to"),
        ("drop=0.1:drop=0.2", "drop is set twice"),
        ("parity_error=0.1", "parity errors need a parity bit: set another parity"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(LineError) as caught:
        parse(text)
    assert problem in str(caught.value)


def _numbers(most: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(0, most)


def _triggers(rate_max: float = 1.0) -> st.SearchStrategy[Trigger]:
    return st.builds(
        Trigger,
        rate=st.none() | st.floats(0, rate_max),
        at=_numbers(10**6),
        count=_numbers(10**6),
        seed=_numbers(2**64 - 1),
    )


_ways = st.builds(
    WayParameters,
    bit_s=st.none() | st.integers(1, 10**6),
    delay_s=st.none() | st.floats(0, 100),
    jitter_s=st.floats(0, 100),
    bit_errors=_triggers(0.5),
    bursts=_triggers(),
    burst_bits=st.integers(1, 1000),
    parity_errors=_triggers(),
    framing_errors=_triggers(),
    breaks=_triggers(),
    break_octets=st.integers(1, 1000),
    drops=_triggers(),
    duplicates=_triggers(),
    insertions=_triggers(),
    carrier_losses=_triggers(),
)


@given(
    st.builds(
        VirtualLineParameters,
        bit_s=st.integers(1, 10**6),
        delay_s=st.floats(0, 100),
        bit_error_rate=st.floats(0, 0.5),
        seed=st.integers(0, 2**64 - 1),
        cut_after_octets_up=_numbers(10**6),
        cut_after_octets=_numbers(10**6),
        cut_at_s=st.none() | st.floats(0, 1000),
        cut_calls=_numbers(10),
        data_bits=st.sampled_from([7, 8]),
        parity=st.sampled_from([Parity.EVEN, Parity.MARK]),
        stop_bits=st.sampled_from([1, 2]),
        bad_octets=st.sampled_from(BadOctets),
        turnaround_s=st.none() | st.floats(0, 100),
        up=_ways,
        down=_ways,
    )
)
def test_what_is_shown_can_be_read_again(parameters: VirtualLineParameters) -> None:
    assert parse(":".join(show_virtual_settings(parameters))) == parameters


@given(_ways)
def test_what_both_directions_do_is_shown_once(way: WayParameters) -> None:
    parameters = VirtualLineParameters(parity=Parity.ODD, up=way, down=way)
    shown = show_virtual_settings(parameters)
    sides = {
        name
        for name, _, _ in (setting.partition("=") for setting in shown)
        if name.endswith(("_up", "_down"))
    }
    assert sides <= {
        f"{name}_{side}"
        for name in ("speed", "delay", "ber")
        for side in ("up", "down")
    }
    assert parse(":".join(shown)) == parameters


def test_a_line_as_usual_shows_nothing() -> None:
    assert show_virtual_settings(VirtualLineParameters()) == []


@pytest.mark.parametrize("name", VIRTUAL_SETTINGS)
def test_every_setting_is_explained_on_the_page_of_virtual_lines(name: str) -> None:
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")
