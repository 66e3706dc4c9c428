"""Settings of a port as the values of RFC 2217's commands, both ways."""

from dataclasses import replace
from typing import Final

from hw.ports.rfc2217.messages import FLOWS, PARITIES, Command, Control
from hw.ports.settings import PortSettings, PortSettingsError

COMMANDS: Final = (
    Command.SET_BAUDRATE,
    Command.SET_DATASIZE,
    Command.SET_PARITY,
    Command.SET_STOPSIZE,
)
"""The commands that set a port, in the order that RFC 2217 section 2 recommends."""

_PARITY_OF: Final = {value: parity for parity, value in PARITIES.items()}
_FLOW_OF: Final = {value: flow for flow, value in FLOWS.items()}


def setting_value(settings: PortSettings, command: Command) -> int:
    """Write one setting; `command` is one of `COMMANDS`, or SET-CONTROL for flow."""
    return {
        Command.SET_BAUDRATE: settings.baud,
        Command.SET_DATASIZE: settings.data_bits,
        Command.SET_PARITY: PARITIES[settings.parity],
        Command.SET_STOPSIZE: settings.stop_bits,
        Command.SET_CONTROL: FLOWS[settings.flow],
    }[command]


def with_value(settings: PortSettings, command: Command, value: int) -> PortSettings:
    """Read one setting into `settings`; what no port of ours can do changes nothing."""
    try:
        if command is Command.SET_BAUDRATE:
            return replace(settings, baud=value)
        if command is Command.SET_DATASIZE:
            return replace(settings, data_bits=value)
        if command is Command.SET_STOPSIZE:
            return replace(settings, stop_bits=value)
    except PortSettingsError:
        return settings
    if command is Command.SET_PARITY and value in _PARITY_OF:
        return replace(settings, parity=_PARITY_OF[value])
    if command is Command.SET_CONTROL and value in _FLOW_OF:
        return replace(settings, flow=_FLOW_OF[Control(value)])
    return settings
