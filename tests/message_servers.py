"""Servers that take messages in a test: real ones, on real sockets of this computer."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from dop_gateway.outbox.smtp import Security

READY_S = 60.0
"""Five seconds, which aiosmtpd gives itself, are not enough for a busy computer."""


@dataclass
class Mailbox:
    """Takes what a real SMTP server gets; refuses whom it is told to."""

    refused: dict[str, str] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    got: list[bytes] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, to: str, options: Any
    ) -> str:
        if to in self.refused:
            return self.refused[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.got.append(envelope.content)
        return "250 OK"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        assert self.login is not None
        known = (data.login.decode(), data.password.decode()) == self.login
        return AuthResult(success=known, handled=False)


class _Controller(Controller):
    """aiosmtpd on a port that is free."""

    def _create_server(self) -> Any:
        at = socket.create_server(("127.0.0.1", 0))
        self.port = at.getsockname()[1]
        return self.loop.create_server(
            self._factory_invoker, sock=at, ssl=self.ssl_context
        )


@contextmanager
def mail_server(
    mailbox: Mailbox,
    security: Security = Security.NONE,
    certificate: Path | None = None,
) -> Iterator[int]:
    """Run a real SMTP server; gives its port."""
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    logins = mailbox.login is not None
    controller = _Controller(
        mailbox,
        hostname="127.0.0.1",
        port=0,
        ready_timeout=READY_S,
        ssl_context=context if security is Security.TLS else None,
        tls_context=context if security is Security.STARTTLS else None,
        authenticator=mailbox.authenticate if logins else None,
        # aiosmtpd does not know a line as safe that TLS protects from its first octet.
        auth_required=logins and security is Security.STARTTLS,
        auth_require_tls=security is Security.STARTTLS,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def server_certificate(folder: Path) -> Path:
    """Write the certificate of a server at 127.0.0.1, with its key, as PEM."""
    key = ec.derive_private_key(42, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 1, 1, tzinfo=UTC))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, SHA256())
    )
    path = folder / "server.pem"
    octets = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ) + made.public_bytes(Encoding.PEM)
    path.write_bytes(octets)
    return path


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application on loopback; gives its address."""
    at = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, ws="none", lifespan="off", log_config=None)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([at])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{at.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        at.close()


@contextmanager
def answering(answer: bytes, *, holds: bool = False) -> Iterator[str]:
    """Answer one request with these octets, whatever they are; gives the address.

    Args:
        answer: The octets.
        holds: Keep the line until the other side lets go of it.
    """
    with socket.create_server(("127.0.0.1", 0)) as at:
        thread = threading.Thread(target=_answer_one, args=(at, answer, holds))
        thread.start()
        try:
            yield f"http://127.0.0.1:{at.getsockname()[1]}"
        finally:
            thread.join()


def _answer_one(at: socket.socket, answer: bytes, holds: bool) -> None:
    line, _ = at.accept()
    with line:
        # Whoever asks may have hung up before everything was said.
        while (heard := line.recv(4_096)) and b"}" not in heard:
            pass
        line.sendall(answer)
        while holds and line.recv(4_096):
            pass
