"""Messages inside the channel: right, with other values, of another length, or none.

Each strategy draws the texts of steps; each is for one event of `hw.lab.fuzz.events`.
"""

from collections.abc import Mapping

from hypothesis import strategies as st

from hw.lab.fuzz.events import MESSAGES, SENT_BY
from hw.lab.fuzz.field_values import field_value, signatures
from protocol.errors import ErrorCode
from protocol.link import Role
from protocol.messages import TABLE_OF, MessageTable, MessageType

Texts = tuple[str, ...]
_FIELDS_MAX = 3
_BODY_OCTETS_MAX = 40
_CONTENT_OCTETS_MAX = 1_024
_ELECTIVE = (0x40, 0x7F)


def message_events(role: Role) -> dict[str, st.SearchStrategy[Texts]]:
    """Give what can be said in records to a unit, by the names of events."""
    sender = "server" if role is Role.MACHINE else "machine"
    events: dict[str, st.SearchStrategy[Texts]] = {}
    for name in (*SENT_BY[sender], *MESSAGES):
        events.setdefault(name, st.just((f"send {name}",)))
    for name in SENT_BY[sender]:
        table = TABLE_OF[MessageType[name]]
        events |= _of_message(table)
    events["ERROR"] = st.sampled_from([*ErrorCode.__members__, "0x00", "0xff"]).map(
        lambda code: (f"send ERROR {code}",)
    )
    events["body known"] = _bodies(list(MessageType), _CONTENT_OCTETS_MAX)
    events["body elective"] = _bodies(list(_ELECTIVE), _BODY_OCTETS_MAX)
    events["body unknown"] = _bodies([0x00, 0x17, 0x26, 0x80, 0xFF], _BODY_OCTETS_MAX)
    events["ignorable body elective"] = _bodies(list(_ELECTIVE), _BODY_OCTETS_MAX, "! ")
    return events


def _of_message(table: MessageTable) -> dict[str, st.SearchStrategy[Texts]]:
    name = table.type.name
    others = [field for field in table.fields if field.name != "signature"]
    values = {field.name: field_value(field) for field in others}
    lengths = st.integers(1, table.octets - 1)
    events = {
        f"{name} other": _changed(name, values),
        f"{name} length": st.sampled_from(("longer", "shorter")).flatmap(
            lambda how: lengths.map(lambda count: (f"send {name} | {how}={count}",))
        ),
    }
    if table.is_signed:
        events[f"{name} signature"] = signatures(table).map(
            lambda wish: (f"send {name} signature={wish}",)
        )
    return events


def _changed(
    name: str, values: Mapping[str, st.SearchStrategy[str]]
) -> st.SearchStrategy[Texts]:
    """Change some fields; those that are named later follow from those before."""
    chosen = st.lists(
        st.sampled_from(list(values)), min_size=1, max_size=_FIELDS_MAX, unique=True
    )

    def filled(names: list[str]) -> st.SearchStrategy[Texts]:
        wishes = st.fixed_dictionaries({one: values[one] for one in names})
        return wishes.map(
            lambda wish: (
                f"send {name} {' '.join(f'{one}={wish[one]}' for one in names)}",
            )
        )

    return chosen.flatmap(filled)


def _bodies(
    kinds: list[int], octets_max: int, before: str = ""
) -> st.SearchStrategy[Texts]:
    first = st.sampled_from(kinds)
    rest = st.binary(max_size=octets_max - 1)
    return st.tuples(first, rest).map(
        lambda drawn: (f"{before}body {bytes([drawn[0]]).hex()}{drawn[1].hex()}",)
    )
