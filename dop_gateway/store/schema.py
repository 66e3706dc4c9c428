"""All tables of the gateway; each is explained where its feature keeps it."""

from typing import Final

from dop_gateway.store.building import metadata

__all__ = ["metadata"]
