"""Plans with less in them: with some of their machines, with some of their days.

What is left says what it said: machines are numbered through from 1, and corrections
name the lines of fund files that they named. Whether it still fails has to be tried.
"""

from collections.abc import Sequence
from dataclasses import replace

from rmfs_tools.simulation.deeds import Cloned, Deed, FundFileCame, OfBody, Plan
from rmfs_tools.simulation.plan_draft import DAY_S

_Places = dict[tuple[int, int], int | None]
"""By file and line, which line it is now; None when it is gone."""


def only_machines(plan: Plan, kept: Sequence[int]) -> Plan:
    """Keep some machines, with their clones, their deeds and what was paid for them.

    Args:
        plan: What is done.
        kept: Numbers of the machines that stay, in their order; one or more.
    """
    numbers = {old: new for new, old in enumerate(kept, start=1)}
    places: _Places = {}
    deeds = [
        left
        for deed in plan.deeds
        if (left := _left_of(deed, numbers, places)) is not None
    ]
    return replace(plan, machines=len(kept), deeds=tuple(deeds))


def without_idle_days(plan: Plan) -> Plan:
    """Let the days on which nothing is done not have been; one stays at least."""
    days = sorted({int(deed.at_s // DAY_S) for deed in plan.deeds})
    earlier_s = {day: (day - at) * DAY_S for at, day in enumerate(days)}
    deeds = tuple(
        replace(deed, at_s=deed.at_s - earlier_s[int(deed.at_s // DAY_S)])
        for deed in plan.deeds
    )
    return replace(plan, days=_days_of(plan, len(days)), deeds=deeds)


def without_idle_end(plan: Plan) -> Plan:
    """Let calm come after the last day on which something is done."""
    last = max((int(deed.at_s // DAY_S) for deed in plan.deeds), default=0)
    return replace(plan, days=_days_of(plan, last + 1))


def _days_of(plan: Plan, wanted: int) -> int:
    return max(1, min(plan.days, wanted))


def _left_of(deed: Deed, numbers: dict[int, int], places: _Places) -> Deed | None:
    """Say what is left of a deed: None when it is of a machine that is gone."""
    if isinstance(deed, FundFileCame):
        return _file_left(deed, numbers, places)
    if not isinstance(deed, OfBody):
        return deed
    body = _renamed(deed.body, numbers)
    if body is None:
        return None
    if isinstance(deed, Cloned):
        clone = _renamed(deed.clone, numbers)
        return None if clone is None else replace(deed, body=body, clone=clone)
    return replace(deed, body=body)


def _file_left(
    deed: FundFileCame, numbers: dict[int, int], places: _Places
) -> FundFileCame:
    """Leave what was paid for machines that stay, and note where its lines are now."""
    lines: list[tuple[str, int]] = []
    corrects: list[tuple[int, int, str, int]] = []
    for place, (payee, amount_paise) in enumerate(deed.lines, start=1):
        body = _renamed(payee, numbers)
        if body is not None:
            lines.append((body, amount_paise))
        places[deed.number, place] = None if body is None else len(lines)
    for at, (file, line, payee, difference) in enumerate(deed.corrects, start=1):
        body, now = _renamed(payee, numbers), places.get((file, line), line)
        stays = body is not None and now is not None
        if body is not None and now is not None:
            corrects.append((file, now, body, difference))
        place = len(deed.lines) + at
        places[deed.number, place] = len(lines) + len(corrects) if stays else None
    return replace(deed, lines=tuple(lines), corrects=tuple(corrects))


def _renamed(body: str, numbers: dict[int, int]) -> str | None:
    """Say what a machine or a copy of one is called now; None when it is gone."""
    number, dash, copy = body.partition("-")
    now = numbers.get(int(number))
    return None if now is None else f"{now}{dash}{copy}"
