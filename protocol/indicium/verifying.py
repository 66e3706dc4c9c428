"""Whether to believe a scanned frank: every verdict that holds, the worst first.

A verifier needs no line. It knows public credentials of machines and what was scanned
before; the authentication code it can check only where the server's key is. What it did
not check it says, because silence would be read as a pass.

Source: SPEC.md INDICIUM-5 to INDICIUM-7.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from typing import Final

from protocol.coded import Coded
from protocol.indicium.authentication import authentication_code
from protocol.indicium.layout import (
    INDICIUM_OCTETS,
    Indicium,
    IndiciumError,
    IndiciumFault,
    SignedIndicium,
    decode_indicium,
)
from protocol.indicium.seen import SeenFrank, SeenFranks, is_one_history
from protocol.indicium.signing import is_signed_by
from protocol.keys import MachineCredential
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier, Paise, show_rupees

ADVANCE_DAYS: Final = 30
"""How far ahead a frank may be dated (INDICIUM-5.4)."""

CredentialsOf = Callable[[LicenceIdentifier], Iterable[MachineCredential]]
KeyOf = Callable[[MachineCredential], bytes | None]


class Verdict(Coded):
    """What a verifier finds, the worst first; a stable code, and what to do."""

    FORGED = ("IND-20-005", "keep the mail piece and tell the inspector")
    CLONED = ("IND-20-006", "keep the mail piece and tell the maker: lock the machine")
    ROLLED_BACK = (
        "IND-20-007",
        "keep the mail piece and tell the maker: lock the machine",
    )
    ALTERED = ("IND-20-008", "keep the mail piece and tell the inspector")
    COPIED = ("IND-20-009", "look for the other mail piece; one of them is unpaid")
    WRONG_REALM = ("IND-20-004", "treat the mail piece as unpaid")
    UNKNOWN_MACHINE = (
        "IND-20-003",
        "get the machine's provisioning file, then verify again",
    )
    MALFORMED = ("IND-20-002", "treat the mail piece as unpaid")
    NOT_READABLE = ("IND-20-001", "scan again, flat and sharp, at 300 dpi or more")
    NOT_YET = ("IND-20-010", "hand the mail piece in on its date")
    STALE = ("IND-20-011", "refuse the mail piece: its date is past")
    GENUINE = ("IND-20-000", "nothing more is to be done")

    @property
    def advice(self) -> str:
        """What to do next."""
        advice: str = self.value[1]
        return advice


_WORST_FIRST: Final = tuple(Verdict)


class Unchecked(Enum):
    """What was not looked at, so that nothing is said about it."""

    SEEN = "copies, twins and put-back memories: no register of seen franks"
    PRINT = "what is printed beside the barcode: nothing of it was given"
    CODE = "the authentication code: it, or the key of the server, was not given"


@dataclass(frozen=True, slots=True)
class Reason:
    """One verdict that holds, and what was seen."""

    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class PrintedFacts:
    """What somebody read beside the barcode; None is what was not read.

    Attributes:
        value_paise: The value.
        printed_on: The date.
        item: The mail item number.
        licence: The licence identifier.
        pin_code: Of the originating office.
        product_class: Number of the class.
        code: The authentication code, in capitals or not.
    """

    value_paise: Paise | None = None
    printed_on: date | None = None
    item: int | None = None
    licence: str | None = None
    pin_code: int | None = None
    product_class: int | None = None
    code: str | None = None

    @property
    def nothing(self) -> bool:
        """Whether nothing was read."""
        return all(getattr(self, field.name) is None for field in fields(self))


@dataclass(frozen=True, slots=True)
class AcceptedDates:
    """Which printed dates are accepted on a day (INDICIUM-5.4).

    Attributes:
        past_days: Days back; 0 accepts no date before today.
        ahead_days: Days ahead.
    """

    past_days: int = 0
    ahead_days: int = ADVANCE_DAYS


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of verifying one barcode.

    Attributes:
        reasons: Every verdict that holds, the worst first; empty when it is genuine.
        signed: What the barcode says, where it could be read. Only of one that is not
            forged does it mean anything.
        unchecked: What was not looked at.
    """

    reasons: tuple[Reason, ...]
    signed: SignedIndicium | None
    unchecked: tuple[Unchecked, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst, or GENUINE."""
        return self.reasons[0].verdict if self.reasons else Verdict.GENUINE


def verify_indicium(
    octets: bytes,
    credentials_of: CredentialsOf,
    today: date,
    register: SeenFranks | None = None,
    printed: PrintedFacts | None = None,
    *,
    dates: AcceptedDates | None = None,
    key_of: KeyOf | None = None,
) -> Verification:
    """Verify the octets of one barcode.

    Args:
        octets: What the scanner read.
        credentials_of: Gives the machines known under a licence identifier, of every
            realm and generation.
        today: The date in India on which the mail is handed in.
        register: What was seen before; the frank is recorded there.
        printed: What stands beside the barcode.
        dates: Which dates are accepted.
        key_of: Gives the key of a machine's authentication codes, if it is here.

    Returns:
        Every verdict that holds, and what was not checked.

    Raises:
        StoreError: The register cannot be read or written.
    """
    try:
        signed = decode_indicium(octets)
    except IndiciumError as error:
        # Of another length it is no indicium at all, but somebody's other barcode.
        unreadable = error.fault is IndiciumFault.LENGTH
        verdict = Verdict.NOT_READABLE if unreadable else Verdict.MALFORMED
        return Verification((Reason(verdict, str(error)),), None, tuple(Unchecked))
    credential = _signer(signed, credentials_of)
    if isinstance(credential, Reason):
        return Verification((credential,), signed, tuple(Unchecked))
    printed = printed or PrintedFacts()
    key = key_of(credential) if key_of is not None and printed.code else None
    reasons = [
        *_against_print(signed.indicium, printed, key),
        *_against_dates(signed.indicium, today, dates or AcceptedDates()),
    ]
    if register is not None:
        reasons += _against_seen(signed, register, today)
    reasons.sort(key=lambda reason: _WORST_FIRST.index(reason.verdict))
    without = {
        Unchecked.SEEN: register is None,
        Unchecked.PRINT: printed.nothing,
        Unchecked.CODE: key is None,
    }
    return Verification(
        tuple(reasons), signed, tuple(what for what, left in without.items() if left)
    )


def not_readable(detail: str) -> Verification:
    """Say that a picture has no indicium in it."""
    reason = Reason(Verdict.NOT_READABLE, detail)
    return Verification((reason,), None, tuple(Unchecked))


def may_be_indicium(octets: bytes) -> bool:
    """Say whether the octets of a symbol are worth verifying, by their number."""
    return len(octets) == INDICIUM_OCTETS


def _signer(
    signed: SignedIndicium, credentials_of: CredentialsOf
) -> MachineCredential | Reason:
    indicium = signed.indicium
    known = tuple(credentials_of(indicium.licence))
    if not known:
        detail = f"no machine {indicium.licence} is known here"
        return Reason(Verdict.UNKNOWN_MACHINE, detail)
    of_realm = [one for one in known if one.realm is indicium.realm]
    if not of_realm:
        detail = (
            f"it is of the realm {indicium.realm.name}, "
            f"{indicium.licence} is known here in {known[0].realm.name}"
        )
        return Reason(Verdict.WRONG_REALM, detail)
    for credential in of_realm:
        if is_signed_by(signed, credential):
            return credential
    detail = (
        f"the signature is not of {indicium.licence}: "
        "the barcode was invented, or changed after it was signed"
    )
    return Reason(Verdict.FORGED, detail)


def _against_print(
    indicium: Indicium, printed: PrintedFacts, key: bytes | None
) -> Iterator[Reason]:
    for name, read, signed in (
        ("value", printed.value_paise, indicium.value_paise),
        ("date", printed.printed_on, indicium.printed_on),
        ("item", printed.item, indicium.item),
        ("licence", printed.licence, indicium.licence),
        ("PIN code", printed.pin_code, indicium.pin_code),
        ("class", printed.product_class, indicium.product_class),
    ):
        if read is not None and read != signed:
            detail = f"the {name} printed is {_show(name, read)}, "
            yield Reason(
                Verdict.ALTERED, f"{detail}the barcode says {_show(name, signed)}"
            )
    if key is not None and printed.code is not None:
        expected = authentication_code(key, indicium).encode()
        read_code = printed.code.upper().encode()
        if not hmac.compare_digest(expected, read_code):
            detail = f"the authentication code {printed.code.upper()} is not this one's"
            yield Reason(Verdict.ALTERED, detail)


def _show(name: str, fact: object) -> str:
    if name == "value" and isinstance(fact, int):
        return show_rupees(Paise(fact))
    return str(fact)


def _against_dates(
    indicium: Indicium, today: date, dates: AcceptedDates
) -> Iterator[Reason]:
    ahead = (indicium.printed_on - today).days
    made_on = business_date(indicium.time)
    if made_on > today:
        detail = f"the machine's clock said {made_on}, today is {today}"
        yield Reason(Verdict.NOT_YET, detail)
    elif ahead > dates.ahead_days:
        detail = f"dated {indicium.printed_on} and today is {today}; accepted: "
        yield Reason(Verdict.NOT_YET, f"{detail}{dates.ahead_days} days ahead")
    elif -ahead > dates.past_days:
        detail = f"dated {indicium.printed_on} and today is {today}; accepted: "
        yield Reason(Verdict.STALE, f"{detail}{dates.past_days} days past")


def _against_seen(
    signed: SignedIndicium, register: SeenFranks, today: date
) -> Iterator[Reason]:
    indicium = signed.indicium
    sightings = register.see(signed.unsigned, today)
    if sightings.twin is not None:
        detail = f"another item {indicium.item} of {indicium.licence} was seen "
        yield Reason(Verdict.CLONED, f"{detail}on {sightings.twin.seen_on}")
    if sightings.same is not None:
        detail = f"this very frank was seen before, on {sightings.same.seen_on}"
        yield Reason(Verdict.COPIED, detail)
    if sightings.before is not None:
        earlier = sightings.before.indicium
        if not is_one_history(earlier, indicium):
            yield _rolled_back(sightings.before, indicium)
    if sightings.after is not None:
        later = sightings.after.indicium
        if not is_one_history(indicium, later):
            yield _rolled_back(sightings.after, indicium)


def _rolled_back(other: SeenFrank, indicium: Indicium) -> Reason:
    neighbour = other.indicium
    detail = (
        f"item {indicium.item} (AR {show_rupees(indicium.ascending_paise)}, "
        f"{indicium.items} with a value) and item {neighbour.item} "
        f"(AR {show_rupees(neighbour.ascending_paise)}, {neighbour.items}, "
        f"seen on {other.seen_on}) are not of one memory"
    )
    return Reason(Verdict.ROLLED_BACK, detail)
