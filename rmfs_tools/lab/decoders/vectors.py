"""Seeds from the project's own vectors, for targets."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(__file__).resolve().parents[3] / "protocol" / "vectors"


@cache
def vectors(name: str) -> Any:
    """Read a file of vectors."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))


def octets_of(name: str, *place: str) -> list[bytes]:
    """Give all octets at a place of a file of vectors, lists passed through."""
    return [bytes.fromhex(text) for text in _found(vectors(name), place)]


def _found(value: Any, place: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _found(one, place)
    elif not place:
        if isinstance(value, str):
            yield value
    elif isinstance(value, dict) and place[0] in value:
        yield from _found(value[place[0]], place[1:])
