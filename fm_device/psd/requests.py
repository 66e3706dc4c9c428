"""What a PSD dials in for, checked before anything of it is stored."""

from fm_device.psd.records import PsdRecord
from protocol.dialogue.machine import Request
from protocol.errors import LocalProtocolError
from protocol.registers import MachineState, RequestKind
from protocol.values import U32_MAX


def check_dial_in(request: Request, record: PsdRecord) -> None:
    """Check a request; where one is pending, it stands in for this one.

    Raises:
        LocalProtocolError: The machine is not installed, its dial-ins cannot be counted
            any more, or the amount is not what this kind of request or the server's
            limit allows.
    """
    if record.standing is MachineState.UNINSTALLED:
        raise LocalProtocolError("a machine that is not installed does not dial")
    if record.dial_in >= U32_MAX:
        raise LocalProtocolError("the counter of dial-ins is full: call service")
    if record.pending is None:
        _check_amount(request, record)


def _check_amount(request: Request, record: PsdRecord) -> None:
    descending = record.registers.descending_paise
    allowed = {
        RequestKind.INSPECTION: request.amount_paise == 0,
        RequestKind.RECHARGE: request.amount_paise > 0,
        RequestKind.WITHDRAWAL: request.amount_paise == descending,
        RequestKind.REFUND: 0 < request.amount_paise <= descending,
    }
    if not allowed[request.kind]:
        raise LocalProtocolError(
            f"a request for {request.kind.name} of {request.amount_paise} paise",
            clause="DLG-4",
        )
    limit = record.funds_max_paise
    recharge = request.kind is RequestKind.RECHARGE
    if recharge and limit and descending + request.amount_paise > limit:
        raise LocalProtocolError(
            f"a recharge of {request.amount_paise} paise passes the limit of {limit}",
            clause="DLG-10.8",
        )
