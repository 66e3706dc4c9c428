"""Where the playing of steps stands: the call, what came last, what was kept.

Those who carry steps out (`hw.lab.calling`, `hw.lab.taking`, `hw.lab.saying` …) share
it; a `Player` makes one for itself.
"""

from dataclasses import dataclass, field

from hw.lab.bench import Bench
from hw.lab.conversation import Conversation
from hw.lab.frame_steps import FrameSteps
from hw.lab.machine_side import MachineSide
from hw.lab.server_side import ServerSide
from hw.lab.side import Breach
from hw.lab.stopping import bench_failed
from hw.lab.taken import Taken
from hw.lab.trace import Trace


@dataclass(slots=True)
class Scene:
    """What the steps of one case have in common.

    Attributes:
        bench: Where they are played.
        side: What the bench is.
        trace: What was seen.
        frames: The frames of the call.
        talk: The call that is spoken in; None: there is none.
        unanswered: What came last in it, if nothing was said since.
        taken: Whatever came, in order.
        breaches: Clauses that were seen broken on the way, in order.
        last_packet: The packet that came or went last.
        last_body: The message in it; empty for none.
        kept: Packets that were kept, with their messages, by name.
    """

    bench: Bench
    side: ServerSide | MachineSide
    trace: Trace
    frames: FrameSteps
    talk: Conversation | None = None
    unanswered: Taken | None = None
    taken: list[Taken] = field(default_factory=list)
    breaches: list[Breach] = field(default_factory=list)
    last_packet: bytes = b""
    last_body: bytes = b""
    kept: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)

    @property
    def talking(self) -> Conversation:
        """The call that is spoken in.

        Raises:
            StepStoppedError: There is none.
        """
        if self.talk is None:
            raise bench_failed("no call was begun")
        return self.talk

    def kept_as(self, name: str) -> tuple[bytes, bytes]:
        """Give a packet that was kept, and its message.

        Raises:
            StepStoppedError: None was kept under this name.
        """
        kept = self.kept.get(name)
        if kept is None:
            raise bench_failed(f"nothing is kept as {name}")
        return kept
