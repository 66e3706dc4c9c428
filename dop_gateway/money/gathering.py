"""What is known of the money of licences, put together for `explaining`."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.downloads import store as downloads
from dop_gateway.downloads.judging import read_message
from dop_gateway.downloads.model import Kept as KeptCredit
from dop_gateway.incidents import discrepancy_store
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Credential
from dop_gateway.money import store
from dop_gateway.money.model import (
    Credit,
    Documents,
    Facts,
    MakerFiles,
    Registered,
    Snapshot,
    Turn,
    Word,
)
from dop_gateway.money.store import Refunds
from dop_gateway.remaining import store as remaining
from dop_gateway.remaining.model import Kept as KeptSnapshot
from protocol.registers import effect_paise
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, RechargeNumber

_NOTHING = Refunds(0, 0)
_UNREGISTERED = Registered(Paise(0), Paise(0), Paise(0), RechargeNumber(0))


def gather(
    connection: Connection, only: LicenceIdentifier | None = None
) -> Iterator[Facts]:
    """Give what is known of every licence, or of one; some are read at a time."""
    files = store.maker_files(connection)
    for makers in store.identifiers(connection, only):
        yield from _gather(connection, makers, files)


def _gather(
    connection: Connection,
    makers: Mapping[LicenceIdentifier, str],
    files: Mapping[str, MakerFiles],
) -> Iterator[Facts]:
    of = list(makers)
    snapshots = {
        licence: _snapshot(kept)
        for licence, kept in remaining.last_of(connection, of).items()
    }
    since = min((one.applied_at for one in snapshots.values()), default=0)
    made_from = min((one.turn.made_at for one in snapshots.values()), default=0)
    lines = store.fund_lines(connection, of, EpochSeconds(since))
    credentials = licences.credentials_of(connection, of)
    balances = ledger.balances_of(connection, of)
    documents = _documents(connection, of)
    used = store.used(connection, of)
    taken = downloads.last_taken(connection, of)
    held = _by_licence(downloads.held(connection, of))
    refused = _by_licence(downloads.refused(connection, of))
    lately = _by_licence(
        downloads.taken_lately(connection, of, EpochSeconds(made_from))
    )
    statements = store.last_statements(connection, of)
    mailings = store.last_mailings(connection, of)
    discrepancies = discrepancy_store.open_of(connection, of)
    for licence, maker in makers.items():
        registered = _registered(credentials.get(licence))
        last = taken.get(licence)
        number = registered.number if last is None else last.download.number
        snapshot = snapshots.get(licence)
        kept = held.get(licence, [])
        words = [_word(one) for one in (last, *kept) if one is not None]
        words.append(statements.get(licence))
        told = used.get(licence, (registered.ascending_paise, 0))
        yield Facts(
            licence=licence,
            maker=maker,
            balances=balances[licence],
            documents=documents[licence],
            registered=registered,
            taken_number=number,
            taken_control_total_paise=(
                registered.control_total_paise
                if last is None
                else last.download.control_total_after_paise
            ),
            told_ascending_paise=told[0],
            files=files.get(maker, MakerFiles()),
            lines=tuple(
                one
                for one in lines.get(licence, ())
                if one.answered_at is None
                or (snapshot is not None and one.answered_at >= snapshot.applied_at)
            ),
            held=tuple(_credit(one) for one in kept),
            refused=tuple(
                _credit(one)
                for one in refused.get(licence, ())
                if one.download.number > number
            ),
            lately=tuple(
                one
                for one in map(_credit, lately.get(licence, ()))
                if snapshot is not None and one.turn.is_after(snapshot.turn)
            ),
            snapshot=snapshot,
            word=_newest(words),
            mailing=mailings.get(licence),
            discrepancies=tuple(discrepancies.get(licence, ())),
        )


def _documents(
    connection: Connection, of: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, Documents]:
    brought = store.brought(connection, of)
    answered = store.answered(connection, of)
    refunds = store.refunds(connection, of)
    used = store.used(connection, of)
    credited: dict[LicenceIdentifier, int] = {}
    for (licence, kind), total in downloads.taken_sums(connection, of).items():
        effect = effect_paise(kind, Paise(total))
        credited[licence] = credited.get(licence, 0) + effect
    return {
        licence: Documents(
            brought_paise=brought.get(licence, 0),
            answered_paise=answered.get(licence, 0),
            credited_paise=credited.get(licence, 0),
            refunded_paise=refunds.get(licence, _NOTHING).refunded_paise,
            given_up_paise=refunds.get(licence, _NOTHING).given_up_paise,
            used_paise=used.get(licence, (0, 0))[1],
        )
        for licence in of
    }


def _registered(credential: Credential | None) -> Registered:
    if credential is None:
        return _UNREGISTERED
    machine = credential.provisioning
    return Registered(
        machine.ascending_paise,
        machine.descending_paise,
        machine.control_total_paise,
        machine.recharge_number,
    )


def _snapshot(kept: KeptSnapshot) -> Snapshot:
    told = kept.told
    return Snapshot(
        told.remaining_paise,
        told.reserved_paise,
        told.number,
        told.control_total_paise,
        Turn(kept.day, kept.window, kept.made_at),
        f"{kept.file_id}/{told.line_id}",
        kept.applied_at,
    )


def _credit(kept: KeptCredit) -> Credit:
    one = kept.download
    return Credit(
        one.number,
        one.effect_paise,
        one.control_total_after_paise,
        kept.state,
        kept.code,
        f"{kept.file_id}/{one.line_id}",
        Turn(kept.day, kept.window, kept.made_at),
    )


def _word(kept: KeptCredit) -> Word | None:
    """Give what a machine signed with a credit; None where a person settled it."""
    message = read_message(kept.download.message)
    if message is None:
        return None
    return Word(
        message.registers.ascending_paise,
        message.registers.descending_paise,
        message.registers.control_total_paise,
        message.recharge_number,
        kept.download.at,
        is_signed=True,
        turn=Turn(kept.day, kept.window, kept.made_at),
        reference=f"recharge {kept.download.number} in {kept.file_id}",
    )


def _newest(words: Sequence[Word | None]) -> Word | None:
    """Give the word that is furthest on: neither numbers nor AR ever go back."""
    known = [one for one in words if one is not None]
    if not known:
        return None
    return max(known, key=lambda one: (one.number or 0, one.ascending_paise))


def _by_licence(
    kept: Sequence[KeptCredit],
) -> dict[LicenceIdentifier, list[KeptCredit]]:
    found: dict[LicenceIdentifier, list[KeptCredit]] = {}
    for one in kept:
        found.setdefault(one.download.licence, []).append(one)
    return found
