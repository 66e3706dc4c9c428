"""The presets that come with the product: TOML files beside this module."""

from importlib.resources import files
from typing import Final

from fm_device.presets.fields import PresetError
from fm_device.presets.preset import Preset
from fm_device.presets.reading import read_preset

_PACKAGE: Final = "fm_device.presets"
_FOLDER: Final = "library"
_SUFFIX: Final = ".toml"


def library_names() -> tuple[str, ...]:
    """Name the presets of the library, sorted."""
    found = files(_PACKAGE).joinpath(_FOLDER).iterdir()
    names = (one.name for one in found if one.name.endswith(_SUFFIX))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names))


def library_text(name: str) -> str:
    """Give the file as it was written.

    Raises:
        PresetError: There is no such preset.
    """
    if name not in library_names():
        known = ", ".join(library_names())
        raise PresetError(
            "", f"there is no file and no preset {name!r}; presets: {known}"
        )
    path = files(_PACKAGE).joinpath(_FOLDER, name + _SUFFIX)
    return path.read_text("utf-8")


def read_library(name: str) -> Preset:
    """Read a preset of the library.

    Raises:
        PresetError: There is no such preset.
    """
    return read_preset(library_text(name).encode())
