"""Steps by frames: what they send, and what they find in what comes."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from hw.entropy import SeededEntropy
from hw.lab.frame_steps import FrameSteps
from hw.lab.hand_link import HandLink
from hw.lab.machine_conversation import MachineConversation
from hw.lab.station import PacketCame, SilenceError, Station
from hw.lab.steps import parse_step
from hw.lab.trace import Trace
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import Line, LineLoss
from hw.lines.virtual import VirtualLineParameters
from protocol.channel import MachineChannel
from protocol.channel.schedule import OnKeys
from protocol.keys import MachineIdentity, Realm
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from protocol.link.framing import Stuffing, flagged
from protocol.values import LicenceIdentifier
from rmfs_tools.lab.reference_server import SERVER
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock

LINE = VirtualLineParameters(bit_s=1_000_000, delay_s=0.001, delivery_octets=1_024)
MACHINE = MachineIdentity.generate(
    LicenceIdentifier("N200001"), "LAB00001", Realm.TEST, SeededEntropy(b"keys")
)
_Result = TypeVar("_Result")


def channel(on_keys: OnKeys) -> MachineChannel:
    """Nobody speaks in it: these tests end with the frames."""
    return MachineChannel(MACHINE, SERVER, on_keys)


class Unit:
    """The other end: it says what a test has it say, and keeps what it hears."""

    def __init__(self, role: Role) -> None:
        self.heard = b""
        self.line: Line | None = None
        self._role = role

    def line_up(self, line: Line) -> None:
        self.line = line

    def octets_received(self, octets: bytes) -> None:
        self.heard += octets

    def line_lost(self, loss: LineLoss) -> None:
        del loss
        self.line = None

    def say(self, frame: Frame, modulus: int = 8) -> None:
        octets = encode_frame(frame, self._role, modulus)
        self.put(flagged([Stuffing().encode(octets)]))

    def put(self, octets: bytes) -> None:
        assert self.line is not None
        self.line.send(octets)


class Setting:
    """A station by frames, as a machine if nothing else is said, and a unit."""

    def __init__(self, role: Role = Role.MACHINE) -> None:
        self.clock = SimulatedClock()
        trace = Trace(self.clock.seconds, WorldClock(self.clock))
        exchange = VirtualExchange(self.clock, every_call(LINE))
        self.unit = Unit(role.peer)
        self.station = Station(self.clock, role, trace, by_frames=True)
        if role is Role.MACHINE:
            exchange.listen(lambda _: self.unit)
            exchange.dial(self.station.line_user)
        else:
            exchange.listen(lambda _: self.station.line_user)
            exchange.dial(self.unit)
        self.run(self.station.hear(1))
        self.steps = FrameSteps(trace)
        self.steps.begin(MachineConversation(self.station, trace, channel))

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return run(self.clock, work)

    def step(self, text: str) -> str:
        return self.run(self.steps.carry_out(parse_step(text), 1.0, lambda _: PACKET))

    def pass_time(self) -> None:
        """Let what was sent arrive."""
        assert self.step("frame take nothing within=0.1") == ""

    def link_up(self) -> None:
        self.step("frame send SABM p=1")
        self.unit.say(Frame(FrameKind.UA, command=False, poll_final=True))
        assert self.step("frame take UA f=1") == ""
        self.unit.heard = b""

    @property
    def by_hand(self) -> HandLink:
        by_hand = self.station.by_hand
        assert isinstance(by_hand, HandLink)
        return by_hand


PACKET = bytes(range(100, 107))
RR = Frame(FrameKind.RR, command=False)
ANSWER = Frame(FrameKind.RR, command=False, poll_final=True)


def information(number: int, octets: bytes) -> Frame:
    return Frame(
        FrameKind.INFORMATION, command=True, send_number=number, information=octets
    )


def test_a_poll_stands_between_flags_with_its_fcs() -> None:
    setting = Setting()
    setting.step("frame send RR p=1")
    setting.pass_time()
    assert setting.unit.heard == bytes.fromhex("7e011197177e")


def test_frames_that_are_kept_back_share_a_flag_with_the_next() -> None:
    setting = Setting()
    setting.step("frame send RR p=1 more=1")
    setting.step("frame send RR p=1")
    setting.pass_time()
    assert setting.unit.heard == bytes.fromhex("7e011197177e011197177e")


@pytest.mark.parametrize(
    ("said", "octets"),
    [
        ("frame send RR p=1 fcs=wrong", "7e011197167e"),
        ("frame send RR p=1 fcs=swapped", "7e011117977e"),
        ("frame send RR p=1 fcs=none", "7e01117e"),
        ("frame send RR p=1 escape=all", "7e7d217d317db77d377e"),
        ("frame send RR p=1 stray=1113", "7e0111111397177e"),
        ("frame send RR p=1 before=7e7e after=00", "7e7e7e011197177e00"),
        ("frame send RAW control=e3 f=0", "7e03e3baf07e"),
        ("frame send RR p=1 count=2", "7e011197177e011197177e"),
    ],
)
def test_a_frame_is_bent_as_its_step_says(said: str, octets: str) -> None:
    setting = Setting()
    setting.step(said)
    setting.pass_time()
    assert setting.unit.heard.hex() == octets


def test_numbers_that_are_left_out_are_those_that_are_next() -> None:
    setting = Setting()
    setting.link_up()
    setting.unit.say(information(0, b"\x03x"))
    assert setting.step("frame take I ns=0") == ""
    setting.step("frame send I info=01aa")
    setting.step("frame send I info=00bb")
    setting.step("frame send I ns=0 info=01aa")
    setting.step("frame send RR")
    assert setting.by_hand.send_number == 2
    assert setting.by_hand.receive_number == 1
    setting.pass_time()
    # Address, control, information: N(R) = 1 everywhere, N(S) = 0, 1, and 0 again.
    heard = [part[:2].hex() for part in setting.unit.heard.split(b"~") if part]
    assert heard == ["0120", "0122", "0120", "0321"]


def test_a_packet_is_cut_into_the_segments_that_a_step_names() -> None:
    setting = Setting()
    setting.link_up()
    for place in (1, 2, 3):
        setting.step(f"frame send I of=GREETING_1 segment={place}/3")
    setting.pass_time()
    frames = [part[2:-2] for part in setting.unit.heard.split(b"~") if part]
    assert frames == [b"\x01" + PACKET[:3], b"\x00" + PACKET[3:6], b"\x02" + PACKET[6:]]


def test_an_acknowledgement_is_passed_over_in_a_link() -> None:
    setting = Setting()
    setting.link_up()
    setting.unit.say(RR)
    setting.unit.say(ANSWER)
    assert setting.step("frame take RR f=1") == ""


def test_an_acknowledgement_is_not_passed_over_where_it_is_to_come() -> None:
    setting = Setting()
    setting.link_up()
    setting.unit.say(RR)
    assert setting.step("frame take RR f=0 nr=0") == ""


def test_frames_that_a_step_names_are_passed_over() -> None:
    setting = Setting()
    setting.link_up()
    setting.unit.say(information(0, b"\x01x"))
    setting.unit.say(information(1, b"\x00x"))
    setting.unit.say(ANSWER)
    assert setting.step("frame take RR f=1 past=I") == ""


def test_nothing_is_passed_over_where_no_link_is() -> None:
    setting = Setting()
    setting.unit.say(RR)
    assert setting.step("frame take DM") == "RR N(R)=0 came"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("frame take RR f=1 nr=0", ""),
        ("frame take RR/I f=1", ""),
        ("frame take any", ""),
        ("frame take RR p=1", "RR N(R)=0 P/F=1 came as a response"),
        ("frame take RR nr=3 f=1", "RR N(R)=0 P/F=1 came: nr is 0"),
        ("frame take DM", "RR N(R)=0 P/F=1 came"),
        ("frame take nothing", "RR N(R)=0 P/F=1 came"),
        ("frame take RR f=1 opened=1", ""),
        ("frame take RR f=1 bare=00020000", "octets are not escaped in 01119717"),
        ("frame take RR f=1 bare=00010000", ""),
        ("frame take RR f=1 after=5", "RR N(R)=0 P/F=1 came after 0.0 s"),
    ],
)
def test_what_comes_is_compared_with_its_step(said: str, found: str) -> None:
    setting = Setting()
    setting.link_up()
    setting.unit.say(ANSWER)
    assert setting.step(said) == found


def test_what_came_before_a_step_began_is_taken_by_it() -> None:
    setting = Setting()
    setting.link_up()
    setting.unit.say(ANSWER)
    setting.clock.pass_until(setting.clock.seconds() + 1)
    assert setting.step("frame take RR f=1") == ""


def test_a_transmission_that_does_not_begin_with_a_flag_is_found() -> None:
    setting = Setting()
    setting.unit.put(bytes.fromhex("011197177e"))
    assert setting.step("frame take RR opened=1") == "no flag stands in front of it"


def test_what_frmr_refuses_is_told_apart_by_its_reason() -> None:
    setting = Setting()
    refusal = bytes.fromhex("e33201")
    for said, found in (
        ("frame take FRMR f=0 refused=0xe3 reason=1", ""),
        ("frame take FRMR reason=8", "FRMR N(R)=0 came: reason is 1"),
        ("frame take FRMR info=e33200", "its information is e33201"),
    ):
        setting.unit.say(Frame(FrameKind.FRMR, command=False, information=refusal))
        assert setting.step(said) == found


def test_a_frame_that_comes_twice_has_the_same_information() -> None:
    setting = Setting()
    setting.link_up()
    for octets in (b"\x03x", b"\x03x", b"\x03y"):
        setting.unit.say(information(0, octets))
    assert setting.step("frame take I ns=0") == ""
    assert setting.step("frame take I ns=0 same=1") == ""
    assert setting.step("frame take I same=1") == "its information is not the same"


@pytest.mark.parametrize(
    ("asked", "information", "found"),
    [
        ("n1=64", "82800004060202 00".replace(" ", ""), ""),
        ("n1=<=64 k=<=4", "8280000406020200", ""),
        ("n1=>=100", "8280000406020200", "n1 is 64"),
        ("k=4", "8280000406020200", "k is None"),
        ("k=>=4", "8280000406020200", "k is None"),
        ("n1=64", "8280000506020200", "its information is no XID: 8280000506020200"),
    ],
)
def test_parameters_of_an_xid_have_names(
    asked: str, information: str, found: str
) -> None:
    setting = Setting()
    octets = bytes.fromhex(information)
    setting.unit.say(Frame(FrameKind.XID, command=False, information=octets))
    assert setting.step(f"frame take XID {asked}") == found


def test_an_offer_is_written_as_the_vectors_have_it() -> None:
    setting = Setting()
    setting.step("frame send XID p=1 modulus=128 srej=1 n1=64 accm=000a0000 t2=500")
    setting.pass_time()
    assert setting.unit.heard[3:-3].hex() == (
        "82800009030306881406020200f0000f0003464d310104000a0000020201f4"
    )


def test_a_station_that_dials_sets_the_link_up_and_says_what_came_instead() -> None:
    setting = Setting()
    setting.unit.say(Frame(FrameKind.DM, command=False, poll_final=True))
    assert setting.step("frame up") == "DM N(R)=0 P/F=1 came"
    setting.unit.say(Frame(FrameKind.UA, command=False, poll_final=True))
    assert setting.step("frame up") == ""
    assert setting.by_hand.is_up


def test_a_machine_that_asks_by_xid_is_told_dm_once_and_its_sabm_left_alone() -> None:
    setting = Setting(Role.SERVER)
    for kind in (FrameKind.XID, FrameKind.XID, FrameKind.SABM):
        setting.unit.say(Frame(kind, command=True, poll_final=True))
    assert setting.step("frame called") == ""
    assert not setting.by_hand.is_up
    setting.pass_time()
    assert [part[:2].hex() for part in setting.unit.heard.split(b"~") if part] == [
        "011f"
    ]


def test_a_station_that_is_dialled_accepts() -> None:
    setting = Setting(Role.SERVER)
    setting.unit.say(Frame(FrameKind.SABM, command=True, poll_final=True))
    assert setting.step("frame up") == ""
    assert setting.by_hand.is_up


def test_packets_go_by_hand_no_more_than_four_frames_at_once() -> None:
    setting = Setting()
    setting.link_up()
    setting.step("frame say 1500")
    setting.pass_time()
    # 255 octets of the message in each frame: six of them.
    assert setting.by_hand.send_number == 4
    setting.unit.say(Frame(FrameKind.RR, command=False, receive_number=3))
    setting.pass_time()
    assert setting.by_hand.send_number == 6


def test_packets_that_come_are_joined_and_acknowledged_by_hand() -> None:
    setting = Setting()
    setting.link_up()
    setting.unit.say(information(0, b"\x01he"))
    setting.unit.say(information(0, b"\x01he"))
    setting.unit.say(information(1, b"\x02ard"))
    assert setting.run(setting.station.hear_packet(1)) == PacketCame(b"heard")
    setting.pass_time()
    # RR with N(R) = 1 for the first and its repetition, with N(R) = 2 for the last.
    acknowledged = [part[:2].hex() for part in setting.unit.heard.split(b"~") if part]
    assert acknowledged == ["0321", "0321", "0341"]


def test_the_end_of_the_line_is_seen_by_every_step_that_looks() -> None:
    setting = Setting()
    assert setting.unit.line is not None
    setting.unit.line.drop()
    assert setting.step("frame take end") == ""
    assert setting.step("frame take nothing/end") == ""
    assert setting.step("frame take UA").startswith("the end of the line")


def test_silence_is_what_was_to_come_or_an_error() -> None:
    setting = Setting()
    assert setting.step("frame take DISC/nothing within=0.2") == ""
    with pytest.raises(SilenceError):
        setting.step("frame take DISC within=0.2")
