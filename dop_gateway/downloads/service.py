"""What becomes of the credits that makers tell of: files come in, money moves.

`apply` takes a credit download file: each line is judged by itself, kept, and taken if
it follows the ones before. `take_settled` does the same for what people at a maker
settled. `resume` looks again at what waits, once something has changed: an
acknowledgement came, or a deposit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.downloads import store, telling
from dop_gateway.downloads.following import follow
from dop_gateway.downloads.judging import objection_to, objection_to_voucher
from dop_gateway.downloads.model import (
    Chain,
    Download,
    DownloadFault,
    DownloadId,
    DownloadState,
    Kept,
    Objection,
)
from dop_gateway.downloads.reading import read_downloads, read_settled
from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import By
from dop_gateway.ledger import Movement, movements
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Credential, Licence
from dop_gateway.usage import service as usage
from protocol.exchange import ExchangeFile, FileHeader
from protocol.registers import VoucherKind
from protocol.values import LicenceIdentifier, RechargeNumber

_UNPROVED = DownloadState.UNPROVED
_Judged = tuple[Download, DownloadState, Objection | None]


def apply(
    connection: Connection, file: ExchangeFile, _file_id: str, by: By
) -> list[RefusedLine]:
    """Take a credit download file.

    Args:
        connection: A writing transaction.
        file: As it was read, its signature checked; its sender is a maker.
        by: Who lets it be taken.

    Returns:
        The lines that were not taken, in the order of the file. A line that only waits
        for one before it is none of them.
    """
    return _apply(connection, FileHeader.of(file), read_downloads(file), by)


def take_settled(
    connection: Connection, file: ExchangeFile, by: By
) -> list[RefusedLine]:
    """Keep what people at a maker settled, out of a discrepancy file."""
    return _apply(connection, FileHeader.of(file), read_settled(file), by)


def resume(
    connection: Connection, of: Sequence[LicenceIdentifier] | None, by: By
) -> int:
    """Take what waits and can be taken now; None: of all licences.

    Returns:
        How many lines were taken.
    """
    waiting = store.held(connection, of)
    return _take(connection, waiting, by, _about(connection, waiting))


def _apply(
    connection: Connection,
    header: FileHeader,
    lines: Iterable[Download],
    by: By,
) -> list[RefusedLine]:
    told = list(lines)
    about = _About.of(connection, {one.licence for one in told})
    judged = _judge(connection, told, header.sender, about)
    store.add_many(connection, judged, header, by.now)
    for one, state, objection in judged:
        if state is DownloadState.REFUSED and objection is not None:
            telling.tell_refused(connection, one, header.sender, objection, by)
    known = [one.licence for one in told if one.licence in about.licences]
    wanted = sorted(set(known))
    _take(connection, store.held(connection, wanted), by, about)
    held = {
        (one.download.licence, one.download.number): one
        for one in store.held(connection, wanted)
    }
    refused = {
        one.line_id: objection
        for one, state, objection in judged
        if state is DownloadState.REFUSED and objection is not None
    }
    return list(_refused_lines(told, refused, held))


def _refused_lines(
    told: Sequence[Download],
    refused: Mapping[str, Objection],
    held: Mapping[tuple[LicenceIdentifier, RechargeNumber], Kept],
) -> Iterable[RefusedLine]:
    words = {fault.code: fault.words for fault in DownloadFault}
    for one in told:
        objection = refused.get(one.line_id)
        waits = held.get((one.licence, one.number))
        if objection is not None:
            yield RefusedLine(one.line_id, objection.fault.code, objection.words)
        elif waits is not None and waits.code:
            said = f"{waits.detail}; {words[waits.code]}"
            yield RefusedLine(one.line_id, waits.code, said)


@dataclass(frozen=True, slots=True)
class _About:
    """What is known of the licences of a file.

    Attributes:
        credentials: Of machines that are registered.
    """

    licences: Mapping[str, Licence]
    credentials: Mapping[str, Credential]

    @classmethod
    def of(
        cls, connection: Connection, wanted: Iterable[LicenceIdentifier]
    ) -> "_About":
        """Look licences up."""
        names = sorted(set(wanted))
        return cls(
            licences.find_many(connection, names),
            licences.credentials_of(connection, names),
        )


def _about(connection: Connection, waiting: Sequence[Kept]) -> _About:
    return _About.of(connection, {one.download.licence for one in waiting})


def _judge(
    connection: Connection, told: Sequence[Download], sender: str, about: _About
) -> list[_Judged]:
    """Judge each line by itself; what was told before in the same way is left out."""
    known = store.standing(connection, [(one.licence, one.number) for one in told])
    judged: list[_Judged] = []
    seen: dict[tuple[LicenceIdentifier, int], bytes] = {}
    for one in told:
        key = (one.licence, one.number)
        objection = _objection(one, sender, about)
        before = known.get(key)
        voucher = seen.get(key) if before is None else before.download.voucher
        if objection is not None:
            judged.append((one, DownloadState.REFUSED, objection))
        elif voucher is None:
            seen[key] = one.voucher
            state = DownloadState.WAITING if one.message else DownloadState.UNPROVED
            judged.append((one, state, None))
        elif voucher != one.voucher:
            detail = f"recharge {one.number} was told before with another voucher"
            fault = Objection(DownloadFault.SAID_OTHERWISE, detail)
            judged.append((one, DownloadState.REFUSED, fault))
        elif before is not None and one.message and before.state is _UNPROVED:
            store.prove(connection, before.id, one)
    return judged


def _objection(one: Download, sender: str, about: _About) -> Objection | None:
    licence = about.licences.get(one.licence)
    if licence is None or licence.maker != sender:
        detail = f"{one.licence} is no licence of {sender}"
        return Objection(DownloadFault.NOT_OURS, detail)
    if licence.number != one.licence_number:
        detail = f"{one.licence} has the number {licence.number}"
        return Objection(DownloadFault.OTHER_NUMBER, detail)
    credential = about.credentials.get(one.licence)
    if credential is None:
        return objection_to(one, None)
    if not one.message:
        return objection_to_voucher(one, credential.machine)
    return objection_to(one, credential.machine)


def _take(
    connection: Connection, waiting: Sequence[Kept], by: By, about: _About
) -> int:
    """Take what follows, licence by licence; gives how many lines were taken."""
    of = attrgetter("download.licence")
    wanted = sorted({of(one) for one in waiting})
    wrong = telling.Wrong.of(connection, wanted)
    chains = store.chains(connection, wanted)
    balances = ledger.balances_of(connection, wanted)
    coming = store.coming(connection, wanted)
    taken: list[tuple[DownloadId, Movement | None]] = []
    changes = []
    credited: set[LicenceIdentifier] = set()
    for licence, group in groupby(waiting, key=of):
        lines = list(group)
        held = balances[licence]
        chain = chains.get(licence) or _begins(about.credentials[licence])
        followed = follow(
            [one.download for one in lines],
            chain,
            remaining_paise=held.remaining,
            machine_paise=held.machine,
            coming_paise=coming.get(licence, 0),
        )
        for place, (one, state) in enumerate(zip(lines, followed.states, strict=True)):
            objection = followed.objections.get(place)
            if state is DownloadState.TAKEN:
                taken.append((one.id, _movement(one.download)))
                credited.add(licence)
                wrong.tell_right(connection, one.download, by)
            elif (state, _code(objection)) != (one.state, one.code):
                changes.append((one.id, state, objection))
            if objection is not None:
                telling.tell_held(connection, one, objection, by)
        if followed.missing is None:
            wrong.tell_complete(connection, licence, by)
        else:
            telling.tell_missing(connection, lines[0], followed.missing, by)
    posted = iter(ledger.post_many(connection, [move for _, move in taken if move], by))
    store.change_states(connection, changes)
    store.take(
        connection,
        [(of_line, next(posted).journal if move else None) for of_line, move in taken],
        by.now,
    )
    if credited:
        usage.post_used_of(connection, sorted(credited), by)
    return len(taken)


def _begins(credential: Credential) -> Chain:
    """Say where the credits of a machine begin: with what its maker registered."""
    machine = credential.provisioning
    return Chain(machine.recharge_number, machine.control_total_paise)


def _movement(one: Download) -> Movement | None:
    key = f"download:{one.licence}:{one.number}"
    reason = f"{one.kind.name} {one.number} of {one.licence}, signed by the machine"
    if one.effect_paise == 0:
        return None
    move = movements.withdrawn
    if one.kind is VoucherKind.RECHARGE:
        move = movements.downloaded
    return move(one.licence, abs(one.effect_paise), key, reason)


def _code(objection: Objection | None) -> str:
    return "" if objection is None else objection.fault.code
