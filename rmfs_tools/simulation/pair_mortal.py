"""How the server of a pair dies: at a commit, or before a job of its writer begins."""

from collections.abc import Callable
from typing import TypeVar

from hw.database import CommitHook, NoHook

T = TypeVar("T")


class ServerKilledError(Exception):
    """The server's process ended, at this very point."""


class SwitchedHook:
    """A commit hook that is another one for each life of the server."""

    def __init__(self) -> None:
        """Do nothing at commits, until `inner` is another hook."""
        self.inner: CommitHook = NoHook()

    def before_commit(self, name: str) -> None:
        """Ask the hook of this life."""
        self.inner.before_commit(name)

    def after_commit(self, name: str) -> None:
        """Ask the hook of this life."""
        self.inner.after_commit(name)


class MortalWriter:
    """Runs jobs at once; when one kills the server, nobody is ever answered.

    Attributes:
        dead: The server is dead.
        jobs: How many jobs were begun.
    """

    def __init__(
        self, died: Callable[[], None], dies_before_job: int | None = None
    ) -> None:
        """Tell `died` when the server dies.

        Args:
            died: Called once.
            dies_before_job: A job that never begins, counted from 1, or None.
        """
        self.dead = False
        self.jobs = 0
        self._died = died
        self._dies_before_job = dies_before_job

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` now, unless the server is dead or dies of it."""
        if self.dead:
            return
        if self.jobs + 1 == self._dies_before_job:
            self._die()
            return
        self.jobs += 1
        try:
            result = job()
        except ServerKilledError:
            self._die()
            return
        done(result)

    def _die(self) -> None:
        self.dead = True
        self._died()


class KilledAt:
    """A commit hook that kills the server inside or after its n-th commit.

    Attributes:
        commits: Names of the transactions that came to their commit.
    """

    def __init__(self, commit: int, *, after: bool) -> None:
        """Choose a commit, from 1.

        Args:
            commit: Which.
            after: It is durable then; otherwise everything is written and nothing
                committed.
        """
        self.commits: list[str] = []
        self._commit = commit
        self._after = after

    def before_commit(self, name: str) -> None:
        """Die here, or note it."""
        self.commits.append(name)
        if len(self.commits) == self._commit and not self._after:
            raise ServerKilledError(name)

    def after_commit(self, name: str) -> None:
        """Die here, or do nothing."""
        if len(self.commits) == self._commit and self._after:
            raise ServerKilledError(name)


class NotedCommits:
    """A commit hook that notes which job of the writer each commit belongs to.

    Attributes:
        commits: Job and name of each, in order.
    """

    def __init__(self, jobs: Callable[[], int]) -> None:
        """Ask `jobs` how many were begun."""
        self.commits: list[tuple[int, str]] = []
        self._jobs = jobs

    def before_commit(self, name: str) -> None:
        """Note it."""
        self.commits.append((self._jobs(), name))

    def after_commit(self, name: str) -> None:
        """Do nothing."""
