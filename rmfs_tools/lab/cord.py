"""The cord of a machine: whoever pulls the plug hangs up the call that it has.

A machine without power says nothing more. What it has sent is on the line already.
"""

from hw.lines.port import Call, Dialler, LineUser


class Cord:
    """A `Dialler` that knows the call it has made last."""

    def __init__(self, dialler: Dialler) -> None:
        """Make calls by another one."""
        self._dialler = dialler
        self._call: Call | None = None

    def dial(self, user: LineUser) -> Call:
        """Call."""
        self._call = self._dialler.dial(user)
        return self._call

    def pull(self) -> None:
        """Hang up; nothing is received from now on."""
        call, self._call = self._call, None
        if call is not None:
            call.drop()
