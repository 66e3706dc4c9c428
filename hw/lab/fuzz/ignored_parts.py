"""Parts of cases in which all is right, but for what the unit must ignore.

An honest recharge goes on around it, to its end: whatever the unit does otherwise than
it would without, it has not ignored it.
"""

from typing import Final

from hypothesis import strategies as st

from hw.lab.fuzz.frames import frame_events
from hw.lab.fuzz.messages import Texts, message_events
from protocol.link import Role

_HONEST: Final[dict[Role, Texts]] = {
    Role.MACHINE: (
        *("dial RECHARGE 20000", "take STATEMENT", "send VOUCHER"),
        *("take CONFIRMATION", "send RECEIPT", "finish"),
    ),
    Role.SERVER: (
        *("dial RECHARGE 20000", "send STATEMENT", "take VOUCHER"),
        *("send CONFIRMATION", "take RECEIPT", "finish"),
    ),
}
_OCTETS_BEFORE: Final = {Role.MACHINE: (2, 3, 4), Role.SERVER: (1, 2, 3, 4, 5)}
"""Steps before which there is a link, and the unit has more to say or to hear."""
_BODIES_BEFORE: Final = {Role.MACHINE: (4,), Role.SERVER: (3, 5)}
"""Steps before which the bench may send an elective message (DLG-1.7, DLG-2.2)."""


def ignored_parts(role: Role) -> st.SearchStrategy[Texts]:
    """Draw an honest recharge with something in it that must be ignored."""
    frames, messages = frame_events(role), message_events(role)
    octets = frames["ignorable octets"] | frames["ignorable octets noise"]
    bodies = messages["ignorable body elective"]
    return _put_in(role, _OCTETS_BEFORE[role], octets) | _put_in(
        role, _BODIES_BEFORE[role], bodies
    )


def _put_in(
    role: Role, before: tuple[int, ...], ignorable: st.SearchStrategy[Texts]
) -> st.SearchStrategy[Texts]:
    honest = _HONEST[role]
    return st.tuples(st.sampled_from(before), ignorable).map(
        lambda drawn: (*honest[: drawn[0]], *drawn[1], *honest[drawn[0] :])
    )
