"""What lines cost a server that are connected and say nothing.

So many lines are held open to a server as in service, but for its limits, which would
end lines of strangers that do not prove themselves; then each sets its link up, and
says nothing more. A bare Twisted listener holds as many in the same run.
"""

import resource
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final, cast

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IListeningPort, IReactorTCP
from twisted.internet.protocol import Protocol, ServerFactory

from hw.lines.places import BACKLOG
from hw.lines.strings import TcpAddress
from hw.reactor import MonotonicReactor
from protocol.errors import InvariantError
from protocol.link import Link, Role
from rmfs_server.limits import Limits
from rmfs_server.program import run_server
from rmfs_tools.bench.recharge_floor import cpu_s
from rmfs_tools.bench.recharge_rates import Bench, new_server, sqlite
from rmfs_tools.bench.serving import HOST, Process, Serving, started

LINES: Final = 10_000
LINES_QUICK: Final = 200
_FILES_BESIDE: Final = 200
_LINES_PER_HOST: Final = 200
_LONG_S: Final = 3_600.0
_IDLE_S: Final = 5.0
_IDLE_QUICK_S: Final = 0.5
_LOOK_S: Final = 0.05
_LOOKS_MAX: Final = 2_400
_CONNECT_S: Final = 30.0
_RECHARGES: Final = 5
_KIB: Final = 1024
_LISTENING: Final = "listening at "
_TCP: Final = Path("/proc/net/tcp")
_UP: Final = "01"


@dataclass(frozen=True, slots=True)
class Held:
    """A process that holds lines.

    Attributes:
        lines: How many.
        octets: Memory of each.
        linked_octets: The same once the link is set up; None: there is none.
        idle_share: Of a core, while nobody says anything.
    """

    lines: int
    octets: int
    linked_octets: int | None
    idle_share: float


@dataclass(frozen=True, slots=True)
class Idle:
    """What was measured.

    Attributes:
        wanted: Lines.
        served: Recharges that were complete while all of them were held.
    """

    wanted: int
    server: Held
    bare: Held
    served: int

    @property
    def good(self) -> bool:
        """Whether all lines were held, and a machine was served beside them."""
        return self.served == _RECHARGES

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        found = {"lines_wanted": self.wanted, "served": self.served}
        return {
            "idle": {**found, "server": asdict(self.server), "bare": asdict(self.bare)}
        }

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        if self.server.lines < self.wanted:
            yield (
                f"{self.wanted:,} lines were wanted; open files are limited to fewer: "
                f"see ulimit -n"
            )
        yield "held idle          lines  octets each  with a link  of a core"
        for name, held in (("server", self.server), ("bare listener", self.bare)):
            linked = held.linked_octets
            words = "-" if linked is None else f"{linked:,}"
            yield (
                f"{name:15} {held.lines:8,} {held.octets:12,} {words:>12} "
                f"{held.idle_share:9.1%}"
            )
        yield f"{self.served} of {_RECHARGES} recharges were complete meanwhile"


def measure(progress: Callable[[str], None], *, quick: bool) -> Idle:
    """Measure our server, then a bare listener.

    Args:
        progress: Tells what goes on.
        quick: A few lines.
    """
    wanted = LINES_QUICK if quick else LINES
    idle_s = _IDLE_QUICK_S if quick else _IDLE_S
    with _many_files(wanted + _FILES_BESIDE) as files:
        count = min(wanted, files - _FILES_BESIDE)
        with new_server(sqlite) as (folder, books):
            program = f"serve({str(folder / 'server')!r})"
            with _listening(program, folder) as server:
                progress(f"{count:,} idle lines to the server")
                bench = Bench(books, folder, server)
                recharged = []

                def recharge() -> None:
                    row = bench.row(1, _RECHARGES, 1)
                    recharged.append(row.recharges)

                # What is loaded and opened at the first call is no line's.
                bench.row(1, 1, 0)
                ours = _hold(server, count, idle_s, linked=True, meanwhile=recharge)
            with _listening("serve_bare()", folder) as bare:
                progress(f"{count:,} idle lines to a bare listener")
                theirs = _hold(bare, count, idle_s)
    return Idle(wanted, ours, theirs, recharged[0])


def serve(folder: str) -> None:
    """Be the server; see the module."""
    limits = Limits(
        calls=2 * LINES,
        handshakes_of_strangers=2 * LINES,
        handshakes_per_line=LINES,
        handshakes_per_known_line=LINES,
        proof_s=_LONG_S,
        proof_pressed_s=_LONG_S,
        call_s=_LONG_S,
        idle_s=_LONG_S,
        strangers_burst=2.0 * LINES,
    )
    run_server(Path(folder), [TcpAddress(HOST, 0)], limits=limits, on_ready=_listens)


