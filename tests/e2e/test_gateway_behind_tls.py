"""The gateway behind HAProxy, by the recipe that ships: TLS, and who asks.

Source: ASVS 5.0.0, V4.2.1, V12.1, V12.2.1, V15.3.4.
"""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from hw.lines.places import open_place
from tests.processes import ROOT, Program, done
from tests.witness.programs import needs

RECIPE: Final = ROOT / "dop_gateway" / "web" / "recipe" / "haproxy.cfg"
HERE: Final = "127.0.0.1"
ELSEWHERE: Final = "127.9.9.9"
TIMEOUT_S: Final = 30
ASKED: Final = (
    b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.7\r\n"
    b"Connection: close\r\n\r\n"
)


@dataclass
class Site:
    """A gateway, its proxy, and who signed the proxy's certificate."""

    gateway: Program
    port: int
    trusted: Path

    def context(self) -> ssl.SSLContext:
        """Trust the proxy's certificate."""
        return ssl.create_default_context(cafile=str(self.trusted))

    def line(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Connect to the proxy, from an address that nobody else has."""
        at = socket.create_connection((HERE, self.port), TIMEOUT_S, (ELSEWHERE, 0))
        return context.wrap_socket(at, server_hostname=HERE)

    def ask(self, octets: bytes) -> bytes:
        """Send octets over TLS, and hear all that comes."""
        with self.line(self.context()) as line:
            line.sendall(octets)
            return _all_of(line)


def _all_of(line: socket.socket) -> bytes:
    heard = b""
    # Who is refused may be hung up on in the middle of what they say.
    with suppress(ConnectionResetError):
        while more := line.recv(65_536):
            heard += more
    return heard


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of RSA: with it TLS could do without forward secrecy."""
    key, trusted, both = (folder / name for name in ("key", "trusted.pem", "both.pem"))
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=gateway"
    usage = "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign"
    more = ["-addext", usage, "-addext", f"subjectAltName=IP:{HERE}"]
    more += ["-keyout", str(key), "-out", str(trusted)]
    command = [needs("openssl"), *words.split(), *more]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(trusted.read_bytes() + key.read_bytes())
    return trusted, both


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    trusted, both = _certificate(folder)
    home = folder / "gateway"
    done("dop", "init", "--gateway", home)
    settings = home / "gateway.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace('proxies = ""', f'proxies = "{HERE}"'), "utf-8")
    with Program("dop", "run", "--gateway", home, "--port", "0") as gateway:
        at = gateway.said("listening at").rpartition("/")[2]
        place = open_place(HERE, 0)
        recipe = RECIPE.read_text("utf-8")
        for old, new in (
            ("bind :443", f"bind fd@{place.fileno()}"),
            ("/etc/haproxy/gateway.pem", str(both)),
            ("127.0.0.1:8080", at),
        ):
            assert old in recipe
            recipe = recipe.replace(old, new)
        config = folder / "haproxy.cfg"
        config.write_text(recipe)
        command = [needs("haproxy"), "-db", "-f", str(config)]
        with place, (folder / "haproxy.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, pass_fds=[place.fileno()]
            )
            try:
                yield Site(gateway, place.getsockname()[1], trusted)
            finally:
                process.kill()
                process.wait()


def test_the_newest_tls_is_used_if_the_other_end_has_it(site: Site) -> None:
    with site.line(site.context()) as line:
        assert line.version() == "TLSv1.3"
    older = site.context()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with site.line(older) as line:
        cipher = line.cipher()
        assert cipher is not None
        assert cipher[0] == "ECDHE-RSA-AES256-GCM-SHA384"


@pytest.mark.parametrize(
    "cipher", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA"]
)
def test_no_cipher_without_forward_secrecy_or_authentication(
    site: Site, cipher: str
) -> None:
    weak = site.context()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers(cipher)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        site.line(weak)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_no_older_tls(site: Site, version: str) -> None:
    command = [needs("openssl"), "s_client", "-connect", f"{HERE}:{site.port}"]
    command += [version, "-cipher", "DEFAULT@SECLEVEL=0"]
    said = subprocess.run(
        command, check=False, capture_output=True, text=True, input=""
    )
    assert "Cipher is (NONE)" in said.stdout
    assert "protocol version" in said.stderr


def test_who_asks_is_told_by_the_proxy_and_by_nobody_else(site: Site) -> None:
    heard = site.ask(ASKED)
    assert heard.startswith(b"HTTP/1.1 401 ")
    assert b"strict-transport-security: max-age=31536000" in heard.lower()
    assert f"of nobody from {ELSEWHERE}: 401" in site.gateway.said("/api/v1/me")


def test_nothing_is_said_without_tls(site: Site) -> None:
    with socket.create_connection((HERE, site.port), TIMEOUT_S) as line:
        line.sendall(ASKED)
        assert b"401" not in _all_of(line)


def test_a_request_that_could_be_read_two_ways_is_refused(site: Site) -> None:
    head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n"
    two = b"Content-Length: 0\r\nContent-Length: 42\r\n\r\n"
    assert site.ask(head + two + ASKED).startswith(b"HTTP/1.1 400 ")
