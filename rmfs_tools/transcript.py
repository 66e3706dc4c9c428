"""Who said what: a dial-in's frames as lines for people, while they pass."""

from collections.abc import Callable

from fm_device.panel.frames import describe_frame
from protocol.link import Direction


class Transcript:
    """Prints the frames of dial-ins as they pass the machine."""

    def __init__(self, say: Callable[[str], None], now: Callable[[], float]) -> None:
        """Tell `say` each line; `now` gives seconds."""
        self._say = say
        self._now = now
        self._began = now()

    def begin(self) -> None:
        """Count the seconds of a dial-in from here."""
        self._began = self._now()

    def frame(self, direction: Direction, octets: bytes) -> None:
        """Tell one frame."""
        who = "machine ->" if direction is Direction.SENT else "<- server "
        self._line(f"{who}  {describe_frame(octets)}")

    def remark(self, words: str) -> None:
        """Tell something that is no frame."""
        self._line(f"            {words}")

    def _line(self, words: str) -> None:
        self._say(f"  {self._now() - self._began:6.2f} s  {words}")
