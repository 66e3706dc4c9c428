"""What people write: files of TOML and JSON, strings, and bodies of requests."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from fm_device.control import bodies
from fm_device.presets.fields import PresetError
from fm_device.presets.library import library_names as preset_names
from fm_device.presets.library import library_text
from fm_device.presets.reading import read_preset
from fm_device.scenarios.form import ScenarioError
from fm_device.scenarios.library import library_file
from fm_device.scenarios.library import library_names as scenario_names
from fm_device.scenarios.reading import read_scenario
from hw.lab.catalogue import CATALOGUE, CatalogueError, parse_cases
from hw.lab.declaration import DeclarationError, parse_declaration, template
from hw.lab.fuzz.fuzz_case import (
    FuzzCase,
    FuzzCaseError,
    Origin,
    fuzz_case,
    read_fuzz_case,
    write_fuzz_case,
)
from hw.lines.strings import LineStringError, parse_line_string
from hw.modem.book import PhoneBookError, parse_phone_book
from hw.scales.strings import ScaleStringError, parse_scale
from protocol.link import Role
from rmfs_tools.fleet import FleetError
from rmfs_tools.fleet_file import read_fleet_file
from rmfs_tools.lab.decoders.target import Target

_TOO_DEEP: Final = b"a = " + b"[" * 2_000
_TOO_LONG: Final = b"a = 1" + b"0" * 5_000
"""A number of more digits than Python reads."""
_NO_DAY: Final = b"a = 2026-02-31"
_ODD_TOML: Final = [_TOO_DEEP, _TOO_LONG, _NO_DAY]
_CASE_OCTETS_MAX: Final = 3_000
"""So much of a file of the catalogue is a seed."""
_BOOK: Final = b"""own = "080 2555 0100"
[[number]]
dial = "080 2555 0199"
to = "tcp:127.0.0.1:7001"
speed = 14400
ber = 1e-5
[[number]]
dial = "1930"
outcome = "busy"
"""
_LINES: Final = (
    "tcp:127.0.0.1:7001",
    "tcp:[::1]:7001",
    "serial:/dev/ttyUSB0?baud=9600",
    "virtual:speed=9600:ber=1e-5:tcp:127.0.0.1:7001",
    "usb:simulated:tcp:127.0.0.1:7001",
    "rfc2217:127.0.0.1:2217",
    "modem:/dev/ttyS0:dial=1930:baud=115200",
    "pty:/dev/pts/7",
)
_SCALES: Final = (
    "simulated:",
    "simulated:?grams=18.4",
    "serial:/dev/ttyUSB0?baud=9600",
)
_BODIES: Final = (
    bodies.PowerBody,
    bodies.CutBody,
    bodies.KeysBody,
    bodies.SensorsBody,
    bodies.LoadBody,
    bodies.SelectionBody,
    bodies.RunBody,
    bodies.EnterPinBody,
    bodies.SettingsBody,
    bodies.DepartmentBody,
    bodies.DialInBody,
    bodies.PresetBody,
    bodies.RegistersBody,
)
_REQUESTS: Final = (
    b'{"action":"cut"}',
    b'{"at":"nvram","number":3,"torn_octets":null}',
    b'{"keys":["MENU","DOWN","OK"]}',
    b'{"ink_ul":5,"cover_open":true}',
    b'{"grams":"18.4"}',
    b'{"product_class":"L","day":"2026-12-01"}',
    b'{"count":3,"confirmed":true}',
    b'{"role":"OPERATOR","pin":"1111"}',
    b'{"auto_dial":{"minute":5,"line":"tcp:127.0.0.1:7001"}}',
    b'{"name":"Accounts","limit_paise":100}',
    b'{"kind":"RECHARGE","amount_paise":200000,"line":null}',
    b'{"name":"low-funds"}',
    b'{"ascending_paise":18446744073709551615}',
)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def _body(octets: bytes) -> None:
    """Read a body of the control port; the first octet says which."""
    kind = _BODIES[(octets[0] if octets else 0) % len(_BODIES)]
    kind.model_validate_json(octets[1:]).given()


def _declaration(octets: bytes) -> object:
    return parse_declaration(octets, Path("unit"), "unit.toml").role


def _declarations() -> list[bytes]:
    hooks = (
        b'[hooks.dial]\ncommand = ["./dial", "{amount}"]\n'
        b'[hooks.alive]\nurl = "http://127.0.0.1/"\n'
    )
    control = b'[control]\nurl = "http://127.0.0.1:7301"\ntoken_file = "token"\n'
    made = [_filled_in(template(role)).encode() for role in Role]
    return [*made, *(one + hooks for one in made), made[0] + control, *_ODD_TOML]


def _filled_in(declaration: str) -> str:
    """Fill in what a template leaves to the maker."""
    return declaration.replace('""', '"A1"')


def _cases() -> list[bytes]:
    whole = [path.read_bytes() for path in sorted(CATALOGUE.glob("*.toml"))]
    ends = [one.rfind(b"\n[[case]]", 0, _CASE_OCTETS_MAX) for one in whole]
    return [*(one[:end] for one, end in zip(whole, ends, strict=True)), *_ODD_TOML]


def _fuzz_case(octets: bytes) -> tuple[FuzzCase, Origin]:
    return read_fuzz_case(_text(octets), "F.toml")


def _write_fuzz_case(read: tuple[FuzzCase, Origin]) -> bytes:
    return write_fuzz_case(*read).encode()


def _fuzz_cases() -> list[bytes]:
    steps = ["dial RECHARGE 20000", "send VOUCHER signature=wrong", "wait 3"]
    case = fuzz_case(Role.MACHINE, "none", steps)
    return [write_fuzz_case(case, Origin(seed=7, clause="REG-6")).encode(), *_ODD_TOML]


TARGETS: Final = (
    Target(
        "declaration",
        "the declaration of a unit that is certified",
        _declaration,
        _declarations,
        (DeclarationError,),
        runs=800,
        watched=("hw.lab.declaration", "hw.lab.hooks", "hw.lines", "tomllib"),
    ),
    Target(
        "cases",
        "a file of cases, of the catalogue or promoted",
        lambda octets: parse_cases(octets, "cases.toml"),
        _cases,
        (CatalogueError,),
        runs=600,
        watched=(
            "hw.lab.catalogue",
            "hw.lab.steps",
            "hw.lab.verbs",
            "hw.lab.values",
            "tomllib",
        ),
    ),
    Target(
        "fuzz-case",
        "a fuzz case",
        _fuzz_case,
        _fuzz_cases,
        (FuzzCaseError,),
        _write_fuzz_case,
        runs=3_000,
        watched=(
            "hw.lab.fuzz.fuzz_case",
            "hw.lab.steps",
            "hw.lab.verbs",
            "hw.lab.values",
            "tomllib",
        ),
    ),
    Target(
        "preset",
        "a preset of a machine",
        read_preset,
        lambda: [*(library_text(one).encode() for one in preset_names()), *_ODD_TOML],
        (PresetError,),
        runs=2_000,
        watched=("fm_device.presets", "tomllib"),
    ),
    Target(
        "scenario",
        "a scenario",
        lambda octets: read_scenario(octets, "scenario.toml"),
        lambda: [*map(library_file, scenario_names()), *_ODD_TOML],
        (ScenarioError,),
        runs=500,
        watched=("fm_device.scenarios", "tomllib"),
    ),
    Target(
        "fleet",
        "the file of a fleet",
        read_fleet_file,
        lambda: [
            files("rmfs_tools").joinpath("samples", "fleet-offices.toml").read_bytes(),
            *_ODD_TOML,
        ],
        (FleetError,),
        runs=600,
        watched=("rmfs_tools.fleet_file", "fm_device.presets.fields", "tomllib"),
    ),
    Target(
        "phone-book",
        "the phone book of an emulated modem",
        lambda octets: parse_phone_book(_text(octets)),
        lambda: [_BOOK, *_ODD_TOML],
        (PhoneBookError,),
        runs=3_000,
        watched=("hw.modem.book", "tomllib"),
    ),
    Target(
        "line-string",
        "a line string",
        lambda octets: parse_line_string(_text(octets)),
        lambda: [line.encode() for line in _LINES],
        (LineStringError,),
        lambda address: str(address).encode(),
        octets_max=512,
        watched=("hw.lines",),
    ),
    Target(
        "scale-string",
        "a scale string",
        lambda octets: parse_scale(_text(octets)),
        lambda: [scale.encode() for scale in _SCALES],
        (ScaleStringError,),
        lambda address: str(address).encode(),
        octets_max=256,
        watched=("hw.scales.strings",),
    ),
    Target(
        "control-body",
        "the body of a request to a control port",
        _body,
        lambda: [bytes([n]) + body for n, body in enumerate(_REQUESTS)],
        (ValidationError,),
        octets_max=1_024,
        watched=("fm_device.control.bodies",),
    ),
)
