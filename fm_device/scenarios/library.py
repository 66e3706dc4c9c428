"""The scenarios that are shipped: one TOML file each, named after what happens."""

from importlib.resources import files
from typing import Final

from fm_device.scenarios.form import ScenarioError, suggestion
from fm_device.scenarios.reading import read_scenario
from fm_device.scenarios.scenario import Scenario

_FOLDER: Final = files("fm_device.scenarios").joinpath("library")
_ENDING: Final = ".toml"


def library_names() -> tuple[str, ...]:
    """List the names of the shipped scenarios."""
    return tuple(
        sorted(
            one.name.removesuffix(_ENDING)
            for one in _FOLDER.iterdir()
            if one.name.endswith(_ENDING)
        )
    )


def library_file(name: str) -> bytes:
    """Give a shipped scenario as it was written.

    Raises:
        ScenarioError: There is none of that name.
    """
    if name not in library_names():
        possible = suggestion(name, library_names())
        raise ScenarioError("", f"no scenario is called {name!r}{possible}")
    return _FOLDER.joinpath(name + _ENDING).read_bytes()


def library_scenario(name: str) -> Scenario:
    """Read a shipped scenario.

    Raises:
        ScenarioError: There is none of that name.
    """
    return read_scenario(library_file(name), name + _ENDING)
