"""Addresses as those see them who need not know them (GW-09)."""

from typing import Final

from dop_gateway.outbox.model import To

_SEEN_END: Final = 4


def masked(to: To) -> str:
    """Show so much of an address that its owner is recognised by who knows them.

    As in ``a***@example.org`` and ``******3210``.
    """
    name, at, domain = to.address.rpartition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return "*" * (len(to.address) - _SEEN_END) + to.address[-_SEEN_END:]
