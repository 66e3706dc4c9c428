"""The channel of the product: both ends over EDHOC by lakers."""

from protocol.channel.edhoc import LakersInitiator, LakersResponder
from protocol.channel.ends import MachineEnd, ServerEnd
from protocol.errors import LocalProtocolError
from protocol.keys import MachineIdentity, ServerCredential, ServerIdentity


class MachineChannel(MachineEnd):
    """The machine's end; lives inside the PSD.

    Args:
        identity: The machine's own keys.
        server: The one server that this machine trusts.

    Raises:
        LocalProtocolError: The two are of different realms.
    """

    def __init__(self, identity: MachineIdentity, server: ServerCredential) -> None:
        if identity.realm is not server.realm:
            raise LocalProtocolError(
                "machine and server are of different realms", clause="KEY-2.2"
            )
        super().__init__(LakersInitiator(identity, server))


class ServerChannel(ServerEnd):
    """The server's end.

    Args:
        identity: The server's own static key.
    """

    def __init__(self, identity: ServerIdentity) -> None:
        super().__init__(identity.realm, LakersResponder(identity))
