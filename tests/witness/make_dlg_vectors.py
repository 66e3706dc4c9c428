"""Make protocol/vectors/dlg.json from the words of SPEC.md alone.

Nothing of the product is imported: layouts are read from the octet tables printed in
SPEC.md, signatures come from `cryptography` with the nonce of RFC 6979. Run it as
``python -m tests.witness.make_dlg_vectors`` after a table has changed.
"""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PROTOCOL = Path(__file__).parents[2] / "protocol"
HOW = (
    "tests/witness/make_dlg_vectors.py: fields packed by the octet tables of SPEC.md; "
    "ECDSA P-256, SHA-256, deterministic nonce (RFC 6979)"
)
PSD_KEY = 0x1111111111111111111111111111111111111111111111111111111111111111
CREDIT_KEY = 0x2222222222222222222222222222222222222222222222222222222222222222
BINDING = bytes(range(0x40, 0x60))
REALM = "T"


def tables() -> dict[str, list[tuple[str, int]]]:
    """Read the octet tables of SPEC.md: message name to (field, octets)."""
    found: dict[str, list[tuple[str, int]]] = {}
    text = (PROTOCOL / "SPEC.md").read_text("utf-8")
    for block in re.finditer(r"<!-- octets: (\w+) -->\n\n((?:\|.*\n)+)", text):
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in block.group(2).splitlines()[2:]
        ]
        found[block.group(1)] = [(row[2], int(row[1])) for row in rows]
    return found


def pack(name: str, fields: dict[str, Any], layout: list[tuple[str, int]]) -> bytes:
    """Join the fields of one message in the order of its table."""
    octets = b""
    for field, width in layout:
        value = fields[field]
        part = (
            bytes.fromhex(value)
            if isinstance(value, str)
            else value.to_bytes(width, "big")
        )
        if len(part) != width:
            raise ValueError(f"{name}.{field} is {len(part)} octets, not {width}")
        octets += part
    return octets


def covered(context: str, octets: bytes) -> bytes:
    """Give the octets that a signature covers: context, realm, a zero octet, octets."""
    return f"FMP/1 {context} {REALM}".encode("ascii") + b"\0" + octets


def sign(scalar: int, context: str, octets: bytes) -> bytes:
    """Sign as KEY-4 says; r then s."""
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    der = key.sign(
        covered(context, octets), ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    )
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def registers(ascending: int, descending: int, items: int, zero: int) -> dict[str, int]:
    """Give the five register fields."""
    return {
        "ascending_paise": ascending,
        "descending_paise": descending,
        "control_total_paise": ascending + descending,
        "items": items,
        "items_with_zero": zero,
    }


USAGE_ROWS = [(3, 40, 120_000), (7, 2, 4_000)]


def digest() -> str:
    """Digest the usage table as DLG-9.1 says."""
    rows = b"".join(
        number.to_bytes(1, "big") + items.to_bytes(4, "big") + paise.to_bytes(8, "big")
        for number, items, paise in USAGE_ROWS
    )
    return sha256(rows).digest()[:8].hex()


LICENCE = b"N123456".hex()
TYPES = {
    "STATEMENT": 0x10,
    "CONFIRMATION": 0x11,
    "USAGE": 0x12,
    "GOODBYE": 0x14,
    "LAST_VOUCHER": 0x15,
    "WANT": 0x16,
    "VOUCHER": 0x20,
    "REFUSAL": 0x21,
    "RECEIPT": 0x22,
    "ACK": 0x23,
    "ORDER": 0x24,
    "CONTENT": 0x25,
}

CONTENT = bytes(octet * octet % 251 for octet in range(612))
"""Two parts, of 512 and 100 octets; on the line nobody reads what is in them."""


def content_id() -> int:
    """Name the content as DLG-16.1 says."""
    return int.from_bytes(sha256(CONTENT).digest()[:8], "big")


