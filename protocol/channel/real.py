"""The channel of the product: both ends over EDHOC by lakers."""

from protocol.channel.edhoc import LakersInitiator, LakersResponder
from protocol.channel.ends import MachineEnd, ServerEnd
from protocol.channel.schedule import OnKeys
from protocol.errors import LocalProtocolError
from protocol.keys import MachineIdentity, Realm, ServerCredential, ServerIdentity


class MachineChannel(MachineEnd):
    """The machine's end; lives inside the PSD.

    Args:
        identity: The machine's own keys.
        server: The one server that this machine trusts.
        on_keys: Told the keys, for a key log; in the test realm only.

    Raises:
        LocalProtocolError: The two are of different realms, or keys are to be told in
            the realm of production.
    """

    def __init__(
        self,
        identity: MachineIdentity,
        server: ServerCredential,
        on_keys: OnKeys | None = None,
    ) -> None:
        if identity.realm is not server.realm:
            raise LocalProtocolError(
                "machine and server are of different realms", clause="KEY-2.2"
            )
        check_keys_may_be_told(identity.realm, on_keys)
        super().__init__(LakersInitiator(identity, server), on_keys)


class ServerChannel(ServerEnd):
    """The server's end.

    Args:
        identity: The server's own static key.
        on_keys: Told the keys, for a key log; in the test realm only.

    Raises:
        LocalProtocolError: Keys are to be told in the realm of production.
    """

    def __init__(self, identity: ServerIdentity, on_keys: OnKeys | None = None) -> None:
        check_keys_may_be_told(identity.realm, on_keys)
        super().__init__(identity.realm, LakersResponder(identity), on_keys)


def check_keys_may_be_told(realm: Realm, on_keys: OnKeys | None) -> None:
    """Refuse to tell keys of production, whoever asks.

    Raises:
        LocalProtocolError: `on_keys` is there, and the realm is that of production.
    """
    if on_keys is not None and realm is not Realm.TEST:
        raise LocalProtocolError(
            f"keys of the realm {realm.name} are never told: make a test machine and "
            "a test server for a key log",
            clause="CHAN-10.4",
        )
