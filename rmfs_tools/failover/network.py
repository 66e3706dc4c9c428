"""The network of the rehearsal: a bridge, three nodes behind it, and ways to cut them.

It is made in a network namespace that is ours alone (`entering`), without any way out.
The addresses are of TEST-NET-1 (RFC 5737), which belongs to nobody.
"""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.errors import NeedsAttentionError

NETWORK: Final = "192.0.2.0/24"
HERE: Final = "192.0.2.1"
"""Where recharge server, balancer and callers are."""
_BRIDGE: Final = "books"


class RehearsalError(NeedsAttentionError):
    """The rehearsal could not be played; nothing is said about the product."""


@dataclass(frozen=True, slots=True)
class Node:
    """One host of the cluster.

    Attributes:
        number: 1 to 3.
    """

    number: int

    @property
    def name(self) -> str:
        """Its name, as Patroni and etcd know it; also that of its namespace."""
        return f"node{self.number}"

    @property
    def address(self) -> str:
        """Where it is."""
        return f"192.0.2.{10 + self.number}"

    @property
    def wire(self) -> str:
        """The end of its cable at the bridge."""
        return f"wire{self.number}"


NODES: Final = (Node(1), Node(2), Node(3))


def make_network() -> None:
    """Make the bridge and the nodes.

    Raises:
        RehearsalError: The kernel or `ip` would not.
    """
    _ip("link", "set", "lo", "up")
    _ip("link", "add", _BRIDGE, "type", "bridge")
    _ip("address", "add", f"{HERE}/24", "dev", _BRIDGE)
    _ip("link", "set", _BRIDGE, "up")
    for node in NODES:
        _ip("netns", "add", node.name)
        _ip(
            *("link", "add", node.wire, "type", "veth"),
            *("peer", "name", "eth0", "netns", node.name),
        )
        _ip("link", "set", node.wire, "master", _BRIDGE)
        _ip("link", "set", node.wire, "up")
        _ip("-n", node.name, "link", "set", "lo", "up")
        _ip("-n", node.name, "address", "add", f"{node.address}/24", "dev", "eth0")
        _ip("-n", node.name, "link", "set", "eth0", "up")


def cut(node: Node) -> None:
    """Pull a node's cable."""
    _ip("link", "set", node.wire, "down")


def join(node: Node) -> None:
    """Put a node's cable back."""
    _ip("link", "set", node.wire, "up")


def part(node: Node) -> None:
    """Part a node from the other nodes; who calls the books still reaches it."""
    for other in _others(node):
        _ip("-n", node.name, "route", "add", "blackhole", f"{other.address}/32")


def rejoin(node: Node) -> None:
    """End what `part` did."""
    for other in _others(node):
        _ip("-n", node.name, "route", "del", "blackhole", f"{other.address}/32")


def processes_of(node: Node) -> list[int]:
    """Find what runs on a node."""
    return [int(word) for word in _ip("netns", "pids", node.name).split()]


def _others(node: Node) -> Iterable[Node]:
    return (other for other in NODES if other != node)


def _ip(*words: str) -> str:
    done = subprocess.run(  # noqa: S603  # our own words, no shell
        ["ip", *words],  # noqa: S607  # found by PATH, as iproute2 is everywhere
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise RehearsalError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
