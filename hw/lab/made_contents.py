"""Contents that a case wants otherwise than they should be: bent, and signed again.

What is said of a content is done in this order; all but the last two are under the
signature, so that only the check that a case is about finds it.

============= ====================================================================
model=text    the model that it is for; ``own``: that of the machine under test
issued=±n     so many seconds later
valid_from=n  when it begins to hold, in the head alone
replace=a>b   the first *a* in the body becomes *b*
body=text     another body; ``hex:…`` octets; ``times=n``: so often
put=n:hex     octets of the whole from n on become these
realm=other   of the other realm, and signed for it by the same key
purpose=other signed with the context of a provisioning file
signature=    ``wrong``: a bit of it is turned
cut=n, pad=n  n octets less, or n octets of zeros more, at the end
============= ====================================================================
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hw.lab.signatures import OTHER_REALM
from hw.lab.values import HEX
from protocol.contents import Content, write_content
from protocol.contents.container import CONTEXT
from protocol.keys import SIGNATURE_OCTETS, MakerKey, sign
from protocol.values import EpochSeconds

BENDS: Final = frozenset(
    {
        *("model", "issued", "valid_from", "replace", "body", "times", "put"),
        *("realm", "purpose", "signature", "cut", "pad"),
    }
)
"""What may be said of a content of any kind."""
NUMBERS: Final = frozenset({"issued", "valid_from", "times", "cut", "pad"})
"""Of those, what are numbers."""
_OWN: Final = "own"
_WRONG: Final = "wrong"
_OTHER_PURPOSE: Final = "PROVISIONING"


def made(
    content: Content, maker: MakerKey, wish: Mapping[str, str], model: str
) -> bytes:
    """Write a content as a case wants it.

    Args:
        content: As it would be right.
        maker: Signs it.
        wish: What a case says of it.
        model: Of the machine under test.

    Raises:
        LocalProtocolError: A field does not fit.
    """
    named = wish.get("model", "")
    content = replace(
        content,
        model=model if named == _OWN else named,
        issued=EpochSeconds(content.issued + int(wish.get("issued", "0"), 0)),
        valid_from=EpochSeconds(int(wish.get("valid_from", str(content.valid_from)))),
        body=_body(content.body, wish),
    )
    if "realm" in wish:
        maker = replace(maker, realm=OTHER_REALM[maker.realm])
        content = replace(content, realm=maker.realm)
    covered = bytearray(write_content(content, maker)[:-SIGNATURE_OCTETS])
    if "put" in wish:
        place, _, value = wish["put"].partition(":")
        put = bytes.fromhex(value)
        covered[int(place, 0) : int(place, 0) + len(put)] = put
    context = _OTHER_PURPOSE if "purpose" in wish else CONTEXT
    octets = bytes(covered) + sign(maker.signing, context, maker.realm, bytes(covered))
    if wish.get("signature") == _WRONG:
        octets = turned(octets)
    octets = octets[: len(octets) - int(wish.get("cut", "0"), 0)]
    return octets + bytes(int(wish.get("pad", "0"), 0))


def turned(octets: bytes) -> bytes:
    """Turn a bit of the last octet."""
    return octets[:-1] + bytes([octets[-1] ^ 1])


def _body(body: bytes, wish: Mapping[str, str]) -> bytes:
    text = wish.get("body")
    if text is not None:
        is_hex = text.startswith(HEX)
        part = bytes.fromhex(text.removeprefix(HEX)) if is_hex else text.encode()
        body = part * int(wish.get("times", "1"), 0)
    if "replace" in wish:
        before, _, after = wish["replace"].partition(">")
        body = body.replace(before.encode(), after.encode(), 1)
    return body
