"""The verbs of steps: what each takes, checked when a catalogue is read.

=========== ============================== ============================================
verb        words                          what it does
=========== ============================== ============================================
dial        request, amount                a call is begun: by the unit (an operator or
                                           hook is asked), or by the bench as a machine;
                                           ``by-frames`` has the script make each frame,
                                           ``repeatedly`` the unit dial until done;
                                           ``beside`` leaves the call that is up alone
dial        by-itself, nothing             the unit dials, or does not, and nobody has
                                           asked it; ``within=`` s
other                                      of two calls the other one, from now on
recharge    paise                          a recharge from end to end
take        message, GREETING_n,           what comes next is that, with these values of
            ERROR code, end, nothing,      its fields; ``within=`` s, ``end`` of the
            packet                         link; alternatives are joined by ``/``. Polls
                                           and what is repeated do not lengthen the wait
send        message, GREETING_n,           a message, right but for these values; bent
            ERROR code, stored, kept       as said behind ``|``
packet      hex or a name that was kept    octets over the link, as they are
body        hex                            octets in a record
keep        name                           the packet that came or went last, for later
differs     name that was kept             the packet that came last is another one in
                                           ``octets=`` octets from ``at=`` on
hidden      licence                        its identifier was not on the line in clear
finish                                     the rest of the dialogue, as it should be
drop                                       the line is lost, now
disconnect                                 the link is closed in order
wait        seconds                        nothing is done
drip        milliseconds                   the octets of this call go out one by one,
                                           so long apart; 0: as they come, again
frank       paise, class                   one item
content     kind                           the bench makes a content, to be ordered:
                                           `hw.lab.offers`, `hw.lab.made_contents`
apply                                      the bench's machine applies its voucher now
forget                                     it has the memory of before that again
become      who: `WHO`                     the bench's machine dials as somebody else
usage       class:items:paise …            what the bench's machine has franked, ever
wants       how many, or all               WANTs, each of them answered with a CONTENT;
                                           all: until the content is whole
power       cut, off, on                   of the unit, by a hook or an operator
ask         an errand (`ERRANDS`), values  something else that an operator does
registers   same                           the unit's registers, or ``moved=`` paise CT
again                                      a further link on the line that is there, and
                                           a channel of its own, by the bench's machine
frame       send or take, kind; up; say    by frames: `hw.lab.frame_steps`
octets      hex; ``noise=`` so many        octets on the line, by frames; ``count=`` of
                                           them
=========== ============================== ============================================

``signature=`` may be bent: `hw.lab.signatures`.
``dial``, ``frank`` and ``ask`` may end in ``refused``: the unit is to refuse it.
``send GREETING_n by-hand`` begins a channel whose greetings can say anything.
``kept`` and a name that was kept send the message of that packet once more.
"""

from collections.abc import Callable
from typing import Final

from hw.lab.edhoc import SAYINGS
from hw.lab.frame_words import check_frame, check_octets
from hw.lab.made_contents import BENDS as CONTENT_BENDS
from hw.lab.made_contents import NUMBERS as CONTENT_NUMBERS
from hw.lab.signatures import BENT, OF_MACHINES
from hw.lab.steps import Step, StepError
from hw.lab.values import ANY, HEX, RIGHT, WRONG, ZERO, check_value
from protocol.channel import PacketType
from protocol.errors import ErrorCode
from protocol.link import Role
from protocol.messages import TABLE_OF, MessageTable, MessageType
from protocol.registers import RequestKind

