"""The comparison: four messages of a recharge over TLS 1.3 on the same link.

What an engineer would try first: Python's `ssl` with P-256 certificates of one issuer
on both sides and no session tickets, its records carried as messages of the same link
over the same line. The application messages have the sizes of FMP/1's.
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hw.lines.port import LineLoss
from hw.link_driver import LinkDriver
from protocol.messages import TABLE_OF, MessageType

MESSAGES: Final = tuple(
    TABLE_OF[kind].octets
    for kind in (
        MessageType.STATEMENT,
        MessageType.VOUCHER,
        MessageType.CONFIRMATION,
        MessageType.RECEIPT,
    )
)
_READ_OCTETS: Final = 4096
_TIMEOUT_S: Final = 300.0
_LINK_MESSAGE_OCTETS: Final = 4000


def _nothing() -> None:
    """Tell nobody."""


class TlsContexts:
    """Certificates and contexts of both sides, made anew in a folder."""

    def __init__(self, folder: Path, now: datetime) -> None:
        """Issue two certificates of one issuer, valid around `now`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
        issuer = _certificate(name, key, name, key, now, ca=True)
        (folder / "issuer.pem").write_bytes(_pem(issuer))
        self.client = self._context(ssl.PROTOCOL_TLS_CLIENT, folder)
        self.server = self._context(ssl.PROTOCOL_TLS_SERVER, folder)
        self.server.num_tickets = 0
        for context, who in ((self.client, "N123456"), (self.server, "rmfs")):
            own_key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)])
            own = _certificate(subject, own_key, name, key, now, ca=False)
            path = folder / f"{who}.pem"
            path.write_bytes(
                own_key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                + _pem(own)
            )
            context.load_cert_chain(path)

    @staticmethod
    def _context(protocol: int, folder: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "issuer.pem")
        return context


class TlsEnd:
    """One end: it takes its turns in the exchange of the four messages.

    Attributes:
        finished_at: When the client had read the last message, in reactor seconds.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        is_server: bool,
        on_end: Callable[[], None] = _nothing,
    ) -> None:
        """Prepare a handshake; `on_end` is told when the line has ended."""
        self._on_end = on_end
        self.finished_at: float | None = None
        self._is_server = is_server
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, is_server)
        self._handshaken = False
        self._turn = 0
        self._wanted = 0
        self._driver: LinkDriver | None = None
        self._deadline: float | None = None

    @property
    def deadline(self) -> float | None:
        """When the measurement is given up."""
        return self._deadline

    def link_up(self, driver: LinkDriver, now: float) -> None:
        """Begin the handshake."""
        self._driver = driver
        self._deadline = now + _TIMEOUT_S
        self._go_on(now)

    def message_received(self, message: bytes, now: float) -> None:
        """Take TLS records."""
        self._incoming.write(message)
        self._go_on(now)

    def link_down(self, reason: str, now: float) -> None:
        """End."""
        self._deadline = None
        if self._driver is not None:
            self._driver.drop()

    def line_lost(self, loss: LineLoss, now: float) -> None:
        """End."""
        self._deadline = None
        self._on_end()

    def handle_timer(self, now: float) -> None:
        """Give up after a while."""
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            if self._driver is not None:
                self._driver.drop()

    def _go_on(self, now: float) -> None:
        try:
            if not self._handshaken:
                self._tls.do_handshake()
                self._handshaken = True
            self._take_turns(now)
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def _take_turns(self, now: float) -> None:
        while self._turn < len(MESSAGES):
            size = MESSAGES[self._turn]
            if (self._turn % 2 == 1) == self._is_server:
                self._tls.write(bytes(size))
            else:
                self._wanted = self._wanted or size
                while self._wanted:
                    self._wanted -= len(self._tls.read(min(self._wanted, _READ_OCTETS)))
            self._turn += 1
        if not self._is_server and self.finished_at is None:
            self.finished_at = now
            self._flush()
            if self._driver is not None:
                self._driver.disconnect()

    def _flush(self) -> None:
        if self._driver is None:
            return
        while octets := self._outgoing.read(_LINK_MESSAGE_OCTETS):
            self._driver.send_message(octets)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    ca: bool,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(1 if ca else 2)
        .not_valid_before(now.astimezone(UTC) - timedelta(days=1))
        .not_valid_after(now.astimezone(UTC) + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
