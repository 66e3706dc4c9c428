"""What a listener is told of channels: a key log, or the keys of one end."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from tests.oracle.channel import Secrets
from tests.oracle.octets import Way
from tests.witness.edhoc_peer import EdhocPeerError, Initiator, Party

BINDING: Final = "# BINDING "
LABEL: Final = "FMP1_RECORDS"
LENGTHS: Final = (32, 16, 13, 16, 13)
LINE_OF_A_KEY_LOG: Final = "FMP1_RECORDS G_X KEY_M IV_M KEY_S IV_S"


def read_key_log(lines: Iterable[str]) -> dict[bytes, Secrets]:
    """Secrets by G_X, with bindings where remarks of a certification give them.

    Raises:
        ValueError: A line is of another form.
    """
    found: dict[bytes, Secrets] = {}
    for line in lines:
        if line.startswith(BINDING):
            g_x, binding = map(bytes.fromhex, line.removeprefix(BINDING).split())
            found[g_x] = with_binding(found[g_x], binding)
        if not line.strip() or line.startswith("#"):
            continue
        label, *words = line.split()
        values = [bytes.fromhex(word) for word in words]
        if label != LABEL or tuple(map(len, values)) != LENGTHS:
            raise ValueError(f"not {LINE_OF_A_KEY_LOG}")
        g_x, key_m, iv_m, key_s, iv_s = values
        keys = {Way.MACHINE: (key_m, iv_m), Way.SERVER: (key_s, iv_s)}
        found[g_x] = Secrets(keys)
    return found


def with_binding(secrets: Secrets, binding: bytes) -> Secrets:
    return replace(secrets, binding=binding)


def followed(
    greetings: Sequence[bytes], machine: Party, ephemeral: bytes, server: Party
) -> Secrets:
    """Follow a whole handshake with what its machine knew (CHAN-4, CHAN-5).

    Args:
        greetings: The four packets.
        machine: Its credential with its private key.
        ephemeral: Its scalar in this channel.
        server: The server's credential.

    Raises:
        EdhocPeerError: A greeting is not what these keys make of it.
    """
    first, second, third, fourth = greetings
    edhoc = Initiator(machine, ephemeral=ephemeral, c_i=b"\x00")
    if first[1:] != edhoc.message_1:
        raise EdhocPeerError("GREETING_1 has another ephemeral key")
    edhoc.receive_2(second[1:], {server.kid: server})
    if third[1:28] != edhoc.message_3():
        raise EdhocPeerError("GREETING_3 has another message_3")
    edhoc.receive_4(fourth[1:10])
    export = edhoc.exporter
    return Secrets(
        {
            Way.MACHINE: (export(0xF101, b"", 16), export(0xF102, b"", 13)),
            Way.SERVER: (export(0xF103, b"", 16), export(0xF104, b"", 13)),
        },
        export(0xF105, b"", 32),
    )
