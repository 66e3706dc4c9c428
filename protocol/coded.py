"""What is said to people with a stable code: refusals, verdicts, parts of a test.

A code is ``MMM-FF-NNN``, module, function, number: service people sort by it, programs
go by it, and it never changes. The words say what is wrong and what to do next; they
may be written better at any time.
"""

from enum import Enum


class Coded(Enum):
    """Members whose value begins with a code and its words."""

    @property
    def code(self) -> str:
        """The stable code."""
        code: str = self.value[0]
        return code

    @property
    def words(self) -> str:
        """What people read."""
        words: str = self.value[1]
        return words
