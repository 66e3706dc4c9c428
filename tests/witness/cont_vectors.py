"""Makes `protocol/vectors/cont.json`: signed contents, postage, what is no content.

Made from the octets and tables of the spec alone, with a JSON writer, a postage rule
and whole-number arithmetic of its own; nothing of the product goes in. Print the file
with ``python -m tests.witness.cont_vectors``; a test compares it with the one that is
published.

Source: SPEC.md CONT and KEY-4, read a second time.
"""

import json
import sys
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any

from tests.witness import ecdsa_peer
from tests.witness.key_vectors import octets, point, scalar

HOW = (
    "tests/witness/cont_vectors.py: octets by the tables of SPEC.md, ECDSA P-256 with "
    "the nonce of RFC 6979 in whole numbers"
)
ISSUED = 1_790_000_000
KINDS = {"TARIFF": 16, "SLOGAN": 17, "FIRMWARE": 18, "CREDIT_KEY": 19}

LETTER: dict[str, Any] = {
    "number": 3,
    "letters": "L",
    "name": "letter",
    "source": 'invented for "vectors" \\ no tariff',
    "zones": [],
    "steps": [{"up_to_g": 20, "paise": [500]}],
    "further": {"every_g": 20, "paise": [500]},
    "weight_max_g": 500,
    "additions": [],
}
BOOK_POST: dict[str, Any] = {
    **LETTER,
    "number": 4,
    "letters": "BP",
    "name": "book post",
    "steps": [{"up_to_g": 50, "paise": [400]}],
    "further": {"every_g": 70, "paise": [300]},
    "weight_max_g": 260,
    "additions": [
        {"name": "registration", "paise": 500},
        {"name": "one more", "paise": 1},
    ],
}
SPEED_POST: dict[str, Any] = {
    **LETTER,
    "number": 6,
    "letters": "SP",
    "name": "speed post",
    "zones": ["LOCAL", "200", "OVER"],
    "steps": [
        {"up_to_g": 50, "paise": [1900, 4700, 4700]},
        {"up_to_g": 250, "paise": [2400, 5900, 7700]},
        {"up_to_g": 500, "paise": [2800, 7000, 9300]},
    ],
    "further": None,
}
TARIFF: dict[str, Any] = {
    "number": 7,
    "valid_from": "2025-10-01",
    "name": "vectors",
    "source": "invented for vectors",
    "classes": [LETTER, BOOK_POST, SPEED_POST],
}
SLOGAN: dict[str, Any] = {
    "number": 2,
    "name": "Save water",
    "lines": ["SAVE WATER", "SAVE LIFE"],
    "customer": 0,
    "approved": "LA/KN/2026/17",
}
IMAGE: dict[str, Any] = {
    "version": [0, 2, 1],
    "notes": "new fonts",
    "boots": True,
    "payload": "00ff10",
}


