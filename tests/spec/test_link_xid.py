"""SPEC.md LINK-10: what two ends agree by XID."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.link import DEFAULT, LinkParameters, LinkUp, Role
from protocol.link.frames import FrameKind
from protocol.link.framing import Stuffing, flagged
from protocol.link.xid import agree, decode_offer, encode_offer
from tests.spec.link_line import Line

WIDE = LinkParameters(frame_octets_max=1024, window=32, modulus=128)
XONXOFF = LinkParameters(accm=1 << 0x11 | 1 << 0x13)


def parameters() -> st.SearchStrategy[LinkParameters]:
    return st.builds(
        LinkParameters,
        frame_octets_max=st.integers(16, 2048),
        window=st.integers(1, 4),
        retries_max=st.integers(1, 255),
        acknowledge_timeout_s=st.integers(1001, 60_000).map(lambda ms: ms / 1000),
        ack_delay_s=st.integers(1, 1000).map(lambda ms: ms / 1000),
        modulus=st.sampled_from([8, 128]),
        accm=st.integers(0, 0xFFFF_FFFF),
        srej=st.booleans(),
    )


def offered(values: LinkParameters) -> dict[tuple[int, int], bytes]:
    offer = decode_offer(encode_offer(values))
    assert offer is not None
    return offer


def test_the_offer_of_the_defaults_is_laid_out_as_the_spec_says() -> None:
    assert encode_offer(DEFAULT).hex() == (
        "82 80 0013 0303068414 06020800 080104 09020bb8 0a0108"
        "f0 000f 0003464d31 010400000000 020201f4".replace(" ", "")
    )


@given(parameters(), parameters())
def test_both_ends_come_to_the_same_agreement(
    machine: LinkParameters, server: LinkParameters
) -> None:
    answer = agree(server, offered(machine))
    agreed = agree(machine, offered(answer))
    assert agreed.negotiable == answer.negotiable


@given(parameters(), st.binary(max_size=60))
def test_no_answer_widens_what_this_end_can_take(
    own: LinkParameters, octets: bytes
) -> None:
    offer = decode_offer(octets)
    if offer is not None:
        agreed = agree(own, offer)
        assert agreed.frame_octets_max <= own.frame_octets_max
        assert agreed.window <= own.window
        assert agreed.modulus <= own.modulus


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([0x80, 0xF0]), st.integers(0, 11)),
        st.binary(max_size=6),
    ),
    parameters(),
)
def test_any_values_lead_to_parameters_that_work(
    offer: dict[tuple[int, int], bytes], own: LinkParameters
) -> None:
    agreed = agree(own, offer)
    assert agreed.frame_octets_max >= 16


def test_an_offer_in_a_wrong_form_is_no_offer() -> None:
    good = encode_offer(WIDE)
    for end in range(len(good)):
        offer = decode_offer(good[:end])
        assert offer is None or (0xF0, 2) not in offer
    assert decode_offer(b"\x81" + good[1:]) is None


def test_parameters_and_groups_that_are_unknown_are_skipped() -> None:
    offer = decode_offer(encode_offer(WIDE) + bytes.fromhex("c000037701ff"))
    assert offer is not None
    assert agree(WIDE, offer) == WIDE


def on_line(frame: bytes) -> bytes:
    return flagged([Stuffing().encode(frame)])


def kinds(line: Line) -> list[int]:
    return [frame[1] for _, frame in line.frames]


def test_two_ends_with_the_defaults_exchange_no_xid() -> None:
    line = Line()
    line.connect()
    line.run(0.4)
    assert FrameKind.XID.value | 0x10 not in kinds(line)
    assert line.server.link.parameters == DEFAULT


def test_a_machine_that_wants_modulo_128_asks_first_and_then_sends_sabme() -> None:
    line = Line(machine=WIDE, server=WIDE)
    line.connect()
    line.run(0.4)
    assert kinds(line) == [0xBF, 0xBF, 0x7F, 0x73]
    assert line.machine.link.parameters.negotiable == WIDE.negotiable
    assert line.server.link.parameters.negotiable == WIDE.negotiable
    line.machine.link.send_message(bytes(4000), line.now)
    line.run(5)
    assert line.server.messages == [bytes(4000)]


def test_a_server_that_cannot_do_more_answers_with_less() -> None:
    line = Line(machine=WIDE)
    line.connect()
    line.run(0.4)
    assert kinds(line) == [0xBF, 0xBF, 0x3F, 0x73]
    assert line.machine.link.parameters.negotiable == DEFAULT.negotiable


def test_an_agreement_is_made_anew_when_sabm_is_not_answered() -> None:
    line = Line(machine=WIDE, server=WIDE)
    link = line.machine.link
    link.connect(0.0)
    link.octets_to_send()
    answer = bytes.fromhex("01bf") + encode_offer(WIDE)
    link.receive_octets(on_line(answer), 0.1)
    assert link.octets_to_send()[2] == 0x7F
    link.handle_timer(link.deadline or 0)
    assert link.octets_to_send()[2] == 0xBF


def test_a_machine_goes_on_with_the_defaults_when_the_peer_knows_no_xid() -> None:
    line = Line(machine=WIDE)
    link = line.machine.link
    link.connect(0.0)
    link.octets_to_send()
    link.receive_octets(on_line(bytes.fromhex("011f")), 0.1)
    assert link.octets_to_send()[2] == 0x3F
    assert link.parameters.negotiable == DEFAULT.negotiable


def test_a_machine_waits_on_when_what_answers_its_xid_does_not_have_the_form() -> None:
    link = Line(machine=WIDE).machine.link
    link.connect(0.0)
    link.octets_to_send()
    # An XID response whose group has 4 octets and says 7 (LINK-10.3).
    link.receive_octets(on_line(bytes.fromhex("01bf8280000706020800")), 0.1)
    assert link.octets_to_send() == b""
    assert link.counters.unexpected_frames == 1


def test_an_agreement_does_not_hold_for_a_later_call_that_did_not_ask() -> None:
    line = Line(machine=WIDE, server=WIDE)
    server = line.server.link
    offer = bytes.fromhex("01bf") + encode_offer(WIDE)
    server.receive_octets(on_line(offer), 0.0)
    events = server.receive_octets(on_line(bytes.fromhex("013f")), 60.0)
    assert events == [LinkUp()]
    assert server.parameters.negotiable == DEFAULT.negotiable


def test_octets_of_the_accm_do_not_appear_on_the_line() -> None:
    line = Line(machine=XONXOFF)
    line.connect()
    line.run(1)
    line.machine.link.send_message(b"\x11\x13" * 50, line.now)
    line.server.link.send_message(b"\x11\x13" * 50, line.now)
    line.run(2)
    assert line.server.messages == line.machine.messages == [b"\x11\x13" * 50]
    sent = b"".join(line.machine.sent + line.server.sent[1:])
    assert not {0x11, 0x13} & set(sent)


def test_a_server_never_asks() -> None:
    line = Line(server=WIDE)
    line.connect()
    line.run(0.4)
    assert kinds(line) == [0x3F, 0x73]
    assert line.server.link.parameters.negotiable == DEFAULT.negotiable
    assert Role.SERVER.peer is Role.MACHINE
