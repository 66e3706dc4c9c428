"""A maker and verifier of franks' barcodes, written from `protocol/SPEC.md` alone.

The section INDICIUM read a second time, with KEY-4, KEY-6 and CHAN-3: it shares no code
with the product. It makes `protocol/vectors/ind.json`; print the file with
``python -m tests.witness.spec_indicium``. A test compares it with the published one.
"""

import hmac
import json
import sys
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

INDIA = timezone(timedelta(hours=5, minutes=30))
REALMS = {"T": 0x54, "P": 0x50}
KINDS = {"VALID": 1, "ZERO": 2}
WORST_FIRST = (
    *("FORGED", "CLONED", "ROLLED_BACK", "ALTERED", "COPIED", "WRONG_REALM"),
    *("UNKNOWN_MACHINE", "MALFORMED", "NOT_READABLE", "NOT_YET", "STALE"),
)
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class MalformedError(Exception):
    """INDICIUM-2.4."""


@dataclass(frozen=True)
class Frank:
    """The fields of INDICIUM-2.2, but for version and signature."""

    kind: str
    realm: str
    licence: str
    generation: int
    item: int
    items: int
    ascending_paise: int
    descending_paise: int
    value_paise: int
    product_class: int
    time: int
    advance: int
    pin_code: int
    weight_g: int

    @property
    def made_on(self) -> date:
        return datetime.fromtimestamp(self.time, INDIA).date()

    @property
    def printed_on(self) -> date:
        return self.made_on + timedelta(days=self.advance)


def encode(frank: Frank) -> bytes:
    """INDICIUM-2.2: 45 octets."""
    return b"".join(
        (
            b"\x01",
            bytes([KINDS[frank.kind], REALMS[frank.realm]]),
            frank.licence[0].encode(),
            int(frank.licence[1:]).to_bytes(3, "big"),
            bytes([frank.generation]),
            frank.item.to_bytes(4, "big"),
            frank.items.to_bytes(4, "big"),
            frank.ascending_paise.to_bytes(7, "big"),
            frank.descending_paise.to_bytes(7, "big"),
            frank.value_paise.to_bytes(4, "big"),
            bytes([frank.product_class]),
            frank.time.to_bytes(4, "big"),
            bytes([frank.advance]),
            frank.pin_code.to_bytes(3, "big"),
            frank.weight_g.to_bytes(2, "big"),
        )
    )


def decode(octets: bytes) -> Frank:
    """Read 45 octets, or refuse them."""

    def number(first: int, count: int) -> int:
        return int.from_bytes(octets[first : first + count], "big")

    kinds = {value: name for name, value in KINDS.items()}
    realms = {value: name for name, value in REALMS.items()}
    if octets[0] != 1 or octets[1] not in kinds or octets[2] not in realms:
        raise MalformedError
    if not 0x41 <= octets[3] <= 0x5A or number(4, 3) > 999_999:
        raise MalformedError
    frank = Frank(
        kinds[octets[1]],
        realms[octets[2]],
        f"{chr(octets[3])}{number(4, 3):06d}",
        octets[7],
        number(8, 4),
        number(12, 4),
        number(16, 7),
        number(23, 7),
        number(30, 4),
        octets[34],
        number(35, 4),
        octets[39],
        number(40, 3),
        number(43, 2),
    )
    possible = (
        frank.generation >= 1
        and frank.item >= 1
        and frank.product_class >= 1
        and frank.time >= 1
        and frank.items <= frank.item
        and frank.ascending_paise + frank.descending_paise <= 2**53 - 1
        and 100_000 <= frank.pin_code <= 999_999
    )
    if frank.kind == "VALID":
        possible &= frank.value_paise >= 1 and frank.items >= 1
        possible &= frank.ascending_paise >= frank.value_paise
    else:
        possible &= frank.value_paise == 0 and frank.items < frank.item
    if not possible:
        raise MalformedError
    return frank


def covered(realm: str, unsigned: bytes) -> bytes:
    """KEY-4.2 with the context of INDICIUM-3.1."""
    return b"FMP/1 INDICIUM " + realm.encode() + b"\x00" + unsigned


