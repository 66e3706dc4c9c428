"""The parameters that come with the gateway: its own, and those of both sides."""

from functools import cache
from importlib.resources import files

from protocol.parameters import ParameterTable, all_parameters, parse_parameters


@cache
def shipped_parameters() -> ParameterTable:
    """Read the shipped tables; they are parts of packages and never written."""
    text = files("dop_gateway").joinpath("parameters.toml").read_text("utf-8")
    return ParameterTable((*all_parameters(), *parse_parameters(text)))