ERRANDS: Final = {
    "licence": "put the licence into a state: REGISTERED, BLOCKED, WITHHELD, CANCELLED",
    "expire": "let the licence expire yesterday",
    "refund": "allow a refund for the licence, or not: allowed, not",
    "fund": "bring a fund file of so many paise for the licence; later: of tomorrow",
    "void": "take the outstanding voucher of the licence back",
    "order": "give the machine of the licence an order: kind, value or any content",
    "take-back": "take the order with this serial back",
    "revoke": "revoke the credential of the licence",
    "days": "let so many days pass at the unit's clock",
    "new-life": "begin a new life of the withdrawn machine",
}
"""What an operator may be asked for, beside what has a verb of its own."""
WHO: Final = {
    "itself": "the machine that is enrolled",
    "stranger": "a machine that was never enrolled",
    "impostor": "one with the same licence and serial, and other keys",
    "foreigner": "itself, with the letter of the other realm",
}
NEW_LIFE: Final = "new-life"
ALTERNATIVES: Final = "/"
BY_FRAMES: Final = "by-frames"
BY_HAND: Final = "by-hand"
BY_ITSELF: Final = "by-itself"
NOTHING: Final = "nothing"
REPEATEDLY: Final = "repeatedly"
REFUSED: Final = "refused"
BESIDE: Final = "beside"
ALL: Final = "all"
_DRIP_MS_MAX: Final = 1_000
"""An octet a second: no frame is ever that slow."""
WITHIN: Final = "within"
_MODIFIERS: Final = frozenset({BY_FRAMES, REPEATEDLY, REFUSED, BESIDE})
_CONTENTS: Final = frozenset({"TARIFF", "SLOGAN", "FIRMWARE", "CREDIT_KEY"})
_CONTENT_FIELDS: Final = frozenset(
    {"number", "size", "day", "key", "name", "kid", "dh", "served", *CONTENT_BENDS}
)
_ROW_NUMBERS: Final = 3
_TAKE_OPTIONS: Final = frozenset({WITHIN})
_GREETINGS: Final = frozenset(
    kind.name for kind in PacketType if kind.name.startswith("GREETING")
)
BENDS: Final = frozenset(
    {
        *("flip", "octet", "cut", "pad", "type", "counter", "twice", "bare"),
        *("shorter", "longer", "aad", "put", "also", "late"),
        *SAYINGS,
    }
)


def table_named(name: str) -> MessageTable | None:
    """Find the layout of a message by its name."""
    try:
        return TABLE_OF.get(MessageType[name])
    except KeyError:
        return None


def check_step(step: Step, role: Role) -> None:
    """Check that a step can be carried out.

    Args:
        step: The step.
        role: Of the unit under test.

    Raises:
        StepError: It cannot, and why.
    """
    checks = _CHECKS.get(step.verb)
    if checks is None:
        raise StepError(f"step {step.text!r}: there is no verb {step.verb}")
    if step.verb in _OF_MACHINE_BENCH and role is Role.MACHINE:
        raise StepError(f"step {step.text!r}: only the bench as a machine can do that")
    if step.verb in _OF_SERVER_BENCH and role is Role.SERVER:
        raise StepError(f"step {step.text!r}: only the bench as a server can do that")
    if BESIDE in step.words and role is Role.MACHINE:
        raise StepError(f"step {step.text!r}: a machine under test has one line")
    if step.bends and step.verb not in {"send", "packet", "body"}:
        raise StepError(f"step {step.text!r}: only what is sent can be bent")
    for name in step.bends:
        if name not in BENDS:
            raise StepError(f"step {step.text!r}: {name} bends nothing")
    checks(step)


def words_of(step: Step) -> tuple[str, ...]:
    """Give the words of a step but for those that say how."""
    return tuple(word for word in step.words if word not in _MODIFIERS)


def _dial(step: Step) -> None:
    if WITHIN in step.fields:
        _float(step, step.fields[WITHIN])
    words = words_of(step)
    if words and words[0] in {BY_ITSELF, NOTHING}:
        return
    if words and words[0].upper() not in RequestKind.__members__:
        raise StepError(f"step {step.text!r}: {words[0]} is no request")
    if len(words) > 1:
        _integer(step, words[1])


def _content(step: Step) -> None:
    if _word(step) not in _CONTENTS:
        raise StepError(f"step {step.text!r}: {step.words[0]} is no kind of content")
    for name in step.fields:
        if name not in _CONTENT_FIELDS:
            raise StepError(f"step {step.text!r}: a content has no {name}")
    for name in {"number", "size", *CONTENT_NUMBERS} & set(step.fields):
        _integer(step, step.fields[name])


def _take(step: Step) -> None:
    name = _word(step)
    for one in name.split(ALTERNATIVES):
        table = table_named(one)
        if table is not None:
            _message_fields(step, table)
        elif one == "ERROR":
            _error_codes(step)
        elif one not in _GREETINGS | {"end", "nothing", "packet", "message"}:
            raise StepError(f"step {step.text!r}: {one} is nothing that comes")
    if WITHIN in step.fields:
        _float(step, step.fields[WITHIN])


def _send(step: Step) -> None:
    name = _word(step)
    if name == "kept":
        _needs(step, 2)
        return
    table = table_named(step.words[1] if name == "stored" else name)
    if table is not None:
        _message_fields(step, table)
    elif name == "ERROR":
        _error_codes(step)
    elif name not in _GREETINGS:
        raise StepError(f"step {step.text!r}: {name} is nothing that is sent")