def canonical(value: Any) -> str:
    """Write JSON in the one form of CONT-3.1."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ",".join(canonical(one) for one in value) + "]"
    members = [f"{canonical(name)}:{canonical(value[name])}" for name in sorted(value)]
    return "{" + ",".join(members) + "}"


def midnight(day: str) -> int:
    """The start of a day in India."""
    days = (date.fromisoformat(day) - date(1970, 1, 1)).days
    return days * 86_400 - (5 * 60 + 30) * 60


def head(
    kind: int,
    number: int,
    valid_from: int,
    length: int,
    *,
    realm: str = "T",
    model: str = "",
) -> bytes:
    return b"".join(
        (
            b"FMPC\x01",
            bytes([kind]),
            realm.encode(),
            b"\x00",
            model.encode().ljust(16, b"\x00"),
            octets(number, 4),
            octets(ISSUED, 4),
            octets(valid_from, 4),
            octets(length, 4),
        )
    )


def signed(
    message: bytes, realm: str = "T", maker: str = "maker", context: str = "CONTENT"
) -> bytes:
    covered = f"FMP/1 {context} {realm}".encode() + b"\x00" + message
    return message + ecdsa_peer.sign(scalar(maker), covered)


def named(whole: bytes) -> str:
    return sha256(whole).hexdigest()[:16]


def content(
    name: str,
    kind: str,
    body: bytes,
    number: int,
    valid_from: int = 0,
    *,
    realm: str = "T",
    model: str = "",
) -> dict[str, Any]:
    message = head(KINDS[kind], number, valid_from, len(body), realm=realm, model=model)
    message += body
    whole = signed(message, realm)
    return {
        "id": name,
        "clause": "CONT-1",
        "how": HOW,
        "kind": kind,
        "realm": realm,
        "model": model,
        "number": number,
        "issued": ISSUED,
        "valid_from": valid_from,
        "body": body.hex(),
        "covered": (f"FMP/1 CONTENT {realm}".encode() + b"\x00" + message).hex(),
        "octets": whole.hex(),
        "content_id": named(whole),
    }


def server_octets(realm: str, key_id: int) -> bytes:
    return b"".join(
        (
            b"\x01S" + realm.encode() + b"\x05",
            b"rmfs.example".ljust(16, b"\x00"),
            point(scalar("server")),
            bytes([key_id]),
            point(scalar("credit 2")),
            octets(ISSUED, 4),
        )
    )


def contents() -> Iterator[dict[str, Any]]:
    tariff = canonical(TARIFF).encode()
    begins = midnight("2025-10-01")
    yield content("tariff", "TARIFF", tariff, 7, begins)
    yield content(
        "tariff-of-production-for-one-model",
        "TARIFF",
        tariff,
        7,
        begins,
        realm="P",
        model="FM 100",
    )
    yield content("slogan", "SLOGAN", canonical(SLOGAN).encode(), 2)
    yield content("firmware", "FIRMWARE", canonical(IMAGE).encode(), 2 * 256 + 1)
    fails = {**IMAGE, "version": [255, 0, 3], "boots": False, "payload": ""}
    yield content(
        "firmware-that-fails", "FIRMWARE", canonical(fails).encode(), 255 * 65536 + 3
    )
    yield content("credit-key", "CREDIT_KEY", server_octets("T", 2), 2)


def refusals() -> Iterator[dict[str, Any]]:
    """What is no content, with the first fault by CONT-2.1."""

    def refused(name: str, clause: str, fault: str, whole: bytes) -> dict[str, Any]:
        return {
            "id": name,
            "clause": clause,
            "how": HOW,
            "fault": fault,
            "octets": whole.hex(),
        }

    slogan = canonical(SLOGAN).encode()
    good = head(17, 2, 0, len(slogan)) + slogan
    whole = signed(good)

    def at(offset: int, changed: bytes) -> bytes:
        return signed(good[:offset] + changed + good[offset + len(changed) :])

    def body(text: str, kind: int = 17, number: int = 2, begins: int = 0) -> bytes:
        return signed(head(kind, number, begins, len(text)) + text.encode())

    yield refused("empty", "CONT-1.1", "SIZE", b"")
    yield refused("one-octet-short", "CONT-1.1", "SIZE", whole[:-1])
    yield refused("one-octet-more", "CONT-1.1", "SIZE", whole + b"\x00")
    yield refused("length-of-nothing", "CONT-1.1", "SIZE", at(36, bytes(4)))
    yield refused("another-magic", "CONT-2.1", "FORM", at(0, b"FMPD"))
    yield refused("another-version", "CONT-2.1", "FORM", at(4, b"\x02"))
    yield refused("zero-octet-is-one", "CONT-2.1", "FORM", at(7, b"\x01"))
    yield refused("kind-15", "CONT-2.1", "FORM", at(5, b"\x0f"))
    yield refused("kind-20", "CONT-2.1", "FORM", at(5, b"\x14"))
    yield refused("model-begins-with-space", "CONT-2.1", "FORM", at(8, b" FM 100"))
    yield refused("model-after-a-zero", "CONT-2.1", "FORM", at(8, b"F\x00M"))
    yield refused("model-not-ascii", "CONT-2.1", "FORM", at(8, b"\xe9"))
    yield refused("another-realm", "KEY-2.2", "REALM", at(6, b"P"))
    yield refused(
        "signature-of-another-realm", "KEY-2.2", "SIGNATURE", signed(good, "P")
    )
    yield refused(
        "another-maker", "CONT-2.1", "SIGNATURE", signed(good, maker="another maker")
    )
    yield refused(
        "another-context",
        "KEY-4.2",
        "SIGNATURE",
        signed(good, context="PROVISIONING"),
    )
    yield refused(
        "last-bit", "CONT-2.1", "SIGNATURE", whole[:-1] + bytes([whole[-1] ^ 1])
    )
    yield refused("signature-of-zeros", "KEY-4.4", "SIGNATURE", good + bytes(64))
    text = slogan.decode()
    for name, clause, wrong in (
        ("a-space", "CONT-3.1", text.replace(":2", ": 2")),
        ("a-fraction", "CONT-3.1", text.replace(":2", ":2.0")),
        ("a-leading-zero", "CONT-3.1", text.replace(":2", ":02")),
        ("an-escape", "CONT-3.1", text.replace('"Save', '"\\u0053ave')),
        ("another-order", "CONT-3.1", '{"number":2,' + text[1:-12] + "}"),
        ("a-member-twice", "CONT-3.2", '{"approved":"x",' + text[1:]),
        ("a-member-too-much", "CONT-3.2", text.replace("}", ',"z":1}')),
        ("a-member-too-few", "CONT-3.2", text.replace('"customer":0,', "")),
        ("a-truth-for-a-number", "CONT-3.1", text.replace(":2", ":true")),
        ("a-text-that-ends-with-space", "CONT-3.3", text.replace('LIFE"', 'LIFE "')),
        ("four-lines", "CONT-5", text.replace('["', '["A","B","')),
        ("a-line-of-25", "CONT-5", text.replace("SAVE LIFE", "S" * 25)),
    ):
        if wrong == text:
            raise ValueError(name)
        yield refused(name, clause, "BODY", body(wrong))
    eleven = canonical({**SLOGAN, "number": 11})
    yield refused("slogan-11", "CONT-5", "BODY", body(eleven, number=11))
    for name, clause, wrong_class in (
        (
            "prices-for-too-few-zones",
            "CONT-4.1",
            {**SPEED_POST, "zones": ["A", "B", "C", "D"]},
        ),
        ("a-zone-twice", "CONT-4", {**SPEED_POST, "zones": ["A", "B", "A"]}),
        ("last-step-below-the-weight", "CONT-4", {**SPEED_POST, "weight_max_g": 501}),
        ("further-never-used", "CONT-4", {**LETTER, "weight_max_g": 20}),
        (
            "postage-beyond-a-barcode",
            "CONT-4.2",
            {**LETTER, "further": {"every_g": 480, "paise": [2**32 - 500]}},
        ),
        (
            "steps-that-do-not-rise",
            "CONT-4",
            {**SPEED_POST, "steps": [SPEED_POST["steps"][2]] * 2},
        ),
    ):
        wrong = canonical({**TARIFF, "classes": [wrong_class]})
        begins = midnight("2025-10-01")
        yield refused(name, clause, "BODY", body(wrong, 16, 7, begins))
    tariff = canonical(TARIFF)
    twice = canonical({**TARIFF, "classes": [LETTER, LETTER]})
    begins = midnight("2025-10-01")
    yield refused("a-class-twice", "CONT-4", "BODY", body(twice, 16, 7, begins))
    yield refused("another-number", "CONT-2.1", "DIFFERS", body(text, number=3))
    yield refused("slogan-from-a-day", "CONT-5", "DIFFERS", body(text, begins=1))
    yield refused(
        "tariff-from-midnight-in-greenwich",
        "CONT-4",
        "DIFFERS",
        body(tariff, 16, 7, begins + 19_800),
    )
    image = canonical(IMAGE)
    yield refused("another-version-number", "CONT-6", "DIFFERS", body(image, 18, 21))
    production = server_octets("P", 2)
    message = head(19, 2, 0, len(production)) + production
    yield refused("credit-key-of-production", "CONT-7", "DIFFERS", signed(message))


def price(product: dict[str, Any], zone: str, weight_g: int) -> int:
    """The postage of CONT-8.2, gram by gram."""
    column = product["zones"].index(zone) if product["zones"] else 0
    due: int = sum(addition["paise"] for addition in product["additions"])
    reaching = [step for step in product["steps"] if step["up_to_g"] >= weight_g]
    if reaching:
        return due + int(reaching[0]["paise"][column])
    due += product["steps"][-1]["paise"][column]
    covered_g = product["steps"][-1]["up_to_g"]
    while covered_g < weight_g:
        covered_g += product["further"]["every_g"]
        due += product["further"]["paise"][column]
    return due


def edges(product: dict[str, Any]) -> list[int]:
    """Every weight before and after which the price changes."""
    ends = {step["up_to_g"] for step in product["steps"]}
    if product["further"]:
        last = max(ends)
        ends |= set(range(last, product["weight_max_g"], product["further"]["every_g"]))
    ends |= {product["weight_max_g"]}
    return sorted({1} | ends | {end + 1 for end in ends if end < max(ends)})


def postages() -> Iterator[dict[str, Any]]:
    for product in TARIFF["classes"]:
        for zone in product["zones"] or [""]:
            for weight_g in edges(product):
                yield {
                    "id": f"postage-{product['letters']}-{zone or 'any'}-{weight_g}",
                    "clause": "CONT-8.2",
                    "how": "tests/witness/cont_vectors.py: added gram by gram",
                    "tariff": "tariff",
                    "class": product["number"],
                    "zone": zone,
                    "weight_g": weight_g,
                    "paise": price(product, zone, weight_g),
                }


def make() -> dict[str, Any]:
    return {
        "what": "Signed contents, postage by a tariff, and octets that are no content.",
        "source": "protocol/SPEC.md CONT; made by tests/witness/cont_vectors.py. "
        "Private keys are SHA-256 of a name and belong to nobody. Octets are "
        "lower-case hex. Prices are invented.",
        "maker_key": {
            "realm": "T",
            "private": octets(scalar("maker")).hex(),
            "x": point(scalar("maker"))[:32].hex(),
            "y": point(scalar("maker"))[32:].hex(),
        },
        "vectors": list(contents()),
        "postage": list(postages()),
        "refused": list(refusals()),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(make(), indent=1) + "\n")
