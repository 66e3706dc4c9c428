"""The order of calls on a channel: one step after the other, dead after any error.

Every call names the step where it belongs and the step that it leads to. A call at
another step is a bug of the caller; an error inside a call, whoever's fault it is, ends
the channel for good, so that nothing half-done can ever be continued.
"""

from enum import Enum
from types import TracebackType
from typing import Generic, TypeVar

from protocol.errors import LocalProtocolError

S = TypeVar("S", bound=Enum)


class CallOrder(Generic[S]):
    """Where a channel stands in its order of calls."""

    def __init__(self, first: S) -> None:
        """Stand at the first step."""
        self.step: S = first
        self.dead = False

    def call(self, name: str, *, at: S, to: S) -> "_Call[S]":
        """Open the block that is the body of one call.

        Raises:
            LocalProtocolError: On entry, when the call has no place now.
        """
        return _Call(self, name, at, to)

    def refuse(self, name: str) -> LocalProtocolError:
        """End the channel because of a call that has no place now."""
        where = "after the channel ended" if self.dead else f"at {self.step.name}"
        self.dead = True
        return LocalProtocolError(f"{name} was called {where}", clause="CHAN-8.1")


class _Call(Generic[S]):
    """The body of one call, as a context manager."""

    def __init__(self, order: CallOrder[S], name: str, at: S, to: S) -> None:
        self._order = order
        self._name = name
        self._at = at
        self._to = to

    def __enter__(self) -> None:
        if self._order.dead or self._order.step is not self._at:
            raise self._order.refuse(self._name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._order.step = self._to
        else:
            self._order.dead = True
