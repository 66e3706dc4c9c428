"""What is looked at in packets and on the line, beside what messages say."""

from hw.lab.steps import Step
from hw.lab.trace import Trace, Traffic
from hw.seen.reading import SeenEvent


def differs(step: Step, kept: bytes, came: bytes) -> str:
    """Compare a place of two packets that must not be the same there.

    Args:
        step: ``at=`` and ``octets=`` say which place.
        kept: The packet that was kept.
        came: The one that came last.

    Returns:
        What is wrong, in words; empty if they differ.
    """
    at, octets = int(step.fields["at"], 0), int(step.fields["octets"], 0)
    place = slice(at, at + octets)
    if len(kept) < at + octets or len(came) < at + octets:
        return "one of the two packets is too short"
    return "it is the same again" if kept[place] == came[place] else ""


def hidden(trace: Trace, licence: str) -> str:
    """Look for a licence identifier in all that has passed on the line.

    Args:
        trace: The case so far.
        licence: The identifier.

    Returns:
        What is wrong, in words; empty if it is nowhere, and there was traffic.
    """
    frames = [
        entry.seen.octets
        for entry in trace.entries
        if isinstance(entry, Traffic) and not isinstance(entry.seen, SeenEvent)
    ]
    if not frames:
        return "nothing has passed"
    named = licence.encode("ascii")
    return "a frame has it in clear" if any(named in one for one in frames) else ""
