"""SPEC.md LINK-5, LINK-9 and LINK-12 to LINK-16: set-up, closing, and what goes wrong.

The peer is played by octets written here.
"""

import itertools

import pytest

from protocol.errors import LocalProtocolError
from protocol.link import (
    DEFAULT,
    TABLE,
    DownReason,
    Link,
    LinkDown,
    LinkEvent,
    LinkParameters,
    LinkUp,
    MessageReceived,
    Role,
    State,
)
from protocol.link.framing import Stuffing, flagged
from protocol.link.states import EVENTS

SABM, SABME, UA, DISC, DM = "013f", "017f", "0173", "0143", "030f"
"""As a machine sends them (UA: as a server answers SABM)."""


def on_line(*hexes: str) -> bytes:
    return flagged([Stuffing().encode(bytes.fromhex(frame)) for frame in hexes])


def feed(link: Link, *hexes: str, now: float = 0.0) -> list[LinkEvent]:
    return link.receive_octets(on_line(*hexes), now)


def sent(link: Link) -> list[str]:
    """Take what the link sends as frames, address up to the FCS."""
    octets = link.octets_to_send()
    return [
        frame.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")[:-2].hex()
        for frame in octets.split(b"\x7e")
        if frame
    ]


def server_up() -> Link:
    link = Link(Role.SERVER)
    assert feed(link, SABM) == [LinkUp()]
    assert sent(link) == ["0173"]
    return link


def machine_up(parameters: LinkParameters = DEFAULT) -> Link:
    link = Link(Role.MACHINE, parameters)
    link.connect(0.0)
    assert sent(link) == ["013f"]
    assert feed(link, UA, now=0.1) == [LinkUp()]
    return link


def greeted() -> Link:
    """A machine that has let the server hear of it, and waits."""
    link = machine_up()
    assert link.octets_to_send() == b""
    assert link.deadline == pytest.approx(0.6)
    assert link.handle_timer(0.6) == []
    assert sent(link) == ["0301"]
    return link


def down(reason: DownReason) -> list[LinkEvent]:
    return [LinkDown(reason)]


def test_set_up_and_orderly_end_take_two_frames_each() -> None:
    machine, server = Link(Role.MACHINE), Link(Role.SERVER)
    server.connect(0.0)
    assert server.octets_to_send() == b""
    machine.connect(0.0)
    assert server.receive_octets(machine.octets_to_send(), 0.0) == [LinkUp()]
    assert machine.receive_octets(server.octets_to_send(), 0.0) == [LinkUp()]
    machine.disconnect(1.0)
    ended = server.receive_octets(machine.octets_to_send(), 1.0)
    assert ended == down(DownReason.CLOSED_BY_PEER)
    ended = machine.receive_octets(server.octets_to_send(), 1.0)
    assert ended == down(DownReason.CLOSED)
    assert machine.deadline is server.deadline is None


def test_sabm_is_repeated_n2_times_and_then_given_up() -> None:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    count = len(sent(link))
    events: list[LinkEvent] = []
    now = 0.0
    while not events:
        assert link.deadline is not None
        assert link.deadline - now == pytest.approx(3.0, abs=0.2)
        now = link.deadline
        events = link.handle_timer(now)
        count += len(sent(link))
    assert events == down(DownReason.NO_ANSWER)
    assert count == 1 + DEFAULT.retries_max
    assert link.deadline is None
    link.connect(now)


def test_dm_refuses_a_call() -> None:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    assert feed(link, "011f") == down(DownReason.REFUSED)


def test_dm_without_f_is_not_the_answer_to_sabm() -> None:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    assert feed(link, "010f") == []
    assert link.state is State.CONNECTING


def test_a_late_ua_on_disc_does_not_accept_the_next_sabm() -> None:
    link = machine_up()
    link.abort(1.0)
    link.octets_to_send()
    link.handle_timer(10.0)
    assert sent(link) == ["0143"]
    assert feed(link, "0163") == down(DownReason.CLOSED)
    link.connect(11.0)
    assert feed(link, "0163", now=11.1) == []
    assert link.state is State.CONNECTING
    assert feed(link, "0173", now=11.2) == [LinkUp()]


def test_when_both_ends_send_sabm_each_answers_and_waits_for_its_own_ua() -> None:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    sent(link)
    assert feed(link, "033f") == []
    assert sent(link) == ["0373"]
    assert link.state is State.CONNECTING
    assert feed(link, UA) == [LinkUp()]


