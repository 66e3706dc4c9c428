"""Who does at the unit under test what the line cannot: a person, or a program.

A case asks for it and waits until it is done. `hw.lab.hooks` runs commands and HTTP
calls that a declaration names; a test rig may bring its own.
"""

from collections.abc import Sequence
from typing import Protocol

from hw.lab.machine_memory import Asked
from protocol.errors import RmfsError
from protocol.keys import MachineProvisioning


class OperatorError(RmfsError):
    """What was asked for could not be done: nothing is known of the unit."""


class UnitRefusedError(OperatorError):
    """The unit itself refused what was asked for, and did nothing."""


class UnitOffError(OperatorError):
    """The unit does not run: it does nothing, and refuses nothing either."""


class Operator(Protocol):
    """Does what it is asked; each returns when it is done."""

    async def dial(self, asked: Asked) -> None:
        """Have the machine dial in and ask for this; the call itself follows.

        Raises:
            OperatorError: It cannot be done; `UnitRefusedError` if the machine said so.
        """
        ...

    async def frank(self, paise: int, product_class: int) -> None:
        """Have the machine frank one item.

        Raises:
            OperatorError: It cannot be done; `UnitRefusedError` if the machine said so.
        """
        ...

    async def power(self, what: str) -> None:
        """Cut the power, switch it off, or on.

        Raises:
            OperatorError: It cannot be done.
        """
        ...

    async def do(self, what: Sequence[str], licence: str) -> None:
        """Do something else: words of `hw.lab.verbs.ERRANDS`, for one licence.

        Raises:
            OperatorError: It cannot be done.
        """
        ...

    async def new_life(self) -> MachineProvisioning:
        """Have the machine begin a new life, and give the papers of it.

        Raises:
            OperatorError: It cannot be done; `UnitRefusedError` if the machine said so.
        """
        ...

    async def is_alive(self) -> bool:
        """Say whether the unit still runs, as far as can be seen without the line.

        Raises:
            OperatorError: Who was asked gave no answer.
        """
        ...

    async def memory_octets(self) -> int | None:
        """Say how much memory the unit holds now, or None where nobody can tell.

        Raises:
            OperatorError: Who was asked gave no answer.
        """
        ...


class Nobody:
    """An operator of a bench that needs none: a server is dialled, not touched."""

    async def dial(self, asked: Asked) -> None:
        """Refuse."""
        raise OperatorError("nobody is there to have the unit dial")

    async def frank(self, paise: int, product_class: int) -> None:
        """Refuse."""
        raise OperatorError("nobody is there to frank")

    async def power(self, what: str) -> None:
        """Refuse."""
        raise OperatorError("nobody is there for the power of the unit")

    async def do(self, what: Sequence[str], licence: str) -> None:
        """Refuse."""
        raise OperatorError(f"nobody is there to do this: {' '.join(what)}")

    async def new_life(self) -> MachineProvisioning:
        """Refuse."""
        raise OperatorError("nobody is there to begin a new life of the unit")

    async def is_alive(self) -> bool:
        """Believe it."""
        return True

    async def memory_octets(self) -> int | None:
        """Know nothing of it."""
        return None
