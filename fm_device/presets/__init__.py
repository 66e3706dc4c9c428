"""Register presets and memory images: put a machine where a lab wants to begin.

Lab tools, for machines of the realm TEST alone: what they write never happened.
"""

from fm_device.presets.applying import apply_preset, check_test_realm, realm_of
from fm_device.presets.fields import PresetError
from fm_device.presets.folders import (
    dump_machine,
    find_preset,
    preset_machine,
    restore_machine,
    show_library,
    show_preset,
)
from fm_device.presets.image import (
    Image,
    ImageError,
    decode_image,
    encode_image,
)
from fm_device.presets.library import library_names, library_text, read_library
from fm_device.presets.preset import Damage, Preset
from fm_device.presets.reading import read_preset

__all__ = [
    "Damage",
    "Image",
    "ImageError",
    "Preset",
    "PresetError",
    "apply_preset",
    "check_test_realm",
    "decode_image",
    "dump_machine",
    "encode_image",
    "find_preset",
    "library_names",
    "library_text",
    "preset_machine",
    "read_library",
    "read_preset",
    "realm_of",
    "restore_machine",
    "show_library",
    "show_preset",
]
