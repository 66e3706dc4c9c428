"""Ends of a channel that tell which messages they seal and open.

They stand before the channel that a world runs on, whichever that is, and change
nothing; but for a voucher that a world puts before a PSD in place of the one meant.
"""

from collections.abc import Callable

from protocol.channel.ports import MachineChannelPort, ServerChannelPort
from protocol.keys import MachineCredential
from protocol.values import LicenceIdentifier

OnBody = Callable[[bytes], None]
"""Takes the body of a message."""


class MachineTap:
    """A machine's end that tells; a `MachineChannelPort`."""

    def __init__(
        self, channel: MachineChannelPort, on_said: OnBody, on_heard: OnBody
    ) -> None:
        """Stand before a channel.

        Args:
            channel: It.
            on_said: Told before a body is sealed.
            on_heard: Told after a body was opened.
        """
        self._channel = channel
        self._on_said = on_said
        self._on_heard = on_heard

    def greeting_1(self) -> bytes:
        """Pass on."""
        return self._channel.greeting_1()

    def receive_greeting_2(self, packet: bytes) -> None:
        """Pass on."""
        self._channel.receive_greeting_2(packet)

    @property
    def binding(self) -> bytes:
        """Pass on."""
        return self._channel.binding

    def greeting_3(self, body: bytes) -> bytes:
        """Tell and pass on."""
        self._on_said(body)
        return self._channel.greeting_3(body)

    def receive_greeting_4(self, packet: bytes) -> bytes:
        """Pass on and tell."""
        body = self._channel.receive_greeting_4(packet)
        self._on_heard(body)
        return body

    def seal(self, body: bytes) -> bytes:
        """Tell and pass on."""
        self._on_said(body)
        return self._channel.seal(body)

    def open(self, packet: bytes) -> bytes:
        """Pass on and tell."""
        body = self._channel.open(packet)
        self._on_heard(body)
        return body


class ServerTap:
    """A server's end that tells; a `ServerChannelPort`."""

    def __init__(
        self,
        channel: ServerChannelPort,
        on_proved: Callable[[LicenceIdentifier], None],
        on_said: Callable[[bytes], bytes],
        on_heard: OnBody,
    ) -> None:
        """Stand before a channel.

        Args:
            channel: It.
            on_proved: Told who is proved, before anything of theirs.
            on_said: Told before a body is sealed; gives what is sealed.
            on_heard: Told after a body was opened.
        """
        self._channel = channel
        self._on_proved = on_proved
        self._on_said = on_said
        self._on_heard = on_heard

    def receive_greeting_1(self, packet: bytes) -> bytes:
        """Pass on."""
        return self._channel.receive_greeting_1(packet)

    def receive_greeting_3(self, packet: bytes) -> LicenceIdentifier:
        """Pass on."""
        return self._channel.receive_greeting_3(packet)

    def prove_machine(self, credential: MachineCredential) -> bytes:
        """Pass on and tell."""
        body = self._channel.prove_machine(credential)
        self._on_proved(credential.licence_identifier)
        self._on_heard(body)
        return body

    @property
    def binding(self) -> bytes:
        """Pass on."""
        return self._channel.binding

    def greeting_4(self, body: bytes) -> bytes:
        """Tell and pass on."""
        return self._channel.greeting_4(self._on_said(body))

    def seal(self, body: bytes) -> bytes:
        """Tell and pass on."""
        return self._channel.seal(self._on_said(body))

    def open(self, packet: bytes) -> bytes:
        """Pass on and tell."""
        body = self._channel.open(packet)
        self._on_heard(body)
        return body
