"""People sign in to the gateway, and can do what their roles say (GW-01)."""

import pytest
from sqlalchemy import select, text

from dop_gateway.audit import trail
from dop_gateway.audit.tables import audit
from dop_gateway.errors import TooManyError
from dop_gateway.identity.model import Grant, PersonKind, Role, ScopeKind
from dop_gateway.identity.signing_in import ATTEMPTS_MAX, LOCKED_S
from dop_gateway.identity.strangers import STRANGERS_MAX, Strangers
from protocol.values import EpochSeconds
from tests.gateway_desk import PASSWORD, Gateway, new_gateway

EVERYTHING = ScopeKind.EVERYTHING
AUDITOR = Grant(Role.AUDITOR, EVERYTHING)
REASON = {"reason": "a test"}
NOW = EpochSeconds(1_790_000_000)


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    return new_gateway(store_place)


def test_whoever_is_let_in_owes_a_password_and_a_second_factor(
    gateway: Gateway,
) -> None:
    administrator = gateway.administrator()
    body = {
        "login": "ravi",
        "name": "Ravi",
        "kind": "STAFF",
        "email": "ravi@example.invalid",
        **REASON,
    }
    made = administrator.ask("POST", "/people", body)
    assert made.status_code == 201
    desk = gateway.sign_in("ravi", made.json()["password"])
    assert desk.get("/me")["owed"] == ["NEW_PASSWORD", "SECOND_FACTOR"]
    refused = desk.ask("GET", "/people")
    assert refused.status_code == 403
    assert "change the password" in refused.json()["detail"]
    desk = gateway.first_sign_in("ravi", made.json()["password"])
    assert desk.get("/me")["owed"] == []


def test_a_second_factor_is_asked_for_once_it_is_confirmed(gateway: Gateway) -> None:
    desk = gateway.administrator()
    gateway.clock.advance(30)
    assert gateway.try_sign_in("asha", PASSWORD).status_code == 401
    assert gateway.try_sign_in("asha", PASSWORD, "000000").status_code == 401
    code = gateway.code(desk.secret)
    assert gateway.try_sign_in("asha", PASSWORD, code).status_code == 201


def test_a_second_factor_is_set_up_by_who_knows_the_password(
    gateway: Gateway,
) -> None:
    desk = gateway.sign_in("ravi", gateway.add("ravi", PersonKind.MAKER))
    refused = desk.ask("POST", "/me/second-factor", {"password": PASSWORD})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/password"


def test_a_code_is_taken_once(gateway: Gateway) -> None:
    desk = gateway.administrator()
    gateway.clock.advance(30)
    code = gateway.code(desk.secret)
    gateway.sign_in("asha", PASSWORD, code)
    assert gateway.try_sign_in("asha", PASSWORD, code).status_code == 401


def test_wrong_attempts_lock_for_a_time_and_the_right_password_too(
    gateway: Gateway,
) -> None:
    desk = gateway.administrator()
    for _ in range(ATTEMPTS_MAX):
        assert gateway.try_sign_in("asha", "wrong").status_code == 401
    gateway.clock.advance(30)
    locked = gateway.try_sign_in("asha", PASSWORD, gateway.code(desk.secret))
    assert locked.status_code == 429
    assert int(locked.headers["Retry-After"]) == LOCKED_S - 30
    gateway.clock.advance(LOCKED_S)
    again = gateway.try_sign_in("asha", PASSWORD, gateway.code(desk.secret))
    assert again.status_code == 201


def test_nobody_learns_whether_a_login_exists(gateway: Gateway) -> None:
    gateway.administrator()
    for _ in range(2):
        for _ in range(ATTEMPTS_MAX + 2):
            told = []
            for login in ("asha", "nobody"):
                answer = gateway.try_sign_in(login, "wrong")
                wait = answer.headers.get("Retry-After")
                words = answer.json()
                words.pop("request_id")
                told.append((answer.status_code, wait, words))
            assert told[0] == told[1]
        assert told[0][:2] == (429, str(LOCKED_S))
        gateway.clock.advance(LOCKED_S)


def test_of_logins_that_nobody_has_the_newest_are_remembered() -> None:
    strangers = Strangers(1, 60)
    for number in range(STRANGERS_MAX + 1):
        strangers.count(f"x{number}", NOW)
    strangers.check("x0", NOW)
    with pytest.raises(TooManyError):
        strangers.check("x1", NOW)
    strangers.check("x1", EpochSeconds(NOW + 60))


