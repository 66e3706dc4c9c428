"""Incidents about credits: which fault is which incident, and when it is over."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from dop_gateway.downloads.following import Missing
from dop_gateway.downloads.model import Download, DownloadFault, Kept, Objection
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents import store
from dop_gateway.incidents.model import IncidentKind
from protocol.values import LicenceIdentifier

INCIDENTS: Final = {
    DownloadFault.NOT_OURS: IncidentKind.CREDIT_NOT_OURS,
    DownloadFault.OTHER_NUMBER: IncidentKind.CREDIT_NOT_OURS,
    DownloadFault.NO_KEY: IncidentKind.CREDIT_NOT_OURS,
    DownloadFault.NOT_READABLE: IncidentKind.CREDIT_NOT_SIGNED,
    DownloadFault.OTHER_MACHINE: IncidentKind.CREDIT_NOT_SIGNED,
    DownloadFault.NOT_SIGNED: IncidentKind.CREDIT_NOT_SIGNED,
    DownloadFault.ALTERED: IncidentKind.CREDIT_ALTERED,
    DownloadFault.OTHER_VOUCHER: IncidentKind.CREDIT_ALTERED,
    DownloadFault.UNBALANCED: IncidentKind.REGISTERS_DISAGREE,
    DownloadFault.SAID_OTHERWISE: IncidentKind.CREDIT_ALTERED,
    DownloadFault.BROKEN: IncidentKind.CREDIT_OUT_OF_TURN,
    DownloadFault.BEYOND_FUNDS: IncidentKind.CREDIT_BEYOND_FUNDS,
}
"""Which incident a fault is."""
_MENDED: Final = tuple(sorted(set(INCIDENTS.values()), key=lambda kind: kind.name))


def tell_refused(
    connection: Connection, one: Download, maker: str, objection: Objection, by: By
) -> None:
    """Tell of a line that is not what a machine signed."""
    incidents.report(
        connection,
        INCIDENTS[objection.fault],
        _subject(one),
        objection.words,
        by,
        amount_paise=one.amount_paise,
        maker=maker,
        licence=one.licence,
    )


def tell_held(connection: Connection, one: Kept, objection: Objection, by: By) -> None:
    """Tell of a line that a machine signed, and that cannot be taken."""
    tell_refused(connection, one.download, one.maker, objection, by)


def tell_missing(
    connection: Connection, before: Kept, missing: Missing, by: By
) -> None:
    """Tell of credits that machines have and that nobody told of."""
    one = before.download
    words = (
        f"{before.maker} told of recharge {one.number} of {one.licence}, and not of "
        f"{missing.words}: let it send what is missing; what came waits"
    )
    incidents.report(
        connection,
        IncidentKind.CREDIT_NOT_REPORTED,
        one.licence,
        words,
        by,
        amount_paise=abs(missing.amount_paise),
        maker=before.maker,
        licence=one.licence,
    )


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with credits of some licences, and has not been acted upon.

    Attributes:
        open: Kinds and subjects of incidents.
    """

    open: AbstractSet[tuple[IncidentKind, str]]

    @classmethod
    def of(
        cls, connection: Connection, licences: Sequence[LicenceIdentifier]
    ) -> "Wrong":
        """Look up what is wrong."""
        kinds = (*_MENDED, IncidentKind.CREDIT_NOT_REPORTED)
        return cls(store.unmended(connection, kinds, licences))

    def tell_right(self, connection: Connection, one: Download, by: By) -> None:
        """Say that whatever was wrong with a credit has come right: it is taken."""
        words = f"recharge {one.number} of {one.licence} was taken"
        for kind in _MENDED:
            if (kind, _subject(one)) in self.open:
                incidents.over(connection, kind, _subject(one), words, by)

    def tell_complete(
        self, connection: Connection, licence: LicenceIdentifier, by: By
    ) -> None:
        """Say that no credit of a licence is missing any more."""
        kind = IncidentKind.CREDIT_NOT_REPORTED
        if (kind, licence) in self.open:
            words = f"every recharge of {licence} was told of"
            incidents.over(connection, kind, licence, words, by)


def _subject(one: Download) -> str:
    return f"{one.licence}:{one.number}"
