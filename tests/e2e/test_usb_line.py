"""Recharges over USB: through pyusb, a simulated bus and a simulated device."""

import json
import signal
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from fm_device.dial_in import next_request
from fm_device.program import dial
from hw.lines.direct import DirectDialler, DirectListener
from hw.lines.direct_end import DirectParameters
from hw.lines.exchange import every_call
from hw.lines.relay import PacedDialler
from hw.lines.virtual import VirtualLineParameters
from hw.ports.port import PortOpener
from hw.reactor import MonotonicReactor
from hw.usb.simulated_device import NO_FAULTS, FaultPlan, TransferFault, Way, faults_at
from protocol.channel import ServerChannel
from protocol.dialogue.machine import Outcome
from rmfs_server.calls import Exchange
from rmfs_server.limits import Limits
from rmfs_tools.cli import EXIT_DONE, EXIT_LINE
from tests.processes import ROOT, UNSIGNED, Server, done, rmfs
from tests.reactor import run_on_reactor
from tests.system import IDENTITY, RUPEES_2000, System, new_system
from tests.usb_desk import UsbDesk, usb_threads_that_stay

CLEAN = VirtualLineParameters(bit_s=115_200)
NOISY = VirtualLineParameters(bit_s=1200, bit_error_rate=1e-3, seed=1)
PATIENT = DirectParameters(silence_s=0, retry_least_s=0.01)
LICENCE = "N123456"
FUND_FILE = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def _now_and_then(way: Way, attempt: int) -> TransferFault | None:
    """Have every seventh transfer stall, every eleventh halved, some time out."""
    for every, fault in (
        (7, TransferFault.STALL),
        (11, TransferFault.SHORT),
        (13, TransferFault.TIME_OUT),
    ):
        if attempt % every == every - 1:
            return fault
    return None


@pytest.mark.parametrize(
    ("machine_is", "parameters", "plan"),
    [
        ("device", CLEAN, NO_FAULTS),
        ("host", CLEAN, NO_FAULTS),
        ("device", CLEAN, _now_and_then),
        ("host", CLEAN, _now_and_then),
        pytest.param("device", NOISY, NO_FAULTS, marks=pytest.mark.long),
    ],
    ids=[
        *("device, clean", "host, clean", "device, stalls", "host, stalls"),
        "device, 1,200 at BER 1e-3",
    ],
)
def test_a_recharge_completes_over_usb(
    system: System, machine_is: str, parameters: VirtualLineParameters, plan: FaultPlan
) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        desk = UsbDesk(reactor, plan)
        ends: tuple[PortOpener, PortOpener] = (desk.far, desk.host)
        machine_end, server_end = ends if machine_is == "device" else ends[::-1]
        direct = DirectDialler(reactor, machine_end)
        dialler = PacedDialler(reactor, every_call(parameters), direct)
        async with _Answering(system, reactor, server_end):
            report = await dial(system.psd(), RUPEES_2000, dialler, reactor)
            assert report.outcome is Outcome.CONFIRMED, report

    run_on_reactor(scenario, timeout_s=120)
    system.check_quiet(200_000)
    assert usb_threads_that_stay() == []


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("attempt", [0, 1, 2, 3, 5, 8, 13, 21])
def test_a_recharge_is_made_once_though_the_device_is_pulled_out(
    system: System, way: Way, attempt: int
) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        plan = faults_at({(way, attempt): TransferFault.UNPLUG})
        desk = UsbDesk(reactor, plan, packet_octets=8)
        dialler = DirectDialler(reactor, desk.far)
        request, receipt = RUPEES_2000, None
        async with _Answering(system, reactor, desk.host):
            while receipt is None:
                if desk.device.plugging is None:
                    desk.device.plug_in()
                report = await dial(system.psd(), request, dialler, reactor)
                request, receipt = next_request(request, report), report.receipt
            assert desk.device.plugging != 1, "it was not pulled out"

    run_on_reactor(scenario, timeout_s=120)
    system.check_quiet(200_000)
    assert usb_threads_that_stay() == []


class _Answering:
    """A server that answers at a port, and is drained in the end."""

    def __init__(
        self, system: System, reactor: MonotonicReactor, opener: PortOpener
    ) -> None:
        self._exchange = Exchange(
            reactor=reactor,
            books=system.books,
            writer=system.writer,
            make_channel=lambda: ServerChannel(IDENTITY),
            wall_clock=system.wall,
            limits=Limits(),
        )
        self._listener = DirectListener(reactor, opener, opener.name, PATIENT)

    async def __aenter__(self) -> None:
        self._listener.listen(self._exchange.answer)

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        drained: Deferred[None] = Deferred()
        self._exchange.drain(lambda: drained.callback(None))
        await drained


def test_machine_and_server_in_two_processes_have_a_device_each(tmp_path: Path) -> None:
    books, machine = tmp_path / "rmfs-server", tmp_path / "office-1"
    at_server = ("--server", books)
    done("server", "init", *at_server)
    done(
        *("machine", "new", machine, "--licence", LICENCE),
        *("--maker", books / "maker.pem", "--server", books / "server.json"),
    )
    done(
        *("server", "enrol", machine / "provisioning.json", *at_server),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    done("server", "import-funds", FUND_FILE, *UNSIGNED, *at_server)
    with Server(books, line="usb:simulated:tcp:127.0.0.1:0") as server:
        line = f"usb:simulated:tcp:127.0.0.1:{server.port}"
        assert json.loads(done("line", "test", line, "--json"))["finding"] == "fmp"
        recharge = ("--recharge", "2000", "--attempts", 3)
        said = done("machine", "dial", machine, line, *recharge)
        assert said.startswith("RECHARGED\n")
        server.signal(signal.SIGTERM)
        assert server.ended() == EXIT_DONE
    assert done("server", "verify", *at_server) == "the books add up\n"


def test_a_device_that_is_not_there_is_told_with_the_reason() -> None:
    said = rmfs("line", "test", "usb:ffff:ffff", "--json")
    assert said.code == EXIT_LINE
    found = json.loads(said.out)
    assert found["finding"] == "no_line"
    assert "not there: usb:ffff:ffff" in found["detail"]