def examples() -> list[tuple[str, str, str, dict[str, Any], tuple[int, bytes] | None]]:
    """List the examples: id, clause, message, fields, signing key and what precedes."""
    voucher = {
        "kind": 1,
        "licence": LICENCE,
        "credential_hash": "0011223344556677",
        "recharge_number": 5,
        "amount_paise": 200_000,
        "control_total_before_paise": 324_000,
        "control_total_after_paise": 524_000,
        "time": 1_795_219_200,
        "credit_key": 1,
    }
    void = voucher | {
        "kind": 3,
        "amount_paise": 0,
        "control_total_after_paise": 324_000,
    }
    mark = "a1b2c3d4e5f60718"
    usage = {"dial_in": 12, "part": 1, "parts": 1}
    for index in range(1, 5):
        row = USAGE_ROWS[index - 1] if index <= len(USAGE_ROWS) else (0, 0, 0)
        names = (f"class_{index}", f"items_{index}", f"amount_{index}_paise")
        usage |= dict(zip(names, row, strict=True))
    psd = (PSD_KEY, BINDING)
    credit = (CREDIT_KEY, b"")
    return [
        (
            "statement-recharge",
            "DLG-4",
            "STATEMENT",
            {
                "version": 1,
                "capabilities": 0,
                "licence": LICENCE,
                "psd_serial": b"PSD00001".hex(),
                "firmware_major": 1,
                "firmware_minor": 2,
                "firmware_patch": 3,
                "state": 2,
                **registers(124_000, 200_000, 42, 43),
                "recharge_number": 4,
                "order_serial": 2,
                "mark": mark,
                "usage_digest": digest(),
                "time": 1_795_219_190,
                "dial_in": 12,
                "request": 1,
                "amount_paise": 200_000,
            },
            psd,
        ),
        ("voucher-recharge", "DLG-5", "VOUCHER", voucher, credit),
        ("voucher-void", "REG-7.2", "VOUCHER", void, credit),
        (
            "confirmation",
            "DLG-6",
            "CONFIRMATION",
            {
                "licence": LICENCE,
                "recharge_number": 5,
                **registers(124_000, 400_000, 42, 43),
                "state": 2,
            },
            psd,
        ),
        (
            "receipt",
            "DLG-7",
            "RECEIPT",
            {
                "recharge_number": 5,
                "mark": "18070f6e5d4c3b2a",
                "time": 1_795_219_201,
                "funds_paise": 300_000,
                "licence_state": 1,
                "orders": 1,
            },
            None,
        ),
        (
            "order-next-call",
            "DLG-10.5",
            "ORDER",
            {"order_serial": 3, "order": 4, "value": 1_797_811_200},
            None,
        ),
        (
            "order-nothing",
            "DLG-10.7",
            "ORDER",
            {"order_serial": 3, "order": 5, "value": 0},
            None,
        ),
        (
            "order-tariff",
            "DLG-10.9",
            "ORDER",
            {"order_serial": 4, "order": 16, "value": content_id()},
            None,
        ),
        (
            "want",
            "DLG-16.2",
            "WANT",
            {"content_id": content_id(), "offset": 512},
            None,
        ),
        *(
            (
                name,
                clause,
                "CONTENT",
                {
                    "content_id": content_id(),
                    "offset": offset,
                    "total": total,
                    "data": data.ljust(512, b"\0").hex(),
                },
                None,
            )
            for name, clause, offset, total, data in (
                ("content-part", "DLG-16.3", 0, len(CONTENT), CONTENT[:512]),
                ("content-last-part", "DLG-16.3", 512, len(CONTENT), CONTENT[512:]),
                ("content-not-here", "DLG-16.3", 512, 0, b""),
            )
        ),
        ("usage", "DLG-9", "USAGE", usage, None),
        ("ack-usage", "DLG-9", "ACK", {"of_type": 0x12, "number": 12}, None),
        (
            "goodbye",
            "DLG-7",
            "GOODBYE",
            {"mark": "18070f6e5d4c3b2a", "order_serial": 3},
            None,
        ),
        (
            "refusal-funds-short",
            "DLG-8",
            "REFUSAL",
            {
                "recharge_number": 5,
                "code": 2,
                "disposition": 0,
                "allowed_paise": 100_000,
                "receipt_follows": 1,
            },
            None,
        ),
        (
            "refusal-mark-wrong",
            "DLG-8.1",
            "REFUSAL",
            {
                "recharge_number": 5,
                "code": 36,
                "disposition": 1,
                "allowed_paise": 0,
                "receipt_follows": 0,
            },
            None,
        ),
    ]


def main() -> None:
    """Write the vectors."""
    layouts = tables()
    vectors: list[dict[str, Any]] = []
    for name, clause, message, fields, key in examples():
        layout = layouts[message]
        values = {"type": TYPES[message], **fields}
        signing = {}
        if key is not None:
            scalar, before = key
            unsigned = pack(message, values, layout[:-1])
            signature = sign(scalar, message, before + unsigned)
            values["signature"] = signature.hex()
            signing = {
                "private_scalar": f"{scalar:064x}",
                "context": f"FMP/1 {message} {REALM}",
                "realm": REALM,
                "signed_octets_before_message": before.hex(),
                "covered": covered(message, before + unsigned).hex(),
            }
        octets = pack(message, values, layout)
        del values["type"]
        vectors.append(
            {
                "id": name,
                "clause": clause,
                "how": HOW,
                "message": message,
                "fields": values,
                **signing,
                "octets": octets.hex(),
            }
        )
        if name == "voucher-recharge":
            last = octets
    octets = pack(
        "LAST_VOUCHER",
        {"type": TYPES["LAST_VOUCHER"], "voucher": last.hex()},
        layouts["LAST_VOUCHER"],
    )
    vectors.append(
        {
            "id": "last-voucher",
            "clause": "DLG-8.3",
            "how": HOW,
            "message": "LAST_VOUCHER",
            "fields": {"voucher": last.hex()},
            "octets": octets.hex(),
        }
    )
    rows = [dict(zip(("class", "items", "paise"), r, strict=True)) for r in USAGE_ROWS]
    vectors.append(
        {
            "id": "usage-digest",
            "clause": "DLG-9.1",
            "how": "SHA-256 over the packed rows, first 8 octets",
            "rows": rows,
            "digest": digest(),
        }
    )
    vectors.append(
        {
            "id": "content-id",
            "clause": "DLG-16.1",
            "how": "SHA-256 over the whole content, first 8 octets",
            "content": CONTENT.hex(),
            "content_id": f"{content_id():016x}",
        }
    )
    text = json.dumps({"vectors": vectors}, indent=1)
    (PROTOCOL / "vectors" / "dlg.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
