"""The procedures of a link, as a table: in this state, upon that, do this, go there.

Every row is one sentence of SPEC.md LINK-16, whose table has the same rows. An action
changes the `Station` (what one end is made of) and returns what the layer above is
told. What it finds out on the way comes back as an event of its own, through
`follow_ups`.

P is 1 in SABM and 0 in DISC, so that F tells which of the two a UA or DM answers:
after a repeated DISC a late UA cannot be taken for the acceptance of the next SABM.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from protocol.errors import LocalProtocolError
from protocol.link.events import DownReason, LinkCounters, LinkDown, LinkEvent, LinkUp
from protocol.link.frames import Frame, FrameKind, encode_rejection
from protocol.link.framing import Deframer, Stuffing
from protocol.link.outbox import Outbox
from protocol.link.parameters import (
    MODULO_8,
    SUPERVISORY_OCTETS,
    LinkParameters,
    Role,
)
from protocol.link.states import (
    AbortOrdered,
    AcknowledgementDue,
    AgreementOverdue,
    AllAcknowledged,
    ConnectOrdered,
    DisconnectAccepted,
    DisconnectOrdered,
    DisconnectReceived,
    FrameEvent,
    InformationReceived,
    LineIdle,
    LineLost,
    NegotiationOrdered,
    NoLinkReported,
    OfferAnswered,
    OfferReceived,
    RejectionReceived,
    ReplyOverdue,
    RetriesExhausted,
    SetUpAccepted,
    SetUpAsked,
    SetUpRefused,
    SetUpUnwanted,
    State,
    SupervisionReceived,
    ViolationReceived,
)
from protocol.link.timing import RoundTrips, Timers
from protocol.link.transfer import Transfer
from protocol.link.xid import agree, decode_offer, encode_offer
from protocol.table import Row, Table


class Station:
    """What one end of a link is made of."""

    def __init__(
        self,
        role: Role,
        own: LinkParameters,
        outbox: Outbox,
        deframer: Deframer,
        counters: LinkCounters,
    ) -> None:
        """Put the parts together; nothing is connected.

        Args:
            role: Machine or server.
            own: What this end is set to.
            outbox: Takes frames to the line.
            deframer: Told of the ACCM.
            counters: Counted up here.
        """
        self.role = role
        self.own = own
        self.outbox = outbox
        self.deframer = deframer
        self.counters = counters
        self.timers = Timers()
        self.round_trips = RoundTrips(own.acknowledge_timeout_s)
        self.transfer: Transfer | None = None
        self.agreed = own.without_agreement
        """Of the next SABM, or of the link that is up."""
        self.retries = 0
        self.now = 0.0
        self._measure_from: float | None = None
        self._damaged_before = 0
        self.negotiated = False
        """Whether `agreed` came from an XID that this end sent."""
        self.follow_ups: deque[object] = deque()
        self._offered: LinkParameters | None = None
        self._offered_until = 0.0
        if self.agreed.accm:
            self._escape(self.agreed.accm)

    def use(self, parameters: LinkParameters) -> None:
        """Put parameters into force for what comes next."""
        if parameters.accm != self.agreed.accm:
            self._escape(parameters.accm)
        self.agreed = parameters

    def _escape(self, accm: int) -> None:
        self.outbox.stuffing = Stuffing(accm)
        self.deframer.drop = bytes(n for n in range(32) if accm >> n & 1)

    @property
    def offered(self) -> LinkParameters | None:
        """What was agreed by XID for the SABM that follows it; it does not keep."""
        return self._offered if self.now <= self._offered_until else None

    def offer(self, agreed: LinkParameters) -> None:
        """Keep an agreement for the SABM that follows."""
        self._offered = agreed
        self._offered_until = self.now + 2 * agreed.acknowledge_timeout_s

    def forget_offer(self) -> None:
        """The next SABM means the defaults."""
        self._offered = None

    def write(
        self,
        kind: FrameKind,
        *,
        command: bool,
        poll_final: bool,
        information: bytes = b"",
    ) -> None:
        """Write an unnumbered frame."""
        frame = Frame(kind, command, poll_final, information=information)
        self.outbox.write(frame, MODULO_8)

    def drop_link(self) -> None:
        """Forget the link that was: nothing of it may survive."""
        self.transfer = None
        self.timers.stop()
        self.retries = 0
        self.forget_measure()

    def begin_measuring(self) -> None:
        """A new call: what was known of the line is not known of this one."""
        self.round_trips = RoundTrips(self.own.acknowledge_timeout_s)

    def begin_link(self) -> list[LinkEvent]:
        """Both ends begin at 0."""
        self.timers.stop()
        self.transfer = Transfer(
            self.agreed,
            self.outbox,
            self.timers,
            self.round_trips,
            self.counters,
            caller_heard=self.role is Role.MACHINE,
        )
        if self.role is Role.MACHINE:
            self.transfer.receiver.greet(self.now)
        self.timers.idle = self.now + self.agreed.idle_s
        self.retries = 0
        self.counters.links += 1
        return [LinkUp()]

    def measure(self) -> None:
        """What is to be answered goes to the line now, for the first time."""
        self._measure_from = self.now
        self._damaged_before = self.counters.framing.damaged

    def forget_measure(self) -> None:
        """Which of two frames is answered would be a guess."""
        self._measure_from = None

    def measured(self, octets: int) -> None:
        """The first good frame after a set-up came, `octets` long on the line.

        A frame that was lost before it would make the line look slow.
        """
        if self._measure_from is None:
            return
        if self._damaged_before == self.counters.framing.damaged:
            self.round_trips.add(
                SUPERVISORY_OCTETS + octets, self.now - self._measure_from
            )
        self._measure_from = None

    def expect_answer(self) -> None:
        """Start T1 for an unnumbered command, behind what was sent before it."""
        timeout_s = self.round_trips.timeout_s(self.outbox.octets, self.now)
        self.timers.reply = self.now + max(timeout_s, self.agreed.acknowledge_timeout_s)


Action = Callable[[Station, Any], list[LinkEvent]]


def _offer(station: Station, _: object) -> list[LinkEvent]:
    """Send XID with what this end wants, twice where the line is known to be noisy.

    One in three is lost at a bit error rate of 1e-3, and T1 is 3 s.
    """
    for _ in range(2 if station.own.reports else 1):
        station.write(
            FrameKind.XID,
            command=True,
            poll_final=True,
            information=encode_offer(station.own),
        )
    station.expect_answer()
    return []


def _repeat_offer(station: Station, event: object) -> list[LinkEvent]:
    station.retries += 1
    return _offer(station, event)


def _dial(station: Station, _: object) -> list[LinkEvent]:
    """Send SABM, or SABME where modulo 128 was agreed."""
    kind = FrameKind.SABM if station.agreed.modulus == MODULO_8 else FrameKind.SABME
    station.write(kind, command=True, poll_final=True)
    station.begin_measuring()
    if not station.retries:
        station.measure()
    station.expect_answer()
    return []


def _dial_with_defaults(station: Station, event: object) -> list[LinkEvent]:
    station.negotiated = False
    station.use(station.own.without_agreement)
    return _dial(station, event)


def _dial_as_agreed(station: Station, event: OfferAnswered) -> list[LinkEvent]:
    offer = decode_offer(event.frame.information) or {}
    station.negotiated = True
    station.use(agree(station.own, offer))
    return _dial(station, event)


def _dial_again(station: Station, event: object) -> list[LinkEvent]:
    station.retries += 1
    return _dial(station, event)


def _answer_offer(station: Station, event: OfferReceived) -> list[LinkEvent]:
    """Answer XID; the agreement is in force from the SABM that follows."""
    offer = decode_offer(event.frame.information) or {}
    agreed = agree(station.own, offer)
    station.write(
        FrameKind.XID,
        command=False,
        poll_final=event.frame.poll_final,
        information=encode_offer(agreed),
    )
    station.offer(agreed)
    return []


def _accept(station: Station, event: SetUpAsked) -> list[LinkEvent]:
    """Answer SABM with UA and begin."""
    station.outbox.clear()
    station.drop_link()
    if station.role is Role.SERVER:
        offered = station.offered
        is_extended = event.frame.kind is FrameKind.SABME
        if offered is None or (offered.modulus == MODULO_8) == is_extended:
            offered = station.own.without_agreement
        station.use(offered)
        station.forget_offer()
    _accepted(station, event)
    station.begin_measuring()
    station.measure()
    return station.begin_link()


def _reset(station: Station, event: SetUpAsked) -> list[LinkEvent]:
    """SABM while connected: the old link is gone, with everything in it."""
    events = _accept(station, event)
    # The SABM may be a repetition.
    station.forget_measure()
    return [LinkDown(DownReason.RESET_BY_PEER), *events]


def _accept_after_closing(station: Station, event: SetUpAsked) -> list[LinkEvent]:
    return [LinkDown(DownReason.CLOSED), *_accept(station, event)]


def _accepted(station: Station, event: FrameEvent) -> list[LinkEvent]:
    """Answer with UA; nothing else changes."""
    station.write(FrameKind.UA, command=False, poll_final=event.frame.poll_final)
    return []


def _refuse(station: Station, event: FrameEvent) -> list[LinkEvent]:
    """Answer with DM; nothing else changes."""
    station.write(FrameKind.DM, command=False, poll_final=event.frame.poll_final)
    return []


def _say_no_link(station: Station, event: FrameEvent) -> list[LinkEvent]:
    """A peer that polls a link that is not there is told so."""
    if event.frame.command and event.frame.poll_final:
        return _refuse(station, event)
    station.counters.unexpected_frames += 1
    return []


def _begin(station: Station, _: object) -> list[LinkEvent]:
    """UA to our SABM."""
    station.measured(SUPERVISORY_OCTETS)
    return station.begin_link()


def _take_information(station: Station, event: InformationReceived) -> list[LinkEvent]:
    transfer = _transfer(station)
    events, refused = transfer.receive_information(event.frame, station.now)
    if refused is not None:
        station.follow_ups.append(ViolationReceived(refused))
    return events


def _take_supervision(station: Station, event: SupervisionReceived) -> list[LinkEvent]:
    transfer = _transfer(station)
    transfer.receive_supervision(event.frame, station.now)
    if transfer.hopeless:
        station.follow_ups.append(RetriesExhausted())
    return []


def _poll_again(station: Station, _: object) -> list[LinkEvent]:
    transfer = _transfer(station)
    transfer.reply_overdue()
    if transfer.hopeless:
        station.follow_ups.append(RetriesExhausted())
    return []


def _poll_idle(station: Station, _: object) -> list[LinkEvent]:
    if station.timers.reply is None:
        _transfer(station).poll()
    station.timers.idle = station.now + station.agreed.idle_s
    return []


def _acknowledge(station: Station, _: object) -> list[LinkEvent]:
    _transfer(station).receiver.acknowledgement_due()
    return []


def _drain(station: Station, _: object) -> list[LinkEvent]:
    _transfer(station).close()
    return []


def _disconnect(station: Station, _: object) -> list[LinkEvent]:
    """Send DISC; what the peer sent and we have is acknowledged before."""
    _transfer(station).receiver.acknowledge_last()
    station.drop_link()
    return _send_disconnect(station, _)


def _abort(station: Station, _: object) -> list[LinkEvent]:
    """Send DISC at once and drop what is queued."""
    station.outbox.clear()
    station.drop_link()
    return _send_disconnect(station, _)


def _send_disconnect(station: Station, _: object) -> list[LinkEvent]:
    station.write(FrameKind.DISC, command=True, poll_final=False)
    station.expect_answer()
    return []


def _disconnect_again(station: Station, event: object) -> list[LinkEvent]:
    station.retries += 1
    return _send_disconnect(station, event)


def _violated(station: Station, event: ViolationReceived) -> list[LinkEvent]:
    """The peer broke a rule: FRMR, and the link is down."""
    transfer = _transfer(station)
    rejection = encode_rejection(
        event.refused,
        transfer.window.next_number,
        transfer.receiver.next_number,
        station.agreed.modulus,
    )
    station.counters.violations += 1
    station.write(
        FrameKind.FRMR, command=False, poll_final=False, information=rejection
    )
    return _end(station, DownReason.PROTOCOL_VIOLATION)


def _end(station: Station, reason: DownReason) -> list[LinkEvent]:
    station.drop_link()
    station.forget_offer()
    station.use(station.own.without_agreement)
    return [LinkDown(reason)]


def _closed(station: Station, _: object) -> list[LinkEvent]:
    return _end(station, DownReason.CLOSED)


def _closed_by_both(station: Station, event: DisconnectReceived) -> list[LinkEvent]:
    _accepted(station, event)
    return _end(station, DownReason.CLOSED)


def _closed_by_peer(station: Station, event: DisconnectReceived) -> list[LinkEvent]:
    station.outbox.clear()
    _accepted(station, event)
    return _end(station, DownReason.CLOSED_BY_PEER)


def _refused(station: Station, _: object) -> list[LinkEvent]:
    return _end(station, DownReason.REFUSED)


def _no_link_at_peer(station: Station, _: object) -> list[LinkEvent]:
    station.outbox.clear()
    return _end(station, DownReason.NO_LINK_AT_PEER)


def _rejected_by_peer(station: Station, _: object) -> list[LinkEvent]:
    station.outbox.clear()
    return _end(station, DownReason.REJECTED_BY_PEER)


def _no_answer(station: Station, _: object) -> list[LinkEvent]:
    return _end(station, DownReason.NO_ANSWER)


def _give_up(station: Station, _: object) -> list[LinkEvent]:
    """The peer may still hear us: DM tells it that this link is over."""
    station.outbox.clear()
    station.write(FrameKind.DM, command=False, poll_final=False)
    return _end(station, DownReason.NO_ANSWER)


def _lose_line(station: Station, _: object) -> list[LinkEvent]:
    return _end(station, DownReason.LINE_LOST)


def _refuse_and_end(station: Station, event: SetUpUnwanted) -> list[LinkEvent]:
    """SABM of a kind that was not agreed, while connected."""
    station.outbox.clear()
    _refuse(station, event)
    return _end(station, DownReason.PROTOCOL_VIOLATION)


def _transfer(station: Station) -> Transfer:
    if station.transfer is None:
        raise LocalProtocolError("no link is up, though the table says so")
    return station.transfer


def set_up_event(station: Station, state: State, frame: Frame) -> FrameEvent:
    """Say whether a SABM or SABME is one that this end can accept.

    A machine is never opened by the line: it takes SABM only while it dials (glare) or
    as a reset of the link that is up. SABME needs an agreement on modulo 128.
    """
    is_extended = frame.kind is FrameKind.SABME
    if station.role is Role.SERVER:
        offered = station.offered
        is_agreed = offered is not None and offered.modulus != MODULO_8
        wanted = is_agreed or not is_extended
    else:
        wanted = (station.agreed.modulus != MODULO_8) == is_extended and state in {
            State.CONNECTING,
            State.CONNECTED,
            State.DRAINING,
        }
    return SetUpAsked(frame) if wanted else SetUpUnwanted(frame)


def _carrying_rows(state: State) -> list[Row[State, Action]]:
    """What CONNECTED and DRAINING share."""
    down = State.DISCONNECTED
    return [
        Row(state, InformationReceived, _take_information, state),
        Row(state, SupervisionReceived, _take_supervision, state),
        Row(state, ReplyOverdue, _poll_again, state),
        Row(state, AcknowledgementDue, _acknowledge, state),
        Row(state, LineIdle, _poll_idle, state),
        Row(state, OfferReceived, _answer_offer, state),
        Row(state, SetUpAsked, _reset, State.CONNECTED),
        Row(state, SetUpUnwanted, _refuse_and_end, down),
        Row(state, DisconnectReceived, _closed_by_peer, down),
        Row(state, SetUpRefused, _no_link_at_peer, down),
        Row(state, NoLinkReported, _no_link_at_peer, down),
        Row(state, RejectionReceived, _rejected_by_peer, down),
        Row(state, ViolationReceived, _violated, down),
        Row(state, RetriesExhausted, _give_up, down),
        Row(state, LineLost, _lose_line, down),
        Row(state, AbortOrdered, _abort, State.DISCONNECTING),
    ]


_DISCONNECTED = State.DISCONNECTED
_NEGOTIATING = State.NEGOTIATING
_CONNECTING = State.CONNECTING
_CONNECTED = State.CONNECTED
_DRAINING = State.DRAINING
_DISCONNECTING = State.DISCONNECTING

TABLE: Final[Table[State, Action]] = Table(
    _DISCONNECTED,
    [
        Row(_DISCONNECTED, ConnectOrdered, _dial_with_defaults, _CONNECTING),
        Row(_DISCONNECTED, NegotiationOrdered, _offer, _NEGOTIATING),
        Row(_DISCONNECTED, SetUpAsked, _accept, _CONNECTED),
        Row(_DISCONNECTED, SetUpUnwanted, _refuse, _DISCONNECTED),
        Row(_DISCONNECTED, DisconnectReceived, _refuse, _DISCONNECTED),
        Row(_DISCONNECTED, OfferReceived, _answer_offer, _DISCONNECTED),
        Row(_DISCONNECTED, InformationReceived, _say_no_link, _DISCONNECTED),
        Row(_DISCONNECTED, SupervisionReceived, _say_no_link, _DISCONNECTED),
        Row(_NEGOTIATING, OfferAnswered, _dial_as_agreed, _CONNECTING),
        Row(_NEGOTIATING, SetUpRefused, _dial_with_defaults, _CONNECTING),
        Row(_NEGOTIATING, RejectionReceived, _dial_with_defaults, _CONNECTING),
        Row(_NEGOTIATING, SetUpUnwanted, _refuse, _NEGOTIATING),
        Row(_NEGOTIATING, DisconnectReceived, _accepted, _NEGOTIATING),
        Row(_NEGOTIATING, ReplyOverdue, _repeat_offer, _NEGOTIATING),
        Row(_NEGOTIATING, RetriesExhausted, _no_answer, _DISCONNECTED),
        Row(_NEGOTIATING, LineLost, _lose_line, _DISCONNECTED),
        Row(_NEGOTIATING, DisconnectOrdered, _abort, _DISCONNECTING),
        Row(_NEGOTIATING, AbortOrdered, _abort, _DISCONNECTING),
        Row(_CONNECTING, SetUpAccepted, _begin, _CONNECTED),
        Row(_CONNECTING, SetUpRefused, _refused, _DISCONNECTED),
        Row(_CONNECTING, RejectionReceived, _rejected_by_peer, _DISCONNECTED),
        Row(_CONNECTING, SetUpAsked, _accepted, _CONNECTING),
        Row(_CONNECTING, SetUpUnwanted, _refuse, _CONNECTING),
        Row(_CONNECTING, DisconnectReceived, _accepted, _CONNECTING),
        Row(_CONNECTING, ReplyOverdue, _dial_again, _CONNECTING),
        Row(_CONNECTING, AgreementOverdue, _repeat_offer, _NEGOTIATING),
        Row(_CONNECTING, RetriesExhausted, _no_answer, _DISCONNECTED),
        Row(_CONNECTING, LineLost, _lose_line, _DISCONNECTED),
        Row(_CONNECTING, DisconnectOrdered, _abort, _DISCONNECTING),
        Row(_CONNECTING, AbortOrdered, _abort, _DISCONNECTING),
        *_carrying_rows(_CONNECTED),
        Row(_CONNECTED, DisconnectOrdered, _drain, _DRAINING),
        *_carrying_rows(_DRAINING),
        Row(_DRAINING, AllAcknowledged, _disconnect, _DISCONNECTING),
        Row(_DISCONNECTING, DisconnectAccepted, _closed, _DISCONNECTED),
        Row(_DISCONNECTING, SetUpRefused, _closed, _DISCONNECTED),
        Row(_DISCONNECTING, NoLinkReported, _closed, _DISCONNECTED),
        Row(_DISCONNECTING, DisconnectReceived, _closed_by_both, _DISCONNECTED),
        Row(_DISCONNECTING, SetUpAsked, _accept_after_closing, _CONNECTED),
        Row(_DISCONNECTING, SetUpUnwanted, _refuse, _DISCONNECTING),
        Row(_DISCONNECTING, OfferReceived, _answer_offer, _DISCONNECTING),
        Row(_DISCONNECTING, ReplyOverdue, _disconnect_again, _DISCONNECTING),
        Row(_DISCONNECTING, RetriesExhausted, _closed, _DISCONNECTED),
        Row(_DISCONNECTING, LineLost, _lose_line, _DISCONNECTED),
    ],
)
"""Both roles; a pair of state and event without a row has no meaning and is counted."""
