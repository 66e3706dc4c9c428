"""With papers, and the bindings that a lab keeps, a tap verifies signatures as well."""

from functools import cache
from pathlib import Path

from hw.lab.catalogue import read_catalogue, selected
from hw.lab.player import Player
from hw.lab.tap.bystander import Bystander
from hw.lab.tap.known_machine import Papers
from hw.lab.tap.sheet import TapVerdict
from hw.lab.trace import Trace, Traffic
from hw.seen.keylog import read_bindings
from protocol.keys import MachineCredential
from protocol.link import Role
from rmfs_tools.lab.reference import machine_stand
from rmfs_tools.lab.run_files import key_log
from rmfs_tools.lab.virtual_time import run


@cache
def a_recharge() -> tuple[Trace, MachineCredential]:
    stand = machine_stand()
    (case,) = selected(read_catalogue(), ["DLG-05-01-M-P"])
    stand.bench.begin_case()
    result = run(stand.clock, Player(stand.bench, stand.bench.side, case).play())
    return result.trace, stand.unit.provisioning.credential


def judged(bindings: dict[bytes, bytes], side: Role = Role.MACHINE) -> TapVerdict:
    trace, machine = a_recharge()
    papers = Papers(None, {machine.licence_identifier: machine}, bindings)
    by = Bystander(trace.keys, papers)
    for entry in trace.entries:
        if isinstance(entry, Traffic):
            by.line(f"line {entry.line}").take(entry.seen)
    return by.sheet.verdict("DLG-3.2", side)


def test_a_labs_key_log_has_the_bindings_of_its_channels(tmp_path: Path) -> None:
    trace, _ = a_recharge()
    (tmp_path / "keys").write_bytes(key_log(trace))
    assert read_bindings(tmp_path / "keys") == trace.bindings


def test_signatures_are_verified_with_the_binding_of_their_channel() -> None:
    trace, _ = a_recharge()
    assert judged(trace.bindings) is TapVerdict.EXERCISED
    other = dict.fromkeys(trace.bindings, bytes(32))
    assert judged(other) is TapVerdict.FAILED


def test_a_server_that_takes_a_wrong_signature_is_named() -> None:
    trace, _ = a_recharge()
    other = dict.fromkeys(trace.bindings, bytes(32))
    assert judged(other, Role.SERVER) is TapVerdict.FAILED
    assert judged(trace.bindings, Role.SERVER) is TapVerdict.UNSEEN


def test_without_a_binding_no_signature_is_judged() -> None:
    assert judged({}) is TapVerdict.UNSEEN
