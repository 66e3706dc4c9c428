"""Links in which something is wrong, by the clause and the side that a tap names."""

from collections.abc import Callable
from typing import Final

from protocol.link import Role
from protocol.link.frames import FrameKind
from protocol.link.parameters import BULK, DEFAULT, MODULO_128, LinkParameters
from tests.tap_story import M, S, Story

_I: Final = FrameKind.INFORMATION
_WHOLE: Final = b"\x03abc"
_ONE: Final = LinkParameters(srej=False, window=4)
Teller = Callable[[Story], Story]


def sends(story: Story, side: Role, times: int) -> Story:
    for _ in range(times):
        story.information(side, _WHOLE)
    return story


def heard(story: Story) -> Story:
    """A link that is up, and in which both were heard."""
    return story.up().ready(M).information(S, _WHOLE).ready(M)


def repeated(kind: FrameKind, times: int, every_s: float, side: Role = M) -> Teller:
    def tell(story: Story) -> Story:
        if kind is FrameKind.DISC:
            heard(story)
        for _ in range(times):
            story.frame(side, kind, pf=kind is not FrameKind.DISC).wait(every_s)
        return story

    return tell


def again(side: Role) -> Teller:
    """An I frame that is sent again, and is another one."""
    return lambda story: (
        story.up()
        .ready(M)
        .information(side, _WHOLE)
        .wait(3)
        .frame(side, _I, ns=0, info=b"\x03xyz")
    )


def polls(side: Role) -> Teller:
    """An end that goes on and answers no poll."""

    def tell(story: Story) -> Story:
        heard(story)
        for _ in range(4):
            story.ready(side.peer, command=True, pf=True).wait(3).ready(side)
        return story

    return tell


def late(side: Role) -> Teller:
    """An acknowledgement that takes ten seconds."""
    return lambda story: (
        story.up().ready(M).information(side.peer, _WHOLE).wait(30).ready(side)
    )


def to_busy(side: Role) -> Teller:
    def tell(story: Story) -> Story:
        story.up().ready(M)
        for _ in range(2):
            story.frame(side.peer, FrameKind.RNR, command=False).wait(4)
        return story.information(side, _WHOLE)

    return tell


def silent(side: Role) -> Teller:
    def tell(story: Story) -> Story:
        story.up().ready(M).ready(S)
        return story.wait(60).ready(side)

    return tell


def reporting(kind: FrameKind, side: Role, info: bytes = b"") -> Teller:
    """A link in which reports were agreed, and something else comes."""

    def tell(story: Story) -> Story:
        story.agreed(BULK, BULK).frame(M, FrameKind.SABME, pf=True, nr=0)
        story.frame(S, FrameKind.UA, command=False, pf=True, nr=0)
        story.modulus = MODULO_128
        return story.ready(M).frame(side, kind, command=False, info=info)

    return tell


def unagreed_report(side: Role) -> Teller:
    def tell(story: Story) -> Story:
        plain = LinkParameters(modulus=MODULO_128, window=4)
        story.agreed(plain, plain).frame(M, FrameKind.SABME, pf=True, nr=0)
        story.frame(S, FrameKind.UA, command=False, pf=True, nr=0)
        story.modulus = MODULO_128
        return story.ready(M).frame(side, FrameKind.SREJ, command=False, info=b"\x01")

    return tell


def without_srej(side: Role) -> Teller:
    """SREJ where XID has said that there is none."""
    return lambda story: (
        story.agreed(_ONE, _ONE)
        .up()
        .ready(M)
        .frame(side, FrameKind.SREJ, command=False)
    )


def rejects(side: Role, *, pf: bool, info: bytes) -> Teller:
    return lambda story: heard(story).frame(
        side, FrameKind.FRMR, command=False, pf=pf, info=info
    )


def after_disc(side: Role) -> Teller:
    return lambda story: (
        heard(story).frame(side.peer, FrameKind.DISC).wait(3).information(side, _WHOLE)
    )


BROKEN: Final[dict[tuple[str, Role], Teller]] = {
    ("LINK-1.9", S): lambda story: (
        heard(story)
        .down()
        .frame(M, FrameKind.SABM, pf=True)
        .frame(S, FrameKind.DM, command=False, pf=True)
    ),
    ("LINK-3.1", M): lambda story: story.damage(M).damage(M).damage(M),
    ("LINK-5.1", M): lambda story: story.frame(M, FrameKind.SABM),
    ("LINK-5.3", S): lambda story: story.frame(M, FrameKind.SABME, pf=True).frame(
        S, FrameKind.UA, command=False, pf=True
    ),
    ("LINK-5.4", M): repeated(FrameKind.SABM, 10, 3),
    ("LINK-5.4", S): repeated(FrameKind.DISC, 10, 3, S),
    ("LINK-5.5", S): lambda story: heard(story).frame(S, FrameKind.DISC, pf=True),
    ("LINK-5.7", M): after_disc(M),
    ("LINK-5.7", S): after_disc(S),
    ("LINK-5.8", M): lambda story: story.up().wait(10).ready(M),
    ("LINK-5.8", S): lambda story: story.up().information(S, _WHOLE),
    ("LINK-6.3", M): lambda story: sends(story.up().ready(M), M, 5),
    ("LINK-6.3", S): lambda story: sends(story.up().ready(M), S, 5),
    ("LINK-7.3", M): again(M),
    ("LINK-7.3", S): again(S),
    ("LINK-7.5", M): without_srej(M),
    ("LINK-7.5", S): without_srej(S),
    ("LINK-8.1", M): polls(M),
    ("LINK-8.1", S): polls(S),
    ("LINK-8.3", M): late(M),
    ("LINK-8.3", S): late(S),
    ("LINK-8.4", M): to_busy(M),
    ("LINK-8.4", S): to_busy(S),
    ("LINK-10.4", S): lambda story: story.agreed(DEFAULT, BULK),
    ("LINK-10.5", M): lambda story: (
        story.agreed(DEFAULT, DEFAULT)
        .frame(M, FrameKind.SABM, pf=True)
        .wait(3)
        .frame(M, FrameKind.SABM, pf=True)
    ),
    ("LINK-11", M): repeated(FrameKind.SABM, 2, 0.5),
    ("LINK-11", S): repeated(FrameKind.DISC, 2, 0.5, S),
    ("LINK-12.1", M): silent(M),
    ("LINK-12.1", S): silent(S),
    ("LINK-13.2", S): lambda story: (
        heard(story)
        .frame(M, FrameKind.SABM, pf=True)
        .frame(S, FrameKind.DM, command=False, pf=True)
    ),
    ("LINK-14.1", M): rejects(M, pf=True, info=bytes(3)),
    ("LINK-14.1", S): rejects(S, pf=True, info=bytes(3)),
    ("LINK-14.2", M): rejects(M, pf=False, info=bytes(2)),
    ("LINK-17.3", M): reporting(FrameKind.SREJ, M),
    ("LINK-17.3", S): reporting(FrameKind.REJ, S),
    ("LINK-17.9", M): unagreed_report(M),
    ("LINK-17.9", S): unagreed_report(S),
}
"""What is told, by the clause and the side that fail."""

RIGHT: Final[dict[tuple[str, Role], Teller]] = {
    ("LINK-5.3", M): lambda story: story.frame(S, FrameKind.SABM, pf=True).frame(
        M, FrameKind.DM, command=False, pf=True
    ),
    ("LINK-7.5", M): lambda story: (
        story.agreed(_ONE, _ONE).up().ready(M).frame(M, FrameKind.REJ, command=False)
    ),
}
"""What is told, by the clause and the side of which it shows that they are right."""
