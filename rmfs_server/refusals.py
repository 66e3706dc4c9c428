"""What a person asked of the books and did not get."""

from protocol.errors import RmfsError


class MoveRefusedError(RmfsError):
    """What a person asked is not possible; the words say why and what to do."""


class NotNeededError(MoveRefusedError):
    """The machine does without this order: one for all machines leaves it out."""


class AlreadyWaitingError(NotNeededError):
    """The same order waits already, as the last one of its machine."""


class NotNewerError(NotNeededError):
    """The machine runs this firmware already, or a newer one."""
