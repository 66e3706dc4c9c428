"""How much memory a unit holds is told by a hook or the process; growth is found."""

import sys
from mmap import PROT_READ, mmap
from pathlib import Path

import pytest

from hw.lab.declaration import DeclarationError, Hook, parse_declaration, template
from hw.lab.fuzz.fuzz_case import NO_PRESET, fuzz_case
from hw.lab.fuzz.memory import MemoryWatch
from hw.lab.fuzz.oracles import Oracle
from hw.lab.hooks import Answer, HookedOperator
from hw.lab.operator import OperatorError
from hw.reactor import MonotonicReactor
from protocol.keys import MachineProvisioning
from protocol.link import Role
from rmfs_tools.lab.fuzz.virtual_targets import VirtualTarget, virtual_target
from rmfs_tools.lab.own_memory import own_memory_octets
from rmfs_tools.lab.universe import universe
from rmfs_tools.planting import Edit
from tests.reactor import run_on_reactor

MIB = 1024 * 1024
HOARDING = Edit(
    "fm_device/psd/session.py",
    "    def _statement(self) -> Statement:\n",
    "    _hoard: list[bytes] = []\n\n"
    "    def _statement(self) -> Statement:\n"
    '        self._hoard.append(b"x" * (96 << 20))\n',
)
INSPECTION = ["dial INSPECTION", "take STATEMENT", "finish"]


def test_a_machine_that_hoards_at_every_statement_is_found() -> None:
    case = fuzz_case(Role.MACHINE, NO_PRESET, INSPECTION)
    with universe("hoarding", [HOARDING]) as there:
        findings = VirtualTarget("hoarding", case.role, there).play(case).findings
    assert [one.oracle for one in findings] == [Oracle.MEMORY]
    with virtual_target("machine") as target:
        assert target.play(case).findings == ()


@pytest.mark.parametrize(
    ("name", "steps"),
    [("machine", INSPECTION), ("server", ["dial INSPECTION", "send STATEMENT"])],
)
def test_the_product_needs_no_more_memory_after_many_cases(
    name: str, steps: list[str]
) -> None:
    watch = MemoryWatch(warm_up_cases=10)
    with virtual_target(name) as target:
        case = fuzz_case(target.role, NO_PRESET, steps)
        for _ in range(25):
            target.play(case)
            octets = own_memory_octets()
            assert octets is not None
            assert watch.judge(octets) is None


def test_a_process_knows_what_it_holds() -> None:
    before = own_memory_octets()
    held = b"x" * (64 * MIB)
    after = own_memory_octets()
    assert before is not None
    assert after is not None
    assert 32 * MIB < after - before < 128 * MIB
    assert len(held) == 64 * MIB


def test_what_a_process_maps_of_a_file_is_not_its_own(tmp_path: Path) -> None:
    """The kernel may take it away at any moment, and give it back."""
    file = tmp_path / "file"
    file.write_bytes(bytes(64 * MIB))
    before = own_memory_octets()
    with file.open("rb") as opened, mmap(opened.fileno(), 0, prot=PROT_READ) as mapped:
        assert sum(mapped[::4096]) == 0
        after = own_memory_octets()
    assert before is not None
    assert after is not None
    assert after - before < 32 * MIB


class NoPerson:
    """Nobody is at the terminal."""

    async def ask(self, words: str, *, ends_with_call: bool = False) -> Answer:
        raise AssertionError(words)


def no_papers() -> MachineProvisioning:
    raise AssertionError


def asked(hooks: dict[str, Hook], folder: Path) -> int | None:
    told: list[int | None] = []

    async def ask(reactor: MonotonicReactor) -> None:
        operator = HookedOperator(
            hooks, NoPerson(), reactor, folder=folder, papers=no_papers
        )
        told.append(await operator.memory_octets())

    run_on_reactor(ask)
    return told[0]


def printing(words: str) -> dict[str, Hook]:
    return {"memory": Hook((sys.executable, "-c", f"print({words!r})"))}


def test_a_hook_prints_the_figure(tmp_path: Path) -> None:
    assert asked(printing("123456789"), tmp_path) == 123_456_789
    assert asked({}, tmp_path) is None


@pytest.mark.parametrize("words", ["", "12 MB", "-1", "1e6", "9" * 19])
def test_what_is_no_number_of_octets_is_not_believed(
    words: str, tmp_path: Path
) -> None:
    with pytest.raises(OperatorError, match="is no number of octets"):
        asked(printing(words), tmp_path)


def test_a_declaration_may_have_the_hook() -> None:
    text = template(Role.MACHINE).replace('""', '"A1"')
    hook = '[hooks.memory]\ncommand = ["./octets"]\n'
    declared = parse_declaration((text + hook).encode(), Path(), "unit.toml")
    assert declared.hooks["memory"].command == ("./octets",)
    with pytest.raises(DeclarationError, match="alive, memory"):
        parse_declaration(f"{text}[hooks.mem]\n".encode(), Path(), "unit.toml")
