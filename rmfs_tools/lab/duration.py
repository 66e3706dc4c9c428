"""How long something is to take, as people type it."""

import re
from typing import Final

import click

_FORM: Final = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_UNITS_S: Final = {None: 1, "s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[float]):
    """Seconds, or ``90s``, ``10m``, ``2h``."""

    name = "duration"

    def convert(
        self,
        value: str | float,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Read it, in seconds."""
        if not isinstance(value, str):
            return float(value)
        found = _FORM.fullmatch(value.strip())
        seconds = 0.0 if found is None else float(found[1]) * _UNITS_S[found[2]]
        if not seconds:
            self.fail(
                f"{value!r} is no length of time: write 90s, 10m or 2h", param, ctx
            )
        return seconds
