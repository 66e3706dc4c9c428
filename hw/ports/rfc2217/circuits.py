"""Circuits of a modem as the octet of NOTIFY-MODEMSTATE, both ways, and faults.

Source: RFC 2217 section 4; the bits are those of a 16550 UART's status registers.
"""

from typing import Final

from hw.ports.port import ModemCircuits, PortFault
from hw.ports.rfc2217.messages import LineState, ModemState

_LEVELS: Final = ModemState.CTS | ModemState.DSR | ModemState.RI | ModemState.DCD
_CHANGES: Final = (
    (ModemState.CTS, ModemState.CTS_CHANGED),
    (ModemState.DSR, ModemState.DSR_CHANGED),
    (ModemState.DCD, ModemState.DCD_CHANGED),
)

FAULTS: Final = (
    (LineState.BREAK_DETECTED, PortFault.BREAK),
    (LineState.PARITY_ERROR, PortFault.PARITY),
    (LineState.FRAMING_ERROR, PortFault.FRAMING),
    (LineState.OVERRUN_ERROR, PortFault.OVERRUN),
)
"""What of NOTIFY-LINESTATE is a fault, in the order in which it is told."""


def modem_circuits(state: ModemState) -> ModemCircuits:
    """Read what the modem sets."""
    return ModemCircuits(
        clear_to_send=ModemState.CTS in state,
        data_set_ready=ModemState.DSR in state,
        carrier=ModemState.DCD in state,
        ringing=ModemState.RI in state,
    )


def modem_state(circuits: ModemCircuits, before: ModemState) -> ModemState:
    """Write what the modem sets, and what is different from `before`.

    Of RI only the end is a change, as in a UART.
    """
    state = ModemState(0)
    for is_on, level in (
        (circuits.clear_to_send, ModemState.CTS),
        (circuits.data_set_ready, ModemState.DSR),
        (circuits.carrier, ModemState.DCD),
        (circuits.ringing, ModemState.RI),
    ):
        if is_on:
            state |= level
    different = (state ^ before) & _LEVELS
    for level, change in _CHANGES:
        if different & level:
            state |= change
    if different & ModemState.RI and not circuits.ringing:
        state |= ModemState.RI_ENDED
    return state


def is_news(state: ModemState, before: ModemState, mask: int) -> bool:
    """Tell whether a client that has set `mask` is to hear of `state`."""
    changes = state & ~_LEVELS
    return bool((((state ^ before) & _LEVELS) | changes) & mask)