def private(scalar: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(scalar, ec.SECP256R1())


def coordinates(key: ec.EllipticCurvePublicKey) -> bytes:
    numbers = key.public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def sign(frank: Frank, signing: int) -> bytes:
    """109 octets."""
    unsigned = encode(frank)
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    der = private(signing).sign(covered(frank.realm, unsigned), algorithm)
    r, s = decode_dss_signature(der)
    return unsigned + r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verifies(octets: bytes, realm: str, key: ec.EllipticCurvePublicKey) -> bool:
    r, s = (int.from_bytes(half, "big") for half in (octets[45:77], octets[77:]))
    if not (0 < r < N and 0 < s < N):
        return False
    try:
        key.verify(
            encode_dss_signature(r, s),
            covered(realm, octets[:45]),
            ec.ECDSA(hashes.SHA256()),
        )
    except InvalidSignature:
        return False
    return True


def ccs(subject: bytes, kid: bytes, point: bytes) -> bytes:
    """CHAN-3."""
    return b"".join(
        (
            b"\xa2\x02" + bytes([0x60 + len(subject)]) + subject,
            b"\x08\xa1\x01\xa5\x01\x02\x02" + bytes([0x40 + len(kid)]) + kid,
            b"\x20\x01\x21\x58\x20" + point[:32] + b"\x22\x58\x20" + point[32:],
        )
    )


def agree(own: int, peer: ec.EllipticCurvePublicKey) -> bytes:
    """Z of INDICIUM-4.1."""
    return private(own).exchange(ec.ECDH(), peer)


def code_info(realm: str, licence: str, machine_ccs: bytes, server_ccs: bytes) -> bytes:
    return (
        b"FMP/1 AUTHENTICATION CODE "
        + realm.encode()
        + b"\x00"
        + licence.encode()
        + sha256(machine_ccs).digest()[:8]
        + sha256(server_ccs).digest()[:8]
    )


def hkdf(secret: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, 32 octets."""
    extracted = hmac.new(bytes(32), secret, sha256).digest()
    return hmac.new(extracted, info + b"\x01", sha256).digest()


def code_octets(unsigned: bytes) -> bytes:
    """INDICIUM-4.2: licence, item, value, time, advance, PIN code."""
    return unsigned[3:7] + unsigned[8:12] + unsigned[30:34] + unsigned[35:43]


def code(key: bytes, unsigned: bytes) -> str:
    """INDICIUM-4.3."""
    return hmac.new(key, code_octets(unsigned), sha256).digest()[:4].hex().upper()


@dataclass
class Verifier:
    """INDICIUM-5 and INDICIUM-6: known machines, and what was seen."""

    machines: dict[tuple[str, str, int], ec.EllipticCurvePublicKey]
    key: bytes = b""
    past_days: int = 0
    ahead_days: int = 30
    seen: list[bytes] = field(default_factory=list)

    def verify(
        self, octets: bytes, today: date, printed: dict[str, Any] | None = None
    ) -> list[str]:
        """List the verdicts, the worst first; none for a genuine frank."""
        if len(octets) != 109:
            return ["NOT_READABLE"]
        try:
            frank = decode(octets[:45])
        except MalformedError:
            return ["MALFORMED"]
        realms = {realm for name, realm, _ in self.machines if name == frank.licence}
        if not realms:
            return ["UNKNOWN_MACHINE"]
        if frank.realm not in realms:
            return ["WRONG_REALM"]
        key = self.machines.get((frank.licence, frank.realm, frank.generation))
        if key is None or not verifies(octets, frank.realm, key):
            return ["FORGED"]
        found = self._against_seen(frank, octets[:45])
        if self._is_altered(frank, octets[:45], printed or {}):
            found.add("ALTERED")
        ahead = (frank.printed_on - today).days
        if ahead > self.ahead_days or frank.made_on > today:
            found.add("NOT_YET")
        elif -ahead > self.past_days:
            found.add("STALE")
        return sorted(found, key=WORST_FIRST.index)

    def _is_altered(
        self, frank: Frank, unsigned: bytes, printed: dict[str, Any]
    ) -> bool:
        told = {
            **asdict(frank),
            "printed_on": frank.printed_on.isoformat(),
            "code": code(self.key, unsigned) if self.key else printed.get("code"),
        }
        return any(told[name] != fact for name, fact in printed.items())

    def _against_seen(self, frank: Frank, unsigned: bytes) -> set[str]:
        found = set()
        of_machine = [
            (other.item, place, other, octets)
            for place, octets in enumerate(self.seen)
            for other in [decode(octets)]
            if (other.realm, other.licence) == (frank.realm, frank.licence)
        ]
        same_item = [one for one in of_machine if one[0] == frank.item]
        if any(octets == unsigned for *_, octets in same_item):
            found.add("COPIED")
        if any(octets != unsigned for *_, octets in same_item):
            found.add("CLONED")
        lower = [one for one in of_machine if one[0] < frank.item]
        higher = [one for one in of_machine if one[0] > frank.item]
        if lower:
            nearest = max(lower, key=lambda one: (one[0], -one[1]))
            if not one_memory(nearest[2], frank):
                found.add("ROLLED_BACK")
        if higher:
            nearest = min(higher, key=lambda one: (one[0], one[1]))
            if not one_memory(frank, nearest[2]):
                found.add("ROLLED_BACK")
        if unsigned not in self.seen:
            self.seen.append(unsigned)
        return found


def one_memory(earlier: Frank, later: Frank) -> bool:
    """INDICIUM-6.4."""
    n = later.items - earlier.items
    v = 1 if later.kind == "VALID" else 0
    r = later.ascending_paise - earlier.ascending_paise - later.value_paise
    if not v <= n <= later.item - earlier.item - (1 - v):
        return False
    return r == 0 if n == v else r >= n - v


# The vectors.


def scalar(name: str) -> int:
    """A private key anybody can recompute: SHA-256 of its name."""
    return int.from_bytes(sha256(f"FMP/1 vector, {name}".encode()).digest(), "big")


DH, SIGNING = scalar("machine"), scalar("machine signing")
SERVER, FORGER = scalar("server"), scalar("forger")
FIRST = Frank(
    kind="VALID",
    realm="T",
    licence="N123456",
    generation=1,
    item=621,
    items=618,
    ascending_paise=1_235_000,
    descending_paise=5_000,
    value_paise=500,
    product_class=3,
    time=1_795_325_400,
    advance=0,
    pin_code=560_001,
    weight_g=18,
)
TODAY = date(2026, 11, 22)


def _franks() -> list[tuple[str, str, Frank]]:
    return [
        ("ind-letter", "INDICIUM-2.2", FIRST),
        (
            "ind-zero-imprint",
            "INDICIUM-2.3",
            replace(FIRST, kind="ZERO", item=622, value_paise=0, weight_g=0),
        ),
        (
            "ind-dated-ahead",
            "INDICIUM-2.2",
            replace(
                FIRST,
                item=623,
                items=619,
                ascending_paise=1_237_500,
                descending_paise=2_500,
                value_paise=2_500,
                product_class=6,
                # 19:00 UTC: half past midnight of 2026-11-23 in India.
                time=1_795_374_000,
                advance=7,
                weight_g=250,
            ),
        ),
        ("ind-production", "INDICIUM-3.1", replace(FIRST, realm="P")),
        (
            "ind-widest",
            "INDICIUM-2.2",
            replace(
                FIRST,
                licence="Z999999",
                generation=255,
                item=2**32 - 1,
                items=2**32 - 1,
                ascending_paise=2**53 - 1,
                descending_paise=0,
                value_paise=2**32 - 1,
                product_class=255,
                time=2**32 - 1,
                advance=255,
                pin_code=999_999,
                weight_g=65_535,
            ),
        ),
    ]


def _scans() -> list[dict[str, Any]]:
    second = replace(
        FIRST, item=625, items=620, ascending_paise=1_238_600, value_paise=1_000
    )
    octets = sign(FIRST, SIGNING)
    s = int.from_bytes(octets[77:], "big")
    right_code = code(_key(), octets[:45])
    rows: list[tuple[str, str, bytes, dict[str, Any]]] = [
        ("another barcode", "INDICIUM-5.1", b"https://example.org", {}),
        ("another version", "INDICIUM-2.4", b"\x02" + octets[1:], {}),
        ("more items than imprints", "INDICIUM-2.4", _with(octets, 12, b"\xff"), {}),
        (
            "another machine",
            "INDICIUM-5.1",
            sign(replace(FIRST, licence="N123457"), SIGNING),
            {},
        ),
        (
            "another realm",
            "INDICIUM-5.1",
            sign(replace(FIRST, realm="P"), SIGNING),
            {},
        ),
        ("another key", "INDICIUM-5.3", sign(FIRST, FORGER), {}),
        ("a value changed", "INDICIUM-5.3", _with(octets, 32, b"\x13\x88"), {}),
        ("a generation unknown", "INDICIUM-5.1", _with(octets, 7, b"\x02"), {}),
        (
            "the first frank, all of its print read",
            "INDICIUM-5.1",
            octets,
            {
                "value_paise": 500,
                "printed_on": "2026-11-22",
                "item": 621,
                "licence": "N123456",
                "pin_code": 560_001,
                "product_class": 3,
                "code": right_code,
            },
        ),
        ("the first frank again", "INDICIUM-6.2", octets, {}),
        (
            "again, its signature mirrored (r, n - s)",
            "INDICIUM-3.2",
            octets[:77] + (N - s).to_bytes(32, "big"),
            {},
        ),
        ("a frank three items later", "INDICIUM-6.4", sign(second, SIGNING), {}),
        (
            "a twin of the first, with other print",
            "INDICIUM-6.3",
            sign(replace(FIRST, weight_g=40), SIGNING),
            {"value_paise": 50_000},
        ),
        (
            "one in between whose AR went back",
            "INDICIUM-6.4",
            sign(
                replace(FIRST, item=623, items=619, ascending_paise=1_235_000), SIGNING
            ),
            {},
        ),
        (
            "another code printed",
            "INDICIUM-4.3",
            sign(
                replace(second, item=626, items=621, ascending_paise=1_239_600), SIGNING
            ),
            {"code": "00000000"},
        ),
        (
            "dated 31 days ahead",
            "INDICIUM-5.4",
            sign(
                replace(
                    second, item=627, items=622, ascending_paise=1_240_600, advance=31
                ),
                SIGNING,
            ),
            {},
        ),
        (
            "dated yesterday",
            "INDICIUM-5.4",
            sign(replace(FIRST, item=1, items=1, time=1_795_239_000), SIGNING),
            {},
        ),
    ]
    verifier = Verifier({("N123456", "T", 1): private(SIGNING).public_key()}, _key())
    return [
        {
            "what": what,
            "clause": clause,
            "octets": octets_.hex(),
            "printed": printed,
            "verdicts": verifier.verify(octets_, TODAY, printed),
        }
        for what, clause, octets_, printed in rows
    ]


def _with(octets: bytes, offset: int, new: bytes) -> bytes:
    return octets[:offset] + new + octets[offset + len(new) :]


def _credentials(realm: str = "T") -> tuple[bytes, bytes]:
    machine = coordinates(private(DH).public_key())
    server = coordinates(private(SERVER).public_key())
    subject = realm.encode() + b":"
    return (
        ccs(subject + b"PSD00001", b"N123456", machine),
        ccs(subject + b"rmfs.example", b"\x05", server),
    )


def _key() -> bytes:
    info = code_info("T", "N123456", *_credentials())
    return hkdf(agree(DH, private(SERVER).public_key()), info)


def make() -> dict[str, Any]:
    machine_ccs, server_ccs = _credentials()
    key = _key()
    franks = [
        {
            "id": name,
            "clause": clause,
            "fields": {**asdict(frank), "printed_on": frank.printed_on.isoformat()},
            "unsigned": encode(frank).hex(),
            "covered": covered(frank.realm, encode(frank)).hex(),
            "octets": sign(frank, SIGNING).hex(),
            "code_octets": code_octets(encode(frank)).hex(),
            "code": code(key, encode(frank)),
        }
        for name, clause, frank in _franks()
    ]
    return {
        "what": "The barcode of a frank: octets, signature, authentication code, and "
        "what a verifier says. All of it is this project's own: what India Post's "
        "machines print is not public.",
        "source": "protocol/SPEC.md INDICIUM; made by tests/witness/spec_indicium.py, "
        "which shares no code with the product. Private keys are SHA-256 of a name and "
        "belong to nobody. Octets are lower-case hex. Every code is made with the one "
        "key of this file; every frank is signed by the one signing key.",
        "clauses": {
            "franks": ["INDICIUM-2", "INDICIUM-3", "INDICIUM-4"],
            "authentication": ["INDICIUM-4"],
            "scans": ["INDICIUM-5", "INDICIUM-6"],
        },
        "machine": {
            "licence": "N123456",
            "psd_serial": "PSD00001",
            "dh_private": DH.to_bytes(32, "big").hex(),
            "signing_private": SIGNING.to_bytes(32, "big").hex(),
            "signing_public": coordinates(private(SIGNING).public_key()).hex(),
            "ccs": machine_ccs.hex(),
        },
        "server": {
            "name": "rmfs.example",
            "kid": 5,
            "dh_private": SERVER.to_bytes(32, "big").hex(),
            "ccs": server_ccs.hex(),
        },
        "franks": franks,
        "authentication": {
            "secret": agree(DH, private(SERVER).public_key()).hex(),
            "info": code_info("T", "N123456", machine_ccs, server_ccs).hex(),
            "key": key.hex(),
        },
        "scans": {
            "how": "one verifier with one register sees these in this order; it knows "
            "N123456 in the realm T, generation 1, has the key, and accepts no day "
            "past and 30 ahead",
            "today": TODAY.isoformat(),
            "in_order": _scans(),
        },
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(make(), indent=2) + "\n")
