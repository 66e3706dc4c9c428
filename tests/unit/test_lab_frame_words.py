"""Steps by frames that cannot be carried out are found when a catalogue is read."""

import pytest

from hw.lab.frame_making import line_octets
from hw.lab.steps import StepError, parse_step
from hw.lab.verbs import check_step
from protocol.link import Role


@pytest.mark.parametrize(
    "text",
    [
        "frame send RR p=1 nr=3",
        "frame send I ns=1 info=01ab fill=20 more=1",
        "frame send RAW control=e3 f=0 info=aa",
        "frame send XID p=1 n1=64 accm=ffffffff reports=1 extra=c0000177",
        "frame take I/RR nr=2 within=3 after=0.4",
        "frame take end/nothing",
        "frame take XID f=1 n1=<=64 accm=ffffffff",
        "frame up",
        "frame called within=30",
        "frame say 4097",
        "octets 7e01 count=20",
        "octets noise=4096",
    ],
)
def test_a_step_that_can_be_carried_out_is_taken(text: str) -> None:
    check_step(parse_step(text), Role.SERVER)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frame", "frame send, take, up, called or say"),
        ("frame hurl RR", "frame send, take, up, called or say"),
        ("frame send", "something is missing"),
        ("frame send RR UA", "too much"),
        ("frame send TEST", "TEST is no kind of frame"),
        ("frame take RAW", "RAW is no kind of frame"),
        ("frame take nothing/hi", "hi is no kind of frame"),
        ("frame send RR same=1", "a frame has no same"),
        ("frame take RR count=2", "a frame has no count"),
        ("frame send I info=0g", "'0g' is no hex"),
        ("frame say much", "'much' is no number"),
        ("octets", "something is missing"),
        ("octets 7e times=3", "octets have no times"),
        ("octets noise=loud", "'loud' is no number"),
        ("octets xy", "'xy' is no hex"),
    ],
)
def test_a_step_that_cannot_be_carried_out_is_refused(text: str, words: str) -> None:
    with pytest.raises(StepError, match=words):
        check_step(parse_step(text), Role.SERVER)


def test_only_a_bench_that_is_a_machine_begins_again_on_its_line() -> None:
    check_step(parse_step("again"), Role.SERVER)
    with pytest.raises(StepError, match="only the bench as a machine"):
        check_step(parse_step("again"), Role.MACHINE)


def test_octets_are_repeated_and_noise_is_the_same_each_time() -> None:
    assert line_octets(parse_step("octets 7e 00ff count=2")).hex() == "7e00ff7e00ff"
    noise = line_octets(parse_step("octets noise=64"))
    assert len(noise) == 64
    assert noise == line_octets(parse_step("octets noise=64"))
