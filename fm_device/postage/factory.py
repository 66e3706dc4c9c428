"""The tariff of a new machine, by which it can frank before its first call.

It is a file beside this module; the maker signs it like any other content.
"""

from functools import cache
from importlib.resources import files
from typing import Final

from protocol.contents import Tariff, make_content, read_tariff_file, write_content
from protocol.keys import MakerKey
from protocol.values import EpochSeconds

FACTORY_TARIFF: Final = "tariff-1.toml"


def factory_tariff_file() -> bytes:
    """Give the file as it was written, for whoever wants to write another one."""
    return files("fm_device.postage").joinpath(FACTORY_TARIFF).read_bytes()


@cache
def factory_tariff() -> Tariff:
    """Read the tariff; it is part of the package and never written."""
    return read_tariff_file(factory_tariff_file())


def default_tariff(maker: MakerKey, issued: EpochSeconds) -> bytes:
    """Sign the factory's tariff for any model of the maker's realm.

    Returns:
        A TARIFF content.
    """
    return write_content(make_content(factory_tariff(), maker.realm, issued), maker)
