"""A gateway of a test: its database, its application, and people who ask for routes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyotp
from fastapi.testclient import TestClient
from httpx2 import Response

from dop_gateway.exchange.ours import OurSide
from dop_gateway.identity import people
from dop_gateway.identity.model import (
    GATEWAY,
    By,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.identity.passwords import PasswordCost
from dop_gateway.identity.people import NewPerson
from dop_gateway.parts import Parts, make_parts
from dop_gateway.store.migrations import migrate
from dop_gateway.web.app import PREFIX, build_app
from dop_gateway.web.rates import Rates
from hw.clock import MemoryWallClock
from hw.database import Store
from hw.entropy import SeededEntropy
from protocol.exchange import shipped_layouts
from protocol.keys import Realm, SigningKey
from tests.migrated import open_migrated
from tests.system import OPENED

BEGAN = datetime(2026, 11, 16, 3, 30, tzinfo=UTC)
"""A Monday, 09:00 in India."""
CHEAP = PasswordCost(memory_kib=64, passes=1, lanes=1)
PASSWORD = "seven brown foxes jump"
KEY = bytes(range(32))
OURS = OurSide(
    "dop-1", SigningKey((7).to_bytes(32, "big")), Realm.TEST, shipped_layouts()
)
"""The Department, as it makes and judges files in tests."""

OFTEN = Rates(sign_ins_per_minute=100_000, requests_per_minute=100_000)
"""In a test the clock stands still, however much is asked."""


@dataclass
class Desk:
    """Somebody who is signed in, and asks."""

    client: TestClient
    login: str
    token: str
    secret: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Ask for a route."""
        return self.client.request(
            method,
            PREFIX + path,
            json=body,
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )

    def get(self, path: str) -> Any:
        """Ask for what must be there."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass
class Gateway:
    """A gateway on a database of its own."""

    parts: Parts
    clock: MemoryWallClock
    client: TestClient

    @property
    def store(self) -> Store:
        """Its database."""
        return self.parts.store

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Ask for a route without being signed in."""
        return self.client.request(method, PREFIX + path, json=body, headers=headers)

    def somebody(
        self, login: str, *grants: Grant, kind: PersonKind = PersonKind.STAFF
    ) -> Desk:
        """Let somebody in who owes nothing any more, and sign them in."""
        return self.first_sign_in(login, self.add(login, kind, *grants))

    def add(self, login: str, kind: PersonKind, *grants: Grant) -> str:
        """Let somebody in; gives the password that they have to change."""
        by = By(GATEWAY, self.clock.now(), "test", "a test")
        new = NewPerson(login, login.title(), kind, f"{login}@example.invalid", "")
        with self.store.writing("test") as connection:
            given = people.add_person(connection, new, self.parts.passwords, by)
            for grant in grants:
                exists = self.parts.scope_exists
                people.give_role(connection, login, grant, exists, by)
        return given

    def administrator(self, login: str = "asha") -> Desk:
        """Let an administrator in."""
        everything = Grant(Role.ADMINISTRATOR, ScopeKind.EVERYTHING)
        return self.somebody(login, everything)

    def first_sign_in(self, login: str, given: str) -> Desk:
        """Change the given password, set up the second factor, and sign in."""
        desk = self.sign_in(login, given)
        owed = desk.get("/me")["owed"]
        password = given
        if "NEW_PASSWORD" in owed:
            body = {"old": given, "new": PASSWORD}
            assert desk.ask("POST", "/me/password", body).status_code == 204
            desk = self.sign_in(login, PASSWORD)
            password = PASSWORD
        if "SECOND_FACTOR" in owed:
            body = {"password": password}
            answer = desk.ask("POST", "/me/second-factor", body)
            address = answer.json()["address"]
            secret = pyotp.parse_uri(address).secret
            desk.secret = secret
            done = desk.ask(
                "POST", "/me/second-factor/confirm", {"code": self.code(secret)}
            )
            assert done.status_code == 204, done.text
        assert desk.get("/me")["owed"] == []
        return desk

    def sign_in(self, login: str, password: str, code: str = "") -> Desk:
        """Sign somebody in."""
        answer = self.try_sign_in(login, password, code)
        assert answer.status_code == 201, answer.text
        return Desk(self.client, login, answer.json()["token"])

    def try_sign_in(self, login: str, password: str, code: str = "") -> Response:
        """Try to sign in."""
        body = {"login": login, "password": password, "code": code}
        return self.ask("POST", "/sessions", body)

    def code(self, secret: str) -> str:
        """Give the code of this moment."""
        return pyotp.TOTP(secret).at(self.clock.now())


def new_gateway(url: str, rates: Rates = OFTEN) -> Gateway:
    """Set a gateway up on an empty database; it is closed behind the test."""
    store = open_migrated(url, migrate)
    OPENED.append(store)
    clock = MemoryWallClock(BEGAN)
    parts = make_parts(
        store,
        clock,
        SeededEntropy(b"gateway"),
        key=KEY,
        cost=CHEAP,
        scope_exists=lambda _connection, _kind, scope: scope != "unknown",
        exchange=OURS,
        rates=rates,
    )
    return Gateway(parts, clock, TestClient(build_app(parts)))