def test_a_machine_that_did_not_dial_is_not_opened_by_the_line() -> None:
    link = Link(Role.MACHINE)
    assert feed(link, "033f") == []
    assert sent(link) == ["031f"]
    assert link.state is State.DISCONNECTED


def test_a_line_that_echoes_does_not_connect_a_machine_to_itself() -> None:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    assert link.receive_octets(link.octets_to_send(), 0.0) == []
    assert link.counters.foreign_frames == 1
    assert link.octets_to_send() == b""


@pytest.mark.parametrize(
    ("role", "sabm"), [(Role.SERVER, SABM), (Role.MACHINE, "033f")]
)
def test_sabm_while_connected_ends_the_old_link_and_begins_a_new_one(
    role: Role, sabm: str
) -> None:
    link = server_up() if role is Role.SERVER else machine_up()
    other = "01" if role is Role.SERVER else "03"
    # A message has begun in each direction, and an answer waits to be sent.
    feed(link, other + "00" + "01" + "6f6c64")
    link.send_message(b"old", 0.2)
    assert feed(link, sabm) == [LinkDown(DownReason.RESET_BY_PEER), LinkUp()]
    assert [frame[2:] for frame in sent(link)] == ["73"]
    link.send_message(b"new", 0.3)
    assert feed(link, other + "00" + "03" + "6e6577") == [MessageReceived(b"new")]
    assert [frame[2:] for frame in sent(link)] == ["20036e6577"]


def test_the_next_call_may_come_on_the_same_stream() -> None:
    link = server_up()
    assert feed(link, DISC) == down(DownReason.CLOSED_BY_PEER)
    assert sent(link) == ["0163"]
    assert feed(link, SABM, "01000368") == [LinkUp(), MessageReceived(b"h")]
    assert link.line_lost(1.0) == down(DownReason.LINE_LOST)
    assert feed(link, SABM) == [LinkUp()]


def test_a_lost_line_takes_half_a_frame_with_it() -> None:
    link = server_up()
    half = on_line("010003ff")[:4]
    link.receive_octets(half, 0.0)
    assert link.line_lost(0.0) == down(DownReason.LINE_LOST)
    assert link.line_lost(0.0) == []
    assert link.octets_to_send() == b""
    assert feed(link, SABM) == [LinkUp()]


def test_an_end_without_a_link_answers_polls_with_dm_and_nothing_else() -> None:
    link = Link(Role.SERVER)
    assert feed(link, "010003ff", "0101", "0363", "031f", "0187000000") == []
    assert link.octets_to_send() == b""
    feed(link, "0111")
    assert sent(link) == ["011f"]
    feed(link, "0143")
    assert sent(link) == ["010f"]


@pytest.mark.parametrize("dm", ["010f", "011f"])
def test_dm_ends_a_link_whose_other_end_is_gone(dm: str) -> None:
    assert feed(machine_up(), dm) == down(DownReason.NO_LINK_AT_PEER)


def test_a_server_that_speaks_first_waits_until_it_has_heard_the_machine() -> None:
    machine, server = Link(Role.MACHINE), Link(Role.SERVER)
    machine.connect(0.0)
    sabm = machine.octets_to_send()
    server.receive_octets(sabm, 0.0)
    server.send_message(b"old", 0.0)
    first_ua = server.octets_to_send()
    assert len(first_ua) == 6
    # SABM was repeated: a message sent before would have come into the link after it.
    server.receive_octets(sabm, 3.0)
    server.send_message(b"new", 3.0)
    machine.receive_octets(first_ua + server.octets_to_send(), 3.1)
    machine.handle_timer(3.6)
    server.receive_octets(machine.octets_to_send(), 3.7)
    assert machine.receive_octets(server.octets_to_send(), 3.8) == [
        MessageReceived(b"new")
    ]


def test_a_half_open_link_is_found_by_the_idle_poll() -> None:
    link = greeted()
    assert link.deadline == pytest.approx(30.1)
    events: list[LinkEvent] = []
    polls = 0
    while not events:
        assert link.deadline is not None
        now = link.deadline
        events = link.handle_timer(now)
        frames = sent(link)
        polls += frames == ["0111"]
    assert events == down(DownReason.NO_ANSWER)
    assert frames == ["030f"]
    assert polls == 1 + DEFAULT.retries_max
    assert now < 95