def _message_fields(step: Step, table: MessageTable) -> None:
    known = {field.name: field for field in table.fields}
    for name, value in step.fields.items():
        if name in _TAKE_OPTIONS:
            continue
        field = known.get(name)
        if field is None:
            raise StepError(f"step {step.text!r}: {table.type.name} has no {name}")
        for one in value.split(ALTERNATIVES):
            if name == "signature":
                _signature(step, one)
            elif one.lstrip("<>=!") != ANY:
                check_value(field, one.lstrip("<>=!"))


def _signature(step: Step, wish: str) -> None:
    known = {RIGHT, WRONG, ZERO, *OF_MACHINES, *BENT}
    if wish not in known and not wish.startswith(HEX):
        raise StepError(f"step {step.text!r}: no signature is {wish}")


def _error_codes(step: Step) -> None:
    for code in "".join(step.words[1:]).split(ALTERNATIVES):
        if code and code not in ErrorCode.__members__ and not code.startswith("0x"):
            raise StepError(f"step {step.text!r}: {code} is no code of an ERROR")


def _octets(step: Step) -> None:
    _word(step)


def _place(step: Step) -> None:
    _word(step)
    for name in ("at", "octets"):
        _integer(step, step.fields.get(name, ""))


def _hidden(step: Step) -> None:
    if step.words != ("licence",):
        raise StepError(f"step {step.text!r}: hidden licence")


def _seconds(step: Step) -> None:
    _float(step, _word(step))


def _milliseconds(step: Step) -> None:
    text = _word(step)
    _integer(step, text)
    if not 0 <= int(text, 0) <= _DRIP_MS_MAX:
        raise StepError(f"step {step.text!r}: 0 to {_DRIP_MS_MAX} milliseconds")


def _amount(step: Step) -> None:
    _needs(step, 1)
    for word in words_of(step):
        _integer(step, word)


def _become(step: Step) -> None:
    if _word(step) not in WHO:
        raise StepError(f"step {step.text!r}: {step.words[0]} is nobody")


def _usage(step: Step) -> None:
    for word in step.words:
        numbers = word.split(":")
        if len(numbers) != _ROW_NUMBERS:
            raise StepError(f"step {step.text!r}: a row is class:items:paise")
        for one in numbers:
            _integer(step, one)


def _wants(step: Step) -> None:
    if _word(step) != ALL:
        _integer(step, step.words[0])
    _message_fields(step, TABLE_OF[MessageType.WANT])


def _power(step: Step) -> None:
    if _word(step) not in {"cut", "off", "on"}:
        raise StepError(f"step {step.text!r}: power cut, off or on")


def _registers(step: Step) -> None:
    if "same" not in step.words and "moved" not in step.fields:
        raise StepError(f"step {step.text!r}: registers same, or moved=paise")


def _nothing(step: Step) -> None:
    if step.words or step.fields:
        raise StepError(f"step {step.text!r}: {step.verb} takes nothing")


def _word(step: Step) -> str:
    _needs(step, 1)
    return step.words[0]


def _needs(step: Step, count: int) -> None:
    if len(step.words) < count:
        raise StepError(f"step {step.text!r}: something is missing")


def _integer(step: Step, text: str) -> None:
    try:
        int(text, 0)
    except ValueError:
        raise StepError(f"step {step.text!r}: {text!r} is no number") from None


def _float(step: Step, text: str) -> None:
    try:
        float(text)
    except ValueError:
        raise StepError(f"step {step.text!r}: {text!r} is no number") from None


def _errand(step: Step) -> None:
    name = _word(step)
    if name not in ERRANDS:
        raise StepError(f"step {step.text!r}: {name} is no errand")
    if name == "days":
        _needs(step, 2)
        _integer(step, step.words[1])


_OF_MACHINE_BENCH: Final = frozenset(
    {"apply", "again", "other", "forget", "become", "usage", "wants"}
)
_OF_SERVER_BENCH: Final = frozenset({"content"})
_CHECKS: Final[dict[str, Callable[[Step], None]]] = {
    "dial": _dial,
    "take": _take,
    "send": _send,
    "packet": _octets,
    "body": _octets,
    "keep": _octets,
    "differs": _place,
    "hidden": _hidden,
    "finish": _nothing,
    "drop": _nothing,
    "drip": _milliseconds,
    "disconnect": _nothing,
    "wait": _seconds,
    "frank": _amount,
    "recharge": _amount,
    "content": _content,
    "apply": _nothing,
    "power": _power,
    "ask": _errand,
    "registers": _registers,
    "frame": check_frame,
    "octets": check_octets,
    "again": _nothing,
    "other": _nothing,
    "forget": _nothing,
    "become": _become,
    "usage": _usage,
    "wants": _wants,
}
