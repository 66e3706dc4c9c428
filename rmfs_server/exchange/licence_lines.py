"""Licences that the Department issues and changes, line by line (RMFS-34).

The Department's word counts for kind, dates, state and refund. It does not make another
licence out of one that is registered here: where number, licensee or machine differ,
somebody has mistaken one for the other, and the line is refused.

A change of state reaches the machine with the RECEIPT of its next dial-in (SPEC.md
DLG-7), like one that an operator makes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from protocol.exchange import DEPARTMENT, Line, same_licensee
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber
from rmfs_server.changing import change_licence
from rmfs_server.exchange.faults import LineRefused
from rmfs_server.exchange.office import ExchangeOffice
from rmfs_server.exchange.wording import fit_words
from rmfs_server.store import acts, issued, licences, machines
from rmfs_server.store.acts import By
from rmfs_server.store.issued import Issued
from rmfs_server.store.licences import Licence
from rmfs_server.store.received_files import RefusedLine

DETAIL: Final = (
    "address_1",
    "address_2",
    "address_3",
    "address_pin",
    "contact",
    "telephone",
    "email",
    "issued_on",
    "office",
    "office_pin",
    "circle",
    "division",
)
"""What is kept as it was told; nothing here depends on it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which file says it: its row, kind and id, and when it is carried out."""

    file: int
    layout: str
    file_id: str
    now: EpochSeconds


class _RefusedError(Exception):
    """The line is not carried out."""

    def __init__(self, fault: LineRefused, detail: str = "") -> None:
        super().__init__(f"{fault.words}: {detail}" if detail else fault.words)
        self.fault = fault


class Applying:
    """Carries the lines of a file out, in the transaction that keeps its record."""

    def __init__(
        self, connection: Connection, office: ExchangeOffice, source: Source
    ) -> None:
        """Write with this connection."""
        self._connection = connection
        self._letter = office.ours.letter
        self._keys = office.credit_keys
        self._source = source

    def run(self, lines: Iterable[Line]) -> list[RefusedLine]:
        """Carry lines out in their order; give those that were not."""
        refused = []
        apply = self._issue if self._source.layout == "license-issue" else self._change
        for line in lines:
            values: Mapping[str, Any] = line.values
            try:
                self._check_maker(values)
                apply(values)
            except _RefusedError as error:
                words = fit_words(str(error))
                refused.append(RefusedLine(values["line_id"], error.fault.code, words))
        return refused

    def _check_maker(self, values: Mapping[str, Any]) -> None:
        if values["licence"][0] != self._letter:
            raise _RefusedError(LineRefused.OTHER_MAKER)

    def _issue(self, values: Mapping[str, Any]) -> None:
        identifier = LicenceIdentifier(values["licence"])
        found = licences.find(self._connection, identifier, lock=True)
        self._check_machine(identifier, values)
        if found is None:
            self._register(identifier, values)
        else:
            self._check_same(found, values)
            after = replace(found, kind=values["kind"], expires_on=values["expires_on"])
            if after != found:
                self._set(found, after, values)
        self._keep(identifier, values, None)

    def _change(self, values: Mapping[str, Any]) -> None:
        identifier = LicenceIdentifier(values["licence"])
        found = licences.find(self._connection, identifier, lock=True)
        if found is None:
            raise _RefusedError(LineRefused.UNKNOWN)
        self._check_machine(identifier, values)
        after = _changed(found, values)
        if after != found:
            if found.state is LicenceState.CANCELLED:
                raise _RefusedError(LineRefused.CANCELLED)
            self._set(found, after, values)
        self._keep(identifier, values, issued.find(self._connection, identifier))

    def _register(
        self, identifier: LicenceIdentifier, values: Mapping[str, Any]
    ) -> None:
        licence = Licence(
            identifier,
            LicenceNumber(values["licence_number"]),
            values["licensee"],
            values["kind"],
            LicenceState.REGISTERED,
            values["expires_on"],
            refund_allowed=False,
        )
        licences.add(self._connection, licence, self._source.now)
        acts.add(
            self._connection,
            identifier,
            "register",
            self._by(values),
            number=licence.number,
        )

    def _check_same(self, found: Licence, values: Mapping[str, Any]) -> None:
        if found.state is LicenceState.CANCELLED:
            raise _RefusedError(LineRefused.CANCELLED)
        if found.number != values["licence_number"]:
            raise _RefusedError(LineRefused.OTHER_NUMBER, found.number)
        if not same_licensee(found.licensee, values["licensee"]):
            raise _RefusedError(LineRefused.OTHER_LICENSEE, found.licensee)

    def _check_machine(
        self, identifier: LicenceIdentifier, values: Mapping[str, Any]
    ) -> None:
        enrolled = machines.find_enrolled(self._connection, identifier)
        if enrolled is None:
            return
        credential = enrolled.credential
        serial = credential.psd_serial.encode("ascii")
        if values["credential"] not in (None, credential.ccs) or values[
            "psd_serial"
        ] not in (None, serial):
            raise _RefusedError(LineRefused.OTHER_MACHINE, credential.psd_serial)

    def _set(self, before: Licence, after: Licence, values: Mapping[str, Any]) -> None:
        change_licence(self._connection, self._keys, before, after, self._by(values))

    def _keep(
        self,
        identifier: LicenceIdentifier,
        values: Mapping[str, Any],
        before: Issued | None,
    ) -> None:
        """Keep what the Department says; what a change leaves blank stays."""
        told = {name: _plain(values[name]) for name in DETAIL if values[name]}
        detail = told if before is None else {**before.detail, **told}
        was = (None, None) if before is None else (before.credential, before.psd_serial)
        issued.put(
            self._connection,
            Issued(
                identifier,
                self._source.file,
                values["credential"] or was[0],
                values["psd_serial"] or was[1],
                detail,
            ),
        )

    def _by(self, values: Mapping[str, Any]) -> By:
        source = self._source
        reason = f"{source.layout} {source.file_id}/{values['line_id']}"
        return By(DEPARTMENT, reason, source.now)


def _changed(found: Licence, values: Mapping[str, Any]) -> Licence:
    """Put what is told over a licence; what is blank has not changed."""
    told: dict[str, Any] = {"state": LicenceState[values["status"]]}
    for name, field in (
        ("number", "licence_number"),
        ("licensee", "licensee"),
        ("kind", "kind"),
        ("expires_on", "expires_on"),
    ):
        if values[field] is not None:
            told[name] = values[field]
    if values["refund"] is not None:
        told["refund_allowed"] = values["refund"] == "ALLOWED"
    return replace(found, **told)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
