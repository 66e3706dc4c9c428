"""Modems at both ends that fail in every way: redials, words, and money (issue 4).

The line is cut after one octet after another; modems answer BUSY, drop the carrier, go
silent, are pulled out. The operator reads why, and the recharge comes exactly once.
"""

from pathlib import Path

import pytest

from hw.lines.port import LossCause
from tests.modem_office import MACHINE, SERVER, ManyBooks, Office
from tests.redialling import Redials, recharge_once
from tests.system import System, new_system

HUNG_S = 600.0
GIVES_UP_S = 120.0
"""Dialling and training, the link's time-outs, and hanging up with a dead modem."""

BUSY = '[[number]]\ndial = "222"\noutcome = "busy"\n'
NO_ANSWER = '[[number]]\ndial = "222"\noutcome = "no answer"\n'
NO_CARRIER = '[[number]]\ndial = "222"\noutcome = "no carrier"\n'
NO_DIALTONE = "dial_tone = false\n"

GONE = (
    "line lost: dropped by the peer: the modem has lost the carrier: the other end "
    "hung up, or the line is bad"
)
NEVER_AGREED = "line lost: no carrier: the two modems did not agree: 222 (NO CARRIER)"
MUTE = "line lost: link ended: no answer"
SAYS_NOTHING = (
    "the modem does not answer: it says nothing: is it on, is its cable in, is the "
    "port the right one?"
)

EACH_CABLE = pytest.mark.parametrize(
    "has_circuits", [True, False], ids=["V.24", "three wires"]
)
EACH_END = pytest.mark.parametrize("end", [MACHINE, SERVER], ids=["machine", "server"])


