"""The house rules as data: what is banned, where it is allowed all the same, and why.

A file stands in one of these lists only with a reason. Paths are relative to the root;
`*` stands for any part of one name, `**` for any number of folders.
"""

from typing import Final

PACKAGES: Final = (
    "protocol",
    "hw",
    "fm_device",
    "rmfs_server",
    "dop_gateway",
    "portal",
    "rmfs_tools",
)

OUTSIDE: Final = {
    "time": "a clock is an argument (hw.clock)",
    "datetime.datetime.now": "a clock is an argument (hw.clock)",
    "datetime.datetime.utcnow": "a clock is an argument (hw.clock)",
    "datetime.datetime.today": "a clock is an argument (hw.clock)",
    "datetime.date.today": "a clock is an argument (hw.clock)",
    "random": "randomness is an argument (hw.entropy)",
    "secrets": "randomness is an argument (hw.entropy)",
    "uuid.uuid1": "randomness is an argument (hw.entropy)",
    "uuid.uuid4": "randomness is an argument (hw.entropy)",
    "os.urandom": "randomness is an argument (hw.entropy)",
    "os.getrandom": "randomness is an argument (hw.entropy)",
    "cryptography.hazmat.primitives.asymmetric.ec.generate_private_key": (
        "it draws its own randomness: derive the key from the entropy port"
    ),
    "os.environ": "settings are arguments, read once where a program starts",
    "os.getenv": "settings are arguments, read once where a program starts",
    "twisted.internet.reactor": "the reactor is an argument (hw.reactor)",
}
"""Names through which the outside comes in, and what to use instead."""

EDGES: Final[dict[str, tuple[frozenset[str], str]]] = {
    "hw/clock.py": (
        frozenset({"time", "datetime.datetime.now"}),
        "the system clocks",
    ),
    "hw/entropy.py": (frozenset({"os.urandom"}), "the system entropy"),
    "hw/hsm/device.py": (
        frozenset({"time"}),
        "the pause before a token is looked for again; the test gives its own",
    ),
    "hw/hsm/place.py": (
        frozenset({"os.environ"}),
        "libraries of PKCS#11 and systemd's credentials know no other way",
    ),
    "hw/reactor.py": (frozenset({"time"}), "the reactor's clock"),
    "rmfs_tools/check.py": (
        frozenset({"time", "os.environ"}),
        "hands its own environment and clock to the parts that it runs",
    ),
    "rmfs_tools/rehearse_cli.py": (
        frozenset({"os.environ"}),
        "hands its own environment to the programs that it runs",
    ),
    "rmfs_tools/failover/cli.py": (
        frozenset({"os.environ"}),
        "hands its own environment to the programs that it runs",
    ),
    "rmfs_tools/killing/cli.py": (
        frozenset({"os.environ"}),
        "hands its own environment to the programs that it runs",
    ),
    "rmfs_tools/together/cli.py": (
        frozenset({"os.environ"}),
        "hands its own environment to the programs that it runs",
    ),
    "rmfs_tools/bench/*.py": (
        frozenset(
            {
                "time",
                "random",
                "os.environ",
                "os.urandom",
                "cryptography.hazmat.primitives.asymmetric.ec.generate_private_key",
            }
        ),
        "measures real time on a real machine, with keys and loads of the moment",
    ),
}
"""The files that may use some of `OUTSIDE`, and why. One file uses all that its row
names; a row for several files names what each of them may use."""

