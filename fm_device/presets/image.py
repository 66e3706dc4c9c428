"""An image of a machine: both memories and its papers, in one file.

The magic ``RMFSIMG1``, the length of the header in 4 octets, the header (JSON: the
papers, the lengths of the memories), the octets of both memories, and SHA-256 over all
of it. The form is ours. Private keys are in it, so its owner alone may read the file.

An image of yesterday that is restored today is a machine with yesterday's money. The
server finds that at the next dial-in by the mark (SPEC.md DLG-7.2), and nothing in the
machine prevents it: that is what images are for.
"""

import json
import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from fm_device.flash.layout import FLASH_OCTETS
from fm_device.psd.memory import NVRAM_OCTETS
from protocol.errors import RmfsError

_MAGIC: Final = b"RMFSIMG1"
_HEAD: Final = struct.Struct(">8sI")
_DIGEST_OCTETS: Final = 32
_HEADER_OCTETS_MAX: Final = 65_536
IMAGE_OCTETS_MAX: Final = (
    _HEAD.size + _HEADER_OCTETS_MAX + NVRAM_OCTETS + FLASH_OCTETS + _DIGEST_OCTETS
)


class ImageError(RmfsError):
    """A file is no image of a machine, or not one for this machine."""


@dataclass(frozen=True, slots=True)
class Image:
    """Everything that makes a machine the one it is.

    Attributes:
        papers: The text of `machine.json`, `provisioning.json` and `server.json`.
        nvram: The PSD's memory.
        flash: The firmware's memory.
    """

    papers: dict[str, str]
    nvram: bytes
    flash: bytes


def encode_image(image: Image) -> bytes:
    """Write an image out.

    Raises:
        ImageError: The papers are longer than any that this product writes.
    """
    header = json.dumps({"papers": image.papers}, sort_keys=True).encode()
    if len(header) > _HEADER_OCTETS_MAX:
        raise ImageError(f"the papers of this machine take {len(header):,} octets")
    body = _HEAD.pack(_MAGIC, len(header)) + header + image.nvram + image.flash
    return body + sha256(body).digest()


def decode_image(octets: bytes, papers: tuple[str, ...]) -> Image:
    """Read an image back.

    Args:
        octets: The whole file.
        papers: The papers that have to be in it.

    Raises:
        ImageError: It is no image, was cut short, or a bit in it has changed.
    """
    if len(octets) < _HEAD.size or octets[:8] != _MAGIC:
        raise ImageError("it is no image of a machine: `rmfs machine dump` writes one")
    _, header_octets = _HEAD.unpack_from(octets)
    memories = NVRAM_OCTETS + FLASH_OCTETS
    whole = _HEAD.size + header_octets + memories + _DIGEST_OCTETS
    if len(octets) != whole:
        raise ImageError(f"it has {len(octets):,} octets where {whole:,} belong")
    body, digest = octets[:-_DIGEST_OCTETS], octets[-_DIGEST_OCTETS:]
    if sha256(body).digest() != digest:
        raise ImageError("its SHA-256 does not fit: it was changed, take another copy")
    nvram_at = _HEAD.size + header_octets
    flash_at = nvram_at + NVRAM_OCTETS
    return Image(
        _papers(body[_HEAD.size : nvram_at], papers),
        body[nvram_at:flash_at],
        body[flash_at:],
    )


def _papers(header: bytes, names: tuple[str, ...]) -> dict[str, str]:
    try:
        found: Any = json.loads(header)["papers"]
        if set(found) == set(names) and all(
            isinstance(found[one], str) for one in names
        ):
            return {name: found[name] for name in names}
    except (ValueError, KeyError, TypeError) as error:
        raise ImageError(f"its header cannot be read: {error}") from error
    raise ImageError(f"these papers belong in it: {', '.join(names)}")
