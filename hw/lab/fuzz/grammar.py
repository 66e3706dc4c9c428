"""Hypothesis strategies that build fuzz cases from the tables of the protocol.

A case is a few *parts*; each takes the unit into a situation, does something to it that
belongs to one event, sees what comes, and goes on or leaves it at that. Which situation
and which event are drawn as one cell, so that a campaign can steer by cells.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

from hypothesis import strategies as st

from hw.lab.fuzz import dialogue
from hw.lab.fuzz.circumstances import circumstance_events
from hw.lab.fuzz.frames import frame_events
from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase, fuzz_case
from hw.lab.fuzz.ignored_parts import ignored_parts
from hw.lab.fuzz.messages import Texts, message_events
from hw.lab.fuzz.money_parts import money_parts
from hw.lab.fuzz.packets import packet_events
from hw.lab.fuzz.situations import WAYS
from hw.lab.fuzz.steering import EVEN, Cell, Steering
from protocol.link import Role

_PARTS_MAX: Final = 3
_MORE_MAX: Final = 2
_TAKE: Final = "take message within=5"
_ENDINGS: Final[tuple[Texts, ...]] = ((), ("finish",), ("drop",), ("disconnect",))
_IGNORABLE_BODIES: Final = {
    Role.MACHINE: {dialogue.CONFIRMED, dialogue.FETCHING, dialogue.REPORTING},
    Role.SERVER: {dialogue.DELIVERED, dialogue.RECEIPTED},
}
"""Where the bench may send an elective message (DLG-1.7, DLG-2.2)."""
_PLACE_WEIGHT: Final = 4
"""What has a place in a situation, or must be ignored, is worth more cases."""
_ELECTIVE: Final = "ignorable body elective"
_AT_REST: Final = frozenset(
    {
        *("power cut", "frank", "recharge", "usage", "forget", "become", "content"),
        *("apply", "kept again", "drop"),
    }
)
"""What is done between calls as well."""
_BETWEEN_CALLS: Final = frozenset({"content", "recharge", "usage", "forget", "become"})
"""What is done there alone: in a call the bench stays who it is."""


def events(role: Role, *, slow: bool = True) -> dict[str, st.SearchStrategy[Texts]]:
    """Give everything that can be done to a unit, by the names of events.

    Args:
        role: Of the unit.
        slow: Time costs nothing: the bench may be silent for minutes.
    """
    found = message_events(role) | packet_events(role) | frame_events(role)
    return found | circumstance_events(role, slow=slow)


@cache
def cells(role: Role, *, slow: bool = True) -> tuple[Cell, ...]:
    """Name every cell that makes sense: where, and what can be done there."""
    return tuple(
        (state, event)
        for state in dialogue.STATES[role]
        for event in events(role, slow=slow)
        if _makes_sense(role, state, event)
    )


def _makes_sense(role: Role, state: str, event: str) -> bool:
    if state == dialogue.NO_CALL:
        return event in _AT_REST or event.startswith("ask ")
    if state == dialogue.LINE:
        return event.startswith(("frame ", "octets")) or event in {"pause", "silence"}
    if event == _ELECTIVE:
        return state in _IGNORABLE_BODIES[role]
    if event.startswith("GREETING"):
        return state in {dialogue.LINKED, dialogue.GREETED}
    return event not in _BETWEEN_CALLS


def fuzz_cases(
    role: Role,
    steering: Steering = EVEN,
    presets: Sequence[str] = (NO_PRESET,),
    *,
    slow: bool = True,
) -> st.SearchStrategy[FuzzCase]:
    """Draw fuzz cases.

    Args:
        role: Of the unit under test.
        steering: What is to be drawn more often.
        presets: Those that the target can be given; the first is the simplest.
        slow: Time costs nothing: the bench may be silent for minutes.
    """
    parts = st.lists(_parts(role, steering, slow), min_size=1, max_size=_PARTS_MAX)
    return st.builds(
        lambda preset, drawn: fuzz_case(
            role, preset, [text for one in drawn for text in one]
        ),
        st.sampled_from(list(presets)),
        parts,
    )


def _parts(role: Role, steering: Steering, slow: bool) -> st.SearchStrategy[Texts]:
    known = events(role, slow=slow)
    wanted = dict(steering.weights)
    weighted = [
        cell
        for cell in cells(role, slow=slow)
        for _ in range(wanted.get(cell, 1) * _worth(role, cell))
    ]
    others = [name for name in known if name not in _BETWEEN_CALLS | {_ELECTIVE}]
    more = st.lists(
        st.sampled_from(others).flatmap(known.__getitem__), max_size=_MORE_MAX
    )

    def part(cell: Cell) -> st.SearchStrategy[Texts]:
        state, event = cell
        way = st.sampled_from(WAYS[role][state])
        ending = st.sampled_from(_ENDINGS)
        drawn = st.tuples(way, known[event], more, ending)
        return drawn.map(lambda one: _texts(*one, state))

    steered, money = st.sampled_from(weighted).flatmap(part), money_parts(role)
    # One in five parts is for what must be ignored, two each are for the others.
    return st.one_of(steered, money, ignored_parts(role), st.one_of(steered, money))


def _worth(role: Role, cell: Cell) -> int:
    """Say how much a cell is worth, if nothing is known of the unit."""
    state, event = cell
    message = event.partition(" ")[0]
    has_place = message in dialogue.IN_PLACE[role].get(state, frozenset())
    return _PLACE_WEIGHT if has_place or message == "ignorable" else 1


def _texts(
    way: Texts, event: Texts, more: list[Texts], ending: Texts, state: str
) -> Texts:
    """Put a part together: what comes is looked at behind everything that is done."""
    if state == dialogue.NO_CALL:
        return (*way, *event)
    looked = [text for one in more for text in (*one, _TAKE)]
    return (*way, *event, _TAKE, *looked, *ending)
