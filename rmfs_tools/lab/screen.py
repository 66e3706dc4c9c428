"""What the person at the terminal sees while a certification runs.

Results go to stdout, everything on the way to stderr. On a terminal the last line says
where the run is, and is written over; elsewhere nothing is ever written over.
"""

from typing import Final

import click

_WIDTH: Final = 79
"""Of the line that is written over: it must not run into a second one."""
_OVER: Final = f"\r{_WIDTH * ' '}\r"


class Screen:
    """Writes lines, and one that is written over."""

    def __init__(self, *, is_terminal: bool) -> None:
        """Begin with an empty last line.

        Args:
            is_terminal: Whether stderr is one.
        """
        self.is_terminal = is_terminal
        self._has_status = False

    def result(self, words: str) -> None:
        """Write a line to stdout."""
        self._clear()
        click.echo(words)

    def tell(self, words: str) -> None:
        """Write a line to stderr."""
        self._clear()
        click.echo(words, err=True)

    def ask(self, words: str) -> None:
        """Write the beginning of a line, which the person ends."""
        self._clear()
        click.echo(words, nl=False, err=True)

    def status(self, words: str) -> None:
        """Say where the run is."""
        if not self.is_terminal:
            self.tell(words)
            return
        self._clear()
        click.echo(words[:_WIDTH], nl=False, err=True)
        self._has_status = True

    def _clear(self) -> None:
        if self._has_status:
            click.echo(_OVER, nl=False, err=True)
            self._has_status = False
