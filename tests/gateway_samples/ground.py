"""Samples of the ground: people, offices, calendars, parameters, jobs, messages, audit.

Each is asked by everybody in turn, and so by several who may: what can be done once is
refused to the second.
"""

from hashlib import sha256
from importlib.resources import files

from tests.gateway_samples.sample import Sample, Samples

_REASON = {"reason": "a test"}
_CSV = files("dop_gateway.offices").joinpath("sample.csv").read_bytes()
_TOP = "F000000018"
_FREE = {"login": "free"}
_ROLE = {"role": "AUDITOR", "scope_kind": "EVERYTHING", **_REASON}
_PIN = {"facility": "F000000018"}

SAMPLES: Samples = {
    "POST /sessions": Sample(
        body={"login": "nobody", "password": "wrong"}, works=False
    ),
    "GET /me": Sample(),
    "POST /me/sign-out": Sample(),
    "POST /me/password": Sample(
        body={"old": "wrong", "new": "seven brown foxes"}, works=False
    ),
    "GET /me/sessions": Sample(),
    "POST /me/sessions/end": Sample(body={"password": "wrong"}, works=False),
    "POST /me/second-factor": Sample(body={"password": "wrong"}, works=False),
    "POST /me/second-factor/confirm": Sample(body={"code": "000000"}, works=False),
    "GET /people": Sample(),
    "POST /people": Sample(
        body={
            "login": "new",
            "name": "New",
            "kind": "STAFF",
            "email": "new@example.org",
            **_REASON,
        }
    ),
    "GET /people/{login}": Sample(_FREE),
    "POST /people/{login}/state": Sample(_FREE, body={"state": "ACTIVE", **_REASON}),
    "POST /people/{login}/reset": Sample(_FREE, body=_REASON),
    "POST /people/{login}/roles": Sample(_FREE, body=_ROLE),
    "POST /people/{login}/roles/end": Sample(_FREE, body=_ROLE, works=False),
    "GET /offices": Sample(query="kind=CIRCLE"),
    "POST /offices": Sample(
        body={"parent": _TOP, "kind": "REGION", "name": "A new one", **_REASON}
    ),
    "GET /offices/{facility}": Sample({"facility": _TOP}),
    "POST /offices/{facility}/correct": Sample(
        {"facility": _TOP}, body={"name_hi": "डाक निदेशालय", **_REASON}
    ),
    "POST /offices/{facility}/put-under": Sample(
        {"facility": _TOP}, body={"parent": _TOP, **_REASON}, works=False
    ),
    "POST /offices/{facility}/serve-pin": Sample(_PIN, body=_REASON, works=False),
    "POST /offices/{facility}/close": Sample(_PIN, body=_REASON, works=False),
    "POST /office-directories/plan": Sample(octets=_CSV, media_type="text/csv"),
    "POST /office-directories": Sample(
        query=f"sha256={sha256(_CSV).hexdigest()}&reason=test",
        octets=_CSV,
        media_type="text/csv",
    ),
    "GET /calendars": Sample(),
    "GET /calendars/{name}": Sample({"name": "DCR"}, query="year=2026"),
    "GET /calendars/{name}/working-day": Sample(
        {"name": "COMMON"}, query="after=2026-11-14&days=3"
    ),
    "POST /calendars/{name}/days": Sample(
        {"name": "COMMON"},
        body={"day": "2026-11-19", "name": "A holiday", **_REASON},
    ),
    "POST /calendars/{name}/days/{day}/take-back": Sample(
        {"name": "COMMON", "day": "2026-11-19"}, body=_REASON, works=False
    ),
    "POST /calendars/{name}/years": Sample(
        {"name": "COMMON"},
        body={
            "year": 2031,
            "source": "a test",
            "holidays": [{"day": "2031-01-26", "name": "Republic Day"}],
            **_REASON,
        },
    ),
    "GET /parameters": Sample(query="on=2026-11-16"),
    "GET /parameters/{key}": Sample({"key": "licence.years"}),
    "POST /parameters/{key}/values": Sample(
        {"key": "licence.years"},
        body={"value": 6, "valid_from": "2031-01-01", **_REASON},
    ),
    "GET /jobs": Sample(),
    "POST /jobs/{name}/run": Sample(
        {"name": "asked-forget"},
        body={"moment": "2026-11-16T03:40:00+05:30", **_REASON},
    ),
    "GET /job-runs": Sample(),
    "GET /job-runs/{number}": Sample({"number": "1"}, works=False),
    "GET /messages": Sample(),
    "GET /messages/{number}": Sample({"number": "1"}, works=False),
    "POST /messages/{number}/retry": Sample({"number": "1"}, body=_REASON, works=False),
    "GET /audit": Sample(),
    "GET /audit/{number}": Sample({"number": "1"}),
    "POST /audit/verify": Sample(),
}
