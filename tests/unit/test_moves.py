"""Life-cycles: who may move what, judged over every state, move, role and person."""

from dataclasses import dataclass
from enum import Enum
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dop_gateway.errors import ConflictError, NotAllowedError, SamePersonError
from dop_gateway.identity.model import Actor, Grant, PersonId, PersonKind, Role
from dop_gateway.identity.model import ScopeKind as Scope
from dop_gateway.moves import (
    IllegalMoveError,
    Lifecycle,
    Move,
    Mover,
    Objection,
    ObjectionError,
    move,
    mover,
)
from protocol.errors import LocalProtocolError
from protocol.table import Table

ASHA, BADRI = PersonId(1), PersonId(2)


class Step(Enum):
    HELD = "in suspense"
    PROPOSED = "release is proposed"
    RELEASED = "released"
    LAPSED = "nobody released it in time"


class Done(Enum):
    HELD = 1
    PROPOSED = 2
    RELEASED = 3
    TAKEN_BACK = 4
    LAPSED = 5


@dataclass(frozen=True)
class Deposit:
    has_account: bool


def account_is_known(deposit: Deposit) -> Objection | None:
    if deposit.has_account:
        return None
    return Objection("DEP-SU-001", "no account is named: name one first")


CYCLE: Lifecycle[Step, Done, Deposit] = Lifecycle(
    Step.HELD,
    begun_by=Done.HELD,
    moves=[
        move(Step.HELD, Done.PROPOSED, Step.PROPOSED, by=[Role.DCR_OPERATOR]),
        move(
            Step.PROPOSED,
            Done.RELEASED,
            Step.RELEASED,
            by=[Role.DCR_SUPERVISOR, Role.ADMINISTRATOR],
            when=account_is_known,
            not_by=[Done.PROPOSED, Done.HELD],
        ),
        move(
            Step.PROPOSED,
            Done.TAKEN_BACK,
            Step.HELD,
            by=[Role.DCR_OPERATOR, Role.DCR_SUPERVISOR],
        ),
        move(Step.HELD, Done.LAPSED, Step.LAPSED, by_program=True),
    ],
)
GOOD = Deposit(has_account=True)
MADE = {Done.HELD: PersonId(9), Done.PROPOSED: ASHA}


def who(*roles: Role, person: PersonId = BADRI, is_program: bool = False) -> Mover:
    return Mover(person, frozenset(roles), is_program)


@pytest.mark.parametrize(("state", "event"), list(product(Step, Done)))
def test_every_move_in_every_state_for_every_role_is_as_its_row_says(
    state: Step, event: Done
) -> None:
    rows = [row for row in CYCLE.moves if (row.state, row.named) == (state, event)]
    for role, program in product(Role, (True, False)):
        asking = who(role, is_program=program)
        if not rows:
            with pytest.raises(IllegalMoveError):
                CYCLE.move(state, event, asking, GOOD, MADE)
            assert event not in CYCLE.possible(state)
        elif role in rows[0].roles or (program and rows[0].by_program):
            assert CYCLE.move(state, event, asking, GOOD, MADE) is rows[0].to
            assert event in CYCLE.open_to(state, asking, GOOD, MADE)
        else:
            with pytest.raises(NotAllowedError, match=event.name):
                CYCLE.move(state, event, asking, GOOD, MADE)
            assert event not in CYCLE.open_to(state, asking, GOOD, MADE)


@given(
    st.sampled_from(list(product(Step, Done))),
    st.builds(
        Mover,
        st.integers(1, 3).map(PersonId),
        st.frozensets(st.sampled_from(Role)),
        st.booleans(),
    ),
    st.fixed_dictionaries({event: st.integers(1, 3).map(PersonId) for event in Done}),
    st.builds(Deposit, st.booleans()),
)
def test_what_is_open_to_somebody_is_what_is_not_refused(
    asked: tuple[Step, Done],
    asking: Mover,
    made_by: dict[Done, PersonId],
    deposit: Deposit,
) -> None:
    state, event = asked
    is_open = event in CYCLE.open_to(state, asking, deposit, made_by)
    try:
        CYCLE.move(state, event, asking, deposit, made_by)
    except (ConflictError, NotAllowedError):
        assert not is_open
    else:
        assert is_open
        assert event in CYCLE.possible(state)


def test_an_illegal_move_says_what_is_possible_from_here() -> None:
    with pytest.raises(
        IllegalMoveError,
        match="RELEASED is not possible in HELD: possible are PROPOSED, LAPSED",
    ) as refused:
        CYCLE.move(Step.HELD, Done.RELEASED, who(*Role), GOOD, MADE)
    assert refused.value.possible == ("PROPOSED", "LAPSED")
    with pytest.raises(IllegalMoveError, match="nothing is possible any more"):
        CYCLE.move(Step.RELEASED, Done.PROPOSED, who(*Role), GOOD, MADE)


def test_who_proposed_a_release_cannot_approve_it() -> None:
    for person, refuses in ((ASHA, True), (PersonId(9), True), (BADRI, False)):
        asking = who(Role.DCR_SUPERVISOR, person=person)
        if refuses:
            with pytest.raises(SamePersonError, match="ask a colleague"):
                CYCLE.move(Step.PROPOSED, Done.RELEASED, asking, GOOD, MADE)
        else:
            state = CYCLE.move(Step.PROPOSED, Done.RELEASED, asking, GOOD, MADE)
            assert state is Step.RELEASED