ONLY_THERE: Final[dict[str, tuple[str, ...]]] = {
    # One file declares the layouts, and packs and unpacks by them.
    "construct": ("protocol/messages/codec.py",),
    # lakers panics on hostile octets: one package stands before it. Only a bench has it
    # bare, and gives it nothing hostile.
    "lakers": ("protocol/channel/*.py", "rmfs_tools/bench/recharge_floor.py"),
    # A key in an HSM is a Signer to everybody else.
    "pkcs11": ("hw/hsm/device.py",),
    # Twisted stays where a reactor, a socket or a thread is.
    "twisted": (
        "hw/**",
        "fm_device/cli.py",
        "fm_device/program.py",
        "rmfs_server/busy.py",
        "rmfs_server/calls.py",
        "rmfs_server/cli.py",
        "rmfs_server/operations/*.py",
        "rmfs_server/program.py",
        "rmfs_server/service.py",
        "rmfs_server/writer.py",
        "rmfs_tools/**",
    ),
    "prometheus_client": ("rmfs_server/operations/metrics.py",),
    # Pictures, barcodes and papers are made and read in few places.
    "PIL": (
        "fm_device/frank/*.py",
        "fm_device/panel/*.py",
        "hw/scanner.py",
        "rmfs_tools/**",
    ),
    "zxingcpp": ("fm_device/frank/symbol.py", "hw/scanner.py", "rmfs_tools/**"),
    "fpdf": ("fm_device/reports/pdf.py", "dop_gateway/exports/page.py"),
    "xlsxwriter": ("dop_gateway/exports/xlsx.py",),
    "serial": ("hw/ports/*.py", "hw/scales/serial_port.py"),
    "usb": ("hw/ports/listing.py", "hw/usb/*.py"),
    "textual": ("fm_device/panel/*.py", "rmfs_tools/pictures.py"),
    "fastapi": ("fm_device/control/*.py", "dop_gateway/**", "portal/**"),
    "aiosmtplib": ("dop_gateway/outbox/smtp.py",),
    "uvicorn": ("fm_device/control/*.py", "dop_gateway/**", "portal/**"),
    "sqlalchemy": (
        "hw/database/*.py",
        "rmfs_server/**",
        "dop_gateway/**",
        "rmfs_tools/**",
    ),
    "alembic": (
        "hw/database/*.py",
        "rmfs_server/store/migrations/**",
        "dop_gateway/store/migrations/**",
    ),
    "psycopg": ("hw/database/opening.py",),
    # They come with the check alone: only a bench that is run may need them.
    "pymodbus": ("rmfs_tools/bench/codec_peers.py",),
    "sliplib": ("rmfs_tools/bench/codec_peers.py",),
    "apsw": ("rmfs_tools/simulation/ledger_file/*.py",),
    "atheris": ("rmfs_tools/lab/decoders/child.py",),
}
"""Which files may import a library that is to stay in few places."""

LIBRARIES: Final[dict[str, frozenset[str]]] = {
    "protocol": frozenset({"construct", "cryptography", "fastcrc", "lakers"}),
}
"""All that a package may import beside the standard library and our packages."""

PROTOCOL_BANNED: Final = frozenset(
    {
        *("asyncio", "concurrent", "fcntl", "io", "logging", "multiprocessing", "os"),
        *("select", "selectors", "signal", "socket", "sqlite3", "ssl", "subprocess"),
        *("tempfile", "threading", "urllib", "http"),
    }
)
"""Modules of the standard library that a package without I/O has no use for."""

CATCH_ALL: Final[dict[str, str]] = {
    "protocol/channel/*.py": (
        "lakers panics with a BaseException on hostile octets; one place turns "
        "whatever it raises into the peer's error"
    ),
    "rmfs_server/program.py": "the outermost loop of the server's program",
    "rmfs_server/service.py": "the outermost loop of the server's program",
    "hw/reactor.py": (
        "an error that one line raises is logged, as Twisted does, and the events of "
        "the other lines are still dealt with"
    ),
    "rmfs_server/writer.py": (
        "every error of a commit means that its outcome is unknown, and whoever waits "
        "for it must be told"
    ),
    "fm_device/program.py": "the outermost loop of the machine's program",
    "dop_gateway/jobs/serving.py": (
        "the outermost loop of the gateway's jobs: one that is broken must end neither "
        "the others nor the gateway"
    ),
    "rmfs_tools/simulation/run.py": "whatever the product raises is a finding",
    "hw/lab/*.py": "the lab records whatever its target provokes as a verdict",
}
"""Files with an `except Exception` or `except BaseException`, and why."""

NAMES_THAT_SAY_NOTHING: Final = frozenset(
    {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
)

MACHINE_PATHS: Final = tuple(f"/{name}/" for name in ("Users", "home", "root", "work"))
"""Starts of paths that exist on one person's machine only."""

INDEX_HOSTS: Final = ("pypi.org", "pythonhosted.org", "file:///", "--find-links")
"""What no lock or settings file may name: where packages come from is the user's."""
