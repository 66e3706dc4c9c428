"""RFC 2217 sections 2 to 5: the commands and their values, octet by octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.ports.port import ModemCircuits
from hw.ports.rfc2217.circuits import is_news, modem_circuits, modem_state
from hw.ports.rfc2217.messages import (
    VALUE_OCTETS,
    Command,
    ComPortError,
    ComPortMessage,
    Control,
    ModemState,
    decode_message,
    encode_message,
)
from hw.ports.rfc2217.session import Role, Session
from hw.ports.rfc2217.wire_settings import setting_value, with_value
from hw.ports.settings import FlowControl, Parity, PortSettings
from tests.spec.rfc2217_parties import said

VECTORS = [
    ("00", "64", ComPortMessage(Command.SIGNATURE)),
    ("00 61 62", "64 61 62", ComPortMessage(Command.SIGNATURE, text=b"ab")),
    ("01 00 00 04 b0", "65 00 00 04 b0", ComPortMessage(Command.SET_BAUDRATE, 1200)),
    ("01 00 01 c2 00", "65 00 01 c2 00", ComPortMessage(Command.SET_BAUDRATE, 115200)),
    ("01 00 00 00 00", "65 00 00 00 00", ComPortMessage(Command.SET_BAUDRATE)),
    ("02 08", "66 08", ComPortMessage(Command.SET_DATASIZE, 8)),
    ("03 03", "67 03", ComPortMessage(Command.SET_PARITY, 3)),
    ("04 02", "68 02", ComPortMessage(Command.SET_STOPSIZE, 2)),
    ("05 05", "69 05", ComPortMessage(Command.SET_CONTROL, Control.BREAK_ON)),
    ("05 08", "69 08", ComPortMessage(Command.SET_CONTROL, Control.DTR_ON)),
    ("05 0c", "69 0c", ComPortMessage(Command.SET_CONTROL, Control.RTS_OFF)),
    ("06 10", "6a 10", ComPortMessage(Command.NOTIFY_LINESTATE, 16)),
    ("07 88", "6b 88", ComPortMessage(Command.NOTIFY_MODEMSTATE, 0x88)),
    ("08", "6c", ComPortMessage(Command.FLOWCONTROL_SUSPEND)),
    ("09", "6d", ComPortMessage(Command.FLOWCONTROL_RESUME)),
    ("0a 1e", "6e 1e", ComPortMessage(Command.SET_LINESTATE_MASK, 30)),
    ("0b ff", "6f ff", ComPortMessage(Command.SET_MODEMSTATE_MASK, 255)),
    ("0c 03", "70 03", ComPortMessage(Command.PURGE_DATA, 3)),
]


@pytest.mark.parametrize(("client", "server", "message"), VECTORS)
def test_a_message_has_the_octets_of_the_table(
    client: str, server: str, message: ComPortMessage
) -> None:
    for text, by_server in ((client, False), (server, True)):
        octets = bytes.fromhex(text)
        assert encode_message(message, by_server=by_server) == octets
        assert decode_message(octets, by_server=by_server) == message


def test_octets_behind_a_value_are_left_out() -> None:
    # sredird answers SET-BAUDRATE with eight octets.
    octets = bytes.fromhex("65 00 00 25 80 00 00 00 00")
    read = decode_message(octets, by_server=True)
    assert read == ComPortMessage(Command.SET_BAUDRATE, 9600)


def test_a_poll_of_the_modem_state_may_come_without_a_value() -> None:
    read = decode_message(b"\x07", by_server=False)
    assert read == ComPortMessage(Command.NOTIFY_MODEMSTATE)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("", "without a command"),
        ("01 00 00 04", "SET_BAUDRATE has 3 of 4 octets"),
        ("05", "SET_CONTROL has 0 of 1 octets"),
        ("0d 00", "no com port command 13"),
        ("65 00 00 04 b0", "no com port command 101"),
    ],
)
def test_what_is_no_message_of_that_end_says_why(octets: str, why: str) -> None:
    with pytest.raises(ComPortError, match=why):
        decode_message(bytes.fromhex(octets), by_server=False)


def test_a_value_that_does_not_fit_is_our_fault() -> None:
    with pytest.raises(ComPortError, match="has more than 1 octets"):
        encode_message(ComPortMessage(Command.SET_DATASIZE, 256), by_server=False)


@given(
    command=st.sampled_from(sorted(VALUE_OCTETS)),
    value=st.integers(0, 2**32 - 1),
    by_server=st.booleans(),
)
def test_every_value_comes_back(command: Command, value: int, by_server: bool) -> None:
    message = ComPortMessage(command, value % 256 ** VALUE_OCTETS[command])
    octets = encode_message(message, by_server=by_server)
    assert decode_message(octets, by_server=by_server) == message


@given(st.binary(max_size=20), st.booleans())
def test_octets_are_a_message_or_a_com_port_error(octets: bytes, server: bool) -> None:
    try:
        message = decode_message(octets, by_server=server)
    except ComPortError:
        return
    assert encode_message(message, by_server=server) == octets[: len(octets)][
        : 1 + VALUE_OCTETS.get(message.command, 255)
    ].ljust(1 + VALUE_OCTETS.get(message.command, 0), b"\0")


def test_a_peer_that_asks_for_the_signature_gets_it() -> None:
    session = Session(Role.CLIENT)
    session.octets_to_send()
    assert session.receive(said(100)) == []
    assert session.octets_to_send() == said(0, b"RMFS")


def test_a_client_asks_for_what_rfc_2217_section_1_says() -> None:
    will_com_port = b"\xff\xfb\x2c"
    do_com_port = b"\xff\xfd\x2c"
    assert Session(Role.CLIENT).octets_to_send().startswith(will_com_port)
    assert Session(Role.SERVER).octets_to_send().startswith(do_com_port)


@pytest.mark.parametrize("command", [1, 2, 3, 4, 5])
def test_settings_come_back_from_their_values(command: int) -> None:
    settings = PortSettings(1200, 7, Parity.EVEN, 2, FlowControl.RTS_CTS)
    which = Command(command)
    value = setting_value(settings, which)
    assert setting_value(with_value(PortSettings(), which, value), which) == value


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (1, 0),
        (1, 1201),
        (2, 0),
        (2, 6),
        (3, 0),
        (3, 6),
        (4, 0),
        (4, 3),
        (5, 0),
        (5, 17),
    ],
)
def test_a_value_that_is_a_question_or_impossible_sets_nothing(
    command: int, value: int
) -> None:
    settings = PortSettings(1200, 7, Parity.EVEN, 2, FlowControl.RTS_CTS)
    assert with_value(settings, Command(command), value) == settings


def test_changes_of_circuits_are_told_beside_their_levels() -> None:
    ringing = modem_state(ModemCircuits(ringing=True), ModemState(0))
    assert ringing == ModemState.RI
    answered = modem_state(ModemCircuits(carrier=True), ringing)
    assert answered == ModemState.DCD | ModemState.DCD_CHANGED | ModemState.RI_ENDED
    still = modem_state(ModemCircuits(carrier=True), answered)
    assert still == ModemState.DCD
    assert modem_circuits(answered) == ModemCircuits(carrier=True)


def test_a_mask_keeps_changes_from_being_news() -> None:
    dcd = modem_state(ModemCircuits(carrier=True), ModemState(0))
    assert is_news(dcd, ModemState(0), 255)
    assert is_news(dcd, ModemState(0), ModemState.DCD)
    assert is_news(dcd, ModemState(0), ModemState.DCD_CHANGED)
    assert not is_news(dcd, ModemState(0), ModemState.CTS | ModemState.CTS_CHANGED)
    assert not is_news(ModemState.DCD, dcd, 255)
