"""What is no message: time, silence, a lost line, power, and people at the unit."""

from hypothesis import strategies as st

from hw.lab.fuzz.messages import Texts
from protocol.link import Role
from protocol.messages import OrderKind
from protocol.messages.orders import CONTENT_ORDERS

_PAUSES = ("0.1", "0.5", "1", "3", "10", "30")
_SILENCE = ("61", "130")


def circumstance_events(
    role: Role, *, slow: bool
) -> dict[str, st.SearchStrategy[Texts]]:
    """Give what can happen around the dialogue, by the names of events.

    Args:
        role: Of the unit.
        slow: Time costs nothing: the bench may be silent for minutes.
    """
    pauses = _PAUSES if slow else _PAUSES[:4]
    events: dict[str, st.SearchStrategy[Texts]] = {
        "pause": _texts(*(f"wait {pause}" for pause in pauses)),
        "drip": _texts("drip 1", "drip 3", "drip 0"),
        "drop": _texts("drop"),
        "disconnect": _texts("disconnect"),
    }
    if slow:
        events["silence"] = _texts(*(f"wait {pause}" for pause in _SILENCE))
    return events | (_at_machine() if role is Role.MACHINE else _at_server())


def _at_machine() -> dict[str, st.SearchStrategy[Texts]]:
    return {
        "power cut": st.just(("power cut", "power on")),
        "frank": _texts("frank 500 3", "frank 50 1"),
        "recharge": _texts("recharge 10000"),
        "ask days": _texts("ask days 1", "ask days 31"),
        "content": _texts(
            *("content TARIFF", "content SLOGAN", "content CREDIT_KEY"),
            *("content FIRMWARE size=600", "content SLOGAN served=wrong"),
        ),
    }


def _at_server() -> dict[str, st.SearchStrategy[Texts]]:
    states = ("BLOCKED", "WITHHELD", "CANCELLED", "REGISTERED")
    orders = [kind.name for kind in OrderKind]
    plain = [kind.name for kind in OrderKind if kind not in CONTENT_ORDERS]
    return {
        "recharge": _texts("recharge 10000"),
        "frank": _texts("frank 100 1", "frank 0 1", "frank 10000 7"),
        "usage": _texts("usage 1:1:100", "usage 1:2:300 2:1:50", "usage 255:1:0"),
        "apply": _texts("apply"),
        "forget": _texts("forget"),
        "again": _texts("again"),
        "become": _texts("become impostor", "become stranger", "become foreigner"),
        "wants": _texts("wants 1", "wants all"),
        "ask licence": _texts(*(f"ask licence {state}" for state in states)),
        "ask refund": _texts("ask refund allowed", "ask refund not"),
        "ask fund": _texts("ask fund 500000", "ask fund 500000 later"),
        "ask void": _texts("ask void"),
        "ask order": _texts(
            *(f"ask order {kind}" for kind in orders if kind not in plain),
            *(f"ask order {kind} 1" for kind in plain),
        ),
        "ask take-back": _texts("ask take-back 1"),
        "ask expire": _texts("ask expire"),
        "power cut": st.just(("power cut", "power on")),
    }


def _texts(*texts: str) -> st.SearchStrategy[Texts]:
    return st.sampled_from(texts).map(lambda text: (text,))
