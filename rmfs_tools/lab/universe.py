"""A universe: the product's packages once more in this process, with a mistake in them.

They are imported from a planted copy under their own names, while the healthy modules
stand aside; then those come back. A unit that is built inside has every class, table
and constant of its own, and the bench beside it keeps the healthy ones. What passes
between them has to be octets, numbers or text: `hw.lines.port.LineLoss` of one is not
that of the other. `rmfs_tools.lab.crossing` sees to that.
"""

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from rmfs_tools.planting import PACKAGES, ROOT, Edit, plant


class Universe:
    """Modules of the product that are not those of this process."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing imported.

        Args:
            folder: It holds the packages.
        """
        self._folder = str(folder)
        self._modules: dict[str, ModuleType] = {}

    def module(self, name: str) -> ModuleType:
        """Import a module of this universe, and whatever it needs, or give it again.

        Args:
            name: Its name, the same as in this process.
        """
        known = self._modules.get(name)
        if known is not None:
            return known
        with self._inside():
            return importlib.import_module(name)

    def forget(self) -> None:
        """Import everything anew: what was interrupted may have left anything there."""
        self._modules = {}

    @contextmanager
    def _inside(self) -> Iterator[None]:
        healthy = _taken_out()
        sys.modules.update(self._modules)
        sys.path.insert(0, self._folder)
        try:
            yield
        finally:
            sys.path.remove(self._folder)
            self._modules = _taken_out()
            sys.modules.update(healthy)


@contextmanager
def universe(name: str, edits: Sequence[Edit], root: Path = ROOT) -> Iterator[Universe]:
    """Make a universe with a mistake in it; it ends with its block.

    Args:
        name: What the mistake is called, for errors.
        edits: What is changed; nothing, and it is the product as it is.
        root: The folder of the packages.

    Raises:
        PlantingError: The mistake does not fit.
    """
    with TemporaryDirectory(prefix="universe-") as folder:
        plant(name, edits, root, Path(folder))
        yield Universe(Path(folder))


def _taken_out() -> dict[str, ModuleType]:
    """Take the product's modules out of those that Python knows."""
    names = [name for name in sys.modules if name.partition(".")[0] in PACKAGES]
    return {name: sys.modules.pop(name) for name in names}
