"""What a step takes for granted of a unit, so that its case needs it declared."""

from typing import Final

from hw.lab.steps import Step


def needed_by(step: Step) -> tuple[str, ...]:
    """Say which options of a machine a step takes for granted: one of them is enough.

    Args:
        step: Of a case against a machine.
    """
    match step.verb, *step.words:
        case "frank", *_:
            return ("franks",)
        case "power", *_:
            return ("power",)
        case "ask", "days", *_:
            return ("clock",)
        case "ask", "new-life", *_:
            return ("new_life",)
        case "dial", word, *_ if word.lower() in {"withdrawal", "refund"}:
            return (word.lower(),)
        case "dial", "by-itself", *_:
            return ("redials", "dials_when_due")
        case "content", kind, *_:
            return (kind.lower(),)
    return ()


def needed_of_server(step: Step) -> tuple[str, ...]:
    """Say which options of a server a step takes for granted: one of them is enough.

    Args:
        step: Of a case against a server.
    """
    match step.verb, *step.words:
        case "power", *_:
            return ("power",)
        case "ask", errand, *_:
            return _OF_ERRANDS.get(errand, ())
    return ()


_OF_ERRANDS: Final[dict[str, tuple[str, ...]]] = {
    "licence": ("licences",),
    "expire": ("licences",),
    "refund": ("refund",),
    "fund": ("funds",),
    "void": ("void",),
    "order": ("orders", "contents"),
    "take-back": ("orders",),
    "revoke": ("revocation",),
}
