"""Channels and dialogues in which something is wrong, by the clause and the side."""

from collections.abc import Callable
from typing import Final

from protocol.errors import ErrorCode
from protocol.link import Role
from protocol.messages import MessageType, OrderKind, RefusalCode
from tests.tap_story import M, S, Story, message

T = MessageType
Teller = Callable[[Story], Story]
_NO_POINT: Final = b"\xff" * 32
_GOES_ON: Final = b"\x05" + bytes(11)
"""A packet that is no ERROR."""


def answered_by_more(bad: bytes, side: Role, after: int) -> Teller:
    """A packet of one end that is wrong, and the other goes on."""

    def tell(story: Story) -> Story:
        story.up()
        greetings = [story.greeting_1(), story.greeting_2()]
        for place, packet in enumerate(greetings[:after]):
            story.packet((M, S)[place], packet)
        return story.packet(side, bad).packet(side.peer, _GOES_ON)

    return tell


def stated(story: Story, **fields: int | bytes) -> Story:
    return story.begin().state(**fields)


def receipted(story: Story, **fields: int | bytes) -> Story:
    """A dial-in that is complete but for its end."""
    return stated(story, dial_in=1).receipt(**fields)


def before(story: Story, **fields: int | bytes) -> Story:
    """A whole dial-in; the next one begins."""
    return receipted(story, **fields).goodbye().begin()


def bad_record(story: Story, side: Role) -> Story:
    """A record that does not verify, and the other end goes on."""
    receipted(story)
    if side is S:
        story.say(M, T.GOODBYE)
    sealed = story.sealed(side, b"x")
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    return story.packet(side, damaged).say(side.peer, T.GOODBYE)


def wrong_message(body: bytes, side: Role) -> Teller:
    def tell(story: Story) -> Story:
        if side is M:
            return story.begin().packet(M, story.sealed(M, body)).receipt()
        stated(story)
        return story.packet(S, story.sealed(S, body)).say(M, T.GOODBYE)

    return tell


def elective(side: Role) -> Teller:
    """An elective type, and the other end answers it with an ERROR."""

    def tell(story: Story) -> Story:
        receipted(story)
        if side is M:
            story.say(M, T.GOODBYE)
        body = story.sealed(side.peer, b"\x40abc")
        return story.packet(side.peer, body).error(side, ErrorCode.UNEXPECTED)

    return tell


def wrong_voucher(story: Story) -> Story:
    stated(story, request=1, amount_paise=10_000)
    story.say(S, T.VOUCHER, amount_paise=10_000, control_total_after_paise=1)
    return story.say(
        M,
        T.CONFIRMATION,
        descending_paise=10_000,
        control_total_paise=10_000,
    )


def silence(side: Role) -> Teller:
    """An end that takes an answer after two minutes."""

    def tell(story: Story) -> Story:
        if side is M:
            return stated(story).wait(120).receipt().say(M, T.GOODBYE)
        stated(story, request=1, amount_paise=10_000)
        story.say(S, T.VOUCHER, amount_paise=10_000, control_total_after_paise=10_000)
        registers = {"descending_paise": 10_000, "control_total_paise": 10_000}
        story.wait(120).say(M, T.CONFIRMATION, **registers)
        return story.receipt(recharge_number=1)

    return tell


def keeps_link(side: Role) -> Teller:
    def tell(story: Story) -> Story:
        story.begin().error(side, ErrorCode.TIMEOUT)
        return story.wait(100).ready(side)

    return tell


def answers_error(side: Role) -> Teller:
    def tell(story: Story) -> Story:
        story.begin().error(side.peer, ErrorCode.TIMEOUT)
        return story.error(side, ErrorCode.UNEXPECTED)

    return tell


def overtaken(story: Story, *, answer: bool = True) -> Story:
    """An older call states what a newer one has left behind, and is answered."""
    story.begin()
    first, story.line = story.line, "newer"
    newer = Story()
    newer.by, newer.keys, newer.line = story.by, story.keys, "newer"
    newer._at_s, newer._calls = story._at_s, 5
    before(newer)
    newer.state(dial_in=3, mark=newer.mark)
    story.line = first
    story.wait(30).state(dial_in=2)
    return story.receipt(mark=b"overtake") if answer else story


def limited(story: Story, amount_paise: int = 20_000) -> Story:
    receipted(story, orders=1)
    story.say(S, T.ORDER, order_serial=1, order=OrderKind.FUNDS_LIMIT, value=10_000)
    story.goodbye(order_serial=1).begin()
    asked = {"request": 1, "amount_paise": amount_paise}
    return story.state(dial_in=2, mark=story.mark, order_serial=1, **asked)


def ordered(story: Story, serial: int, kind: OrderKind, **fields: int) -> Story:
    stated(story, **fields).receipt(orders=1)
    return story.say(S, T.ORDER, order_serial=serial, order=kind, value=7)


def contents(story: Story, **fields: int) -> Story:
    ordered(story, 1, OrderKind.SLOGAN).say(M, T.WANT, content_id=7)
    return story.say(S, T.CONTENT, content_id=7, **fields)


