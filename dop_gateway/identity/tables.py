"""Tables of people, their roles and their sessions."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    text,
)

from dop_gateway.identity.model import PersonKind, PersonState, Role, ScopeKind
from dop_gateway.store.building import table
from hw.database.columns import INTEGER, Flag, flag, octets, one_of
from hw.database.tables import key

person = table(
    "person",
    key(),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("mobile", Text, nullable=False),
    Column("password_hash", Text),
    Column("must_change", Flag, nullable=False),
    Column("second_factor", LargeBinary),
    Column("second_factor_step", INTEGER, nullable=False),
    Column("wrong_attempts", INTEGER, nullable=False),
    Column("locked_until", INTEGER, nullable=False),
    Column("created_at", INTEGER, nullable=False),
    one_of("kind", PersonKind),
    one_of("state", PersonState),
    flag("must_change"),
)
"""A second factor that is set up but not confirmed has the step -1."""

granted_role = table(
    "granted_role",
    key(),
    Column("person", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("scope_kind", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("given_at", INTEGER, nullable=False),
    Column("given_by", INTEGER, ForeignKey("person.id"), nullable=False),
    Column("ended_at", INTEGER),
    Column("ended_by", INTEGER, ForeignKey("person.id")),
    one_of("role", Role),
    one_of("scope_kind", ScopeKind),
    CheckConstraint("(scope = '') = (scope_kind = 'EVERYTHING')", name="scope_named"),
    CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_whole"),
    Index(
        "ix_granted_role_held",
        "person",
        "role",
        "scope_kind",
        "scope",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)
"""Roles as they were given; one that was ended stays, with who ended it."""

session = table(
    "session",
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person", INTEGER, ForeignKey("person.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("began_at", INTEGER, nullable=False),
    Column("seen_at", INTEGER, nullable=False),
    Column("expires_at", INTEGER, nullable=False),
    Column("ended_at", INTEGER),
    octets("token_hash", 32),
)
"""Sessions of people, and tokens of their programs, which have a name."""
