"""Where a request of the gateway ends is told one way, whatever its headers say.

A proxy and the gateway that differ there could be made to see other requests.

Source: RFC 9112, section 6.3; ASVS 5.0.0, V4.2.
"""

import re
import socket
from collections.abc import Iterator

import pytest

from tests.processes import Program, done

SMUGGLED = b"GET /api/v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    folder = tmp_path_factory.mktemp("wire") / "gateway"
    done("dop", "init", "--gateway", folder)
    with Program("dop", "run", "--gateway", folder, "--port", "0") as gateway:
        host, _, port = gateway.said("listening at").rpartition("/")[2].partition(":")
        yield host, int(port)


def _say(place: tuple[str, int], octets: bytes) -> list[int]:
    """Send octets, and read the answers by their lengths until the line is closed."""
    with socket.create_connection(place, timeout=30) as line:
        line.sendall(octets)
        heard = b""
        while more := line.recv(65_536):
            heard += more
    found = []
    while heard:
        head, _, rest = heard.partition(b"\r\n\r\n")
        found.append(int(head.split()[1]))
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if length is None:
            # It ends where the line does.
            break
        assert len(rest) >= int(length[1])
        heard = rest[int(length[1]) :]
    return found


def _post(*headers: bytes) -> bytes:
    lines = (b"POST /api/v1/sessions HTTP/1.1", b"Host: x", *headers, b"", b"")
    return b"\r\n".join(lines)


def test_answers_are_as_long_as_they_say(place: tuple[str, int]) -> None:
    asked = [
        b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/docs HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        _post(b"Content-Length: 2") + b"{}",
    ]
    assert _say(place, b"".join(asked) + LAST) == [401, 200, 404, 422, 401]


def test_chunks_count_and_not_the_length_beside_them(place: tuple[str, int]) -> None:
    size = b"%x\r\n" % len(SMUGGLED)
    head = _post(b"Content-Length: %d" % len(size), b"Transfer-Encoding: chunked")
    asked = head + size + SMUGGLED + b"\r\n0\r\n\r\n" + LAST
    assert _say(place, asked) == [422, 401]


@pytest.mark.parametrize(
    "headers",
    [
        (b"Content-Length: 0", b"Content-Length: 42"),
        (b"Content-Length: 0, 42",),
        (b"Content-Length: +2",),
        (b"Content-Length : 2",),
        (b"Transfer-Encoding: gzip, chunked",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
        (b"Transfer-Encoding : chunked",),
    ],
)
def test_what_could_be_read_two_ways_is_refused_and_ends_the_line(
    place: tuple[str, int], headers: tuple[bytes, ...]
) -> None:
    assert _say(place, _post(*headers) + SMUGGLED + LAST) == [400]
