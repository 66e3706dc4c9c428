"""What was done for a key, so that nothing is franked a second time."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from fm_device.control.problems import ControlRefusal, ProblemError, problem_of
from protocol.errors import RmfsError

KEYS_KEPT: Final = 1_024


class Answers:
    """Answers by the key that their request had, in memory alone."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: OrderedDict[str, tuple[str, dict[str, Any] | RmfsError]] = (
            OrderedDict()
        )

    def once(
        self, key: str | None, asked: str, task: Callable[[], dict[str, Any]]
    ) -> tuple[dict[str, Any], bool]:
        """Do something once for each key, however often it is asked for.

        What was refused has not happened, and may be asked for again with its key. What
        the power has cut may have happened: it is not done a second time. Keys are kept
        in memory alone, the last `KEYS_KEPT` of them.

        Args:
            key: Of the client, or None: done every time.
            asked: What was asked for; a key goes with one request.
            task: What is done.

        Returns:
            What was answered, and whether that was before.

        Raises:
            ProblemError: The key was used for another request.
        """
        if key is None:
            return task(), False
        before = self._kept.get(key)
        if before is not None:
            if before[0] != asked:
                raise ProblemError(ControlRefusal.KEY_USED)
            if isinstance(before[1], RmfsError):
                raise before[1]
            return before[1], True
        try:
            answer = task()
        except ProblemError:
            raise
        except RmfsError as error:
            self._keep(key, asked, problem_of(error))
            raise
        self._keep(key, asked, answer)
        return answer, False

    def _keep(self, key: str, asked: str, answer: dict[str, Any] | RmfsError) -> None:
        self._kept[key] = (asked, answer)
        if len(self._kept) > KEYS_KEPT:
            self._kept.popitem(last=False)
