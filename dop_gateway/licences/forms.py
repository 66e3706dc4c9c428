"""Which fields an application of each kind needs, and which it may have beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dop_gateway.errors import FieldFinding
from dop_gateway.licences.application import ApplicationKind, Form
from dop_gateway.licences.model import CancelReason

_FIELDS: Final = (
    "licence",
    "holder",
    "licence_kind",
    "commercial_as",
    "clients",
    "office",
    "receipt",
    "provisioning",
    "cancel",
)
"""The names in the API are the same."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a kind of application is made of.

    Attributes:
        needed: Without them nothing can be judged.
        allowed: These may be there too; every other field must not.
    """

    needed: frozenset[str]
    allowed: frozenset[str] = frozenset()


FIELDS: Final[Mapping[ApplicationKind, Fields]] = {
    ApplicationKind.ISSUE: Fields(
        frozenset({"holder", "licence_kind", "office", "receipt", "provisioning"}),
        frozenset({"commercial_as", "clients"}),
    ),
    ApplicationKind.RENEWAL: Fields(
        frozenset({"licence", "receipt"}), frozenset({"clients"})
    ),
    ApplicationKind.ADDRESS: Fields(frozenset({"licence", "holder"})),
    ApplicationKind.MACHINE: Fields(frozenset({"licence", "provisioning", "cancel"})),
    ApplicationKind.OFFICE: Fields(frozenset({"licence", "office"})),
    ApplicationKind.CANCELLATION: Fields(frozenset({"licence", "cancel"})),
}

ASKED_FOR: Final = frozenset({CancelReason.FM_CANCELLATION, CancelReason.PSD_FAULTY})
"""Why a licensee may ask for the end of a licence; the others are the authority's."""


def findings_of_fields(form: Form) -> Iterator[FieldFinding]:
    """Say which fields are missing, and which have no business there."""
    known = FIELDS[form.kind]
    for name in _FIELDS:
        there = getattr(form, name) not in {None, ()}
        if name in known.needed and not there:
            words = f"an application for {form.kind.value} needs it"
            yield FieldFinding(f"/{name}", "missing", words)
        elif there and name not in known.needed | known.allowed:
            words = f"an application for {form.kind.value} has none"
            yield FieldFinding(f"/{name}", "not_for_kind", words)
    if form.cancel is not None and form.cancel not in ASKED_FOR:
        names = ", ".join(sorted(one.name for one in ASKED_FOR))
        yield FieldFinding("/cancel", "other_reason", f"one of {names}")
