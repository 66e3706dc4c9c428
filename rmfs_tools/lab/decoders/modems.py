"""What a modem and its terminal say to each other."""

from typing import Final

from twisted.internet.task import Clock

from hw.modem.dialogue import ModemDialogue
from hw.modem.dialogue_states import DialogueState
from hw.modem.emulated import EmulatedModem
from hw.modem.network import PhoneNetwork
from hw.modem.results import parse_caller, parse_result
from hw.modem.settings import ModemSettings
from hw.ports.port import ModemCircuits, Port, PortFault, PortLoss, TerminalCircuits
from hw.ports.settings import PortSettings
from hw.ports.virtual import VirtualPortPair
from rmfs_tools.lab.decoders.target import Target, UnstableError

_FAST: Final = PortSettings(115_200)
_ON: Final = TerminalCircuits(request_to_send=True, terminal_ready=True)
_SETTLE_S: Final = 120.0
_SAID_MAX: Final = 400_000
_PAUSE: Final = b"\xfe"
"""Where an input is cut: two seconds pass there."""


def _dialogue(octets: bytes) -> None:
    """Let a modem say anything to a dialogue that dials, or that answers.

    Raises:
        UnstableError: It waits for nothing, and is not over.
    """
    bits, said = (octets[0], octets[1:]) if octets else (0, b"")
    dialogue = ModemDialogue(ModemSettings("1", guard_s=0.2), answers=bool(bits & 1))
    now = 0.0
    dialogue.port_up(ModemCircuits() if bits & 2 else None, now)
    for part in said.split(_PAUSE):
        dialogue.octets_received(part, now)
        now += 2.0
        while dialogue.deadline is not None and dialogue.deadline <= now:
            dialogue.handle_timer(now)
            dialogue.effects()
    waits = dialogue.deadline is not None
    is_over = dialogue.state is DialogueState.OVER
    if dialogue.state is not DialogueState.CONNECTED and waits is is_over:
        raise UnstableError(f"{dialogue.state}, deadline {dialogue.deadline}")


def _results(octets: bytes) -> None:
    line = octets.decode("latin-1")
    parse_result(line)
    parse_caller(line)


class _Terminal:
    """Takes what a modem says, and counts it."""

    def __init__(self) -> None:
        self.port: Port | None = None
        self.octets = 0

    def port_up(self, port: Port) -> None:
        self.port = port

    def octets_received(self, octets: bytes) -> None:
        self.octets += len(octets)

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        del circuits

    def fault_received(self, fault: PortFault) -> None:
        del fault

    def port_lost(self, loss: PortLoss) -> None:
        self.port = None


def _type(octets: bytes) -> None:
    """Type anything at an emulated modem, and pull the plug.

    Raises:
        UnstableError: Something is left that waits, or it has said very much.
    """
    clock = Clock()
    pair = VirtualPortPair(clock, _FAST)
    network = PhoneNetwork(clock)
    pair.attach(EmulatedModem(clock, network.line("111")))
    terminal = _Terminal()
    pair.opener.open(terminal)
    _pass(clock, 0.01)
    for part in octets.split(_PAUSE):
        if terminal.port is not None:
            terminal.port.set_circuits(_ON)
            terminal.port.send(part)
        _pass(clock, 2.0)
    pair.unplug()
    _pass(clock, _SETTLE_S)
    if clock.getDelayedCalls() or terminal.octets > _SAID_MAX:
        raise UnstableError(
            f"{len(clock.getDelayedCalls())} calls are left, {terminal.octets} octets"
        )


def _pass(clock: Clock, seconds: float) -> None:
    """Let time pass, from one due time to the next."""
    until_s = clock.seconds() + seconds
    while True:
        due = [call.getTime() for call in clock.getDelayedCalls()]
        if not due or min(due) > until_s:
            break
        clock.advance(max(0.0, min(due) - clock.seconds()))
    clock.advance(max(0.0, until_s - clock.seconds()))


def _commands() -> list[bytes]:
    return [
        b"AT\rATZ\rATE0V0Q1X3&C1&D2&K3\r",
        b"ATS0=1S3=13S7=50\rATS7?\rATI0I1I3I4\rAT&V\r",
        b"ATDT111\r\xfe\xfe+++\xfe\xfeATH\r",
        b"ATDP0,1930;\rATDL\rA/\rATA\r\xfeATO\r",
        b"AT&Z0=111\rATDS=0\rAT&F&W\rAT+VCID=1\rATS12=0\r+++ATH\r",
    ]


def _said() -> list[bytes]:
    calls = (
        b"OK\r\n\xfeOK\r\n\xfeCONNECT 9600\r\n\x7e\x01\x3f",
        b"OK\r\n\xfeOK\r\n\xfeBUSY\r\n\xfeNO CARRIER\r\n",
        b"0\r\xfe0\r\xfe12\r\xfe3\r",
        b"RING\r\nNMBR = 5551212\r\nRING\r\n\xfeCONNECT\r\n",
    )
    return [bytes([bits]) + call for bits in range(4) for call in calls]


TARGETS: Final = (
    Target(
        "modem-results",
        "a line that a modem says",
        _results,
        lambda: [b"CONNECT 33600/ARQ", b"NO CARRIER", b"12", b"NMBR = 5551212"],
        runs=20_000,
        octets_max=512,
        watched=("hw.modem",),
    ),
    Target(
        "modem-dialogue",
        "what a modem says while it is dialled with, or answered",
        _dialogue,
        _said,
        runs=3_000,
        octets_max=1_024,
        watched=("hw.modem",),
    ),
    Target(
        "modem-commands",
        "what a terminal types at an emulated modem",
        _type,
        _commands,
        runs=250,
        octets_max=512,
        watched=("hw.modem",),
    ),
)
