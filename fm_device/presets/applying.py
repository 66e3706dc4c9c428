"""Writing a preset into a memory: through the vaults, and only in the realm TEST."""

from fm_device.presets.fields import PresetError
from fm_device.presets.preset import Preset
from fm_device.psd.keyring import Keyring
from fm_device.psd.memory import KEYS, STATE
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.records import PsdRecord
from fm_device.psd.timekeeper import time_at
from fm_device.psd.vault import Vault, overwrite
from hw.nvram import Nvram
from protocol.errors import StoreError
from protocol.keys import Realm
from protocol.values import EpochSeconds


def realm_of(nvram: Nvram) -> Realm | None:
    """Say of which realm the keys in a memory are; None when they cannot be read.

    Reading repairs copies that are damaged, as a power-on does.
    """
    try:
        return Keyring.decode(Vault(nvram, KEYS).content).server.realm
    except StoreError:
        return None


def check_test_realm(realm: Realm | None) -> None:
    """Refuse whatever is not a machine to try things with.

    Raises:
        PresetError: It is a production machine, or nobody can tell.
    """
    if realm is not Realm.TEST:
        what = "has no keys to tell its realm" if realm is None else "is in PRODUCTION"
        raise PresetError(
            "",
            f"this machine {what}: presets and images are for machines of the realm "
            "TEST alone, made with --realm test",
        )


def apply_preset(nvram: Nvram, preset: Preset, battery: EpochSeconds) -> PsdRecord:
    """Bring the PSD in a memory into a situation; it must not be switched on.

    What is damaged before is repaired first, and counted, as at a power-on.

    Args:
        nvram: The PSD's memory.
        preset: The situation.
        battery: What the battery clock shows.

    Returns:
        The record as it was written; power-on may change it, as it does with one that
        is out of balance or names a frank that is open.

    Raises:
        PresetError: The machine is not of the realm TEST, or cannot be brought there.
        StoreError: The memory holds no machine, is beyond repair, or fails.
    """
    check_test_realm(realm_of(nvram))
    keys, state = Vault(nvram, KEYS), Vault(nvram, STATE)
    before = decode_record(state.content)
    after = preset.change(before, time_at(before, battery) or battery)
    octets = encode_record(after)
    if decode_record(octets) != after:
        raise StoreError("the record of this preset is not read back as it was written")
    overwrite(
        nvram,
        KEYS,
        keys.content,
        sequence=preset.memory("key_writes") or keys.sequence,
        damage=_or(preset.memory("key_repairs"), keys.damage),
    )
    overwrite(
        nvram,
        STATE,
        octets,
        sequence=preset.memory("writes") or state.sequence + 1,
        damage=_or(preset.memory("repairs"), state.damage),
    )
    for damage in preset.damages:
        spoiled = nvram.read(damage.address, damage.octets)
        nvram.write(damage.address, bytes(one ^ damage.flip for one in spoiled))
    return after


def _or(wanted: int | None, held: int) -> int:
    return held if wanted is None else wanted
