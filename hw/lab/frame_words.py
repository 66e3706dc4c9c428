"""What ``frame`` and ``octets`` steps may say, checked when a catalogue is read.

What the words mean is in `hw.lab.frame_steps` and `hw.lab.frame_making`.
"""

from typing import Final

from hw.lab.steps import Step, StepError
from protocol.link.frames import FrameKind

INFORMATION: Final = "I"
RAW: Final = "RAW"
XID_FIELDS: Final = frozenset(
    {"n1", "k", "n2", "t1", "t2", "accm", "modulus", "srej", "reports"}
)
"""Parameters of an XID."""
_SENT: Final = frozenset(
    {
        *("p", "f", "ns", "nr", "info", "fill", "of", "segment", "control", "address"),
        *("fcs", "escape", "stray", "before", "after", "more", "count", "extra"),
        *XID_FIELDS,
    }
)
_TAKEN: Final = frozenset(
    {
        *("p", "f", "ns", "nr", "info", "reason", "refused", "same", "after"),
        *("opened", "bare", "longest", "past", "within", *XID_FIELDS),
    }
)
_HEX: Final = frozenset(
    {"info", "control", "address", "stray", "before", "after", "bare", "accm", "extra"}
)
_KINDS: Final = frozenset({*FrameKind.__members__, INFORMATION})
_WORDS: Final[dict[str, tuple[int, frozenset[str]]]] = {
    "send": (2, _SENT),
    "take": (2, _TAKEN),
    "up": (1, frozenset({"within"})),
    "called": (1, frozenset({"within"})),
}


def check_frame(step: Step) -> None:
    """Check a step that sends or takes a frame.

    Raises:
        StepError: It cannot be carried out, and why.
    """
    what = step.words[0] if step.words else ""
    if what == "say":
        _number(step, step.words[1] if len(step.words) > 1 else "")
        return
    if what not in _WORDS:
        raise StepError(f"step {step.text!r}: frame send, take, up, called or say")
    words, known = _WORDS[what]
    if len(step.words) != words:
        raise StepError(f"step {step.text!r}: something is missing, or too much")
    _fields(step, what, known)
    extra = {RAW} if what == "send" else {"any", "end", "nothing"}
    for kind in step.words[1].split("/") if words > 1 else ():
        if kind not in _KINDS | extra:
            raise StepError(f"step {step.text!r}: {kind} is no kind of frame")


def _fields(step: Step, what: str, known: frozenset[str]) -> None:
    for name, value in step.fields.items():
        if name not in known:
            raise StepError(f"step {step.text!r}: a frame has no {name}")
        if name in _HEX and not (name == "after" and what == "take"):
            _hexadecimal(step, value.lstrip("<>="))


def check_octets(step: Step) -> None:
    """Check a step that puts octets on the line.

    Raises:
        StepError: They are no octets.
    """
    for name, value in step.fields.items():
        if name not in {"count", "noise"}:
            raise StepError(f"step {step.text!r}: octets have no {name}")
        _number(step, value)
    if not step.words and "noise" not in step.fields:
        raise StepError(f"step {step.text!r}: something is missing")
    _hexadecimal(step, "".join(step.words))


def _number(step: Step, text: str) -> None:
    try:
        int(text, 0)
    except ValueError:
        raise StepError(f"step {step.text!r}: {text!r} is no number") from None


def _hexadecimal(step: Step, text: str) -> None:
    try:
        bytes.fromhex(text.removeprefix("0x").rjust(len(text) + len(text) % 2, "0"))
    except ValueError:
        raise StepError(f"step {step.text!r}: {text!r} is no hex") from None
