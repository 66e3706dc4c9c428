"""What the bench says: messages that are right but for what a step says otherwise."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from hw.lab.bending import LATE, bent_message, bent_packets, said_otherwise
from hw.lab.frame_making import line_octets
from hw.lab.machine_conversation import MachineConversation
from hw.lab.machine_side import MachineSide
from hw.lab.scene import Scene
from hw.lab.server_conversation import ServerConversation
from hw.lab.server_side import ServerSide
from hw.lab.side import Fields
from hw.lab.signatures import BENT, OF_MACHINES, UNBOUND, bent_signature
from hw.lab.station import GoneError
from hw.lab.steps import Step, StepError
from hw.lab.stopping import bench_failed, judge, stopped
from hw.lab.values import RIGHT, resolve
from hw.lab.verbs import BY_HAND, table_named
from protocol.channel import BINDING_OCTETS, PacketType
from protocol.errors import ErrorCode, LocalProtocolError
from protocol.messages import SIGNATURE_OCTETS, MessageTable, MessageType
from protocol.messages.codec import encode_fields

_ELECTIVE: Final = range(0x40, 0x80)
"""Types of messages that answer nothing: who does not know one ignores it (DLG-2.2)."""
_GONE: Final = (GoneError, LocalProtocolError)
_Note = Callable[[], None]
"""Notes a message in the books: the unit may take it."""


def _nothing() -> None:
    """Note nothing: it was noted before, or is none."""


class Saying:
    """Makes and sends what the bench says in the calls of one case."""

    def __init__(self, scene: Scene) -> None:
        """Be ready.

        Args:
            scene: Where the case stands.
        """
        self._scene = scene

    async def send(self, step: Step) -> None:
        """Send a message, a greeting or an ERROR."""
        name = step.words[0]
        if name == "ERROR":
            code = step.words[1] if len(step.words) > 1 else "MALFORMED"
            octet = int(code, 16) if code.startswith("0x") else ErrorCode[code]
            self._put(step, bytes([PacketType.ERROR, octet]), b"")
        elif name.startswith("GREETING"):
            self._put(step, self._greeting(step), b"")
        else:
            await self.greet(step)
            body, note = self._message(step)
            self._put(step, self._sealed(step, body), body, note)

    async def packet(self, step: Step) -> None:
        """Send a packet that was kept, or octets as if they were one."""
        kept = self._scene.kept.get(step.words[0])
        self._put(step, _octets(step) if kept is None else kept[0], b"")

    async def body(self, step: Step) -> None:
        """Send octets in a record."""
        await self.greet(step)
        body, unanswered = _octets(step), self._scene.unanswered
        self._put(step, self._sealed(step, body), body)
        if body[:1] and body[0] in _ELECTIVE:
            self._scene.unanswered = unanswered

    async def frame(self, step: Step) -> None:
        """Send or take a frame, or set a link up (`hw.lab.frame_steps`)."""
        scene = self._scene
        found = await scene.frames.carry_out(step, scene.bench.patience_s, self._named)
        judge(step, found)

    async def octets(self, step: Step) -> None:
        """Put octets on the line as they are."""
        self._scene.talking.station.send_octets(line_octets(step))

    async def greet(self, step: Step) -> None:
        """Do the greeting, as a machine, as far as it has not been done.

        Raises:
            StepStoppedError: Something else came in it.
            SilenceError: Nothing came.
        """
        talk = self._scene.talking
        if not isinstance(talk, MachineConversation):
            return
        instead = await talk.greet(self._scene.bench.patience_s)
        if instead is not None:
            raise stopped(step, f"{instead} came in the greeting")

    def _greeting(self, step: Step) -> bytes:
        talk, side = self._scene.talking, self._scene.side
        said = said_otherwise(step)
        by_hand = BY_HAND in step.words or bool(said.words)
        if isinstance(talk, ServerConversation) and isinstance(side, ServerSide):
            if by_hand:
                return talk.greet_by_hand(side.identity, said)
            return talk.greeting_2
        if isinstance(talk, MachineConversation) and isinstance(side, MachineSide):
            if by_hand:
                dial_in = side.memory.dial_in
                return talk.greet_by_hand(side.identity, side.server, dial_in)
            if step.words[0] == PacketType.GREETING_1.name:
                return talk.greeting_1()
        raise bench_failed(f"{step.words[0]} is sent by its message")

    def _message(self, step: Step) -> tuple[bytes, _Note]:
        """Make a message, and say how it is noted if it may be taken."""
        words, side = step.words, self._scene.side
        if words[0] == "stored":
            return self._stored(words[1]), _nothing
        if words[0] == "kept":
            return self._scene.kept_as(words[1])[1], _nothing
        table = table_named(words[0])
        if table is None:
            raise bench_failed(f"no message {words[0]}")
        fields = self._filled(step, table)
        body = bent_message(step, self._written(step, table, fields))
        if isinstance(side, MachineSide):
            side.said(table, fields)
            return body, _nothing
        return body, partial(side.said, table, fields, body)

    def _filled(self, step: Step, table: MessageTable) -> Fields:
        """Fill a message in: what is right, but for what the step says."""
        side = self._scene.side
        wish: Fields = {}
        for field in table.fields:
            if field.name in step.fields and field.name != "signature":
                # What would be right follows from the fields before it.
                right = side.right(table, wish)[field.name]
                wish[field.name] = resolve(field, step.fields[field.name], right)
        return {**side.right(table, wish), **wish}

    def _written(self, step: Step, table: MessageTable, fields: Fields) -> bytes:
        if not table.is_signed:
            return encode_fields(table, fields)
        side = self._scene.side
        wish = step.fields.get("signature", RIGHT)
        if isinstance(side, ServerSide):
            body = side.sign(table, fields, wish)
        else:
            unbound = bytes(BINDING_OCTETS)
            binding = unbound if wish == UNBOUND else self._scene.talking.binding
            body = side.sign(table, fields, binding, wish)
        if wish in OF_MACHINES:
            return body
        covered, right = body[:-SIGNATURE_OCTETS], body[-SIGNATURE_OCTETS:]
        if wish in BENT:
            return covered + bent_signature(wish, right)
        signature = resolve(table.fields[-1], wish, right)
        return covered + (signature if isinstance(signature, bytes) else b"")

    def _stored(self, name: str) -> bytes:
        side = self._scene.side
        if isinstance(side, ServerSide) and name == MessageType.VOUCHER.name:
            return side.book.voucher
        raise bench_failed(f"no {name} is stored")

    def _sealed(self, step: Step, body: bytes) -> bytes:
        if "bare" in step.bends:
            return body
        said = said_otherwise(step)
        return self._scene.talking.seal(body, said if said.words else None)

    def _put(
        self, step: Step, packet: bytes, body: bytes, note: _Note = _nothing
    ) -> None:
        """Send a packet, bent as the step says.

        A bend may ask for the very octets that stand there, such as the counter that is
        due: what is noted follows from what goes out, and not from the words.
        """
        scene = self._scene
        packets = bent_packets(step, scene.talking, packet, body)
        in_record = "bare" not in step.bends and not said_otherwise(step).words
        if in_record and packets[0] == packet:
            note()
        for one in packets:
            scene.last_packet, scene.last_body = one, body
            scene.unanswered = None
            with suppress(*(_GONE if LATE in step.bends else ())):
                scene.frames.put(one)

    def _named(self, name: str) -> bytes:
        """Make a packet that is to be carried in frames."""
        step = Step(name, "send", (name,))
        if name.startswith("GREETING_2") or name == "GREETING_1":
            return self._greeting(step)
        if name in self._scene.kept:
            return self._scene.kept[name][0]
        body, note = self._message(step)
        note()
        return self._sealed(step, body)


def _octets(step: Step) -> bytes:
    """Read the octets that a step gives in hex."""
    try:
        return bytes.fromhex(step.words[0])
    except ValueError as error:
        raise StepError(f"step {step.text!r}: {error}") from error
