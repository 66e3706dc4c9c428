"""Reading a plan from a file, which a person may have written or changed.

Whatever does not fit is refused with its place: a plan that is played otherwise than
its writer meant proves nothing.
"""

import json
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from protocol.errors import RmfsError
from protocol.messages import LicenceState, OrderKind
from protocol.registers import RequestKind
from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.deeds import KINDS, Deed, Plan

_WORDS: Final[dict[tuple[type, str], tuple[str, ...]]] = {
    (deeds.LineTrouble, "answer"): ("none", "old", "other"),
    (deeds.DialIn, "kind"): tuple(RequestKind.__members__),
    (deeds.PowerFails, "torn"): ("head", "tail", "scattered", "garbage"),
    (deeds.DatabaseTrouble, "kind"): (
        "full",
        "error",
        "busy",
        "gone",
        "refused",
        "unknown",
    ),
    (deeds.LicenceSet, "state"): tuple(LicenceState.__members__),
    (deeds.OrderGiven, "order"): tuple(OrderKind.__members__),
}
"""Fields that are one of a few words."""

_IN_JSON: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    type(None): "null",
}


class PlanError(RmfsError):
    """A plan cannot be read."""


def read_plan_file(path: Path) -> Plan:
    """Read a plan from a JSON file.

    Raises:
        PlanError: It cannot be read, or is no plan; the place is named.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"{path} cannot be read as a plan: {error}") from error
    try:
        return read_plan(value)
    except PlanError as error:
        raise PlanError(f"{path} is no plan of a simulation: {error}") from error


def read_plan(value: Any) -> Plan:
    """Read what `Plan.as_json` gave.

    Raises:
        PlanError: It is no such thing; the place is named.
    """
    if not isinstance(value, dict):
        raise PlanError("it is no object")
    head = {name: part for name, part in value.items() if name != "deeds"}
    given = value.get("deeds")
    if not isinstance(given, list):
        raise PlanError("it has no list of deeds")
    read = [_read_deed(f"deed {at}", one) for at, one in enumerate(given, start=1)]
    plan: Plan = _made("the plan", Plan, head, deeds=tuple(read))
    _check_bodies(plan)
    return plan


def _read_deed(place: str, value: Any) -> Deed:
    if not isinstance(value, dict):
        raise PlanError(f"{place} is no object")
    kind = KINDS.get(str(value.get("deed")))
    if kind is None:
        raise PlanError(f"{place} is of no known kind: {value.get('deed')!r}")
    given = {name: part for name, part in value.items() if name != "deed"}
    deed: Deed = _made(f"{place} ({kind.__name__})", kind, given)
    return deed


def _made(place: str, kind: type[Any], given: dict[str, Any], **ready: Any) -> Any:
    """Make a value of a dataclass of what a file gives for its fields."""
    hints = get_type_hints(kind)
    read = dict(ready)
    for name, part in given.items():
        if name not in hints or name in ready:
            raise PlanError(f"{place} has no field {name!r}")
        read[name] = _read(f"{place}, {name}", hints[name], part)
        words = _WORDS.get((kind, name))
        if words and part not in words:
            raise PlanError(f"{place}, {name} is {part!r}, not of {', '.join(words)}")
    for one in fields(kind):
        if one.name not in read and one.default is MISSING:
            raise PlanError(f"{place} has no {one.name}")
    return kind(**read)


def _read(place: str, hint: Any, value: Any) -> Any:
    """Read one value as its field is annotated."""
    if isinstance(hint, type) and is_dataclass(hint):
        if not isinstance(value, dict):
            raise PlanError(f"{place} is no object")
        return _made(place, hint, value)
    if get_origin(hint) is tuple:
        return _read_tuple(place, get_args(hint), value)
    kinds = get_args(hint) or (hint,)
    if isinstance(value, bool) is not (bool in kinds) or not isinstance(
        value, (*kinds, int) if float in kinds else kinds
    ):
        wanted = " or ".join(_IN_JSON[kind] for kind in kinds)
        raise PlanError(f"{place} is {value!r}, not {wanted}")
    return value


def _read_tuple(place: str, hints: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise PlanError(f"{place} is no list")
    each = hints[:1] * len(value) if hints[1:] == (...,) else hints
    if len(value) != len(each):
        raise PlanError(f"{place} is no list of {len(each)}")
    return tuple(
        _read(f"{place} {at}", hint, part)
        for at, (hint, part) in enumerate(zip(each, value, strict=True), start=1)
    )


def _check_bodies(plan: Plan) -> None:
    """Check that every deed names machines that there are, or copies of them."""
    known = {str(number) for number in range(1, plan.machines + 1)}
    for at, deed in enumerate(plan.deeds, start=1):
        for body in _bodies(deed):
            if body.partition("-")[0] not in known:
                raise PlanError(f"deed {at} names machine {body!r}: there is none")


def _bodies(deed: Deed) -> list[str]:
    if isinstance(deed, deeds.OfBody):
        return [deed.body]
    if isinstance(deed, deeds.FundFileCame):
        paid = [body for body, _ in deed.lines]
        return paid + [body for *_, body, _ in deed.corrects]
    return []
