"""All targets, in groups: a module of this package each, imported when it is needed."""

from importlib import import_module
from typing import Final

from protocol.errors import RmfsError
from rmfs_tools.lab.decoders.target import Target

GROUPS: Final = (
    "line",
    "channel",
    "dialogues",
    "papers",
    "contents",
    "seen",
    "memories",
    "written",
    "modems",
    "ports",
    "signed",
)
"""From the line inwards, then files, then what hangs on ports."""


class TargetError(RmfsError):
    """There is no such target."""


def targets_of(group: str) -> tuple[Target, ...]:
    """Give the targets of a group."""
    module = import_module(f"rmfs_tools.lab.decoders.{group}")
    targets: tuple[Target, ...] = module.TARGETS
    return targets


def every_target() -> dict[str, tuple[str, Target]]:
    """Give all targets by their ids, each with its group."""
    return {
        target.id: (group, target) for group in GROUPS for target in targets_of(group)
    }


def chosen_targets(ids: tuple[str, ...]) -> dict[str, tuple[str, Target]]:
    """Give the targets of some ids; all for none.

    Raises:
        TargetError: There is none of an id.
    """
    known = every_target()
    for name in ids:
        if name not in known:
            raise TargetError(f"no decoder is called {name}: {', '.join(known)}")
    return {name: found for name, found in known.items() if not ids or name in ids}
