"""Samples of the routes of `dop_gateway.exchange`."""

from tests.gateway_samples.sample import Sample, Samples

_REASON = {"reason": "a test"}
_PARTY = {"code": "N"}
_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
"""The generator of P-256: a point of the curve, whose private key is 1."""
_SSH_KEY = "ssh-ed25519 " + "A" * 68

SAMPLES: Samples = {
    "GET /exchange/parties": Sample(),
    "POST /exchange/parties": Sample(
        body={"code": "N", "kind": "MAKER", "name": "A maker", **_REASON}
    ),
    "GET /exchange/parties/{code}": Sample(_PARTY, works=False),
    "POST /exchange/parties/{code}/state": Sample(
        _PARTY, body={"state": "OPEN", **_REASON}, works=False
    ),
    "POST /exchange/parties/{code}/keys": Sample(
        _PARTY,
        body={
            "key_id": "oem-n-1",
            "public_key": _KEY,
            "valid_from": "2026-01-01",
            **_REASON,
        },
        works=False,
    ),
    "POST /exchange/parties/{code}/keys/{key_id}/end": Sample(
        {**_PARTY, "key_id": "oem-n-1"},
        body={"valid_to": "2031-01-01", **_REASON},
        works=False,
    ),
    "POST /exchange/parties/{code}/account": Sample(
        _PARTY,
        body={"login": "maker-n", "ssh_key": _SSH_KEY, **_REASON},
        works=False,
    ),
    "POST /exchange/parties/{code}/skip": Sample(
        _PARTY, body={"layout": "usage", "through": 1, **_REASON}, works=False
    ),
    "GET /exchange/files": Sample(query="direction=OUT&state=OFFERED"),
    "GET /exchange/files/{number}": Sample({"number": "1"}, works=False),
    "GET /exchange/files/{number}/octets": Sample({"number": "1"}, works=False),
    "GET /exchange/windows": Sample(query="first_day=2026-11-16"),
}
