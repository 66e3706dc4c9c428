"""The Department of a world: what was paid in, and the fund files that say so.

Fund files stand for the Department until it has programs of its own. Each is a real
one, written and read by the product.
"""

from collections.abc import Callable
from datetime import date
from typing import Final

from hw.clock import WallClock
from hw.database import Store
from protocol.errors import RmfsError
from protocol.exchange import (
    DetailLine,
    FundFile,
    LineReference,
    PaymentMode,
    encode_fund_file,
)
from protocol.parameters import business_date
from rmfs_server.funds import import_fund_file
from rmfs_tools.simulation.deeds import FundFileCame
from rmfs_tools.simulation.observations import Deposited, Observation
from rmfs_tools.simulation.setting import Papers

_OEM: Final = "N"


class Department:
    """Writes fund files, and keeps what it has written.

    Attributes:
        refused: How many files the server could not take at the time.
    """

    def __init__(
        self,
        clock: WallClock,
        seconds: Callable[[], float],
        tell: Callable[[Observation], None],
        papers: Callable[[str], Papers],
    ) -> None:
        """Begin with nothing paid.

        Args:
            clock: The time of day.
            seconds: Simulated seconds since the world began.
            tell: Takes observations.
            papers: Gives the licence of a body's present life.
        """
        self.refused = 0
        self._clock = clock
        self._seconds = seconds
        self._tell = tell
        self._papers = papers
        self._files: dict[int, bytes] = {}
        self._taken: set[int] = set()

    def bring(self, deed: FundFileCame, store: Store) -> None:
        """Bring a file to the server: a new one, or one that was brought before.

        Raises:
            ServerKilledError: The server is killed meanwhile.
        """
        octets = self._files.get(deed.number)
        if octets is None:
            octets = self._written(deed)
            self._files[deed.number] = octets
        self._import(deed.number, octets, store)

    def bring_all(self, store: Store, *, again: bool = False) -> None:
        """Bring every file that the server has not taken, or all of them again."""
        for number, octets in sorted(self._files.items()):
            if again or number not in self._taken:
                self._import(number, octets, store)

    def _import(self, number: int, octets: bytes, store: Store) -> None:
        try:
            import_fund_file(store, octets, self._clock.now())
        except RmfsError:
            self.refused += 1
        else:
            self._taken.add(number)

    def _written(self, deed: FundFileCame) -> bytes:
        today = business_date(self._clock.now())
        lines = [
            self._line(deed.number, place, body, amount_paise, today)
            for place, (body, amount_paise) in enumerate(deed.lines, start=1)
        ]
        for place, (earlier, line, body, difference) in enumerate(
            deed.corrects, start=len(lines) + 1
        ):
            reference = LineReference(_file_id(earlier), str(line))
            lines.append(
                self._line(
                    deed.number, place, body, difference, today, corrects=reference
                )
            )
        file = FundFile.by_hand(_file_id(deed.number), _OEM, today, tuple(lines))
        return encode_fund_file(file)

    def _line(
        self,
        file: int,
        place: int,
        body: str,
        amount_paise: int,
        today: date,
        *,
        corrects: LineReference | None = None,
    ) -> DetailLine:
        papers = self._papers(body)
        licence = papers.identifier
        reference = f"{_file_id(file)}/{place}"
        self._tell(Deposited(self._seconds(), licence, amount_paise, reference))
        return DetailLine(
            line_id=str(place),
            licence=licence,
            licence_number=papers.new.number,
            licensee=papers.new.licensee,
            amount_paise=amount_paise,
            mode=PaymentMode.NETBANKING,
            value_date=today,
            available_from=today,
            corrects=corrects,
        )


def _file_id(number: int) -> str:
    return f"FND-{_OEM}-{number:04d}"
