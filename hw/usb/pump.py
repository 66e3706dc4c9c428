"""Two threads between a pipe, whose calls block, and a reactor, which must not.

The first opens the pipe, reads, and in the end closes the pipe; it starts the second,
which writes. Both look up from their calls every `transfer_s`, so that they end soon
after they are told to. What they have to tell is told in turns of the reactor.

What has been read and not been taken by the reactor is bounded: then the device has to
wait. What waits to be written is bounded by whoever sends.

The threads are daemons: a program that ends does not wait for a device.
"""

import contextlib
from collections.abc import Callable
from threading import Event, Semaphore, Thread
from typing import Final, Protocol

from twisted.internet.interfaces import IReactorFromThreads

from hw.ports.port import PortFault, PortLoss
from hw.ports.terminal_settings import PortOpenError
from hw.usb.outbox import Outbox
from hw.usb.pipe import BulkPipe, PipeLostError

PACKETS_READ_MAX: Final = 64
"""How many packets may wait for the reactor."""


class PumpUser(Protocol):
    """Whoever is told, in turns of the reactor."""

    def pump_opened(self) -> None:
        """Begin: the pipe is open."""
        ...

    def pump_read(self, part: bytes | PortFault) -> None:
        """Take octets, at least one, or hear of a fault between them."""
        ...

    def pump_ended(self, loss: PortLoss | None) -> None:
        """End: both threads are done, the pipe is closed; no loss if it was told to."""
        ...


class Pump:
    """Reads and writes one pipe."""

    def __init__(
        self,
        reactor: IReactorFromThreads,
        user: PumpUser,
        open_pipe: Callable[[], BulkPipe],
        name: str,
        transfer_s: float,
    ) -> None:
        """Be ready to start.

        Args:
            reactor: In its turns the user is told.
            user: Is told.
            open_pipe: Blocks until the pipe is open, or raises `PortOpenError`.
            name: What the threads are called.
            transfer_s: How often a thread that waits looks whether it is to end.
        """
        self._reactor = reactor
        self._user = user
        self._open_pipe = open_pipe
        self._name = name
        self._transfer_s = transfer_s
        self._outbox = Outbox()
        self._room = Semaphore(PACKETS_READ_MAX)
        self._no_reading = Event()
        self._no_writing = Event()
        self._loss: PortLoss | None = None
        self._thread = Thread(target=self._work, name=f"{name} in", daemon=True)

    @property
    def waiting_octets(self) -> int:
        """Octets that the device does not have yet."""
        return self._outbox.waiting_octets

    def start(self) -> None:
        """Open the pipe, and work until told to end."""
        self._thread.start()

    def send(self, octets: bytes) -> None:
        """Have octets written."""
        self._outbox.put(octets)

    def finish(self) -> None:
        """Read no more, and end when all has been written."""
        self._no_reading.set()
        self._outbox.close()

    def abandon(self) -> None:
        """End without writing what waits."""
        self._no_reading.set()
        self._no_writing.set()
        self._outbox.discard()

    def _work(self) -> None:
        try:
            with contextlib.closing(self._open_pipe()) as pipe:
                self._tell(self._user.pump_opened)
                self._pump(pipe)
        except PortOpenError as error:
            self._loss = error.loss
        finally:
            # An error that nobody has foreseen, and that Python prints, ends it too.
            self._tell(self._ended)

    def _ended(self) -> None:
        # It has said its last word, and may not outlive the reactor that heard it.
        self._thread.join()
        self._user.pump_ended(self._loss)

    def _pump(self, pipe: BulkPipe) -> None:
        writer = Thread(
            target=self._write, args=(pipe,), name=f"{self._name} out", daemon=True
        )
        writer.start()
        try:
            self._read(pipe)
        finally:
            if not self._no_reading.is_set():
                self.abandon()
            writer.join()

    def _read(self, pipe: BulkPipe) -> None:
        try:
            while not self._no_reading.is_set():
                part = pipe.read()
                if part:
                    self._hand_over(part)
        except PipeLostError as error:
            self._lost(error.loss)

    def _hand_over(self, part: bytes | PortFault) -> None:
        while not self._room.acquire(timeout=self._transfer_s):
            if self._no_reading.is_set():
                return
        self._tell(self._deliver, part)

    def _deliver(self, part: bytes | PortFault) -> None:
        self._room.release()
        self._user.pump_read(part)

    def _write(self, pipe: BulkPipe) -> None:
        try:
            self._write_all(pipe)
        except PipeLostError as error:
            self._lost(error.loss)
        finally:
            self._no_reading.set()

    def _write_all(self, pipe: BulkPipe) -> None:
        # A device knows the end of a message by a packet that is not full.
        was_full = False
        while not self._no_writing.is_set():
            wait_s = 0.0 if was_full else self._transfer_s
            packet = self._outbox.first(pipe.packet_octets, wait_s)
            if packet or was_full:
                count = pipe.write(packet)
                if count is not None:
                    self._outbox.written(count)
                    was_full = count == pipe.packet_octets
            # An empty packet that is not taken is not worth waiting for.
            if not packet and self._outbox.is_done:
                return

    def _lost(self, loss: PortLoss) -> None:
        # Whichever thread sees it first knows why; the other sees what followed.
        self._loss = self._loss or loss
        self.abandon()

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        self._reactor.callFromThread(call, *arguments)
