"""Packets above the link: flips, cuts, counters, types, greetings; packets again."""

from hypothesis import strategies as st

from hw.lab.fuzz.events import KEPT, SENT_BY
from hw.lab.fuzz.messages import Texts
from protocol.link import Role

_OCTETS_MAX = 60
_LONG_MAX = 1_100
_TYPES = ("00", "01", "02", "03", "04", "05", "0e", "ff")
_SAYINGS = (
    *("c_r=02", "c_r=00", "kid=00", "id=00", "name=OTHER", "key=other", "realm=other"),
    *("mac=wrong", "mac=0", "mac=7", "ead=00", "ead=f6", "tag=wrong"),
)
_LAST_SAYINGS = ("ead=00", "ead=f6", "tag=wrong")
"""Of `message_4`, which holds nothing else."""


def packet_events(role: Role) -> dict[str, st.SearchStrategy[Texts]]:
    """Give what can be done to packets, by the names of events."""
    sender = "server" if role is Role.MACHINE else "machine"
    messages = st.sampled_from(SENT_BY[sender])
    near = st.integers(0, 40) | st.integers(-20, -1)
    octet = st.integers(0, 255).map(lambda value: f"{value:02x}")
    values: dict[str, st.SearchStrategy[str]] = {
        "flip": near.map(str),
        "octet": st.tuples(near, octet).map(lambda drawn: f"{drawn[0]}:{drawn[1]}"),
        "cut": st.integers(1, _OCTETS_MAX).map(str),
        "pad": st.integers(1, _LONG_MAX).map(str),
        "type": st.sampled_from(_TYPES) | octet,
        "counter": st.sampled_from(("+1", "-1", "0", "0xffff", "+2", "+32768")),
        "aad": st.sampled_from(_TYPES) | octet,
    }
    events = {
        f"packet {name}": _bent(messages, name, drawn) for name, drawn in values.items()
    }
    for name in ("twice", "bare"):
        events[f"packet {name}"] = _bent(messages, name, st.just(""))
    events["packet also"] = messages.map(lambda one: (f"send {one} | also flip=-1",))
    events["packet raw"] = st.tuples(
        st.sampled_from(_TYPES), st.binary(max_size=_OCTETS_MAX)
    ).map(lambda drawn: (f"packet {drawn[0]}{drawn[1].hex()}",))
    again = st.sampled_from((f"packet {KEPT}", f"send kept {KEPT}"))
    events["kept again"] = again.map(lambda text: (f"keep {KEPT}", text))
    greeting = "GREETING_2" if role is Role.MACHINE else "GREETING_1"
    events[f"{greeting} by hand"] = _by_hand(role)
    return events


def _bent(
    messages: st.SearchStrategy[str], name: str, values: st.SearchStrategy[str]
) -> st.SearchStrategy[Texts]:
    return st.tuples(messages, values).map(
        lambda drawn: (f"send {drawn[0]} | {name}={drawn[1]}".removesuffix("="),)
    )


def _by_hand(role: Role) -> st.SearchStrategy[Texts]:
    """Draw greetings that say what no end says: the first checks of all."""
    saying = st.sampled_from(_SAYINGS)
    last = st.sampled_from(_LAST_SAYINGS)
    if role is Role.MACHINE:
        answer = st.sampled_from(("RECEIPT", "VOUCHER", "REFUSAL"))
        good = answer.flatmap(
            lambda message: last.map(
                lambda said: (
                    "send GREETING_2 by-hand",
                    "take STATEMENT",
                    f"send {message} | {said}",
                )
            )
        )
        return saying.map(lambda said: (f"send GREETING_2 by-hand | {said}",)) | good
    return saying.map(
        lambda said: (
            "send GREETING_1 by-hand",
            "take GREETING_2",
            f"send STATEMENT | {said}",
        )
    )