def refused(code: RefusalCode, **fields: int) -> Teller:
    def tell(story: Story) -> Story:
        return stated(story, **fields).say(S, T.REFUSAL, code=code, receipt_follows=0)

    return tell


BROKEN: Final[dict[tuple[str, Role], Teller]] = {
    ("CHAN-1.3", M): lambda story: story.begin().packet(
        M, b"\x03\x58\x19N123456" + story.sealed(M, message(T.STATEMENT))[10:]
    ),
    ("CHAN-1.3", S): lambda story: stated(story).packet(S, b"\x04N123456" + bytes(20)),
    ("CHAN-2.1", S): answered_by_more(b"\x77", M, 0),
    ("CHAN-2.1", M): answered_by_more(b"\x77", S, 1),
    ("CHAN-2.2", S): answered_by_more(b"\x01", M, 0),
    ("CHAN-2.2", M): answered_by_more(b"\x02", S, 1),
    ("CHAN-6.3", S): lambda story: bad_record(story, M),
    ("CHAN-6.3", M): lambda story: bad_record(story, S),
    ("CHAN-7.1", S): answered_by_more(b"\x01" + bytes(37), M, 0),
    ("CHAN-7.2", M): answered_by_more(b"\x02" + bytes(45), S, 1),
    ("CHAN-7.3", S): answered_by_more(b"\x03" + bytes(38), M, 2),
    ("CHAN-7.4", M): lambda story: (
        stated(story).packet(S, b"\x04" + bytes(20)).say(M, T.GOODBYE)
    ),
    ("CHAN-7.7", S): answered_by_more(
        b"\x01\x03\x02\x58\x20" + _NO_POINT + b"\x00", M, 0
    ),
    ("CHAN-7.7", M): answered_by_more(b"\x02\x58\x2b" + _NO_POINT + bytes(11), S, 1),
    ("CHAN-8.2", S): answered_by_more(_GOES_ON, M, 0),
    ("CHAN-8.2", M): answered_by_more(_GOES_ON, S, 1),
    ("CHAN-9", M): lambda story: story.begin().error(M, ErrorCode.STATEMENT),
    ("CHAN-9.2", M): answers_error(M),
    ("CHAN-9.2", S): answers_error(S),
    ("CHAN-9.3", M): keeps_link(M),
    ("CHAN-9.3", S): keeps_link(S),
    ("DLG-1.1", M): lambda story: (
        receipted(story).say(M, T.GOODBYE, mark=story.mark).receipt().say(M, T.GOODBYE)
    ),
    ("DLG-1.1", S): lambda story: receipted(story).say(M, T.CONFIRMATION).say(S, T.ACK),
    ("DLG-1.5", M): lambda story: (
        receipted(story).say(M, T.GOODBYE, mark=story.mark).say(M, T.GOODBYE)
    ),
    ("DLG-1.7", M): lambda story: receipted(story, orders=1).say(M, T.GOODBYE),
    ("DLG-2.1", S): wrong_message(message(T.STATEMENT)[:-1], M),
    ("DLG-2.1", M): wrong_message(message(T.RECEIPT, licence_state=1)[:-1], S),
    ("DLG-2.2", M): elective(M),
    ("DLG-2.2", S): elective(S),
    ("DLG-3.1", S): lambda story: (
        before(story).state(dial_in=2, psd_serial=b"PSD00002").receipt()
    ),
    ("DLG-5.3", M): wrong_voucher,
    ("DLG-7.1", S): lambda story: (
        before(story).state(dial_in=2, mark=story.mark).receipt(mark=story.mark)
    ),
    ("DLG-7.6", M): lambda story: receipted(story, recharge_number=9).say(M, T.GOODBYE),
    ("DLG-8.1", S): lambda story: stated(story, descending_paise=5).receipt(),
    ("DLG-9.2", S): lambda story: (
        receipted(story).say(M, T.USAGE, dial_in=9, part=1, parts=1).say(S, T.ACK)
    ),
    ("DLG-10", S): lambda story: receipted(story).say(
        S, T.ORDER, order_serial=1, order=5
    ),
    ("DLG-10.1", M): lambda story: receipted(story).goodbye(order_serial=4),
    ("DLG-10.6", S): lambda story: ordered(
        story, 1, OrderKind.FRANK_LIMIT, capabilities=0
    ),
    ("DLG-10.8", M): limited,
    ("DLG-11.1", S): lambda story: stated(story, version=2).receipt(),
    ("DLG-13", M): silence(M),
    ("DLG-13", S): silence(S),
    ("DLG-14.2", S): overtaken,
    ("DLG-16.4", M): lambda story: contents(story, offset=512, total=600).say(
        M, T.GOODBYE
    ),
}
"""What is told, by the clause and the side that fail."""


def superseded(story: Story) -> Story:
    overtaken(story, answer=False)
    return story.error(S, ErrorCode.SUPERSEDED)


RIGHT: Final[dict[tuple[str, Role], Teller]] = {
    ("CHAN-8.3", M): lambda story: story.begin().error(M, ErrorCode.TIMEOUT).down(),
    ("DLG-10.8", M): lambda story: limited(story, amount_paise=10_000),
    ("DLG-14.2", S): superseded,
}
"""What is told, by the clause and the side of which it shows that they are right."""
