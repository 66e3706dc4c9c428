"""A pool: a server that answers at many lines, such as a row of modems."""

from collections.abc import Sequence

from hw.lines.port import Answer, LineError, Listener


class ListenerPool:
    """Listeners that answer as one, of one kind or of many."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        """Join listeners, at least one.

        Raises:
            LineError: There is none.
        """
        if not listeners:
            raise LineError("a server needs a line to listen at")
        self._listeners = tuple(listeners)

    @property
    def address(self) -> str:
        """Where each of them is."""
        return ", ".join(listener.address for listener in self._listeners)

    def listen(self, answer: Answer) -> None:
        """Answer the calls of all.

        Raises:
            LineError: One of them cannot; then none does.
        """
        for index, listener in enumerate(self._listeners):
            try:
                listener.listen(answer)
            except LineError:
                for begun in self._listeners[:index]:
                    begun.close()
                raise

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        for listener in self._listeners:
            listener.close()
