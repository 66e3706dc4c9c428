"""INDICIUM: franks of a real PSD, verified by somebody who knows its papers only."""

from dataclasses import replace
from pathlib import Path

import pytest

from fm_device.psd.device import Psd
from fm_device.psd.franking import Frank
from hw.nvram import MemoryNvram
from protocol.indicium import (
    MemorySeenFranks,
    PrintedFacts,
    Verdict,
    Verification,
    authentication_key,
    verify_indicium,
)
from protocol.keys import MachineCredential
from protocol.parameters import business_date
from protocol.values import Paise
from tests.franking import frank
from tests.situations import in_use
from tests.system import IDENTITY, System


class Office:
    """A verifier with a register, and the key of the machine's server."""

    def __init__(self, credential: MachineCredential) -> None:
        self._credential = credential
        self._register = MemorySeenFranks()

    def verify(self, franked: Frank) -> Verification:
        return verify_indicium(
            franked.indicium,
            lambda _: [self._credential],
            business_date(franked.time),
            self._register,
            PrintedFacts(
                value_paise=franked.value_paise,
                printed_on=franked.printed_on,
                item=franked.item,
                pin_code=franked.pin_code,
                product_class=franked.product_class,
                code=franked.authentication_code,
            ),
            key_of=lambda credential: authentication_key(IDENTITY, credential),
        )

    def verdicts(self, franked: Frank) -> list[Verdict]:
        return [reason.verdict for reason in self.verify(franked).reasons]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return in_use(tmp_path)


def franked(psd: Psd, value: int) -> Frank:
    done = frank(psd, Paise(value), 3)
    assert isinstance(done, Frank)
    return done


def test_franks_of_a_psd_are_genuine_in_every_order(system: System) -> None:
    psd = system.psd()
    office = Office(psd.credential)
    franks = [franked(psd, value) for value in (500, 0, 1200, 1, 0, 500)]
    for place in (3, 0, 5, 1, 4, 2):
        found = office.verify(franks[place])
        assert found.verdict is Verdict.GENUINE
        assert found.unchecked == ()


def test_a_code_of_another_frank_is_found(system: System) -> None:
    psd = system.psd()
    office = Office(psd.credential)
    one, other = franked(psd, 500), franked(psd, 500)
    swapped = replace(one, authentication_code=other.authentication_code)
    assert office.verdicts(swapped) == [Verdict.ALTERED]


def test_a_memory_that_was_put_back_is_found_by_its_franks(system: System) -> None:
    """INDICIUM-1.2, INDICIUM-7.2."""
    # REG-11: the line cannot show it, the franks do.
    office = Office(system.psd().credential)
    kept = system.nvram.image()
    psd = system.psd()
    for value in (500, 700, 900):
        office.verify(franked(psd, value))

    put_back = system.psd(MemoryNvram(kept))
    same_item = franked(put_back, 100)
    for value in (100, 100):
        franked(put_back, value)
    later = franked(put_back, 100)

    assert Verdict.CLONED in office.verdicts(same_item)
    assert office.verdicts(later) == [Verdict.ROLLED_BACK]