def test_an_idle_peer_that_answers_keeps_the_link() -> None:
    link = greeted()
    for _ in range(10):
        assert link.deadline is not None
        now = link.deadline
        assert link.handle_timer(now) == []
        assert sent(link) == ["0111"]
        assert feed(link, "0111", now=now + 0.1) == []
        assert link.octets_to_send() == b""
    assert link.state is State.CONNECTED


def test_an_unsolicited_ua_changes_nothing() -> None:
    link = machine_up()
    assert feed(link, UA, "0163") == []
    assert link.state is State.CONNECTED
    assert link.counters.unexpected_frames == 2


def test_frmr_of_the_peer_ends_the_link() -> None:
    assert feed(machine_up(), "0197000000") == down(DownReason.REJECTED_BY_PEER)


@pytest.mark.parametrize(
    ("frame", "frmr"),
    [
        ("0103", "018703" + "00" + "01"),  # UI
        ("0101ff", "018701" + "00" + "03"),  # RR with an information field
        ("0121", "018721" + "00" + "08"),  # RR that acknowledges what was never sent
        ("01e003ff", "0187e0" + "00" + "08"),  # the same in an I frame
        ("0100" + "03" + "55" * 256, "018700" + "00" + "04"),  # longer than N1
        ("0100", "018700" + "20" + "00"),  # no segment octet
        ("010003", "018700" + "20" + "00"),  # no octet of a message
        ("01000755", "018700" + "20" + "00"),  # a bit that is reserved
        ("01000055", "018700" + "20" + "00"),  # a message that never began
        ("01000255", "018700" + "20" + "00"),
    ],
)
def test_a_peer_that_breaks_a_rule_is_told_and_left(frame: str, frmr: str) -> None:
    link = server_up()
    assert feed(link, frame) == down(DownReason.PROTOCOL_VIOLATION)
    assert sent(link) == [frmr]
    assert feed(link, SABM) == [LinkUp()]


def test_a_message_that_begins_within_another_is_a_violation() -> None:
    link = server_up()
    assert feed(link, "01000155", "01020155") == down(DownReason.PROTOCOL_VIOLATION)


def test_a_message_without_end_is_a_violation() -> None:
    link = server_up()
    feed(link, "010001" + "55" * 255)
    events: list[LinkEvent] = []
    number = 1
    while not events:
        events = feed(link, f"01{number << 1:02x}00" + "55" * 255)
        number = (number + 1) % 8
    assert events == down(DownReason.PROTOCOL_VIOLATION)
    assert sent(link)[-1].endswith("04")
    assert link.counters.framing.frames <= 4096 // 255 + 3


def test_what_came_before_a_violation_is_delivered() -> None:
    link = server_up()
    assert feed(link, "01000368", "0103") == [
        MessageReceived(b"h"),
        LinkDown(DownReason.PROTOCOL_VIOLATION),
    ]


def test_when_both_ends_close_each_answers() -> None:
    link = machine_up()
    link.disconnect(1.0)
    assert sent(link) == ["0143"]
    assert feed(link, "0343") == down(DownReason.CLOSED)
    assert sent(link) == ["0363"]


def test_a_server_that_is_closing_takes_the_next_call() -> None:
    link = server_up()
    link.disconnect(1.0)
    assert sent(link) == ["0343"]
    assert feed(link, SABM) == [LinkDown(DownReason.CLOSED), LinkUp()]
    assert sent(link) == ["0173"]
    assert feed(link, "0363") == []
    assert link.state is State.CONNECTED


def test_closing_waits_until_everything_was_acknowledged() -> None:
    link = machine_up()
    link.send_message(b"bye", 1.0)
    link.disconnect(1.0)
    # The last frame asks for its acknowledgement, so that no time passes.
    assert sent(link) == ["011003627965"]
    assert link.state is State.DRAINING
    assert feed(link, "0131") == []
    assert sent(link) == ["0143"]


def test_closing_acknowledges_what_the_peer_sent() -> None:
    link = server_up()
    feed(link, "01000368")
    link.disconnect(1.0)
    assert sent(link) == ["0121", "0343"]


def test_abort_drops_what_is_queued() -> None:
    link = machine_up()
    link.send_message(b"never", 1.0)
    link.abort(1.0)
    assert sent(link) == ["0143"]
    link.abort(1.0)
    link.disconnect(1.0)
    assert link.octets_to_send() == b""


def send_much(link: Link) -> None:
    for _ in range(100):
        link.send_message(bytes(4096), 0.0)


