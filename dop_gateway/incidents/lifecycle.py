"""The life of an incident: found, given to somebody, acted upon, closed, opened again.

Where money is involved, somebody else than who acted closes it (GW-03).
"""

from typing import Final

from dop_gateway.identity.model import Role
from dop_gateway.incidents.model import Incident, IncidentEvent, IncidentState
from dop_gateway.moves import Lifecycle, Objection, move

_S = IncidentState
_E = IncidentEvent
RESOURCE: Final = (Role.DCR_OPERATOR, Role.DCR_SUPERVISOR)
"""Who looks into incidents."""


def _no_money(incident: Incident) -> Objection | None:
    if incident.is_money:
        words = "money is involved: somebody else than who acted approves it"
        return Objection("INC-01-001", words)
    return None


def _money(incident: Incident) -> Objection | None:
    if not incident.is_money:
        return Objection("INC-01-002", "no money is involved: close it")
    return None


INCIDENT: Final = Lifecycle[IncidentState, IncidentEvent, Incident](
    _S.OPEN,
    begun_by=_E.REPORTED,
    moves=[
        move(_S.OPEN, _E.ASSIGNED, _S.ASSIGNED, by=RESOURCE),
        move(_S.ASSIGNED, _E.ASSIGNED, _S.ASSIGNED, by=RESOURCE),
        # What mends by itself, as a file that comes late, is acted upon by the gateway.
        move(_S.OPEN, _E.ACTED, _S.ACTED, by_program=True),
        move(_S.ASSIGNED, _E.ACTED, _S.ACTED, by=RESOURCE, by_program=True),
        # What was done was not enough.
        move(_S.ACTED, _E.ASSIGNED, _S.ASSIGNED, by=RESOURCE),
        move(_S.ACTED, _E.CLOSED, _S.CLOSED, by=RESOURCE, when=_no_money),
        move(
            _S.ACTED,
            _E.APPROVED,
            _S.CLOSED,
            by=[Role.DCR_SUPERVISOR],
            when=_money,
            not_by=[_E.ACTED],
        ),
        move(_S.CLOSED, _E.REOPENED, _S.OPEN, by=RESOURCE),
    ],
)
