"""How a bench gets a unit into each situation of `hw.lab.fuzz.dialogue`, by steps."""

from typing import Final

from hw.lab.fuzz import dialogue
from hw.lab.fuzz.messages import Texts
from protocol.link import Role

_INSPECTION: Final = ("dial INSPECTION", "take STATEMENT")
_RECHARGE: Final = ("dial RECHARGE 20000", "take STATEMENT")
_ASKED: Final = ("dial RECHARGE 20000", "send STATEMENT")
_LOOKED: Final = ("dial INSPECTION", "send STATEMENT", "take RECEIPT")

_MACHINE: Final[dict[str, tuple[Texts, ...]]] = {
    dialogue.NO_CALL: ((), ("recharge 10000", "frank 50 1")),
    dialogue.LINE: (
        ("dial INSPECTION by-frames", "frame called"),
        ("dial INSPECTION by-frames",),
    ),
    dialogue.LINKED: (
        ("dial INSPECTION",),
        ("dial INSPECTION by-frames", "frame up"),
    ),
    dialogue.GREETED: (("dial INSPECTION", "take GREETING_1"),),
    dialogue.STATED: (
        _RECHARGE,
        _INSPECTION,
        ("dial REFUND 10000", "take STATEMENT"),
        ("dial WITHDRAWAL", "take STATEMENT"),
        ("dial RECHARGE 20000 by-frames", "frame up", "take STATEMENT"),
    ),
    dialogue.DELIVERED: ((*_RECHARGE, "send VOUCHER"),),
    dialogue.CONFIRMED: ((*_RECHARGE, "send VOUCHER", "take CONFIRMATION"),),
    dialogue.REFUSED: ((*_RECHARGE, "send REFUSAL"),),
    dialogue.FROZEN: (
        (*_RECHARGE, "send REFUSAL code=CONTROL_TOTAL_SUM receipt_follows=0"),
    ),
    dialogue.RECEIPTED: (
        (*_INSPECTION, "send RECEIPT orders=2"),
        (*_INSPECTION, "send RECEIPT"),
    ),
    dialogue.FETCHING: (
        (
            *("content SLOGAN", *_INSPECTION, "send RECEIPT orders=1"),
            *("send ORDER order=SLOGAN", "take WANT"),
        ),
    ),
    dialogue.REPORTING: (
        (
            *("recharge 10000", "frank 50 1", *_INSPECTION, "send RECEIPT"),
            "take USAGE",
        ),
    ),
    dialogue.PRESENTING: (
        (
            *("recharge 10000", *_INSPECTION),
            "send REFUSAL code=NUMBER_AHEAD receipt_follows=0",
            "take LAST_VOUCHER",
        ),
    ),
    dialogue.GOODBYE: ((*_INSPECTION, "send RECEIPT", "take GOODBYE"),),
    dialogue.FAILED: ((*_INSPECTION, "send ERROR TIMEOUT"),),
}
_SERVER: Final[dict[str, tuple[Texts, ...]]] = {
    dialogue.NO_CALL: ((),),
    dialogue.LINE: (
        ("dial INSPECTION by-frames",),
        ("dial INSPECTION by-frames", "frame up"),
    ),
    dialogue.LINKED: (("dial RECHARGE 20000",), ("dial INSPECTION",)),
    dialogue.GREETED: (("dial RECHARGE 20000", "send GREETING_1", "take GREETING_2"),),
    dialogue.STATED: (_ASKED,),
    dialogue.DELIVERED: (
        (*_ASKED, "take VOUCHER"),
        ("dial RECHARGE 20000 by-frames", "frame up", "send STATEMENT", "take VOUCHER"),
    ),
    dialogue.CONFIRMED: ((*_ASKED, "take VOUCHER", "send CONFIRMATION"),),
    dialogue.REFUSED: (("dial RECHARGE 15001", "send STATEMENT", "take REFUSAL"),),
    dialogue.FROZEN: (
        ("dial INSPECTION", "send STATEMENT mark=wrong", "take REFUSAL"),
    ),
    dialogue.RECEIPTED: (
        _LOOKED,
        ("recharge 20000", "dial REFUND 10000", "send STATEMENT", "take message"),
    ),
    dialogue.FETCHING: (("ask order SLOGAN", *_LOOKED, "take ORDER", "send WANT"),),
    dialogue.REPORTING: (("recharge 20000", "frank 100 1", *_LOOKED, "send USAGE"),),
    dialogue.PRESENTING: (
        (
            *("recharge 20000", "dial INSPECTION"),
            *("send STATEMENT recharge_number=+5", "take REFUSAL", "send LAST_VOUCHER"),
        ),
    ),
    dialogue.GOODBYE: ((*_LOOKED, "send GOODBYE"),),
    dialogue.FAILED: (("dial INSPECTION", "send ERROR TIMEOUT"),),
}
WAYS: Final = {Role.MACHINE: _MACHINE, Role.SERVER: _SERVER}
"""Steps that lead to each situation, the simplest first."""
