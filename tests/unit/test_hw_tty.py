"""Serial ports say why they cannot be opened, and notice when they are gone."""

import fcntl
import grp
import os
import pwd
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from hw.ports.descriptor_port import PortTiming
from hw.ports.port import PortLossCause
from hw.ports.pty import PseudoTerminal, PtyLink, PtyOpener
from hw.ports.settings import BAUD_RATES, FlowControl, Parity, PortSettings
from hw.ports.terminal_settings import PortOpenError, open_terminal
from hw.ports.tty import TtyOpener
from hw.reactor import MonotonicReactor
from tests.port_user import RecordingPortUser
from tests.reactor import run_on_reactor

USUAL = PortSettings()


def refused(device: str, settings: PortSettings = USUAL) -> tuple[PortLossCause, str]:
    with pytest.raises(PortOpenError) as caught:
        open_terminal(device, settings)
    return caught.value.loss.cause, caught.value.loss.detail


def test_a_port_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    device = f"{tmp_path}/ttyUSB9"
    assert refused(device) == (
        PortLossCause.NOT_THERE,
        f"{device}: No such file or directory",
    )


@pytest.mark.parametrize("kind", ["file", "folder", "null"])
def test_what_is_no_port_is_said_to_be_none(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"not a port")
    device = {"file": str(file), "folder": str(tmp_path), "null": os.devnull}[kind]
    assert refused(device) == (
        PortLossCause.CANNOT_BE_SET,
        f"{device}: it is no serial port",
    )
    assert file.read_bytes() == b"not a port"


def test_a_port_that_another_has_open_is_in_use() -> None:
    made = PseudoTerminal()
    opened = open_terminal(made.device, USUAL)
    assert refused(made.device) == (
        PortLossCause.IN_USE,
        f"{made.device}: another program has it",
    )
    os.close(opened.number)
    os.close(open_terminal(made.device, USUAL).number)
    made.close()


def test_a_port_that_is_not_permitted_names_the_group_that_helps() -> None:
    """In a process of its own, which gives up the rights of root if it has them."""
    made = PseudoTerminal()
    Path(made.device).chmod(0o060)
    group = grp.getgrgid(Path(made.device).stat().st_gid).gr_name
    nobody = pwd.getpwnam("nobody")
    give_up = ""
    if os.getuid() == 0:
        rights = f"os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})"
        give_up = f"os.setgroups([]); {rights}"
    program = (
        "import os, sys\n"
        "from hw.ports.settings import PortSettings\n"
        "from hw.ports.terminal_settings import PortOpenError, open_terminal\n"
        f"{give_up}\n"
        "try:\n"
        f"    open_terminal({made.device!r}, PortSettings())\n"
        "except PortOpenError as error:\n"
        "    print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    made.close()
    assert said.stdout == (
        f"not permitted: {made.device}: it belongs to the group {group}: have yourself "
        f"added (sudo usermod -aG {group} $USER), then log in again\n"
    ), said.stderr


@pytest.mark.parametrize("baud", BAUD_RATES)
def test_every_speed_that_is_offered_can_be_set(baud: int) -> None:
    made = PseudoTerminal()
    os.close(open_terminal(made.device, PortSettings(baud=baud)).number)
    made.close()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (PortSettings(data_bits=7), "7 data bits"),
        (PortSettings(parity=Parity.EVEN), "even parity"),
        (PortSettings(parity=Parity.MARK), "mark parity"),
    ],
)
def test_a_port_that_takes_only_some_settings_is_refused(
    settings: PortSettings, words: str
) -> None:
    """As a pseudo-terminal does, which says nothing of it."""
    made = PseudoTerminal()
    assert refused(made.device, settings) == (
        PortLossCause.CANNOT_BE_SET,
        f"{made.device} cannot do {words}",
    )
    os.close(open_terminal(made.device, USUAL).number)
    made.close()