def test_a_session_ends_when_it_is_not_used_when_it_is_old_and_when_told(
    gateway: Gateway,
) -> None:
    desk = gateway.administrator()
    gateway.clock.advance(1_799)
    assert desk.ask("GET", "/me").status_code == 200
    gateway.clock.advance(1_799)
    assert desk.ask("GET", "/me").status_code == 200
    gateway.clock.advance(1_800)
    assert desk.ask("GET", "/me").status_code == 401
    desk.token = gateway.sign_in("asha", PASSWORD, gateway.code(desk.secret)).token
    assert desk.ask("POST", "/me/sign-out").status_code == 204
    assert desk.ask("GET", "/me").status_code == 401


def test_a_new_password_ends_every_session(gateway: Gateway) -> None:
    desk = gateway.administrator()
    body = {"old": PASSWORD, "new": "eight brown foxes run"}
    assert desk.ask("POST", "/me/password", body).status_code == 204
    assert desk.ask("GET", "/me").status_code == 401


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("short", "12 to 128 characters"),
        ("x" * 129, "12 to 128 characters"),
        ("xyxyxyxyxyxyxy", "too few different"),
        ("ASHA-and-more-of-it", "the login must not be in it"),
        ("India-Post 2026 Delhi", "indiapost is what everybody would try"),
        ("my rmfs machine is here", "rmfs is what everybody would try"),
        (PASSWORD, "it is the old one"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(
    gateway: Gateway, new: str, why: str
) -> None:
    desk = gateway.administrator()
    refused = desk.ask("POST", "/me/password", {"old": PASSWORD, "new": new})
    assert refused.status_code == 422
    assert why in refused.json()["errors"][0]["message"]


def test_a_password_is_long_taken_as_it_is_and_never_grows_old(
    gateway: Gateway,
) -> None:
    given = gateway.add("ravi", PersonKind.MAKER)
    assert len(given) == 32
    new = "long words without any sign or figure " * 3
    desk = gateway.sign_in("ravi", given)
    done = desk.ask("POST", "/me/password", {"old": given, "new": new})
    assert done.status_code == 204
    for other in (new.upper(), new.strip(), new[:-1]):
        assert gateway.try_sign_in("ravi", other).status_code == 401
    gateway.clock.advance(3 * 365 * 86_400)
    assert gateway.sign_in("ravi", new)


def test_a_password_is_changed_by_who_knows_the_old_one(gateway: Gateway) -> None:
    desk = gateway.administrator()
    body = {"old": "another password", "new": "eight brown foxes run"}
    refused = desk.ask("POST", "/me/password", body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/old"


def test_people_see_their_sessions_and_end_the_others(gateway: Gateway) -> None:
    given = gateway.add("ravi", PersonKind.MAKER)
    old = gateway.sign_in("ravi", given)
    gateway.clock.advance(60)
    desk = gateway.sign_in("ravi", given)
    gateway.administrator()
    told = desk.get("/me/sessions")
    assert [one["this"] for one in told] == [True, False]
    assert told[0]["began_at"] > told[1]["began_at"]
    ends = "/me/sessions/end"
    wrong = desk.ask("POST", ends, {"password": "wrong"})
    assert wrong.json()["errors"][0]["pointer"] == "/password"
    assert old.ask("GET", "/me").status_code == 200
    assert desk.ask("POST", ends, {"password": given}).status_code == 204
    assert old.ask("GET", "/me").status_code == 401
    assert len(desk.get("/me/sessions")) == 1


def test_each_sign_in_has_a_token_of_its_own(gateway: Gateway) -> None:
    given = gateway.add("ravi", PersonKind.MAKER)
    tokens = {gateway.sign_in("ravi", given).token for _ in range(3)}
    assert len(tokens) == 3
    assert {len(token) for token in tokens} == {43}


def test_the_gateway_itself_never_signs_in(gateway: Gateway) -> None:
    for password in ("", "gateway", "admin", PASSWORD):
        assert gateway.try_sign_in("gateway", password).status_code in {401, 422, 429}


def test_a_role_reaches_from_the_next_request_on_and_ends_likewise(
    gateway: Gateway,
) -> None:
    administrator = gateway.administrator()
    ravi = gateway.somebody("ravi")
    role = {"role": "AUDITOR", "scope_kind": "EVERYTHING", **REASON}
    assert ravi.ask("GET", "/people").status_code == 403
    done = administrator.ask("POST", "/people/ravi/roles", role)
    assert done.status_code == 204
    assert ravi.ask("GET", "/people").status_code == 200
    ended = administrator.ask("POST", "/people/ravi/roles/end", role)
    assert ended.status_code == 204
    assert ravi.ask("GET", "/people").status_code == 403
    again = administrator.ask("POST", "/people/ravi/roles/end", role)
    assert again.status_code == 404


def test_nobody_gives_a_role_to_themselves(gateway: Gateway) -> None:
    role = {"role": "AUDITOR", "scope_kind": "EVERYTHING", **REASON}
    refused = gateway.administrator().ask("POST", "/people/asha/roles", role)
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("same-person")


@pytest.mark.parametrize(
    ("role", "pointer"),
    [
        ({"role": "MAKER_OFFICER", "scope_kind": "MAKER", "scope": "N"}, "/role"),
        ({"role": "POSTMASTER", "scope_kind": "EVERYTHING"}, "/scope_kind"),
        ({"role": "POSTMASTER", "scope_kind": "OFFICE", "scope": "unknown"}, "/scope"),
        ({"role": "POSTMASTER", "scope_kind": "OFFICE"}, "/scope"),
        ({"role": "KING", "scope_kind": "EVERYTHING"}, "/role"),
    ],
)
def test_a_role_that_does_not_fit_is_refused(
    gateway: Gateway, role: dict[str, str], pointer: str
) -> None:
    administrator = gateway.administrator()
    gateway.somebody("ravi")
    refused = administrator.ask("POST", "/people/ravi/roles", {**role, **REASON})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_whoever_is_disabled_is_out_at_once(gateway: Gateway) -> None:
    administrator = gateway.administrator()
    ravi = gateway.somebody("ravi", AUDITOR)
    body = {"state": "DISABLED", **REASON}
    done = administrator.ask("POST", "/people/ravi/state", body)
    assert done.status_code == 204
    assert ravi.ask("GET", "/me").status_code == 401
    assert gateway.try_sign_in("ravi", PASSWORD).status_code == 401


def test_a_reset_takes_password_and_second_factor(gateway: Gateway) -> None:
    administrator = gateway.administrator()
    ravi = gateway.somebody("ravi")
    made = administrator.ask("POST", "/people/ravi/reset", REASON)
    assert ravi.ask("GET", "/me").status_code == 401
    desk = gateway.sign_in("ravi", made.json()["password"])
    assert desk.get("/me")["owed"] == ["NEW_PASSWORD", "SECOND_FACTOR"]


def test_each_act_is_in_the_audit_trail_and_the_chain_holds(gateway: Gateway) -> None:
    administrator = gateway.administrator()
    gateway.somebody("ravi", AUDITOR)
    body = {"state": "DISABLED", "reason": "left the office"}
    administrator.ask("POST", "/people/ravi/state", body, **{"X-Request-ID": "r-1"})
    with gateway.store.reading() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.number)).all()
        assert list(trail.verify(connection)) == []
    last = rows[-1]
    assert (last.move, last.subject, last.to_state) == ("set state", "ravi", "DISABLED")
    assert (last.reason, last.request_id) == ("left the office", "r-1")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit SET reason = 'x' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)",
        "UPDATE audit SET number = number + 100 WHERE number = 3",
    ],
)
def test_every_change_of_the_audit_trail_shows(gateway: Gateway, damage: str) -> None:
    gateway.somebody("ravi", AUDITOR)
    with gateway.store.writing("test") as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        else:
            for name in ("not_changed", "not_removed"):
                connection.execute(text(f"DROP TRIGGER audit_{name}"))
        connection.execute(text(damage))
    with gateway.store.reading() as connection:
        assert list(trail.verify(connection))


def test_a_person_of_a_maker_needs_no_second_factor(gateway: Gateway) -> None:
    grant = Grant(Role.MAKER_OFFICER, ScopeKind.MAKER, "N")
    desk = gateway.somebody("mira", grant, kind=PersonKind.MAKER)
    assert desk.secret == ""
    assert desk.get("/me")["roles"] == [
        {"role": "MAKER_OFFICER", "scope_kind": "MAKER", "scope": "N"}
    ]
