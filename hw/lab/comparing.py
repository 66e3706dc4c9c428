"""Whether the fields of a message that came are those that a step expects.

A value may be one of several joined by ``/``; before it may stand ``!`` (not that),
``<`` or ``>``; ``any`` takes all.
"""

from collections.abc import Mapping

from hw.lab.steps import Step
from hw.lab.values import ANY, resolve, show_value
from hw.lab.verbs import ALTERNATIVES, WITHIN
from protocol.messages import MessageTable
from protocol.messages.codec import FieldValue
from protocol.messages.tables import Field


def differences(
    step: Step,
    table: MessageTable,
    fields: Mapping[str, FieldValue],
    right: Mapping[str, FieldValue],
) -> list[str]:
    """Say which fields are not as a step expects them, in words.

    Args:
        step: The step.
        table: Layout of the message that came.
        fields: Its values.
        right: What would be right, for ``right`` and ``+n``.
    """
    found = []
    for field in table.fields:
        text = step.fields.get(field.name)
        if text is None or field.name in {WITHIN, "signature"}:
            continue
        value = fields[field.name]
        beside = right.get(field.name, 0)
        if not any(
            _fits(field, one, value, beside) for one in text.split(ALTERNATIVES)
        ):
            found.append(f"{field.name} is {show_value(field, value)}, not {text}")
    return found


def _fits(field: Field, text: str, value: FieldValue, right: FieldValue) -> bool:
    if text == ANY:
        return True
    if text.startswith("!"):
        return resolve(field, text[1:], right) != value
    if text[0] in "<>":
        bound = resolve(field, text[1:], right)
        if not isinstance(bound, int) or not isinstance(value, int):
            return False
        return value < bound if text[0] == "<" else value > bound
    return resolve(field, text, right) == value
