"""What the channel hides must not be on the line in clear, whatever the unit sends."""

from collections.abc import Iterator

from hw.capture import CaptureDirection
from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.wire import Did, Passed
from hw.lab.trace import Trace, Traffic
from hw.seen.reading import SeenEvent

_BODY_OCTETS_LEAST = 12
"""A shorter body may stand in a frame by chance."""


def secrets_seen(
    trace: Trace, passed: list[Did | Passed], licence: str, *, of_machine: bool
) -> Iterator[Finding]:
    """Look for the licence identifier and for the bodies of records.

    Args:
        trace: The case.
        passed: What `hw.lab.fuzz.wire` reads of it.
        licence: The identifier of the machine in it.
        of_machine: Whether the unit is the machine.
    """
    way = CaptureDirection.FROM_MACHINE if of_machine else CaptureDirection.TO_MACHINE
    sent = b"\0".join(
        entry.seen.octets
        for entry in trace.entries
        if isinstance(entry, Traffic)
        and not isinstance(entry.seen, SeenEvent)
        and entry.seen.direction is way
    )
    if licence.encode("ascii") in sent:
        yield Finding(Oracle.SECRET, "CHAN-1.3", "the licence identifier is in clear")
    for one in passed:
        if not isinstance(one, Passed) or one.from_machine is not of_machine:
            continue
        body = one.packet.body
        if body is None or len(body) < _BODY_OCTETS_LEAST or one.message is None:
            continue
        if body in sent:
            words = f"a {one.message.name} is in clear"
            yield Finding(Oracle.SECRET, "CHAN-6", words)