class _Silent(ServerFactory):
    protocol = Protocol
    noisy = False


def serve_bare() -> None:
    """Be the bare listener: hold every line that comes, and say nothing."""
    reactor = MonotonicReactor()
    listening: IListeningPort = cast("IReactorTCP", reactor).listenTCP(
        0, _Silent(), backlog=BACKLOG, interface=HOST
    )
    port = cast("IPv4Address", listening.getHost()).port
    reactor.callWhenRunning(_listens, f"tcp:{HOST}:{port}")
    reactor.run()


def _listens(place: str) -> None:
    sys.stdout.write(f"{_LISTENING}{place}\n")
    sys.stdout.flush()


@contextmanager
def _listening(program: str, folder: Path) -> Iterator[Serving]:
    arguments = ["-c", f"from {__name__} import serve, serve_bare; {program}"]
    with started(arguments, folder / "server.log") as process:
        line = process.line().strip()
        if not line.startswith(_LISTENING):
            raise InvariantError(process.log.read_text("utf-8"))
        yield Serving(process, int(line.rpartition(":")[2]))


@contextmanager
def _many_files(wanted: int) -> Iterator[int]:
    """Let this process, and those that it starts, open so many files; gives how many.

    A limit that only root may raise stays as it is.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    try:
        yield max(soft, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _hold(
    server: Serving,
    count: int,
    idle_s: float,
    *,
    linked: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Held:
    pid = server.process.pid
    lines: list[socket.socket] = []
    with ExitStack() as stack:

        def connect(numbers: range) -> None:
            lines.extend(
                stack.enter_context(_line(number, server.port)) for number in numbers
            )
            wanted = len(lines)
            _wait_until(lambda: _taken(server.port) >= wanted, server.process)

        connected = _each(pid, count, connect)
        spent = cpu_s(pid)
        Event().wait(idle_s)
        share = (cpu_s(pid) - spent) / idle_s
        with_link = None
        if linked:
            more = _each(pid, count, lambda numbers: _set_up(lines, numbers))
            with_link = connected + more
        meanwhile()
        held = _taken(server.port)
    if held < count:
        raise InvariantError(f"{held} of {count} lines were held")
    return Held(count, connected, with_link, share)


def _each(pid: int, count: int, act: Callable[[range], None]) -> int:
    """Say how many octets a line takes of a process when something is done to all.

    The first half fills what the process has freed before; the second is measured.
    """
    half = count // 2
    act(range(half))
    before = _memory(pid)
    act(range(half, count))
    return (_memory(pid) - before) // (count - half)


def _line(number: int, port: int) -> socket.socket:
    host = _host(number // _LINES_PER_HOST)
    return socket.create_connection((HOST, port), _CONNECT_S, (host, 0))


def _host(number: int) -> str:
    return f"127.3.0.{number + 1}"


def _shown(host: str) -> str:
    return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}"


_OURS: Final = {_shown(_host(number)) for number in range(LINES // _LINES_PER_HOST)}


def _set_up(lines: Sequence[socket.socket], numbers: range) -> None:
    link = Link(Role.MACHINE)
    link.connect(0.0)
    asking = link.octets_to_send()
    for number in numbers:
        lines[number].sendall(asking)
    for number in numbers:
        if not lines[number].recv(_KIB):
            raise InvariantError("the server has ended a line")


def _wait_until(done: Callable[[], bool], process: Process) -> None:
    waiting = Event()
    for _ in range(_LOOKS_MAX):
        if done():
            return
        waiting.wait(_LOOK_S)
    raise InvariantError(f"lines are not taken: {process.log.read_text('utf-8')}")


def _taken(port: int) -> int:
    """Count our lines that the process at a port has taken, and that are up.

    Its open files would count who called before and whose line it has not closed yet.

    Source: proc_pid_net(5): addresses in the second and third field, hexadecimal as the
    computer stores them, the state in the fourth, and in the tenth the inode of the
    socket, 0 until somebody has accepted it.
    """
    rows = (row.split() for row in _TCP.read_text("ascii").splitlines()[1:])
    return sum(
        (row[1][-4:], row[2][:8] in _OURS, row[3]) == (f"{port:04X}", True, _UP)
        and row[9] != "0"
        for row in rows
    )


def _memory(pid: int) -> int:
    """Say how many octets are a process's own (proc(5), smaps_rollup).

    What it maps of files is left out: its part of them changes whenever a neighbour
    starts that maps the same libraries.
    """
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    kib = {row.split(":")[0]: row.split()[1] for row in rows[1:]}
    return (int(kib["Anonymous"]) + int(kib["Swap"])) * _KIB
