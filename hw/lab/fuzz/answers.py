"""What SPEC.md says that the unit has to answer to one wrong thing said in order.

It is said only of what is wrong by itself, whatever the books hold: a record that does
not verify, a message of another length, a value that is in no table, a signature that
is none, a message that has no place.
"""

from typing import Final

from hw.lab.signatures import RIGHT
from hw.lab.steps import Step
from hw.lab.values import WRONG, ZERO
from hw.lab.verbs import table_named
from protocol.link import Role
from protocol.messages.tables import Field, Kind

_PAISE_MAX: Final = 2**53 - 1
_GOOD_SIGNATURES: Final = frozenset({RIGHT, "mirrored"})
_SIGNED: Final = {
    "STATEMENT": (frozenset({"STATEMENT"}), "DLG-3.2"),
    "CONFIRMATION": (frozenset({"STATEMENT"}), "DLG-3.2"),
    "VOUCHER": (frozenset({"VOUCHER"}), "DLG-5.3"),
}
_RECORD: Final = frozenset({"RECORD"})
_MALFORMED: Final = frozenset({"MALFORMED"})
_UNEXPECTED: Final = frozenset({"UNEXPECTED"})
_ANY: Final = frozenset[str]()

Owed = tuple[frozenset[str], str]
"""Codes of the ERROR that is owed, none for any of them, and the clause."""

_MADE_ERRORS: Final = frozenset({"type", "octet"})
"""Any packet can be bent into an ERROR with these, which is answered with none."""


def owed_answer(step: Step, role: Role, *, has_place: bool) -> Owed | None:
    """Say which ERROR the unit owes to a step, if everything before it was right.

    Args:
        step: What the bench does.
        role: Of the unit.
        has_place: Whether a message has a place here (DLG-15).

    Returns:
        Codes and clause, or None: it owes none, or that is not known.
    """
    if step.verb == "body":
        return _to_body(step)
    if step.verb != "send":
        return None
    table = table_named(step.words[0])
    if table is None or step.words[0] == "kept":
        return None
    if step.bends:
        return _to_bends(step, has_place=has_place)
    if not has_place:
        wrong_way = table.sender != ("machine" if role is Role.SERVER else "server")
        codes = _ANY if step.fields or step.words[0] == "ACK" else _UNEXPECTED
        return None if wrong_way else (codes, "DLG-1.1")
    if "version" in step.fields:
        return None
    for field in table.fields:
        text = step.fields.get(field.name)
        if text is not None and _is_in_no_table(field, text):
            return _MALFORMED, "DLG-2.1"
    signature = step.fields.get("signature", RIGHT)
    if signature not in _GOOD_SIGNATURES and set(step.fields) == {"signature"}:
        return _SIGNED.get(step.words[0])
    return None


def _to_body(step: Step) -> Owed | None:
    octets = bytes.fromhex(step.words[0])
    elective = 0x40 <= octets[0] < 0x80  # noqa: PLR2004  DLG-2.2
    if elective or step.bends:
        return None
    return _ANY, "DLG-2"


def _to_bends(step: Step, *, has_place: bool) -> Owed | None:
    bends = dict(step.bends)
    if not has_place:
        return None if _MADE_ERRORS & bends.keys() else (_ANY, "DLG-1.1")
    if set(bends) <= {"shorter", "longer"}:
        by = int(bends.get("longer", "0"), 0) - int(bends.get("shorter", "0"), 0)
        fits = not by or step.fields
        return None if fits else (_MALFORMED, "DLG-2.1")
    if len(bends) > 1 or step.fields:
        return None
    name, value = next(iter(bends.items()))
    if name in {"counter", "aad"}:
        # The right counter may stand there as a number; the type of each packet, too.
        other = name == "counter" and value[0] in "+-" and int(value, 0) != 0
        return (_RECORD, "CHAN-6.4") if other else None
    if name == "flip":
        # A bit of the type makes another packet; one of the tag is CHAN-6.3.
        return (_RECORD if value == "-1" else _ANY), "CHAN-6.3"
    if name in {"cut", "pad"}:
        return None if int(value, 0) == 0 else (_ANY, "CHAN-2.2")
    return None


def _is_in_no_table(field: Field, text: str) -> bool:
    """Whether a value that is written out is one that no message may have."""
    if text in {RIGHT, WRONG, ZERO} or text[0] in "+-" or "/" in text:
        return False
    if field.kind is Kind.AMOUNT:
        return int(text, 0) > _PAISE_MAX
    if field.values is None or text in field.values.__members__:
        return False
    return int(text, 0) not in set(field.values)
