"""The books were restored from a backup: an honest machine is heard to the end again.

REG-9: a person resolves what the first dial-in finds. After that the machine and the
books must meet again by what the protocol itself carries.
"""

import shutil
from pathlib import Path

from protocol.dialogue.machine import INSPECTION, Outcome
from protocol.messages import RefusalCode
from protocol.values import Paise
from rmfs_server.proposing import Action
from rmfs_server.resolving import Resolving
from tests.franking import frank
from tests.situations import in_use
from tests.system import LICENCE, RUPEES_2000, System


def _back_up(system: System, folder: Path) -> None:
    system.store.close()
    shutil.copytree(system.folder, folder)
    system.start_server()


def _restore(system: System, folder: Path) -> None:
    system.store.close()
    shutil.rmtree(system.folder)
    shutil.copytree(folder, system.folder)
    system.start_server()


def _frank_and_report(system: System, *classes: int) -> None:
    psd = system.psd()
    for product_class in classes:
        frank(psd, Paise(100), product_class)
    assert system.dial(INSPECTION, psd=psd).outcome is Outcome.INSPECTED
    assert all(row.reported for row in psd.record.usage)
    assert not system.frozen()


def test_usage_acknowledged_after_the_backup_is_told_again(tmp_path: Path) -> None:
    system = in_use(tmp_path / "system")
    _back_up(system, tmp_path / "backup")
    _frank_and_report(system, 1, 2)
    _restore(system, tmp_path / "backup")

    report = system.dial(INSPECTION)
    assert report.refusal is not None
    assert report.refusal.code is RefusalCode.MARK_WRONG
    Resolving(system.store, two_persons=False).resolve(
        LICENCE, Action.ADOPT, system.by("the books were restored")
    )

    _frank_and_report(system)
    _frank_and_report(system, 1)
    _frank_and_report(system, 3)
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    system.check_quiet(400_000)
    system.store.close()
