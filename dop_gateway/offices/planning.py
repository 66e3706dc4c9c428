"""Compare a directory with the stored tree: what is new, what differs, what is missing.

Everything happens in memory, on plain rows; nothing is written here.

- A post office is known by its PIN and name, a Division and a Region by the name and
  the Circle, a Circle by its name. All else about them may change.
- The directory does not tell which sub office a branch office accounts to, nor the
  Sub-Divisions. A new branch office is put under the office that serves its PIN, where
  that is a head or sub office of its Division; everything else under its Division.
  Where a person has put an office elsewhere within its Division, it stays (ours).
- Of the offices that deliver at a PIN the highest kind serves it; among equals the one
  that does so already, then the first by name.
- What the directory does not list any more is closed. An office that a person added is
  not. What is left where it was goes up where the office above it closes, or is of a
  lower kind now.

Source: domain notes, section 16 and section 23, no. 30.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dop_gateway.offices.bulk_store import Stored
from dop_gateway.offices.codes import Codes, Named
from dop_gateway.offices.model import OfficeKind, line_of, name_key
from dop_gateway.offices.reading import Line

_BY_RANK: Final = (
    OfficeKind.CIRCLE,
    OfficeKind.REGION,
    OfficeKind.DIVISION,
    OfficeKind.SUB_DIVISION,
    OfficeKind.HO,
    OfficeKind.SO,
    OfficeKind.BO,
)
_RANK: Final = {kind.name: kind.rank for kind in OfficeKind}
_NEW: Final = Stored(
    id=0,
    parent=None,
    path="",
    kind="",
    name="",
    name_key="",
    name_hi=None,
    code=None,
    pin=None,
    delivers=False,
    serves_pin=False,
    district=None,
    state=None,
    latitude_microdegrees=None,
    longitude_microdegrees=None,
    listed=True,
    closed_at=None,
)


@dataclass(slots=True)
class Plan:
    """What an import would write.

    Attributes:
        before: Every office that is stored, by id.
        after: Every office as it will be, by id.
    """

    before: dict[int, Stored]
    after: dict[int, Stored] = field(default_factory=dict)

    @property
    def added(self) -> list[Stored]:
        """Offices that are new, those above before those below."""
        new = [row for one, row in self.after.items() if one not in self.before]
        return sorted(new, key=lambda row: _RANK[row.kind])

    @property
    def changed(self) -> list[tuple[Stored, Stored]]:
        """Offices that differ, before and after."""
        return [
            (old, new)
            for one, old in self.before.items()
            if (new := self.after[one]) is not old and new != old
        ]


class Planner:
    """Makes the plan for one directory."""

    def __init__(
        self, stored: Iterable[Stored], codes: Codes, now: int, *, closes: bool
    ) -> None:
        """Look at what is stored.

        Args:
            stored: Every office.
            codes: What the directory does not tell of Circles and Divisions.
            now: When offices that are missing close.
            closes: Whether they do: not where lines of the directory were left out.
        """
        self._plan = Plan({row.id: row for row in stored})
        self._codes = codes
        self._now = now
        self._closes = closes
        self._last = max(self._plan.before, default=0)
        self._known = {self._key(row): row.id for row in self._plan.before.values()}

    def plan(self, lines: Iterable[Line]) -> Plan:
        """Plan what makes the tree what the directory says."""
        by_kind: dict[OfficeKind, list[Line]] = {kind: [] for kind in _BY_RANK}
        divisions: dict[tuple[str, str, str], int] = {}
        top = self._top()
        for line in lines:
            by_kind[line.kind].append(line)
            place = (line.circle, line.region, line.division)
            if place not in divisions:
                divisions[place] = self._division(line, top)
        serving: dict[str, Stored] = {}
        for kind in (OfficeKind.HO, OfficeKind.SO, OfficeKind.BO):
            for line in by_kind[kind]:
                division = divisions[line.circle, line.region, line.division]
                self._post_office(line, division, serving.get(line.pin))
            self._choose(by_kind[kind], serving)
        self._leave_others(serving)
        self._serve(serving)
        return self._plan

    def _key(self, row: Stored) -> tuple[object, ...]:
        """Give what an office is known by."""
        if row.pin is not None:
            return row.pin, row.name_key
        if row.kind in {"REGION", "DIVISION"}:
            return row.kind, self._circle_of(row), row.name_key
        if row.kind == "SUB_DIVISION":
            return row.kind, row.id
        return row.kind, row.name_key

    def _circle_of(self, row: Stored) -> int | None:
        for one in line_of(row.path):
            if self._plan.before[one].kind == "CIRCLE":
                return one
        return None

    def _top(self) -> Stored:
        for row in self._plan.before.values():
            if row.kind == "DIRECTORATE":
                return self._keep(row)
        named = Named("", self._codes.top_hi)
        return self._unit(OfficeKind.DIRECTORATE, None, self._codes.top, (), named)

    def _division(self, line: Line, top: Stored) -> int:
        """Make sure of a Circle, a Region and a Division, and give the last."""
        circle_key = name_key(line.circle)
        key: tuple[object, ...] = ("CIRCLE", circle_key)
        named = self._codes.circles.get(circle_key)
        circle = self._unit(OfficeKind.CIRCLE, top, line.circle, key, named)
        above = circle
        if line.region:
            key = ("REGION", circle.id, name_key(line.region))
            above = self._unit(OfficeKind.REGION, circle, line.region, key, None)
        division_key = name_key(line.division)
        key = ("DIVISION", circle.id, division_key)
        named = self._codes.divisions.get((circle_key, division_key))
        return self._unit(OfficeKind.DIVISION, above, line.division, key, named).id

    def _unit(
        self,
        kind: OfficeKind,
        parent: Stored | None,
        name: str,
        key: tuple[object, ...],
        named: Named | None,
    ) -> Stored:
        """Make sure of an office that the directory names in its lines."""
        found = self._known.get(key)
        old = None if found is None else self._plan.after.get(found)
        if old is not None:
            return old
        row = self._row(found, kind, name, parent)
        if named is not None:
            row = row._replace(
                code=named.code or None, name_hi=named.name_hi or row.name_hi
            )
        self._known[key] = row.id
        return self._keep(row)

    def _post_office(self, line: Line, division: int, serving: Stored | None) -> None:
        key = (line.pin, name_key(line.name))
        found = self._known.get(key)
        parent = self._plan.after[division]
        if line.kind is OfficeKind.BO and serving is not None:
            within = serving.path.startswith(parent.path)
            parent = serving if within else parent
        if found is not None:
            parent = self._where_it_is(found, line.kind, division) or parent
        row = self._row(found, line.kind, line.name, parent)
        row = row._replace(
            pin=line.pin,
            delivers=line.delivers,
            serves_pin=row.serves_pin and line.delivers,
            district=line.district,
            state=line.state,
            latitude_microdegrees=line.latitude_microdegrees,
            longitude_microdegrees=line.longitude_microdegrees,
        )
        self._known[key] = row.id
        self._keep(row)

    def _where_it_is(
        self, office_id: int, kind: OfficeKind, division: int
    ) -> Stored | None:
        """Give the office above one, if it may stay there."""
        above = self._plan.before[office_id].parent
        parent = None if above is None else self._now_is(above)
        top = self._plan.after[division].path
        if parent is None or parent.id == division or parent.closed_at is not None:
            return None
        stays = parent.path.startswith(top) and _RANK[parent.kind] < kind.rank
        return parent if stays else None

    def _now_is(self, office_id: int) -> Stored | None:
        """Give an office as it will be; None where the directory has left it out."""
        after = self._plan.after.get(office_id)
        if after is not None:
            return after
        before = self._plan.before[office_id]
        if before.listed or before.parent is None:
            return None
        parent = self._now_is(before.parent)
        return None if parent is None else self._settled(before, parent)

    def _row(
        self, found: int | None, kind: OfficeKind, name: str, parent: Stored | None
    ) -> Stored:
        """Give an office its place and name; one that was closed is open again."""
        above = None if parent is None else parent.id
        if found is not None:
            old = self._plan.before[found]
            return old._replace(
                parent=above,
                path=f"{'/' if parent is None else parent.path}{found}/",
                kind=kind.name,
                name=name,
                name_key=name_key(name),
                listed=True,
                closed_at=None,
            )
        self._last += 1
        number = self._last
        path = f"{'/' if parent is None else parent.path}{number}/"
        return _NEW._replace(
            id=number,
            parent=above,
            path=path,
            kind=kind.name,
            name=name,
            name_key=name_key(name),
        )

    def _keep(self, row: Stored) -> Stored:
        old = self._plan.before.get(row.id)
        kept = old if old == row and old is not None else row
        self._plan.after[row.id] = kept
        return kept

    def _choose(self, lines: Iterable[Line], serving: dict[str, Stored]) -> None:
        """Choose who serves the PINs that no higher kind serves."""
        taken = frozenset(serving)
        for line in lines:
            if line.delivers and line.pin not in taken:
                row = self._plan.after[self._known[line.pin, name_key(line.name)]]
                best = serving.get(line.pin)
                if best is None or _before(row, best):
                    serving[line.pin] = row

    def _leave_others(self, serving: dict[str, Stored]) -> None:
        """Close what is missing; keep what a person added, where it can stand."""
        rows = sorted(self._plan.before.values(), key=lambda row: _RANK[row.kind])
        for row in rows:
            if row.id in self._plan.after or row.parent is None:
                continue
            left = row
            if row.listed and self._closes and row.closed_at is None:
                left = row._replace(closed_at=self._now, serves_pin=False)
            after = self._settled(left, self._plan.after[row.parent])
            self._plan.after[row.id] = row if after == row else after
            if after.pin and after.delivers and after.closed_at is None:
                best = serving.get(after.pin)
                if best is None or _before(after, best):
                    serving[after.pin] = after

    def _settled(self, row: Stored, parent: Stored) -> Stored:
        """Put an office under another, or where that cannot be, under one above it."""
        while parent.parent is not None and (
            _RANK[parent.kind] >= _RANK[row.kind]
            or (row.closed_at is None and parent.closed_at is not None)
        ):
            parent = self._plan.after[parent.parent]
        return row._replace(parent=parent.id, path=f"{parent.path}{row.id}/")

    def _serve(self, serving: dict[str, Stored]) -> None:
        chosen = {row.id for row in serving.values()}
        for one, row in self._plan.after.items():
            if row.serves_pin != (one in chosen):
                self._plan.after[one] = row._replace(serves_pin=one in chosen)


def _before(one: Stored, other: Stored) -> bool:
    """Say which of two offices comes first: by kind, service so far, name."""
    first, second = (
        (_RANK[row.kind], not row.serves_pin, row.name_key, row.id)
        for row in (one, other)
    )
    return first < second
