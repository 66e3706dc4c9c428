"""One target under Atheris; a process of its own, because libFuzzer ends its process.

``python -m rmfs_tools.lab.decoders.child GROUP ID WATCHED [OPTION]... [FOLDER]...``
with the options of libFuzzer, in the folder of the product's packages.

Only what is imported inside `instrument_imports` leads the search, so nothing of the
product may be imported before. What a target does not watch is left out: it takes
seconds to be made watchable, and says nothing of the decoder.
"""

import resource
import sys
from pathlib import Path
from typing import Final

import atheris

MEMORY_MB_MAX: Final = 1_024
_PACKAGES: Final = ("protocol", "hw", "fm_device", "rmfs_server", "rmfs_tools")


def main(group: str, name: str, watched: str, options: list[str]) -> None:
    """Play changed inputs to a target until one fails or the runs are over.

    Args:
        group: Of the target.
        name: Its id.
        watched: Packages and modules, with commas between.
        options: Of libFuzzer.
    """
    prefixes = tuple(watched.split(","))
    with atheris.instrument_imports(
        include=sorted({one.partition(".")[0] for one in prefixes}),
        exclude=[one for one in _modules() if not _begins(one, prefixes)],
    ):
        from rmfs_tools.lab.decoders.listing import targets_of  # noqa: PLC0415

        target = next(one for one in targets_of(group) if one.id == name)
    limit = f"-rss_limit_mb={_peak_mb() + MEMORY_MB_MAX}"
    atheris.Setup([sys.argv[0], limit, *options], target.play)
    atheris.Fuzz()


def _peak_mb() -> int:
    """Tell the most memory that libFuzzer will take for ours from the beginning.

    A process is born with the peak of whoever started it (Linux, ru_maxrss in KiB).
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _modules() -> list[str]:
    """Name every module of the product's packages."""
    files = (file for one in _PACKAGES for file in Path(one).rglob("*.py"))
    names = (".".join(file.with_suffix("").parts) for file in files)
    return [name.removesuffix(".__init__") for name in names]


def _begins(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in prefixes)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
