"""Targets of the decoders' harness: they take their seeds, and they can fail."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.lab.catalogue import CatalogueError, parse_cases
from hw.lab.declaration import DeclarationError, parse_declaration
from hw.lab.fuzz.fuzz_case import FuzzCaseError, read_fuzz_case
from rmfs_tools.lab.decoders.listing import (
    TargetError,
    chosen_targets,
    every_target,
)
from rmfs_tools.lab.decoders.target import Target, UnstableError

TARGETS = {name: target for name, (_, target) in every_target().items()}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_no_seed_fails_and_each_fits(target: Target) -> None:
    seeds = list(target.seeds())
    assert seeds
    for seed in seeds:
        target.play(seed)
        assert len(seed) <= target.octets_max


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_nothing_and_zeros_fail_nowhere(target: Target) -> None:
    for octets in (b"", b"\x00", bytes(target.octets_max), b"\xff" * 64):
        target.play(octets)


REFUSING_ALL = {"greeting-2", "greeting-3"}
"""The keys of the vectors are not those of the parties here."""


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - REFUSING_ALL))
def test_a_seed_at_least_is_taken(name: str) -> None:
    target = TARGETS[name]
    assert any(target.play(seed) for seed in target.seeds())


def test_an_id_is_part_of_a_file_s_name() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in TARGETS)


def a_target(
    encode: Callable[[int], bytes] | None = None, *refusals: type[Exception]
) -> Target:
    return Target("a", "a number in digits", int, lambda: [b"1"], refusals, encode)


def test_an_error_that_is_not_named_comes_out() -> None:
    target = a_target(None, KeyError)
    assert target.play(b"1")
    with pytest.raises(ValueError, match="invalid literal"):
        target.play(b"x")


def test_what_is_written_otherwise_than_it_was_read_is_found() -> None:
    def encode(number: int) -> bytes:
        return str(min(number, 99)).encode()

    target = a_target(encode, ValueError)
    assert target.play(b"99")
    assert not target.play(b"x")
    with pytest.raises(UnstableError, match="100 is read back as 99"):
        target.play(b"100")


def test_what_is_written_and_then_refused_is_found() -> None:
    target = a_target(lambda _: b"x", ValueError)
    with pytest.raises(UnstableError, match="what it writes it refuses"):
        target.play(b"1")


def test_a_decoder_that_is_none_is_named() -> None:
    with pytest.raises(TargetError, match="no decoder is called nothing: line-octets"):
        chosen_targets(("message", "nothing"))


@pytest.mark.parametrize(
    "octets", [b"a = " + b"[" * 2_000, b"a = 1" + b"0" * 5_000, b"\xff"]
)
def test_toml_that_python_cannot_read_is_refused_as_any_other(octets: bytes) -> None:
    with pytest.raises(DeclarationError):
        parse_declaration(octets, Path(), "unit.toml")
    with pytest.raises(CatalogueError):
        parse_cases(octets, "cases.toml")
    with pytest.raises(FuzzCaseError):
        read_fuzz_case(octets.decode("latin-1"), "F.toml")