def test_a_port_is_set_to_mark_faults_and_to_stop_its_peer_as_asked() -> None:
    made = PseudoTerminal()
    settings = PortSettings(stop_bits=2, flow=FlowControl.XON_XOFF)
    opened = open_terminal(made.device, settings)
    flags_in, _, flags, flags_of_lines, *_, characters = termios.tcgetattr(
        opened.number
    )
    assert opened.is_pseudo
    assert flags_in & termios.PARMRK
    assert flags_in & termios.INPCK
    assert flags_in & termios.IXON
    assert flags_in & termios.IXOFF
    assert not flags_in & (termios.IGNPAR | termios.IGNBRK | termios.BRKINT)
    assert flags & termios.CSTOPB
    assert flags & termios.HUPCL
    assert not flags_of_lines & (termios.ICANON | termios.ECHO | termios.ISIG)
    assert characters[termios.VMIN] == 1
    os.close(opened.number)
    made.close()


def test_an_octet_ff_and_control_characters_pass_unchanged(tmp_path: Path) -> None:
    octets = b"\xff\x00\xff\xff\x03\x11\x13\x1a\r\n\x04"

    async def scenario(reactor: MonotonicReactor) -> None:
        made = PtyOpener(reactor, f"{tmp_path}/line")
        made.prepare()
        far, near = RecordingPortUser(), RecordingPortUser()
        made.open(far)
        TtyOpener(reactor, f"{tmp_path}/line", USUAL).open(near)
        await far.is_up()
        await near.is_up()
        far.port.send(octets)
        near.port.send(octets)
        await near.has(len(octets))
        await far.has(len(octets))
        assert near.octets == far.octets == octets
        assert near.faults == []
        assert near.port.circuits is None
        made.close()

    run_on_reactor(scenario)


def test_hanging_up_is_heard_at_both_ends_of_a_pty(tmp_path: Path) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        made = PtyOpener(reactor, f"{tmp_path}/line")
        for closing in (0, 1):
            made.prepare()
            users = RecordingPortUser(), RecordingPortUser()
            made.open(users[0])
            TtyOpener(reactor, f"{tmp_path}/line", USUAL).open(users[1])
            for user in users:
                await user.is_up()
            users[closing].port.close()
            for user in users:
                await user.is_lost()
            causes = {user.loss.cause for user in users}
            assert users[1 - closing].loss.cause is PortLossCause.CLOSED_BY_PEER
            assert len(causes) == 2
        made.close()

    run_on_reactor(scenario)


def test_a_kept_pty_is_one_programs_after_another_and_the_link_never_leads_nowhere(
    tmp_path: Path,
) -> None:
    """What the one before has not read is not the next one's."""

    def led_to() -> Path:
        return Path(f"{tmp_path}/line").readlink()

    async def scenario(reactor: MonotonicReactor) -> None:
        made = PtyOpener(reactor, f"{tmp_path}/line", kept=True)
        made.prepare()
        device = led_to()
        for octets in (b"first", b"second"):
            here = RecordingPortUser()
            made.open(here)
            there = os.open(f"{tmp_path}/line", os.O_RDWR | os.O_NONBLOCK)
            with pytest.raises(BlockingIOError):
                os.read(there, 100)
            await here.is_up()
            os.write(there, octets)
            await here.has(len(octets))
            assert here.octets == octets
            here.port.send(b"nobody reads this")
            # Two turns of the reactor later it lies at the other end.
            for count in (1, 2):
                os.write(there, b"!")
                await here.has(len(octets) + count)
            os.close(there)
            await here.is_lost()
            assert here.loss.cause is PortLossCause.CLOSED_BY_PEER
            assert led_to() == device
        made.close()

    run_on_reactor(scenario)


