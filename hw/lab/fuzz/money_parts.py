"""Parts of cases about money: vouchers and registers that are nearly right.

What differs in one field alone, and is right and signed in everything else, is found
only by the check that it is about. So half of what is drawn is of this kind.
"""

from hypothesis import strategies as st

from hw.lab.fuzz.field_values import field_value, signatures
from hw.lab.fuzz.messages import Texts
from protocol.link import Role
from protocol.messages import TABLE_OF, MessageType

_TAKE = "take message within=5"
_AMOUNTS = ("+10000", "-10000", "0", "+100", "9007199254740991", "right")
_REQUESTS = ("RECHARGE 20000", "RECHARGE 30000", "INSPECTION", "REFUND 10000")
_ENDINGS = ((), ("finish",), ("drop",))


def money_parts(role: Role) -> st.SearchStrategy[Texts]:
    """Draw a part about money."""
    return _with_machine() if role is Role.MACHINE else _with_server()


def _one_field(name: str) -> st.SearchStrategy[str]:
    """Draw a message with one field that is not right, and signed as it is."""
    table = TABLE_OF[MessageType[name]]
    fields = [field for field in table.fields if field.name != "signature"]
    changed = st.sampled_from(fields).flatmap(
        lambda field: field_value(field).map(
            lambda value: f"send {name} {field.name}={value}"
        )
    )
    amount = st.sampled_from(_AMOUNTS).map(
        lambda paise: f"send {name} amount_paise={paise}"
    )
    signed = signatures(table).map(lambda wish: f"send {name} signature={wish}")
    plain = st.just(f"send {name}")
    if any(field.name == "amount_paise" for field in fields):
        return plain | amount | changed | signed
    return plain | changed | signed


def _dialled(more: str) -> st.SearchStrategy[Texts]:
    return st.sampled_from(_REQUESTS).map(lambda asked: (f"dial {asked}", more))


def _joined(*parts: st.SearchStrategy[Texts]) -> st.SearchStrategy[Texts]:
    return st.tuples(*parts).map(lambda drawn: tuple(t for one in drawn for t in one))


def _some(*ways: Texts) -> st.SearchStrategy[Texts]:
    return st.sampled_from(ways)


def _with_machine() -> st.SearchStrategy[Texts]:
    begun = _some((), ("recharge 20000",), ("recharge 20000", "frank 50 1"))
    stated = _dialled("take STATEMENT")
    voucher = _one_field("VOUCHER").map(lambda text: (text, _TAKE))
    cut = ("power cut", "power on")
    after = _some(
        *_ENDINGS,
        cut,
        ("frank 50 1", *cut),
        ("drop", "dial INSPECTION", "take STATEMENT", "send stored VOUCHER", _TAKE),
        ("finish", "dial INSPECTION", "take STATEMENT", "send stored VOUCHER", _TAKE),
        ("send stored VOUCHER", _TAKE),
    )
    return _joined(begun, stated, voucher, after)


def _with_server() -> st.SearchStrategy[Texts]:
    begun = _some(
        (),
        ("recharge 20000",),
        ("recharge 20000", "frank 10000 1"),
        ("ask refund allowed", "recharge 20000"),
        ("ask fund 500000",),
    )
    asked = st.sampled_from((*_REQUESTS, "RECHARGE 990000", "RECHARGE 1010000")).map(
        lambda one: (f"dial {one}",)
    )
    stated = _one_field("STATEMENT").map(lambda text: (text, _TAKE))
    confirmed = _one_field("CONFIRMATION").map(lambda text: (text, _TAKE))
    again = st.sampled_from(_REQUESTS).map(
        lambda one: ("drop", f"dial {one}", "send STATEMENT", _TAKE)
    )
    between = _some((), ("apply",), ("apply", "forget"), ("ask void",))
    lost = _joined(between, again, _some(*_ENDINGS))
    return _joined(begun, asked, stated, _some(*_ENDINGS) | confirmed | lost)
