"""Fields of requests and answers: enumerations by name, money and moments as text.

Money is a decimal string of rupees, ``2000.00``; a moment is RFC 3339 in India's time.

Source: requirements, section 11 no. 1; GW-04.
"""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from protocol.parameters import INDIA
from protocol.values import EpochSeconds

Reason = Annotated[str, Field(min_length=1, max_length=500)]
"""Why somebody does something, in words for who reads it later."""
Words = Annotated[str, Field(max_length=256)]


class Body(BaseModel):
    """The body of a request: nothing in it is overlooked."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def refuse_nul(cls, given: object) -> object:
        """Refuse U+0000, which no text has and PostgreSQL does not store."""
        if isinstance(given, dict) and any(map(_has_nul, given.values())):
            raise PydanticCustomError("nul", "a text with U+0000 is not taken")
        return given


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, dict) and any(map(_has_nul, value.values()))


class ByName:
    """Reads and writes a member of an enumeration as its name."""

    def __init__(self, kind: type[Enum], *, lower: bool = False) -> None:
        """Read members of this enumeration.

        Args:
            kind: The enumeration.
            lower: Outside its names are in small letters.
        """
        self._kind = kind
        self._members = {
            name.lower() if lower else name: one
            for name, one in kind.__members__.items()
        }
        self._lower = lower

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Tell pydantic: JSON has names, Python may have members too."""
        names = core_schema.literal_schema(list(self._members))
        return core_schema.no_info_plain_validator_function(
            self._member,
            json_schema_input_schema=names,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._name_of, return_schema=names
            ),
        )

    def _member(self, value: object) -> Enum:
        if isinstance(value, self._kind):
            return value
        if isinstance(value, str) and value in self._members:
            return self._members[value]
        names = ", ".join(self._members)
        raise PydanticCustomError("unknown", "one of {names}", {"names": names})

    def _name_of(self, member: Enum) -> str:
        return member.name.lower() if self._lower else member.name


def show_moment(moment: EpochSeconds) -> str:
    """Show a moment in India's time, as in ``2026-11-22T19:30:00+05:30``."""
    return datetime.fromtimestamp(moment, INDIA).isoformat()
