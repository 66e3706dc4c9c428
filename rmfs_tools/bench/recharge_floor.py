"""What a recharge costs a server at the very least: its parts that nothing can replace.

Each is measured bare, without anything of ours around it: EDHOC by the library that the
channel uses, two ECDSA verifications and one signature, AES-CCM of the records, and a
Twisted server that answers as many packets of the same sizes and does nothing else.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import lakers
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IListeningPort, IReactorTCP, ITransport
from twisted.internet.protocol import Protocol, ServerFactory

from hw.entropy import SeededEntropy
from hw.reactor import MonotonicReactor
from protocol.channel.profile import C_I, C_R
from protocol.keys import MachineIdentity, Realm, ServerIdentity
from protocol.values import LicenceIdentifier

ROUND_TRIPS: Final = ((9, 9), (48, 56), (330, 260), (160, 60), (40, 9))
"""Octets there and back: SABM and UA; EDHOC 1 and 2; EDHOC 3 with STATEMENT, EDHOC 4
with VOUCHER; CONFIRMATION and RECEIPT; GOODBYE with DISC, and UA."""
RECORDS: Final = (310, 230, 150, 50, 30)
"""Octets of the records of a recharge."""
_SIGNED: Final = bytes(300)
_VERIFICATIONS: Final = 2
_TAG_OCTETS: Final = 8
_KEY_OCTETS: Final = 16
_NONCE: Final = bytes(13)


@dataclass(frozen=True, slots=True)
class Floor:
    """Microseconds of CPU for a recharge.

    Attributes:
        edhoc_us: EDHOC as responder, from message_1 to message_4.
        verify_us: Two ECDSA P-256 verifications.
        sign_us: One signature.
        aead_us: AES-CCM of all records, with the set-up of both keys.
        connection_us: A bare Twisted connection, kernel included.
    """

    edhoc_us: float
    verify_us: float
    sign_us: float
    aead_us: float
    connection_us: float

    @property
    def whole_us(self) -> float:
        """All of it."""
        return (
            self.edhoc_us
            + self.verify_us
            + self.sign_us
            + self.aead_us
            + self.connection_us
        )


def measure(times: int) -> Floor:
    """Measure every part so many times."""
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = ec.ECDSA(SHA256())
    signature = key.sign(_SIGNED, algorithm)
    public = key.public_key()
    return Floor(
        edhoc_us=_edhoc_us(times),
        verify_us=_VERIFICATIONS
        * _each_us(times, lambda: public.verify(signature, _SIGNED, algorithm)),
        sign_us=_each_us(times, lambda: key.sign(_SIGNED, algorithm)),
        aead_us=_each_us(times, _records),
        connection_us=_connection_us(times),
    )


def _each_us(times: int, deed: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(times):
        deed()
    return (time.process_time() - began) / times * 1e6


def _records() -> None:
    sealing = AESCCM(bytes(_KEY_OCTETS), tag_length=_TAG_OCTETS)
    opening = AESCCM(bytes(_KEY_OCTETS), tag_length=_TAG_OCTETS)
    for number, octets in enumerate(RECORDS):
        # Opening costs what sealing costs: the same cipher over the same octets.
        cipher = sealing if number % 2 else opening
        cipher.encrypt(_NONCE, bytes(octets), b"\0\0\0")


def _edhoc_us(times: int) -> float:
    entropy = SeededEntropy(b"bench of EDHOC")
    server = ServerIdentity.generate("BENCH", Realm.TEST, 1, entropy)
    machine = MachineIdentity.generate(
        LicenceIdentifier("N000001"), "B0000001", Realm.TEST, entropy
    )
    ours, theirs = lakers.Credential(server.ccs), lakers.Credential(machine.ccs)
    spent = 0.0
    for _ in range(times):
        initiator = lakers.EdhocInitiator()
        message_1 = bytes(initiator.prepare_message_1(C_I))
        began = time.process_time()
        responder = lakers.EdhocResponder(server.dh_private, ours)
        responder.process_message_1(message_1)
        by_reference = lakers.CredentialTransfer.ByReference
        message_2 = bytes(responder.prepare_message_2(by_reference, C_R))
        spent += time.process_time() - began
        initiator.parse_message_2(message_2)
        initiator.verify_message_2(machine.dh_private, theirs, ours)
        message_3, _ = initiator.prepare_message_3(by_reference)
        began = time.process_time()
        responder.parse_message_3(bytes(message_3))
        responder.verify_message_3(theirs)
        responder.prepare_message_4()
        spent += time.process_time() - began
    return spent / times * 1e6


class _Answers(Protocol):
    """Answers each packet with one as long as is due."""

    def __init__(self) -> None:
        self._due = list(ROUND_TRIPS)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  # Twisted's name
        _, back = self._due.pop(0)
        transport = cast("ITransport", self.transport)
        transport.write(bytes(back))
        if not self._due:
            transport.loseConnection()


class _Factory(ServerFactory):
    protocol = _Answers
    noisy = False


def serve() -> None:
    """Be the bare server: print the port and answer until the process is ended."""
    reactor = MonotonicReactor()
    listening: IListeningPort = cast("IReactorTCP", reactor).listenTCP(
        0, _Factory(), interface="127.0.0.1"
    )
    sys.stdout.write(f"{cast('IPv4Address', listening.getHost()).port}\n")
    sys.stdout.flush()
    reactor.run()


def _connection_us(times: int) -> float:
    with subprocess.Popen(  # noqa: S603  # our own interpreter and our own words
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
    ) as process:
        try:
            if process.stdout is None:
                raise OSError("the bare server has no output")
            port = int(process.stdout.readline())
            _connect(port)
            before = cpu_s(process.pid)
            for _ in range(times):
                _connect(port)
            return (cpu_s(process.pid) - before) / times * 1e6
        finally:
            process.kill()


def _connect(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for there, back in ROUND_TRIPS:
            line.sendall(bytes(there))
            left = back
            while left:
                left -= len(line.recv(left))


def cpu_s(pid: int) -> float:
    """Say how much CPU a process has used, kernel included."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def family_cpu_s(pid: int) -> float:
    """Say how much CPU a process and its children have used, those that ended too."""
    stat = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    buried = (int(stat[13]) + int(stat[14])) / os.sysconf("SC_CLK_TCK")
    return cpu_s(pid) + buried + sum(cpu_s(int(child)) for child in children)