def each_step(some: int, every: int) -> pytest.MarkDecorator:
    """CI takes some of the places of the longer tier."""
    assert some % every == 0
    longer = pytest.param(every, marks=pytest.mark.long)
    return pytest.mark.parametrize("step", [some, longer], ids=["some", "every"])


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Enrolled and funded; nothing was recharged."""
    return new_system(tmp_path_factory.mktemp("fresh") / "system")


def recharge(office: Office, *books: str) -> Redials:
    """Recharge by redials alone, exactly once."""
    (told,) = recharge_once(office.system, dialler=ManyBooks(office, *books))
    return told


@each_step(90, 3)
@EACH_CABLE
@pytest.mark.parametrize(("way", "octets"), [("up", 430), ("down", 270)])
def test_the_line_cut_after_an_octet_is_dialled_again(
    fresh: System,
    tmp_path: Path,
    *,
    way: str,
    octets: int,
    has_circuits: bool,
    step: int,
) -> None:
    redialled = 0
    for octet in range(0, octets, step):
        system = fresh.copy(tmp_path / f"{octet}", octet)
        office = Office(system, has_circuits=has_circuits)
        cut = f'[[number]]\ndial = "222"\nspeed = 9600\ncut_{way} = {octet}\n'
        told = recharge(office, cut, cut)
        redialled += told.redials > 0
        assert told.redials <= 2
        # Without DCD, NO CARRIER counts only if nothing follows it; where the modem
        # says more, the time-outs of the link end the call.
        words = {GONE, NEVER_AGREED} if has_circuits else {GONE, NEVER_AGREED, MUTE}
        assert set(told.reasons) <= words
        system.store.close()
    assert redialled > 2


@EACH_CABLE
def test_a_number_that_is_busy_twice_is_dialled_a_third_time(
    fresh: System, tmp_path: Path, has_circuits: bool
) -> None:
    office = Office(fresh.copy(tmp_path / "busy", 1), has_circuits=has_circuits)
    told = recharge(office, BUSY, BUSY)
    assert [wait.wait_s for wait in told.waits] == [2, 4]
    assert told.reasons == ["line lost: busy: 222 (BUSY)"] * 2


@EACH_CABLE
@pytest.mark.parametrize(
    ("book", "cause", "words"),
    [
        (BUSY, LossCause.BUSY, "busy: 222 (BUSY)"),
        (NO_ANSWER, LossCause.NO_ANSWER, "no answer: 222 (NO ANSWER)"),
        (NO_DIALTONE, LossCause.NO_DIALTONE, "no dial tone: 222 (NO DIALTONE)"),
        (
            NO_CARRIER,
            LossCause.NO_CARRIER,
            "no carrier: the two modems did not agree: 222 (NO CARRIER)",
        ),
    ],
    ids=["BUSY", "NO ANSWER", "NO DIALTONE", "NO CARRIER"],
)
def test_the_operator_reads_what_the_modem_said_and_the_next_attempt_recharges(
    fresh: System,
    tmp_path: Path,
    *,
    book: str,
    cause: LossCause,
    words: str,
    has_circuits: bool,
) -> None:
    office = Office(fresh.copy(tmp_path / "told", 1), book, has_circuits=has_circuits)
    first = office.redial(attempts=1)
    assert first.done.loss.cause is cause
    assert first.done.may_dial_again
    assert first.said.startswith(f"DIAL-IN FAILED ({words}): dial again\n"), first.said
    office.system.check_money()
    told = recharge(office, book, book, book)
    assert [wait.wait_s for wait in told.waits] == [2, 4, 8]
    assert told.reasons == [f"line lost: {words}"] * 3


def test_a_modem_that_answers_error_to_the_number_is_told_of(
    fresh: System, tmp_path: Path
) -> None:
    office = Office(fresh.copy(tmp_path / "error", 1))
    cable = office.cables[MACHINE]
    cable.to_modem = lambda octets: octets.replace(b"ATD", b"AT?")
    told = office.redial(attempts=2)
    assert told.done.loss.cause is LossCause.MODEM_REFUSED
    words = "DIAL-IN FAILED (the modem refused: it does not dial 222): dial again\n"
    assert told.said.startswith(words)
    office.system.check_money()
    cable.to_modem = bytes
    assert recharge(office).redials == 0


@each_step(90, 6)
@EACH_END
@EACH_CABLE
def test_a_modem_that_drops_the_carrier_in_mid_dialogue_costs_a_redial(
    fresh: System, tmp_path: Path, end: str, has_circuits: bool, step: int
) -> None:
    for octet in range(0, 680, step):
        system = fresh.copy(tmp_path / f"{octet}", octet)
        office = Office(system, has_circuits=has_circuits)
        office.at_octet(end, octet, office.cables[end].drop_carrier)
        told = recharge(office)
        assert told.redials <= 2
        system.store.close()


@each_step(168, 12)
@EACH_END
@EACH_CABLE
def test_a_modem_that_goes_silent_in_mid_dialogue_is_told_of_and_money_waits(
    fresh: System, tmp_path: Path, end: str, has_circuits: bool, step: int
) -> None:
    """Its carrier stays; switching it off and on helps."""
    reasons: set[str] = set()
    for octet in range(0, 680, step):
        system = fresh.copy(tmp_path / f"{octet}", octet)
        office = Office(system, has_circuits=has_circuits)
        cable = office.cables[end]

        def hang(office: Office = office, end: str = end) -> None:
            cable = office.cables[end]
            cable.hangs = True
            office.later(HUNG_S, cable.switch_off_and_on)

        office.at_octet(end, octet, hang)
        told = recharge(office)
        reasons |= set(told.reasons)
        if told.redials:
            first_s = told.waits_began_at_s[0] - told.dialler.dialled_at_s[0]
            assert first_s < GIVES_UP_S
        office.wait(HUNG_S)
        assert not cable.hangs
        if end == SERVER and told.redials:
            assert office.trouble == [
                f"modem:port 222 answers no calls: {SAYS_NOTHING}",
                "modem:port 222 answers calls again",
            ]
        system.store.close()
    assert MUTE in reasons
    if end == MACHINE:
        assert f"line lost: {SAYS_NOTHING}" in reasons
    else:
        assert "line lost: no answer: 222 (NO ANSWER)" in reasons


@each_step(168, 12)
@EACH_END
@EACH_CABLE
def test_a_port_that_is_pulled_out_and_put_back_is_told_of_and_money_waits(
    fresh: System, tmp_path: Path, end: str, has_circuits: bool, step: int
) -> None:
    reasons: set[str] = set()
    for octet in range(0, 680, step):
        system = fresh.copy(tmp_path / f"{octet}", octet)
        office = Office(system, has_circuits=has_circuits)

        def pull(office: Office = office, end: str = end) -> None:
            office.desks[end].pair.unplug()
            office.later(5, lambda: office.plug_in(end))

        office.at_octet(end, octet, pull)
        told = recharge(office)
        reasons |= set(told.reasons)
        system.store.close()
    if end == MACHINE:
        assert "line lost: carrier lost: modem port 111 to 222: unplugged" in reasons
        assert (
            "line lost: the port cannot be used: modem port 111: not there: port 111"
            in reasons
        )
    else:
        assert GONE in reasons


LOOKS_LIKE_A_COMMAND = [
    b"+++",
    b"+++ATH\r",
    b"ATZ\r",
    b"\r\nNO CARRIER\r\n",
    b"\r\nRING\r\n",
    b"\r\nOK\r\n",
    b"\r\nCONNECT 9600\r\n",
]


@each_step(168, 12)
@EACH_CABLE
@pytest.mark.parametrize("octets", LOOKS_LIKE_A_COMMAND)
def test_octets_in_data_that_look_like_commands_and_results_are_data(
    fresh: System, tmp_path: Path, octets: bytes, has_circuits: bool, step: int
) -> None:
    """The link throws them away: nothing is dialled again.

    One damaged frame in some 65,000 has the right FCS (see `recharge_once`): not two.
    """
    ended_by_chance = 0
    for octet in range(0, 250, step):
        system = fresh.copy(tmp_path / f"{octet}", octet)
        office = Office(system, has_circuits=has_circuits, baud=9600)
        for number in office.cables:
            office.put_in(number, octet, octets)
        told = recharge_once(system, dialler=ManyBooks(office))
        ended_by_chance += len(told) - 1
        assert [one.redials for one in told] == [0] * len(told), told[0].reasons
        system.store.close()
    assert ended_by_chance <= 1
