"""Values of fields as steps write them: those at which programs go wrong.

The simplest come first: Hypothesis shrinks towards them.
"""

from hypothesis import strategies as st

from hw.lab.signatures import BENT, OF_MACHINES
from protocol.messages import MessageTable
from protocol.messages.tables import Field, Kind

_BESIDE = ("+1", "-1", "0")
_PAISE = (
    *("+100", "-100", "+10000", "-10000", "10000", "9007199254740991"),
    *("9007199254740992", "18446744073709551615", "+4294967296"),
)
_DAY_S = 86_400
_SIGNATURES = ("wrong", "zero", "purpose", "realm", *sorted(BENT))


def field_value(field: Field) -> st.SearchStrategy[str]:
    """Draw what a field is to hold."""
    highest = 2 ** (8 * field.octets) - 1
    match field.kind:
        case Kind.AMOUNT:
            return st.sampled_from(_BESIDE + _PAISE)
        case Kind.TIME:
            far = (f"+{_DAY_S}", f"-{_DAY_S}", "1", str(highest))
            return st.sampled_from(_BESIDE + far)
        case Kind.UINT:
            return _numbers(field, highest)
        case Kind.LICENCE:
            return st.sampled_from(("wrong", "zero", "Z999999"))
        case _:
            return st.sampled_from(("wrong", "zero")) | _octets(field.octets)


def _numbers(field: Field, highest: int) -> st.SearchStrategy[str]:
    boundary = (str(highest), str(highest - 1), str((highest + 1) // 2))
    drawn = st.integers(0, highest).map(str)
    if field.values is None:
        return st.sampled_from(_BESIDE + boundary) | drawn
    names = tuple(field.values.__members__)
    return st.sampled_from(names + boundary) | drawn


def _octets(count: int) -> st.SearchStrategy[str]:
    drawn = st.binary(min_size=count, max_size=count)
    return drawn.map(lambda octets: f"hex:{octets.hex()}")


def signatures(table: MessageTable) -> st.SearchStrategy[str]:
    """Draw a signature that is not right, or right in another way."""
    by_machine = table.sender == "machine"
    more = ("unbound",) if by_machine else ()
    known = [wish for wish in _SIGNATURES + more if by_machine or wish in _OF_A_SERVER]
    return st.sampled_from(known)


_OF_A_SERVER = frozenset({*_SIGNATURES} - (OF_MACHINES - {"purpose", "realm"}))
