"""Samples of the routes of `dop_gateway.licences`."""

from tests.gateway_samples.sample import Sample, Samples

_REASON = {"reason": "a test"}
_LETTER = {"letter": "N"}
_NUMBER = {"number": "2"}
"""An application that waits; the first one was approved."""
_LICENCE = {"identifier": "N123456"}
_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
"""The generator of P-256: a point of the curve, whose private key is 1."""
_FORM = {
    "kind": "RENEWAL",
    "scenario": "OPEN",
    "identifier": "N123456",
    "licence": "N123456",
    "receipt": {
        "number": "FM0000020181413269550",
        "amount": "375.00",
        "paid_on": "2026-11-16",
    },
    **_REASON,
}

SAMPLES: Samples = {
    "GET /makers": Sample(),
    "POST /makers": Sample(body={"letter": "Q", "name": "A maker", **_REASON}),
    "GET /makers/{letter}": Sample(_LETTER),
    "POST /makers/{letter}/rename": Sample(
        _LETTER, body={"letter": "N", "name": "Quadient", **_REASON}
    ),
    "POST /makers/{letter}/models": Sample(
        _LETTER, body={"name": "FM-2", "approved_on": "2020-01-01", **_REASON}
    ),
    "POST /makers/{letter}/models/{model}/withdraw": Sample(
        {**_LETTER, "model": "FM-1"},
        body={"withdrawn_on": "2031-01-01", **_REASON},
    ),
    "POST /makers/{letter}/keys": Sample(
        _LETTER,
        body={"name": "Maker-N", "realm": "TEST", "public_key": _KEY, **_REASON},
    ),
    "POST /makers/{letter}/keys/{fingerprint}/end": Sample(
        {**_LETTER, "fingerprint": "0" * 64}, body=_REASON, works=False
    ),
    "GET /licence-applications": Sample(query="waiting=true"),
    "POST /licence-applications": Sample(body=_FORM, works=False),
    "GET /licence-applications/{number}": Sample(_NUMBER),
    "POST /licence-applications/{number}/check": Sample(
        _NUMBER,
        body={"checks": [{"item": "FEE", "result": "SATISFIED"}], **_REASON},
        works=False,
    ),
    **{
        f"POST /licence-applications/{{number}}/{act}": Sample(
            _NUMBER, body=_REASON, works=act == "reject"
        )
        for act in (
            *("send-out", "confirm", "object", "approve"),
            *("reject", "withdraw", "explain"),
        )
    },
    "GET /licences": Sample(query="state=REGISTERED"),
    **{
        f"GET /licences/{{identifier}}{what}": Sample(_LICENCE)
        for what in ("", "/history", "/certificate", "/card")
    },
    **{
        f"POST /licences/{{identifier}}/{act}": Sample(
            _LICENCE, body=_REASON, works=act == "block"
        )
        for act in ("block", "withhold", "release")
    },
    "POST /licences/{identifier}/revoke": Sample(
        _LICENCE,
        body={"why": "MISUSE", "refund_allowed": True, **_REASON},
        works=False,
    ),
    "POST /licences/{identifier}/told/{line}/again": Sample(
        {**_LICENCE, "line": "1"}, body=_REASON, works=False
    ),
}
