"""A line string names a line, and a wrong one is told what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.lines.build import build_dialler, build_listener
from hw.lines.direct import DirectDialler, DirectListener
from hw.lines.direct_end import Carrier
from hw.lines.place_strings import NetworkPlace
from hw.lines.port import LineError
from hw.lines.port_strings import (
    MODEM_FORM,
    PTY_FORM,
    RFC2217_FORM,
    SERIAL_FORM,
    USB_FORM,
    ModemAddress,
    PtyAddress,
    Rfc2217Address,
    SerialAddress,
    UsbAddress,
)
from hw.lines.pty import PtyListener
from hw.lines.relay import PacedDialler, PacedListener
from hw.lines.strings import (
    LineAddress,
    LineStringError,
    SimulatedUsbAddress,
    TcpAddress,
    VirtualAddress,
    parse_line_string,
)
from hw.lines.tcp import TcpDialler, TcpListener
from hw.lines.virtual import VirtualLineParameters
from hw.modem.dialler import ModemDialler
from hw.modem.listener import ModemListener
from hw.modem.settings import RINGS_MAX, CarrierWatch, ModemSettings
from hw.ports.rfc2217.listener import Rfc2217Listener
from hw.ports.settings import BAUD_RATES, FlowControl, Parity, PortSettings
from hw.reactor import MonotonicReactor
from hw.usb.bridge import SimulatedUsbDialler, SimulatedUsbListener
from tests.reactor import run_on_reactor

LOCAL = TcpAddress("127.0.0.1", 7001)
RIGHT_FORMS = {
    "tcp": "tcp:HOST:PORT",
    "serial": SERIAL_FORM,
    "pty": PTY_FORM,
    "rfc2217": RFC2217_FORM,
    "modem": MODEM_FORM,
    "usb": USB_FORM,
    "virtual": "virtual:speed=9600",
}


def test_a_tcp_line_may_name_balancers_that_are_believed() -> None:
    text = "tcp:0.0.0.0:7120:proxy=10.0.0.5/32,10.0.1.0/24"
    line = parse_line_string(text)
    assert line == TcpAddress("0.0.0.0", 7120, ("10.0.0.5/32", "10.0.1.0/24"))  # noqa: S104
    assert str(line) == text
    short = parse_line_string("tcp:0.0.0.0:7120:proxy=10.0.0.5")
    assert short == TcpAddress("0.0.0.0", 7120, ("10.0.0.5/32",))  # noqa: S104
    escaped = parse_line_string(r"tcp:[::]:7120:proxy=2001\:db8\:\:5")
    assert escaped == TcpAddress("::", 7120, ("2001:db8::5/128",))
    assert parse_line_string(str(escaped)) == escaped
    for wrong in ("proxy=", "proxy=10.0.0", "proxy=10.0.0.5/24", "proxy=host"):
        with pytest.raises(LineStringError, match="proxy is addresses, or networks"):
            parse_line_string(f"tcp:0.0.0.0:7120:{wrong}")


def test_a_machine_believes_no_balancer() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        line = parse_line_string("tcp:127.0.0.1:7120:proxy=10.0.0.5")
        with pytest.raises(LineError, match="whoever dials believes no balancer"):
            build_dialler(reactor, line)

    run_on_reactor(scenario)


def test_a_tcp_line_is_a_host_and_a_port() -> None:
    assert parse_line_string("tcp:127.0.0.1:7001") == LOCAL
    assert parse_line_string("tcp:rmfs.example:0") == TcpAddress("rmfs.example", 0)


def test_a_virtual_line_has_settings_and_goes_somewhere() -> None:
    text = (
        "virtual:speed=2400:delay=0.02:ber=1e-5:seed=1:"
        "cut_up=10:cut_down=300:cut=500:cut_at=9.5:tcp:127.0.0.1:7001"
    )
    expected = VirtualLineParameters(
        bit_s=2400,
        delay_s=0.02,
        bit_error_rate=1e-5,
        seed=1,
        cut_after_octets_up=10,
        cut_after_octets_down=300,
        cut_after_octets=500,
        cut_at_s=9.5,
    )
    assert parse_line_string(text) == VirtualAddress(expected, LOCAL)


def test_a_virtual_line_may_go_through_another() -> None:
    inner = VirtualAddress(VirtualLineParameters(bit_s=300), LOCAL)
    outer = VirtualAddress(VirtualLineParameters(), inner)
    assert parse_line_string("virtual:virtual:speed=300:tcp:127.0.0.1:7001") == outer


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no kind of line called ''"),
        ("telnet:1:2", "there is no kind of line called 'telnet'"),
        ("tcp", "one host and one port"),
        ("tcp:7001", "one host and one port"),
        ("tcp:::1:7001", "one host and one port"),
        ("tcp::7001", "field 2, '': a host is a name or an address, IPv6 in brackets"),
        ("tcp:[::1:7001", "one host and one port"),
        ("tcp:[localhost]:7001", "field 2, '[localhost]': in brackets stands an IPv6"),
        ("tcp:host:http", "field 3, 'http': a port is a number from 0 to 65535"),
        ("tcp:host:65536", "field 3, '65536': a port is a number"),
        ("tcp:host:-1", "field 3, '-1': a port is a number"),
        ("tcp:host:²", "field 3, '²': a port is a number"),
        ("tcp:host:7001:", "one host and one port"),
        ("tcp:a..b:7001", "field 2, 'a..b': no host can be called so"),
        (f"tcp:{'a' * 64}:7001", "no host can be called so"),
        ("virtual:" * 2000 + "tcp:h:1", "it puts more than 16 lines before another"),
        ("usb:simulated:" * 17 + "tcp:h:1", "it puts more than 16 lines"),
        ("virtual", "does not say where the line goes"),
        ("virtual:speed=300", "does not say where the line goes"),
        ("virtual:baud=300:tcp:h:1", "a line has no 'baud', only speed, delay, ber"),
        ("virtual:speed=fast:tcp:h:1", "speed=fast is no number"),
        ("virtual:speed=9600.5:tcp:h:1", "speed=9600.5 is no number"),
        ("virtual:speed=1:speed=2:tcp:h:1", "speed is set twice"),
        ("virtual:speed=0:tcp:h:1", "bit_s is 0, but a line has 1 to"),
        ("virtual:delay=nan:tcp:h:1", "delay_s is nan, but a line has 0 to"),
        ("virtual:speed=300:udp:h:1", "there is no kind of line called 'udp'"),
        ("virtual:speed=300:tcp:h:x", "field 5, 'x': a port is a number"),
        ("serial", "it does not say which port"),
        ("serial:ttyUSB0", "field 2, 'ttyUSB0': a port is named by its whole path"),
        ("serial:/dev/", "field 2, '/dev/': a port is named by its whole path"),
        ("serial:/dev/ttyS0:9600", "field 3, '9600': here stand baud=, bits=, parity="),
        ("serial:/dev/ttyS0:speed=9600", "field 3, 'speed=9600': here stand baud="),
        ("serial:/dev/ttyS0:baud=9601", "baud is 300, 600, 1200, 2400, 4800, 9600"),
        ("serial:/dev/ttyS0:bits=9", "field 3, 'bits=9': bits is 7 or 8"),
        ("serial:/dev/ttyS0:parity=Even", "parity is none, even, odd, mark or space"),
        ("serial:/dev/ttyS0:baud=300:baud=300", "field 4, 'baud=300': baud is set tw"),
        ("serial:/dev/ttyS0:flow=hard", "flow is none, rtscts or xonxoff"),
        ("serial:/dev/ttyS0:carrier=yes", "carrier is none or dcd"),
        ("serial:/dev/ttyS0:", "field 3, '': here stand baud="),
        ("serial:/dev/ttyS0\\", "a backslash escapes what follows it: nothing"),
        ("pty", "it does not say where"),
        ("pty:", "it does not say where"),
        ("pty:/run/line:baud=9600", "field 3, 'baud=9600': here stand no settings"),
        ("pty:/run/", "field 2, '/run/': no file can be called so"),
        ("rfc2217:host", "after rfc2217 come a host and a port"),
        ("rfc2217:host:x:baud=1", "field 3, 'x': a port is a number"),
        ("modem", "it does not say at which port the modem is"),
        ("modem:/dev/ttyS0:dial=home", "'home' cannot be dialled; write digits"),
        ("modem:/dev/ttyS0:dial=\t", "dial is a telephone number"),
        ("modem:/dev/ttyS0:init=X4", "'X4' is no command line of a modem; write AT"),
        ("modem:/dev/ttyS0:wait=256", "wait is a whole number from 1 to 255"),
        ("modem:/dev/ttyS0:rings=²", "rings is a whole number from 1 to"),
        ("modem:rfc2217:host", "after rfc2217 come a host and a port"),
        ("usb:1209", "after usb come the vendor's number and the product's"),
        ("usb:1209:1", "field 3, '1': here stand four hexadecimal digits"),
        ("usb:simulated", "does not say where the line goes"),
        ("usb:simulated:udp:h:1", "there is no kind of line called 'udp'"),
        ("usb:1209:0001:interface=256", "interface is a whole number from 0 to 255"),
    ],
)
def test_a_wrong_string_says_what_is_wrong_and_shows_the_right_form(
    text: str, problem: str
) -> None:
    with pytest.raises(LineStringError) as caught:
        parse_line_string(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r} names no line: ")
    assert problem in message
    right_form = message.rpartition("; write ")[2]
    kinds = [field for field in text.split(":") if field in RIGHT_FORMS]
    begins = RIGHT_FORMS[kinds[0]] if kinds and "udp" not in text else "tcp:HOST:PORT"
    assert right_form.startswith((begins, "tcp:HOST:PORT"))


def test_a_kind_that_is_unknown_is_answered_with_every_kind() -> None:
    with pytest.raises(LineStringError, match="'com1' names no line") as caught:
        parse_line_string("com1")
    for form in RIGHT_FORMS.values():
        assert form in str(caught.value)


@pytest.mark.parametrize("text", ["/dev/ttyUSB0", "./line"])
def test_a_path_alone_is_answered_with_the_kinds_that_take_one(text: str) -> None:
    with pytest.raises(LineStringError, match="stands before a path") as caught:
        parse_line_string(text)
    right_forms = str(caught.value).rpartition("; write ")[2].split(" or ")
    assert right_forms == [RIGHT_FORMS["serial"], RIGHT_FORMS["pty"]]


def test_a_kind_that_is_misspelt_is_answered_with_its_own_form() -> None:
    with pytest.raises(LineStringError, match="called 'seral'") as caught:
        parse_line_string("seral:/dev/ttyUSB0")
    assert str(caught.value).endswith(f"; write {RIGHT_FORMS['serial']}")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("serial:/dev/ttyUSB0", SerialAddress("/dev/ttyUSB0")),
        (
            "serial:/dev/ttyS0:baud=1200:bits=7:parity=even:stop=2:flow=rtscts:carrier=dcd",
            SerialAddress(
                "/dev/ttyS0",
                PortSettings(1200, 7, Parity.EVEN, 2, FlowControl.RTS_CTS),
                Carrier.DCD,
            ),
        ),
        (
            r"serial:/dev/serial/by-path/usb-0\:1\:1.0:baud=300",
            SerialAddress("/dev/serial/by-path/usb-0:1:1.0", PortSettings(baud=300)),
        ),
        ("pty:/run/rmfs line", PtyAddress("/run/rmfs line")),
        ("tcp:[::1]:7001", TcpAddress("::1", 7001)),
        (
            "rfc2217:[fe80::1]:2217:baud=19200",
            Rfc2217Address(NetworkPlace("fe80::1", 2217), PortSettings(baud=19200)),
        ),
        (
            "modem:/dev/ttyS0:dial=0W080,221:init=AT&F0\\:X4:wait=90:baud=115200",
            ModemAddress(
                "/dev/ttyS0",
                ModemSettings(number="0W080,221", init="AT&F0:X4", wait_s=90),
                PortSettings(baud=115200),
            ),
        ),
        (
            "modem:rfc2217:terminals:2217:rings=2:carrier=text",
            ModemAddress(
                NetworkPlace("terminals", 2217),
                ModemSettings(rings=2, carrier=CarrierWatch.TEXT),
            ),
        ),
        (
            "usb:1209:00Af:serial=A1:interface=2",
            UsbAddress(0x1209, 0x00AF, "A1", 2),
        ),
        ("usb:simulated:tcp:127.0.0.1:7001", SimulatedUsbAddress(LOCAL)),
        (
            "usb:simulated:virtual:speed=300:tcp:127.0.0.1:7001",
            SimulatedUsbAddress(VirtualAddress(VirtualLineParameters(300), LOCAL)),
        ),
    ],
)
def test_a_port_has_a_place_and_settings(text: str, address: LineAddress) -> None:
    assert parse_line_string(text) == address
    assert parse_line_string(str(address)) == address


PATHS = st.text(st.characters(exclude_characters="\0"), min_size=1).map(
    lambda text: "/" + text.rstrip("/") + "x"
)
PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
PLACES = st.builds(
    NetworkPlace,
    st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z0-9-]{1,9}){0,2}", fullmatch=True)
    | st.ip_addresses().map(str),
    st.integers(0, 65_535),
)
SETTINGS = st.builds(
    PortSettings,
    st.sampled_from(BAUD_RATES),
    st.sampled_from((7, 8)),
    st.sampled_from(Parity),
    st.sampled_from((1, 2)),
    st.sampled_from(FlowControl),
)
ADDRESSES = st.one_of(
    PLACES.map(lambda place: TcpAddress(place.host, place.port)),
    st.builds(SerialAddress, PATHS, SETTINGS, st.sampled_from(Carrier)),
    st.builds(PtyAddress, PATHS),
    st.builds(Rfc2217Address, PLACES, SETTINGS, st.sampled_from(Carrier)),
    st.builds(
        ModemAddress,
        PATHS | PLACES,
        st.builds(
            ModemSettings,
            number=st.from_regex(r"[0-9*#TW,]{0,20}", fullmatch=True),
            init=st.text(PRINTABLE, max_size=20).map(lambda text: f"AT{text}"),
            wait_s=st.integers(1, 255),
            rings=st.integers(1, RINGS_MAX),
            carrier=st.sampled_from(CarrierWatch),
        ),
        SETTINGS,
    ),
    st.builds(
        UsbAddress,
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFF),
        st.none() | st.text(PRINTABLE, min_size=1, max_size=20),
        st.integers(0, 255),
    ),
)


@given(ADDRESSES, st.integers(0, 2))
def test_every_address_writes_itself_so_that_it_can_be_read_again(
    address: LineAddress, virtual_lines: int
) -> None:
    for number in range(virtual_lines):
        address = VirtualAddress(VirtualLineParameters(bit_s=300 + number), address)
    assert parse_line_string(str(address)) == address


@given(
    st.builds(
        VirtualLineParameters,
        bit_s=st.integers(1, 10**6),
        delay_s=st.floats(0, 10),
        bit_error_rate=st.floats(0, 0.5),
        seed=st.integers(0, 2**64 - 1),
        cut_after_octets_down=st.none() | st.integers(0, 10**6),
        cut_at_s=st.none() | st.floats(0, 1000),
    )
)
def test_what_an_address_shows_can_be_read_again(
    parameters: VirtualLineParameters,
) -> None:
    address = VirtualAddress(parameters, LOCAL)
    assert parse_line_string(str(address)) == address


def test_any_text_gives_an_address_or_a_line_error() -> None:
    @given(
        st.text()
        | st.from_regex(
            r"(virtual|tcp|serial|pty|modem|rfc2217|usb)(:[a-z_=0-9./\\\[\]]*)*"
        )
    )
    def read(text: str) -> None:
        try:
            parse_line_string(text)
        except LineError:
            return

    read()


def test_the_line_is_built_from_its_address() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        plain = parse_line_string("tcp:127.0.0.1:0")
        assert isinstance(build_dialler(reactor, plain), TcpDialler)
        assert isinstance(build_listener(reactor, plain), TcpListener)
        virtual = parse_line_string("virtual:speed=300:tcp:127.0.0.1:7001")
        assert isinstance(build_dialler(reactor, virtual), PacedDialler)
        listener = build_listener(reactor, virtual)
        assert isinstance(listener, PacedListener)
        assert listener.address == "tcp:127.0.0.1:7001"
        serial = parse_line_string("serial:/dev/ttyUSB0:baud=300")
        assert isinstance(build_dialler(reactor, serial), DirectDialler)
        direct = build_listener(reactor, serial)
        assert isinstance(direct, DirectListener)
        assert direct.address == "serial:/dev/ttyUSB0:baud=300"
        pty = parse_line_string("pty:/run/line")
        assert isinstance(build_dialler(reactor, pty), DirectDialler)
        assert isinstance(build_listener(reactor, pty), PtyListener)
        remote = parse_line_string("rfc2217:127.0.0.1:0:carrier=dcd")
        assert isinstance(build_dialler(reactor, remote), DirectDialler)
        assert isinstance(build_listener(reactor, remote), Rfc2217Listener)
        modem = parse_line_string("modem:/dev/ttyS0:dial=221")
        assert isinstance(build_dialler(reactor, modem), ModemDialler)
        answering = parse_line_string("modem:rfc2217:127.0.0.1:2217")
        assert isinstance(build_listener(reactor, answering), ModemListener)
        usb = parse_line_string("usb:1209:0001")
        assert isinstance(build_dialler(reactor, usb), DirectDialler)
        assert isinstance(build_listener(reactor, usb), DirectListener)
        simulated = parse_line_string("usb:simulated:tcp:127.0.0.1:0")
        assert isinstance(build_dialler(reactor, simulated), SimulatedUsbDialler)
        assert isinstance(build_listener(reactor, simulated), SimulatedUsbListener)
        with pytest.raises(LineError, match="a modem that dials needs a number"):
            build_dialler(reactor, answering)

    run_on_reactor(scenario)
