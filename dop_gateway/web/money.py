"""Money in requests and answers: rupees with two decimals as text, ``2000.00`` (GW-04).

It is no number of JSON: many programs read those as floating point.
"""

import re
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from protocol.exchange import show_amount
from protocol.values import AMOUNT_PAISE_MAX, Paise

_PATTERN: Final = r"^-?(0|[1-9][0-9]{0,13})\.[0-9]{2}$"
_TEXT: Final = re.compile(r"(-?)(0|[1-9][0-9]{0,13})\.([0-9]{2})", re.ASCII)


class _AsText:
    """Reads rupees into paise, and writes them again."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Tell pydantic: JSON has text, Python has paise."""
        told = core_schema.str_schema(pattern=_PATTERN)
        return core_schema.no_info_plain_validator_function(
            _read,
            json_schema_input_schema=told,
            serialization=core_schema.plain_serializer_function_ser_schema(
                show_amount, return_schema=told
            ),
        )


def _read(value: object) -> Paise:
    if isinstance(value, int) and not isinstance(value, bool):
        return Paise(value)
    found = _TEXT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("money", "rupees as text with two decimals: 2000.00")
    paise = int(found[2]) * 100 + int(found[3])
    if paise > AMOUNT_PAISE_MAX:
        raise PydanticCustomError("too_much", "more than can be held")
    return Paise(-paise if found[1] else paise)


Rupees = Annotated[Paise, _AsText()]
"""Paise in Python, ``2000.00`` in JSON."""