def test_misuse_by_our_own_code_is_an_error() -> None:
    link = Link(Role.MACHINE)
    with pytest.raises(LocalProtocolError, match="LINK-9"):
        link.send_message(b"x", 0.0)
    link.connect(0.0)
    with pytest.raises(LocalProtocolError, match="LINK-5"):
        link.connect(0.0)
    link = machine_up()
    for message in (b"", bytes(4097)):
        with pytest.raises(LocalProtocolError, match="1 to 4096"):
            link.send_message(message, 0.0)
    with pytest.raises(LocalProtocolError, match="drain"):
        send_much(link)
    link.disconnect(0.0)
    with pytest.raises(LocalProtocolError, match="draining"):
        link.send_message(b"x", 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frame_octets_max": 15},
        {"frame_octets_max": 2049},
        {"modulus": 16},
        {"retries_max": 0},
        {"ack_delay_s": 3.0},
        {"idle_s": 0},
        {"message_octets_max": 0},
        {"accm": 1 << 32},
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(LocalProtocolError, match="LINK-11"):
        LinkParameters(**wrong)  # type: ignore[arg-type]


def test_the_timer_does_nothing_before_its_time() -> None:
    link = machine_up()
    link.send_message(b"x", 0.1)
    link.octets_to_send()
    assert link.deadline is not None
    assert link.handle_timer(link.deadline - 0.001) == []
    assert link.octets_to_send() == b""


PATHS: dict[State, tuple[str, ...]] = {
    State.DISCONNECTED: (),
    State.NEGOTIATING: ("negotiate",),
    State.CONNECTING: ("connect",),
    State.CONNECTED: ("connect", UA),
    State.DRAINING: ("connect", UA, "send", "disconnect"),
    State.DISCONNECTING: ("connect", UA, "abort"),
}

ANYTHING = [
    "033f", "037f", "0173", "0163", "0343", "0353", "010f", "011f", "0187000000",
    "03000368", "03100368", "0301", "0311", "0111", "0101", "0305", "0115", "0309",
    "030d", "010d", "01bf82", "03bf82", "0303", "0301ff", "03e1", "ff01", "01",
]  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("frame", ANYTHING)
def test_any_frame_in_any_state_leads_to_events_and_no_more(
    state: State, frame: str
) -> None:
    wide = LinkParameters(modulus=128)
    link = Link(Role.MACHINE, wide if state is State.NEGOTIATING else DEFAULT)
    for step in PATHS[state]:
        if step in {"connect", "negotiate"}:
            link.connect(0.0)
        elif step == "send":
            link.send_message(b"x", 0.0)
        elif step == "disconnect":
            link.disconnect(0.0)
        elif step == "abort":
            link.abort(0.0)
        else:
            feed(link, step)
        link.octets_to_send()
    assert link.state is state
    events = feed(link, frame, now=1.0)
    link.octets_to_send()
    if events == [LinkDown(DownReason.RESET_BY_PEER), LinkUp()]:
        assert link.state is State.CONNECTED
    else:
        is_down = link.state is State.DISCONNECTED
        assert (LinkDown in map(type, events)) == (is_down and bool(PATHS[state]))
    for now in (10.0, 100.0, 200.0):
        link.handle_timer(now)
        link.octets_to_send()


@pytest.mark.parametrize("state", State)
def test_the_line_can_be_lost_and_a_link_aborted_in_every_state_that_has_one(
    state: State,
) -> None:
    events = {row.event.__name__: row.to for row in TABLE.rows if row.state is state}
    if state is State.DISCONNECTED:
        assert "LineLost" not in events
    else:
        assert events["LineLost"] is State.DISCONNECTED
        if state is not State.DISCONNECTING:
            assert events["AbortOrdered"] is State.DISCONNECTING


def test_every_event_has_a_row_and_every_row_an_event_of_the_list() -> None:
    assert {row.event for row in TABLE.rows} == set(EVENTS)
    pairs = set(itertools.product(State, EVENTS))
    assert {(row.state, row.event) for row in TABLE.rows} < pairs


def test_the_table_can_be_drawn() -> None:
    drawing = TABLE.mermaid()
    assert drawing.startswith("stateDiagram-v2\n    [*] --> DISCONNECTED\n")
    assert "    CONNECTING --> CONNECTED: SetUpAccepted\n" in drawing
    assert len(drawing.splitlines()) == len(TABLE.rows) + 2
