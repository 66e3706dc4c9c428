"""What comes out of the printer: which mark a state gives, and where the picture goes.

A machine prints a frank that is of value in one state only. In the others it prints a
specimen or a void imprint, or nothing at all; the table is `MARK_OF`. The Department
has a sample of each state's frank (Annexure L), which is not public: these are ours.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final, Protocol

from fm_device.flash.settings import Medium, Settings
from fm_device.frank import (
    FrankFace,
    FrankMark,
    SloganFace,
    draw_frank,
    render_png,
    render_svg,
)
from fm_device.psd.franking import Frank
from fm_device.psd.records import PsdRecord
from protocol.contents import ProductClass, Slogan
from protocol.parameters import business_date
from protocol.registers import MachineState
from protocol.values import Paise

MARK_OF: Final[dict[MachineState, FrankMark | None]] = {
    MachineState.UNINSTALLED: FrankMark.SPECIMEN,
    MachineState.INSTALLED: FrankMark.SPECIMEN,
    MachineState.IN_SERVICE: FrankMark.VALID,
    MachineState.BLOCKED: FrankMark.VOID,
    MachineState.LOCKED: FrankMark.VOID,
    MachineState.WITHHELD: FrankMark.VOID,
    MachineState.LOCKED_OUT: None,
    MachineState.FAULT: None,
    MachineState.WITHDRAWN: FrankMark.VOID,
}
"""What a print to try the machine looks like in each state; None: it prints nothing.

In service such a print is a zero imprint, which is counted and signed."""


class Printer(Protocol):
    """Where franks go."""

    def put(self, face: FrankFace) -> None:
        """Print one frank; the machine waits until it is done.

        Raises:
            StoreError: The picture cannot be kept.
        """


class MemoryPrinter:
    """A printer that keeps the last frank, and counts."""

    def __init__(self) -> None:
        """Start with an empty tray."""
        self.last: FrankFace | None = None
        self.printed = 0

    def put(self, face: FrankFace) -> None:
        """Keep it."""
        self.last = face
        self.printed += 1


class FolderPrinter:
    """A printer that writes each frank as a picture into a folder.

    Names are ``<licence>-<item>.png`` or ``.svg``; specimen and void imprints, which
    have no item number, are numbered by themselves and never written over one another.
    """

    def __init__(self, folder: Path, write: Callable[[Path, bytes], None]) -> None:
        """Print into an existing folder.

        Args:
            folder: Where the pictures go.
            write: Writes a new file whole, or not at all.
        """
        self.paths: list[Path] = []
        self._folder = folder
        self._write = write

    def put(self, face: FrankFace) -> None:
        """Write the picture twice: PNG for a printer, SVG for a page."""
        drawing = draw_frank(face)
        name = self._name(face)
        png, svg = self._folder / f"{name}.png", self._folder / f"{name}.svg"
        self._write(png, render_png(drawing))
        self._write(svg, render_svg(drawing).encode())
        self.paths += [png, svg]

    def _name(self, face: FrankFace) -> str:
        if face.item is not None:
            return f"{face.licence}-{face.item}"
        name = f"{face.licence}-{face.mark.value}"
        number = 1
        while (self._folder / f"{name}-{number}.png").exists():
            number += 1
        return f"{name}-{number}"


def frank_face(
    frank: Frank,
    record: PsdRecord,
    settings: Settings,
    product_class: ProductClass,
    slogan: Slogan | None,
) -> FrankFace:
    """Lay out what a debited frank shows."""
    return FrankFace(
        mark=FrankMark.VALID if frank.value_paise else FrankMark.ZERO,
        class_letters=product_class.letters,
        class_name=product_class.name[:24],
        pin_code=f"{frank.pin_code:06d}",
        office_name=settings.office_name,
        printed_on=frank.printed_on,
        date_advanced=frank.printed_on > business_date(frank.time),
        item=frank.item,
        licence=record.life.licence,
        value_paise=frank.value_paise,
        authentication_code=frank.authentication_code,
        indicium=frank.indicium,
        slogan=None if slogan is None else SloganFace(slogan.lines),
        weight_g=frank.weight_g or None,
        on_tape=settings.medium is Medium.TAPE,
    )


def trial_face(
    mark: FrankMark,
    record: PsdRecord,
    settings: Settings,
    product_class: ProductClass,
    today: date,
) -> FrankFace:
    """Lay out a specimen or void imprint: it costs nothing and proves nothing."""
    return FrankFace(
        mark=mark,
        class_letters=product_class.letters,
        class_name=product_class.name[:24],
        pin_code=f"{record.pin_code:06d}",
        office_name=settings.office_name,
        printed_on=today,
        date_advanced=False,
        item=None,
        licence=record.life.licence,
        value_paise=Paise(0),
        authentication_code=None,
        indicium=None,
        on_tape=settings.medium is Medium.TAPE,
    )
