"""What befalls the calls of a simulated telephone network, and who is told when."""

from twisted.internet.task import Clock

from hw.lines.port import LossCause
from rmfs_tools.simulation.deeds import LineTrouble
from rmfs_tools.simulation.telephone import CallRecord, Telephone
from tests.line_user import RecordingUser

HUNG_S = 120
LATE_S = 0.9


class Network:
    """A telephone network, a machine's calls, and the server that answers each."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.servers: list[RecordingUser] = []
        self.over: list[CallRecord] = []
        self.answers = True
        self.telephone = Telephone(self.clock, 7, self._answer, self.over.append)

    def _answer(self, _caller: str) -> RecordingUser | None:
        if not self.answers:
            return None
        self.servers.append(RecordingUser())
        return self.servers[-1]

    def called(
        self, trouble: LineTrouble | None = None, body: str = "1"
    ) -> tuple[RecordingUser, RecordingUser]:
        """Dial; both ends once the line is up."""
        machine = RecordingUser()
        self.telephone.dial(body, machine, trouble or LineTrouble(), 1)
        self.wait(0.1)
        return machine, self.servers[-1]

    def wait(self, seconds: float) -> None:
        self.clock.pump([0.01] * round(seconds * 100))

    def say(self, user: RecordingUser, *deliveries: bytes) -> None:
        for octets in deliveries:
            user.line.send(octets)
            self.wait(0.1)


def test_a_good_call_carries_what_is_said() -> None:
    network = Network()
    machine, server = network.called()
    network.say(machine, b"hello", b"again")
    network.say(server, b"yes")
    assert server.deliveries == [b"hello", b"again"]
    assert machine.deliveries == [b"yes"]
    machine.line.drop()
    network.wait(0.1)
    assert machine.loss.cause is LossCause.DROPPED_HERE
    assert server.loss.cause is LossCause.DROPPED_BY_PEER
    assert [one.number for one in network.over] == [1]
    assert network.telephone.befell == {}


def test_a_call_that_nobody_answers_is_lost_and_is_counted() -> None:
    network = Network()
    network.answers = False
    machine = RecordingUser()
    network.telephone.dial("1", machine, LineTrouble(), 1)
    assert machine.story == []
    network.wait(0.1)
    assert machine.loss.cause is LossCause.NO_ANSWER
    assert (network.telephone.calls, network.telephone.answered) == (1, 0)


def test_a_hung_modem_tells_nobody_for_two_minutes() -> None:
    network = Network()
    machine, server = network.called(LineTrouble(hang_after_octets=8))
    network.say(machine, b"1234")
    network.say(server, b"5678", b"90")
    network.say(machine, b"lost")
    assert (server.octets, machine.octets) == (b"1234", b"")
    assert network.telephone.befell == {"modem hung": 1}
    machine.line.drop()
    network.wait(1)
    assert machine.loss.cause is LossCause.DROPPED_HERE
    network.wait(HUNG_S - 2)
    assert server.losses == []
    network.wait(2)
    assert server.loss.cause is LossCause.DROPPED_BY_PEER
    assert len(network.over) == 1


def test_a_carrier_that_is_lost_under_a_hung_modem_is_told_to_both_later() -> None:
    network = Network()
    machine, server = network.called(LineTrouble(hang_after_octets=1))
    network.say(machine, b"x")
    network.telephone.cut_of("1")
    network.wait(HUNG_S - 1)
    assert machine.losses == server.losses == []
    network.wait(2)
    assert machine.loss.cause is server.loss.cause is LossCause.CARRIER_LOST


def test_a_machine_may_be_told_while_the_server_still_has_the_call() -> None:
    network = Network()
    trouble = LineTrouble(hang_after_octets=1, machine_told=True)
    machine, server = network.called(trouble)
    network.say(machine, b"x")
    assert machine.loss.cause is LossCause.CARRIER_LOST
    assert server.losses == []
    again, _ = network.called()
    assert again.story == ["up"]
    assert server.losses == []
    network.telephone.cut_all()
    network.wait(HUNG_S + 1)
    assert len(server.losses) == 1


def test_calm_ends_a_call_that_hangs_and_no_other() -> None:
    network = Network()
    machine, server = network.called(LineTrouble(hang_after_octets=1, late_s=5.0))
    network.say(machine, b"x")
    others = network.called(LineTrouble(hang_after_octets=8), body="2")
    network.telephone.calm()
    network.wait(0.1)
    assert machine.loss.cause is server.loss.cause is LossCause.CARRIER_LOST
    assert [one.number for one in network.over] == [1]
    network.say(others[0], b"after the octets at which it would have hung")
    network.wait(HUNG_S + 1)
    assert server.octets == b""
    assert others[1].octets.startswith(b"after")
    assert others[0].losses == others[1].losses == []


def test_calm_tells_of_a_loss_that_a_hung_modem_has_kept_back() -> None:
    network = Network()
    machine, server = network.called(LineTrouble(hang_after_octets=1))
    network.say(machine, b"x")
    machine.line.drop()
    network.wait(1)
    assert server.losses == []
    network.telephone.calm()
    network.wait(0.1)
    assert server.loss.cause is LossCause.DROPPED_BY_PEER
    network.wait(HUNG_S)
    assert (len(machine.losses), len(server.losses)) == (1, 1)
    assert len(network.over) == 1


def test_what_a_hung_modem_holds_may_be_heard_late() -> None:
    network = Network()
    machine, server = network.called(LineTrouble(hang_after_octets=4, late_s=5.0))
    network.say(machine, b"abc", b"defg")
    network.wait(4)
    assert server.deliveries == [b"abc"]
    network.wait(2)
    assert server.deliveries == [b"abc", b"defg"]
    assert network.telephone.befell == {"modem hung": 1, "heard late": 1}


def test_every_so_many_th_delivery_comes_a_second_time_and_late() -> None:
    network = Network()
    machine, server = network.called(LineTrouble(repeated=2))
    network.say(machine, b"1", b"2", b"3")
    assert server.deliveries == [b"1", b"2", b"3"]
    network.wait(LATE_S)
    assert server.deliveries == [b"1", b"2", b"3", b"2"]
    network.say(machine, b"4")
    machine.line.drop()
    network.wait(LATE_S + 1)
    assert server.deliveries == [b"1", b"2", b"3", b"2", b"4"], "not after its end"
    assert network.telephone.befell == {"delivered twice": 2}


def test_deliveries_of_the_call_before_are_heard_first() -> None:
    network = Network()
    machine, server = network.called()
    network.say(machine, b"a", b"b", b"c")
    network.say(server, b"A")
    other, _ = network.called(body="2")
    network.say(other, b"of another machine")
    machine, server = network.called(LineTrouble(stale=2))
    network.say(machine, b"d", b"e")
    network.say(server, b"B")
    assert server.deliveries == [b"b", b"c", b"d", b"e"]
    assert machine.deliveries == [b"A", b"B"]
    assert network.telephone.befell == {"stale frames heard": 3}


def test_a_recording_is_what_the_machine_said_in_its_last_call() -> None:
    network = Network()
    assert not network.telephone.replay("1", 1), "it has said nothing yet"
    machine, server = network.called()
    network.say(machine, b"one", b"two")
    network.say(server, b"answer")
    machine.line.drop()
    network.wait(1)
    assert network.telephone.replay("1", 1)
    network.wait(3)
    stranger = network.servers[-1]
    assert stranger is not server
    assert stranger.deliveries == [b"one", b"two"]
    assert stranger.loss.cause is LossCause.DROPPED_BY_PEER
    assert network.over[-1].body == "", "nobody is named by it"
    assert network.telephone.last_of("1") == 1, "it is no call of the machine"
    assert network.telephone.befell == {"recording replayed": 1}


def test_noise_is_of_a_seed_and_a_call() -> None:
    heard = []
    for _ in range(2):
        network = Network()
        for _ in range(2):
            machine, server = network.called(LineTrouble(bit_error_rate=0.01))
            network.say(machine, bytes(200))
            heard.append(server.octets)
    first, second = heard[0], heard[1]
    assert heard == [first, second, first, second]
    assert first != second
    assert any(first)


def test_a_call_in_which_something_happens_is_known_and_no_other() -> None:
    network = Network()
    seen: list[int | None] = []

    class Asking(RecordingUser):
        def octets_received(self, octets: bytes) -> None:
            current = network.telephone.current
            seen.append(None if current is None else current.number)
            super().octets_received(octets)

    first, second = Asking(), Asking()
    for body, machine in (("1", first), ("2", second)):
        network.telephone.dial(body, machine, LineTrouble(), 1)
    network.wait(0.1)
    for server in reversed(network.servers):
        network.say(server, b"x")
    assert seen == [2, 1]
    assert network.telephone.current is None
