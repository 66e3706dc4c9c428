"""Fleets in memory: machines without files, with seeded keys, that no server knows.

They are for benches and simulations alone.
"""

from fm_device.firmware.machine import Machine, Parts
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.folder import put_factory_tariff
from fm_device.presets import apply_preset, read_library
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import WallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from hw.scales.simulated import SimulatedScale
from protocol.keys import (
    CreditKey,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
)
from rmfs_tools.fleet_file import plan_fleet


def make_fleet(count: int, seed: int, clock: WallClock) -> list[Machine]:
    """Make machines in memory, in service with Rs 5,000.00, and switch them on.

    Their keys follow from the seed and are of the realm TEST: for benches and
    simulations alone. No server knows them.

    Args:
        count: How many.
        seed: Chooses the keys.
        clock: The battery clock that all of them share.

    Raises:
        FleetError: There are none, or too many.
    """
    entropy = SeededEntropy(b"fleet in memory %d" % seed)
    maker = MakerKey.generate("FLEET", Realm.TEST, entropy)
    credit = CreditKey.generate(1, Realm.TEST, entropy).signing.public
    server = ServerIdentity.generate("FLEET", Realm.TEST, 1, entropy)
    provisioning = ServerProvisioning(
        server.credential.with_credit_key(1, credit), clock.now()
    )
    preset = read_library("in-service")
    made = []
    for member in plan_fleet({"count": count, "first_licence": "N200001"}).members():
        nvram = MemoryNvram.erased(NVRAM_OCTETS)
        flash = MemoryNvram.erased(FLASH_OCTETS)
        manufacture(
            nvram,
            psd_serial=member.psd_serial,
            licence=member.licence,
            realm=Realm.TEST,
            servers=[provisioning],
            maker=maker.public,
            entropy=entropy,
            clock=clock,
            contents=(put_factory_tariff(flash, maker, clock.now()),),
        )
        Psd(nvram, clock).install(member.plan.pin_code)
        apply_preset(nvram, preset, clock.now())
        machine = Machine(Parts(nvram, flash, clock, SimulatedScale()))
        machine.switch_on()
        made.append(machine)
    return made
