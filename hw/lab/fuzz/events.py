"""What the bench does in a step, by a name: events of the coverage and the grammar.

A message has five of them: right, with other values, with another signature, of another
length, and kept from before. What is done to its packet counts the same for each.
"""

from typing import Final

from hw.lab.steps import Step
from protocol.messages import TABLE_OF, MessageType

SENT_BY: Final = {
    sender: tuple(
        table.type.name for table in TABLE_OF.values() if table.sender == sender
    )
    for sender in ("machine", "server")
}
"""Messages by who sends them."""
MESSAGES: Final = tuple(table.type.name for table in TABLE_OF.values())
PACKET_BENDS: Final = (
    *("flip", "octet", "cut", "pad", "type", "counter", "aad", "put", "twice"),
    *("bare", "also", "late"),
)
KEPT: Final = "before"
"""The name under which a packet is kept, to be sent again."""
SILENCE_S: Final = 55.0
"""Who waits so long waits for the peer's time-out."""
_LENGTHS: Final = frozenset({"shorter", "longer"})
_ELECTIVE: Final = range(0x40, 0x80)
_BENT_FRAME: Final = frozenset({"fcs", "address", "control", "stray", "escape"})


def event_of(step: Step) -> str:
    """Name what a step does; empty for one that only looks or waits for an answer."""
    named = _named(step)
    return f"ignorable {named}" if step.expects and named else named


def _named(step: Step) -> str:
    match step.verb:
        case "send":
            return _sent(step)
        case "body":
            return _body(step.words[0])
        case "packet":
            return "kept again" if step.words[0] == KEPT else "packet raw"
        case "frame":
            return _frame(step)
        case "octets":
            return "octets noise" if "noise" in step.fields else "octets"
        case "wait":
            return "silence" if float(step.words[0]) >= SILENCE_S else "pause"
        case "power" | "ask":
            return f"{step.verb} {step.words[0]}"
        case "take" | "keep" | "differs" | "hidden" | "registers" | "other" | "dial":
            return ""
        case _:
            return step.verb


def _sent(step: Step) -> str:
    name = step.words[0]
    bends = [bend for bend in step.bends if bend not in _LENGTHS]
    if name == "kept":
        return "kept again"
    if name.startswith("GREETING"):
        return f"{name} by hand" if bends or len(step.words) > 1 else name
    if bends:
        known = [bend for bend in bends if bend in PACKET_BENDS]
        return f"packet {known[0]}" if known else f"{name} greeting"
    if step.bends:
        return f"{name} length"
    if "signature" in step.fields:
        return f"{name} signature"
    return f"{name} other" if step.fields else name


def _body(text: str) -> str:
    kind = int(text[:2], 16)
    if kind in _ELECTIVE:
        return "body elective"
    return "body known" if kind in set(MessageType) else "body unknown"


def _frame(step: Step) -> str:
    if step.words[0] not in {"send", "say"}:
        return ""
    if step.words[0] == "say":
        return "frame say"
    bent = " bent" if _BENT_FRAME & set(step.fields) else ""
    return f"frame {step.words[1]}{bent}"
