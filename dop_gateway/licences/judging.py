"""What is wrong with an application, told field by field and all at once.

Rules are the dated parameters of the day on which it comes in. What a person has to
look at (is it genuine, were the originals seen) stands in the check-list instead.

Source: domain notes, sections 4, 6 and 23 (nos. 1, 7, 8, 10).
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.errors import FieldFinding, NotFoundError
from dop_gateway.licences import applications, makers, makers_store, store
from dop_gateway.licences.application import (
    NEW_LICENCE,
    RECEIPT_NUMBER,
    WITH_FEE,
    Application,
    ApplicationKind,
    Client,
)
from dop_gateway.licences.model import Body, Licence, LicenceKind
from dop_gateway.licences.periods import issue_fee, renewal_fee
from dop_gateway.licences.texts import finding_of_text, findings_of_holder
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId, OfficeKind
from protocol.errors import LocalProtocolError
from protocol.keys import (
    MachineProvisioning,
    ProvisioningError,
    read_machine_provisioning,
)
from protocol.parameters import ParameterTable
from protocol.values import (
    EpochSeconds,
    Paise,
    parse_licence_identifier,
    show_rupees,
)

CLIENTS_MAX: Final = 1_000
_DESIGNATED: Final = frozenset({OfficeKind.HO, OfficeKind.SO})


def findings_of(
    connection: Connection,
    one: Application,
    before: Licence | None,
    clients: tuple[Client, ...],
    parameters: ParameterTable,
) -> Iterator[FieldFinding]:
    """Say what is wrong with an application that has all its fields.

    Args:
        connection: To the database.
        one: As it would be kept.
        before: The licence that something is asked for; None for a new one.
        clients: That came with it.
        parameters: Of this deployment.
    """
    if one.kind in NEW_LICENCE:
        yield from _of_machine(connection, one, parameters)
    if one.kind in {ApplicationKind.ISSUE, ApplicationKind.ADDRESS}:
        yield from findings_of_holder(one.holder)
        yield from _of_premises(connection, one)
    if one.kind is ApplicationKind.ISSUE:
        yield from _of_kind(one, clients)
    if one.kind is ApplicationKind.ADDRESS and before is not None:
        same = (before.holder.name, before.holder.body)
        if (one.holder.name, one.holder.body) != same:
            words = f"the licensee is {before.licensee}: another needs a new licence"
            yield FieldFinding("/holder/name", "other_licensee", words)
    if one.kind in {ApplicationKind.ISSUE, ApplicationKind.OFFICE}:
        yield from _of_office(connection, one, before)
    if one.kind in WITH_FEE:
        yield from _of_receipt(connection, one, before, parameters)
    for number, client in enumerate(clients[:CLIENTS_MAX]):
        yield from _of_client(f"/clients/{number}", client, one.applied_on)
    if len(clients) > CLIENTS_MAX:
        words = f"at most {CLIENTS_MAX} clients are taken"
        yield FieldFinding("/clients", "too_many", words)


def read_machine(
    connection: Connection, maker: str, file: bytes, now: EpochSeconds
) -> MachineProvisioning:
    """Read the file that a maker signed of a machine.

    Raises:
        ProvisioningError: It is not as it must be, or no key of the maker signed it.
    """
    keys = makers_store.keys_in_use(connection, maker, now)
    return read_machine_provisioning(file, keys)


def findings_of_machine(
    connection: Connection, one: Application, machine: MachineProvisioning, on: date
) -> Iterator[FieldFinding]:
    """Say why no licence can be issued for a machine; looked at once more then."""
    credential = machine.credential
    serial = credential.psd_serial
    if credential.licence_identifier != one.identifier:
        words = f"the file is of {credential.licence_identifier}"
        yield FieldFinding("/provisioning", "other_machine", words)
    model = makers_store.model(connection, one.maker, machine.model)
    if model is None or not model.is_approved(on):
        words = f"{machine.model} is no approved model of {one.maker}"
        yield FieldFinding("/provisioning", "model", words)
    holder = store.of_psd(connection, serial)
    if holder is not None and holder != one.licence:
        words = f"PSD {serial} is in use with {holder}"
        yield FieldFinding("/provisioning", "psd_in_use", words)
    elif holder is not None:
        words = f"PSD {serial} is the one of the old machine: another one is needed"
        yield FieldFinding("/provisioning", "same_psd", words)
    if store.knows_keys(connection, machine):
        words = f"keys of PSD {serial} were registered before: a new life has new keys"
        yield FieldFinding("/provisioning", "keys_used", words)
    if credential.generation != 1:
        words = f"keys of generation {credential.generation}: 1 is expected"
        yield FieldFinding("/provisioning", "generation", words)
    if machine.descending_paise:
        words = (
            f"PSD {serial} holds {show_rupees(machine.descending_paise)} of another "
            "life: it is given back first"
        )
        yield FieldFinding("/provisioning", "holds_credit", words)


def division_of(connection: Connection, office: OfficeId) -> Office:
    """Give the Division whose head licenses machines at an office.

    Raises:
        NotFoundError: There is no such office, or no Division with a code above it.
    """
    division = offices.of_kind(connection, office, OfficeKind.DIVISION)
    if division is None or division.code is None:
        raise NotFoundError("no Division with a code stands above that office")
    return division


def fee_of(
    one: Application, before: Licence | None, parameters: ParameterTable
) -> Paise:
    """Give the fee of a licence or a renewal."""
    if before is None:
        return issue_fee(parameters, one.applied_on)
    return renewal_fee(parameters, one.applied_on, before.expires_on)


def _of_machine(
    connection: Connection, one: Application, parameters: ParameterTable
) -> Iterator[FieldFinding]:
    try:
        parse_licence_identifier(one.identifier)
    except LocalProtocolError as error:
        yield FieldFinding("/identifier", "form", str(error))
        return
    if makers_store.find(connection, one.maker) is None:
        words = f"no maker has the letter {one.maker}"
        yield FieldFinding("/identifier", "maker", words)
        return
    if not makers.is_open(parameters, one.maker, one.applied_on):
        words = f"{one.maker} gets no new licences"
        yield FieldFinding("/identifier", "maker_closed", words)
    if store.find(connection, one.identifier) is not None:
        words = f"{one.identifier} was given before, and is never used again"
        yield FieldFinding("/identifier", "used", words)
    try:
        machine = read_machine(
            connection, one.maker, one.provisioning or b"", one.entered_at
        )
    except ProvisioningError as error:
        yield FieldFinding("/provisioning", error.fault.name.lower(), str(error))
        return
    yield from findings_of_machine(connection, one, machine, one.applied_on)


def _of_premises(connection: Connection, one: Application) -> Iterator[FieldFinding]:
    division = offices.division_of_pin(connection, one.holder.pin)
    if division is None:
        words = f"no office delivers in {one.holder.pin}"
        yield FieldFinding("/holder/pin", "unknown", words)
    elif division.office_id != one.division:
        words = (
            f"{one.holder.pin} is of {division.name}: its head licenses machines there"
        )
        yield FieldFinding("/holder/pin", "other_division", words)


def _of_kind(one: Application, clients: tuple[Client, ...]) -> Iterator[FieldFinding]:
    commercial = one.licence_kind is LicenceKind.COMMERCIAL
    if commercial != (one.commercial_as is not None):
        words = "a commercial licence says as what, and no other does"
        yield FieldFinding("/commercial_as", "for_commercial", words)
    if commercial != bool(clients):
        words = "a commercial licensee brings the list of clients, and no other does"
        yield FieldFinding("/clients", "for_commercial", words)
    if one.licence_kind.has_notional_credit != (one.holder.body is Body.POSTS):
        words = "departmental licences are for the Department itself, and only they"
        yield FieldFinding("/licence_kind", "for_department", words)


def _of_office(
    connection: Connection, one: Application, before: Licence | None
) -> Iterator[FieldFinding]:
    office = offices.get(connection, one.office)
    if office.kind not in _DESIGNATED or office.closed_at is not None:
        words = f"{office.name} is no open Head or Sub Office: it takes no franked mail"
        yield FieldFinding("/office", "not_designated", words)
    if before is None:
        return
    if one.office == before.office:
        yield FieldFinding("/office", "same", f"{office.name} is the one that it has")
    if one.division != before.division:
        words = "an office of another Division needs a new licence of that Division"
        yield FieldFinding("/office", "other_division", words)


def _of_receipt(
    connection: Connection,
    one: Application,
    before: Licence | None,
    parameters: ParameterTable,
) -> Iterator[FieldFinding]:
    receipt = one.receipt
    if receipt is None:
        return
    if RECEIPT_NUMBER.fullmatch(receipt.number) is None:
        words = "FM and 19 digits are needed, as in FM0000020181413269550"
        yield FieldFinding("/receipt/number", "form", words)
    used = applications.receipt_used_by(connection, receipt.number)
    if used is not None:
        words = f"it pays for application {used} already"
        yield FieldFinding("/receipt/number", "used", words)
    fee = fee_of(one, before, parameters)
    if receipt.amount_paise != fee:
        words = f"the fee on {one.applied_on} is {show_rupees(fee)}"
        yield FieldFinding("/receipt/amount", "other_fee", words)
    if receipt.paid_on > one.applied_on:
        yield FieldFinding("/receipt/paid_on", "later", "it is dated after today")


def _of_client(pointer: str, client: Client, on: date) -> Iterator[FieldFinding]:
    yield from finding_of_text(f"{pointer}/name", client.name)
    yield from finding_of_text(f"{pointer}/address", client.address)
    yield from finding_of_text(f"{pointer}/consent", client.consent)
    if client.consented_on > on:
        yield FieldFinding(
            f"{pointer}/consented_on", "later", "it is dated after today"
        )
