"""A tap judges packets and messages, over all calls of a machine."""

import pytest

from hw.lab.tap.known_machine import Papers
from hw.lab.tap.sheet import TapVerdict
from protocol.errors import ErrorCode
from protocol.link import Role
from protocol.messages import SIGNATURE_OCTETS, MessageType, OrderKind
from protocol.vouchers import VOUCHER_CONTEXT
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.simulation.setting import CREDIT_KEY, IDENTITY
from tests.tap_dialogues import BROKEN, RIGHT, before, ordered, receipted, stated
from tests.tap_story import M, S, Story, message


@pytest.mark.parametrize(
    ("clause", "side"),
    BROKEN,
    ids=[f"{clause}-{side.value}" for clause, side in BROKEN],
)
def test_what_is_wrong_is_named_by_its_clause_and_side(clause: str, side: Role) -> None:
    story = Story()
    BROKEN[clause, side](story)
    story.by.finish()
    assert story.verdict(clause, side) is TapVerdict.FAILED


def a_recharge(story: Story) -> Story:
    stated(story, dial_in=1, request=1, amount_paise=10_000)
    amounts = {"amount_paise": 10_000, "control_total_after_paise": 10_000}
    story.say(S, MessageType.VOUCHER, **amounts)
    registers = {"descending_paise": 10_000, "control_total_paise": 10_000}
    story.say(M, MessageType.CONFIRMATION, **registers)
    return story.receipt(recharge_number=1).goodbye()


AFTER = {"descending_paise": 10_000, "control_total_paise": 10_000}


@pytest.mark.parametrize(
    ("clause", "side"), RIGHT, ids=[f"{clause}-{side.value}" for clause, side in RIGHT]
)
def test_what_is_right_is_said_to_be_so(clause: str, side: Role) -> None:
    story = Story()
    RIGHT[clause, side](story)
    assert story.verdict(clause, side) is TapVerdict.EXERCISED


def test_a_good_recharge_exercises_clauses_and_fails_none() -> None:
    story = a_recharge(Story()).begin()
    story.state(dial_in=2, recharge_number=1, mark=story.mark, **AFTER)
    assert story.failed == set()
    for clause, side in (
        ("DLG-1.3", S),
        ("DLG-1.7", M),
        ("DLG-4.4", M),
        ("DLG-7.2", M),
        ("REG-4", M),
        ("REG-6", M),
        ("REG-8", S),
    ):
        assert story.verdict(clause, side) is TapVerdict.EXERCISED, clause


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("REG-2", {"recharge_number": 1, "control_total_paise": 10_000}),
        (
            "REG-4",
            {
                "recharge_number": 1,
                "descending_paise": 7,
                "control_total_paise": 7,
            },
        ),
        ("REG-6", {"recharge_number": 2, **AFTER}),
        ("DLG-7.2", {"recharge_number": 1, "mark": b"somebody", **AFTER}),
        ("DLG-4.7", {"recharge_number": 1, "state": 1, **AFTER}),
    ],
)
def test_what_a_machine_states_is_held_against_its_calls_before(
    clause: str, said: dict[str, int | bytes]
) -> None:
    story = a_recharge(Story()).begin()
    story.state(**{"dial_in": 2, "mark": story.mark, **said})
    assert story.verdict(clause, M) is TapVerdict.FAILED


def test_dial_ins_that_nobody_heard_are_not_held_against_the_machine() -> None:
    story = a_recharge(Story()).begin()
    story.state(dial_in=5, recharge_number=9, mark=b"elsewher", ascending_paise=1)
    assert {clause for clause, _ in story.failed} == {"REG-2"}
    story.receipt(recharge_number=9).goodbye().begin()
    story.state(dial_in=6, recharge_number=9, mark=story.mark)
    assert ("REG-3", M) in story.failed, "what never goes back is held against it"


@pytest.mark.parametrize(
    ("damage", "verdict"), [(0, TapVerdict.EXERCISED), (1, TapVerdict.FAILED)]
)
def test_vouchers_are_verified_with_the_papers_of_both(
    damage: int, verdict: TapVerdict
) -> None:
    server = IDENTITY.credential.with_credit_key(
        CREDIT_KEY.key_id, CREDIT_KEY.signing.public
    )
    machine = machine_stand().unit.provisioning.credential
    licence = machine.licence_identifier
    story = Story(Papers(server, {licence: machine}))
    names = {"licence": licence.encode(), "psd_serial": machine.psd_serial.encode()}
    stated(story, request=1, amount_paise=10_000, **names)
    unsigned = message(
        MessageType.VOUCHER,
        licence=licence.encode(),
        credential_hash=machine.credential_hash,
        amount_paise=10_000,
        control_total_after_paise=10_000,
        credit_key=CREDIT_KEY.key_id,
    )[:-SIGNATURE_OCTETS]
    signature = CREDIT_KEY.sign(VOUCHER_CONTEXT, unsigned)
    damaged = signature[:-1] + bytes([signature[-1] ^ damage])
    story.packet(S, story.sealed(S, unsigned + damaged))
    assert story.verdict("DLG-5", S) is verdict


def test_an_order_has_to_come_again_until_it_is_applied() -> None:
    story = ordered(Story(), 1, OrderKind.NEXT_CALL).goodbye().begin()
    story.state(dial_in=2, mark=story.mark).receipt()
    assert ("DLG-10.2", S) in story.failed


def test_a_lock_that_was_applied_shows_in_the_state() -> None:
    story = ordered(Story(), 1, OrderKind.LOCK).goodbye(order_serial=1).begin()
    story.state(dial_in=2, mark=story.mark, order_serial=1, state=2)
    assert ("DLG-10.4", M) in story.failed


def test_without_keys_no_dialogue_is_judged() -> None:
    story = Story()
    before(story)
    story.keys.clear()
    sealed = Story()
    sealed.by._keys.clear()
    receipted(sealed)
    assert sealed.verdict("DLG-4.4", M) is TapVerdict.UNSEEN


def test_a_statement_that_the_server_did_not_believe_counts_for_nothing() -> None:
    story = before(Story())
    story.state(dial_in=2, mark=b"somebody", ascending_paise=5, control_total_paise=5)
    story.error(S, ErrorCode.STATEMENT).down().begin()
    found = len(story.by.sheet.failures)
    story.state(dial_in=3, mark=story.mark)
    assert len(story.by.sheet.failures) == found