def test_an_end_that_is_claimed_counts_as_unread_until_it_is_closed() -> None:
    # An administrator may open what is claimed.
    was = os.geteuid()
    if was == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        made = PseudoTerminal()
        there = os.open(made.device, os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(there, termios.TIOCEXCL)
        os.write(made.number, b"last words")
        assert made.unread_octets() == 1
        os.close(there)
        assert made.unread_octets() == 0
        made.close()
    finally:
        os.seteuid(was)


def test_what_the_far_end_never_reads_does_not_hold_a_close_for_ever(
    tmp_path: Path,
) -> None:
    timing = PortTiming(drain_s=0.05)

    async def scenario(reactor: MonotonicReactor) -> None:
        made = PtyOpener(reactor, f"{tmp_path}/line", timing)
        made.prepare()
        user = RecordingPortUser()
        made.open(user)
        reader = os.open(f"{tmp_path}/line", os.O_RDWR | os.O_NOCTTY)
        await user.is_up()
        user.port.send(bytes(30_000))
        assert user.port.waiting_octets == 30_000
        user.port.close()
        await user.is_lost()
        assert user.loss.cause is PortLossCause.CLOSED_HERE
        os.close(reader)
        made.close()

    run_on_reactor(scenario)


def test_a_link_that_a_dead_server_left_is_replaced_and_then_removed(
    tmp_path: Path,
) -> None:
    link = PtyLink(str(tmp_path / "line"))
    (tmp_path / "line").symlink_to("/dev/pts/99999")
    made = PseudoTerminal()
    link.point_to(made.device)
    assert str((tmp_path / "line").readlink()) == made.device
    assert sorted(tmp_path.iterdir()) == [tmp_path / ".line.lock", tmp_path / "line"]
    link.remove()
    assert list(tmp_path.iterdir()) == []
    made.close()


def test_a_link_that_a_killed_server_left_goes_though_its_number_is_given_out_again(
    tmp_path: Path,
) -> None:
    given_out_again, made = PseudoTerminal(), PseudoTerminal()
    (tmp_path / "line").symlink_to(given_out_again.device)
    (tmp_path / ".line.lock").touch()
    link = PtyLink(str(tmp_path / "line"))
    link.point_to(made.device)
    assert str((tmp_path / "line").readlink()) == made.device
    link.remove()
    assert list(tmp_path.iterdir()) == []
    made.close()
    given_out_again.close()


def test_a_place_at_which_another_listens_is_refused_until_it_stops(
    tmp_path: Path,
) -> None:
    first, second = (PtyLink(str(tmp_path / "line")) for _ in range(2))
    made, other = PseudoTerminal(), PseudoTerminal()
    first.point_to(made.device)
    with pytest.raises(PortOpenError, match="in use: another server listens there"):
        second.point_to(other.device)
    second.remove()
    first.point_to(made.device)
    first.remove()
    second.point_to(other.device)
    assert str((tmp_path / "line").readlink()) == other.device
    second.remove()
    assert list(tmp_path.iterdir()) == []
    made.close()
    other.close()


def test_a_link_that_another_has_put_there_meanwhile_is_not_removed(
    tmp_path: Path,
) -> None:
    link = PtyLink(str(tmp_path / "line"))
    made, other = PseudoTerminal(), PseudoTerminal()
    link.point_to(made.device)
    (tmp_path / "line").unlink()
    (tmp_path / "line").symlink_to(other.device)
    link.remove()
    assert str((tmp_path / "line").readlink()) == other.device
    made.close()
    other.close()


@pytest.mark.parametrize("kind", ["file", "folder", "other link", "live terminal"])
def test_nothing_but_a_stale_link_is_ever_replaced(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "line"
    live = PseudoTerminal()
    if kind == "file":
        place.write_text("precious")
    elif kind == "folder":
        place.mkdir()
    elif kind == "other link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.symlink_to(live.device)
    before = place.lstat()
    link = PtyLink(str(place))
    with pytest.raises(PortOpenError, match=str(place)):
        link.point_to("/dev/pts/99999")
    link.remove()
    assert place.lstat() == before
    assert list(tmp_path.iterdir()) == [place]
    live.close()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        made = PtyOpener(reactor, f"{tmp_path}/missing/line")
        user = RecordingPortUser()
        made.open(user)
        await user.is_lost()
        assert user.story == ["lost"]
        assert "missing/line cannot be made: No such file" in str(user.loss)

    run_on_reactor(scenario)
