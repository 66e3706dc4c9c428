"""Damage to the memories of a scenario's machine."""

from dataclasses import replace
from typing import Final

from fm_device.flash.layout import PART_HEAD_OCTETS, SETTINGS, SLOTS, UPDATE
from fm_device.psd.memory import KEYS, STATE
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.vault import Region, Vault
from fm_device.scenarios.steps import Damage
from protocol.contents import ContentKind
from protocol.values import Paise
from rmfs_tools.scenario_world import World

_INSIDE: Final = 20
"""An octet inside the content of a copy."""
_VAULTS: Final[dict[str, tuple[Region, str]]] = {
    "psd-record": (STATE, "nvram"),
    "psd-keys": (KEYS, "nvram"),
    "settings": (SETTINGS, "flash"),
    "update": (UPDATE, "flash"),
}
_CONTENT_KINDS: Final = {
    "tariff": ContentKind.TARIFF,
    "slogan": ContentKind.SLOGAN,
    "firmware": ContentKind.FIRMWARE,
}


def damage(world: World, action: Damage) -> None:
    """Turn bits, as a memory that has aged or a pair of pliers does.

    Args:
        world: Whose memories; the machine is off.
        action: What is damaged.
    """
    if action.what == "registers":
        _unbalance(world)
    elif action.what in _CONTENT_KINDS:
        for address in SLOTS[_CONTENT_KINDS[action.what]].addresses:
            world.flash.flip(address + PART_HEAD_OCTETS)
    else:
        _damage_vault(world, action)


def _damage_vault(world: World, action: Damage) -> None:
    region, name = _VAULTS[action.what]
    memory = world.nvram if name == "nvram" else world.flash
    for start in range(action.starts):
        if start:
            Vault(memory.chip, region)
        for address in region.addresses[: action.copies]:
            memory.flip(address + _INSIDE)


def _unbalance(world: World) -> None:
    vault = Vault(world.nvram.chip, STATE)
    record = decode_record(vault.content)
    held = record.registers
    more = Paise(held.descending_paise + 100)
    wrong = replace(record, registers=replace(held, descending_paise=more))
    vault.commit(encode_record(wrong))