def test_without_the_person_who_proposed_nothing_is_approved() -> None:
    made = {Done.HELD: PersonId(9)}
    with pytest.raises(LocalProtocolError, match="who made PROPOSED is not said"):
        CYCLE.move(Step.PROPOSED, Done.RELEASED, who(Role.DCR_SUPERVISOR), GOOD, made)


def test_a_guard_objects_with_its_code_after_everything_else() -> None:
    bad = Deposit(has_account=False)
    with pytest.raises(ObjectionError, match="name one first") as refused:
        CYCLE.move(Step.PROPOSED, Done.RELEASED, who(Role.DCR_SUPERVISOR), bad, MADE)
    assert refused.value.code == "DEP-SU-001"
    with pytest.raises(NotAllowedError, match="ADMINISTRATOR, DCR_SUPERVISOR"):
        CYCLE.move(Step.PROPOSED, Done.RELEASED, who(Role.AUDITOR), bad, MADE)


def test_a_program_makes_only_the_moves_of_programs() -> None:
    program = who(is_program=True)
    assert CYCLE.open_to(Step.HELD, program, GOOD, MADE) == (Done.LAPSED,)
    with pytest.raises(NotAllowedError, match="LAPSED is for programs"):
        CYCLE.move(Step.HELD, Done.LAPSED, who(*Role), GOOD, MADE)


def test_a_mover_has_the_roles_that_reach_the_thing() -> None:
    here = Grant(Role.LICENSING_OPERATOR, Scope.OFFICE, "7")
    there = Grant(Role.LICENSING_AUTHORITY, Scope.OFFICE, "8")
    actor = Actor(ASHA, "asha", PersonKind.STAFF, (here, there))
    assert mover(actor, [here]) == Mover(ASHA, frozenset({Role.LICENSING_OPERATOR}))
    program = Actor(BADRI, "expiry", PersonKind.PROGRAM, ())
    assert mover(program, []).is_program


def test_a_life_cycle_is_drawn_row_by_row() -> None:
    assert isinstance(CYCLE, Table)
    assert CYCLE.mermaid() == (
        "stateDiagram-v2\n"
        "    [*] --> HELD\n"
        "    HELD --> PROPOSED: PROPOSED\n"
        "    PROPOSED --> RELEASED: RELEASED\n"
        "    PROPOSED --> HELD: TAKEN_BACK\n"
        "    HELD --> LAPSED: LAPSED\n"
    )


class Lamp(Enum):
    OFF = 0
    ON = 1


class Hand(Enum):
    BUILT = 0
    SWITCHED = 1
    DIMMED = 2


def lamp(*moves: Move[Lamp, Hand, object]) -> Lifecycle[Lamp, Hand, object]:
    return Lifecycle(Lamp.OFF, begun_by=Hand.BUILT, moves=moves)


ON: Move[Lamp, Hand, object] = move(Lamp.OFF, Hand.SWITCHED, Lamp.ON, by=[Role.AUDITOR])


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (ON, "two rows for OFF upon SWITCHED"),
        (move(Lamp.ON, Hand.DIMMED, Lamp.OFF), "nobody may make DIMMED in ON"),
        (
            move(Lamp.ON, Hand.BUILT, Lamp.OFF, by=[Role.AUDITOR]),
            "BUILT begins, and moves nothing",
        ),
        (
            move(
                *(Lamp.ON, Hand.SWITCHED, Lamp.OFF),
                by=[Role.AUDITOR],
                not_by=[Hand.DIMMED],
            ),
            "SWITCHED in ON needs somebody else than DIMMED, which need not have been",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(
    extra: Move[Lamp, Hand, object], reason: str
) -> None:
    with pytest.raises(LocalProtocolError, match=reason):
        lamp(ON, extra)


def test_a_state_that_no_move_reaches_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="states that no row reaches: ON"):
        lamp(move(Lamp.OFF, Hand.DIMMED, Lamp.OFF, by=[Role.AUDITOR]))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Step),
            st.sampled_from([one for one in Done if one is not Done.HELD]),
            st.sampled_from(Step),
            st.frozensets(st.sampled_from(Role), min_size=1, max_size=2),
            st.none() | st.sampled_from(Done),
        ),
        min_size=3,
        max_size=12,
        unique_by=lambda row: row[:2],
    ),
    st.lists(st.tuples(st.sampled_from(Done), st.integers(1, 2)), max_size=12),
)
def test_in_whatever_table_is_accepted_every_earlier_move_is_known(
    rows: list[tuple[Step, Done, Step, frozenset[Role], Done | None]],
    walk: list[tuple[Done, int]],
) -> None:
    moves: list[Move[Step, Done, object]] = [
        move(state, event, to, by=roles, not_by=[] if other is None else [other])
        for state, event, to, roles, other in rows
    ]
    try:
        cycle = Lifecycle(Step.HELD, begun_by=Done.HELD, moves=moves)
    except LocalProtocolError:
        return
    state, made_by = Step.HELD, {Done.HELD: PersonId(1)}
    for event, person in walk:
        try:
            state = cycle.move(
                state, event, who(*Role, person=PersonId(person)), None, made_by
            )
        except (IllegalMoveError, SamePersonError):
            continue
        made_by[event] = PersonId(person)
