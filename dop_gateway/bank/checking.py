"""Whether a file counts as a whole: pure, before anything of its lines is believed.

In this order: its name, its signature, its structure with all totals, whose file it is,
its turn. A statement has to follow the one before it, to the paisa; if it does not, it
waits until the one between them has come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from dop_gateway.bank.model import (
    ACCOUNT_STATEMENT,
    RECEIVER,
    Bank,
    BankFile,
    FileFault,
)
from protocol.exchange import (
    BY_HAND,
    ExchangeFile,
    ExchangeFileError,
    FileHeader,
    Layouts,
    Signed,
    check_signature,
    read_file,
    show_amount,
)
from protocol.keys import Realm, VerifyingKey

_FINDINGS_TOLD: int = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file does not count.

    Attributes:
        detail: What was found, for the incident.
        layout: By its name; empty if none.
    """

    fault: FileFault
    detail: str
    layout: str = ""

    @property
    def words(self) -> str:
        """For people: what is wrong, what to do, what was found."""
        return (
            f"{self.fault.words} ({self.detail})" if self.detail else self.fault.words
        )


def read(
    bank: Bank, layouts: Layouts, realm: Realm, name: str, octets: bytes
) -> ExchangeFile | Refusal:
    """Read a file of a bank: whose it is, and whether it adds up in itself."""
    layout = layouts.of_file(name)
    if layout is None or layout.name not in bank.kind.layouts:
        return Refusal(FileFault.NO_LAYOUT, name)
    keys = {bank.key_id: VerifyingKey(bank.key)}
    signed = check_signature(octets, keys, realm)
    if not isinstance(signed, Signed):
        return Refusal(
            FileFault.UNSIGNED, f"{signed.code}: {signed.words}", layout.name
        )
    try:
        file = read_file(layout, octets)
    except ExchangeFileError as error:
        found = "; ".join(str(one) for one in error.findings[:_FINDINGS_TOLD])
        return Refusal(FileFault.UNREADABLE, found, layout.name)
    header: Mapping[str, Any] = file.header
    wanted = {"sender": str(bank.code), "receiver": RECEIVER}
    if layout.name == ACCOUNT_STATEMENT:
        wanted["account"] = bank.account
    for field, value in wanted.items():
        if header[field] != value:
            detail = f"{field} is {header[field]}, not {value}"
            return Refusal(FileFault.NOT_THEIRS, detail, layout.name)
    return file


@dataclass(frozen=True, slots=True)
class Before:
    """What was taken before a file.

    Attributes:
        of_day: Of the same layout and day.
        of_number: Of the same layout and sequence number.
        of_id: With the same file id.
        previous: The statement of the day before it that is nearest; None of none.
        following: That of the day after it that is nearest; likewise.
    """

    of_day: BankFile | None
    of_number: BankFile | None
    of_id: BankFile | None
    previous: BankFile | None
    following: BankFile | None


def check_turn(file: ExchangeFile, before: Before, today: date) -> Refusal | None:
    """Say why a file that can be read does not count now.

    Returns:
        None if it counts; `FileFault.DOES_NOT_FOLLOW` if it has to wait.
    """
    header, layout = FileHeader.of(file), file.layout.name
    if before.of_id is not None:
        detail = f"{header.file_id} is {before.of_id.name}"
        return Refusal(FileFault.ID_REUSED, detail, layout)
    if before.of_number is not None and header.sequence != BY_HAND:
        detail = f"{header.sequence} is {before.of_number.name}"
        return Refusal(FileFault.SEQUENCE_REPEATED, detail, layout)
    if before.of_day is not None:
        detail = f"{header.business_date} is told by {before.of_day.name}"
        return Refusal(FileFault.DAY_REPEATED, detail, layout)
    if header.business_date > today:
        detail = f"{header.business_date} is after {today}"
        return Refusal(FileFault.FROM_THE_FUTURE, detail, layout)
    if layout == ACCOUNT_STATEMENT:
        return _check_chain(file.header, before, layout)
    return None


def _check_chain(
    header: Mapping[str, Any], before: Before, layout: str
) -> Refusal | None:
    """Hold the balances of a statement against those of its neighbours."""
    opening_paise, closing_paise = header["opening_paise"], header["closing_paise"]
    previous, following = before.previous, before.following
    if previous is not None and previous.closing_paise != opening_paise:
        detail = (
            f"it opens with {show_amount(opening_paise)}, that of "
            f"{previous.business_date} closed with "
            f"{show_amount(previous.closing_paise or 0)}"
        )
        return Refusal(FileFault.DOES_NOT_FOLLOW, detail, layout)
    if following is not None and following.opening_paise != closing_paise:
        detail = (
            f"it closes with {show_amount(closing_paise)}, that of "
            f"{following.business_date} opened with "
            f"{show_amount(following.opening_paise or 0)}"
        )
        return Refusal(FileFault.DOES_NOT_FOLLOW, detail, layout)
    return None
