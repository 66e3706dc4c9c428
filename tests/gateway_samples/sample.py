"""How a route is asked in the matrix test, and who asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """How a route is asked.

    Attributes:
        path: What stands for each ``{name}`` of its path.
        query: As in ``year=2026``.
        body: JSON.
        octets: A body that is no JSON, as it is sent ...
        media_type: ... with its media type.
        works: Somebody who may ask is answered with 2xx in the world of the test. Where
            nothing of the kind is in it, False: 404, 409 or 422 will do.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: Any = None
    octets: bytes | None = None
    media_type: str = ""
    works: bool = True


Samples = Mapping[str, Sample]
"""By method and path, as in ``POST /people/{login}/state``."""
