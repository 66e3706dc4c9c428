"""Many frozen machines at once: what is proposed for each, and carrying it out.

After a restore every machine that was heard since may be frozen. The evidence of most
proposes the same few things; a person agrees to each kind of proposal once, with one
reason, and each machine is resolved in a transaction of its own, step by step, until
nothing that was agreed to is proposed for it any more. A machine whose evidence
proposes nothing is left to a person who looks at it alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from protocol.values import LicenceIdentifier, Paise, show_rupees
from rmfs_server.proposing import Action, Evidence
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_server.store.acts import By


@dataclass(frozen=True, slots=True)
class Kind:
    """Proposals that are alike: the same action for the same reason."""

    action: Action
    why: str


@dataclass(frozen=True, slots=True)
class Proposals:
    """What is proposed to do with every frozen machine.

    Attributes:
        by_kind: The machines of each kind, by licence.
        undecided: Those whose evidence proposes nothing.
    """

    by_kind: Mapping[Kind, tuple[Evidence, ...]]
    undecided: tuple[Evidence, ...]


Agree = Callable[[Kind, tuple[Evidence, ...]], bool]
"""Asks a person whether a kind of proposals is to be carried out."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What became of the frozen machines.

    Attributes:
        actions: What was done to each, in order.
        resolved: Those that are frozen no more.
        refused: Those for which an action was refused, and why.
        remaining: Those that stay frozen, with what is proposed for them, or why
            nothing is.
    """

    actions: dict[LicenceIdentifier, list[Action]] = field(default_factory=dict)
    resolved: list[LicenceIdentifier] = field(default_factory=list)
    refused: dict[LicenceIdentifier, str] = field(default_factory=dict)
    remaining: dict[LicenceIdentifier, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Tell a program."""
        return {
            "counts": {
                "resolved": len(self.resolved),
                "refused": len(self.refused),
                "remaining": len(self.remaining),
            },
            "actions": {
                licence: [action.value for action in done]
                for licence, done in self.actions.items()
            },
            "refused": self.refused,
            "remaining": self.remaining,
        }


def proposals(resolving: Resolving, by: By, *, old_copy: bool) -> Proposals:
    """Look at the evidence of every frozen machine; nothing is changed."""
    by_kind: dict[Kind, list[Evidence]] = {}
    undecided = []
    for licence in resolving.frozen():
        evidence = resolving.evidence(licence, by, old_copy=old_copy)
        if evidence.proposed is None:
            undecided.append(evidence)
        else:
            kind = Kind(evidence.proposed, evidence.why)
            by_kind.setdefault(kind, []).append(evidence)
    return Proposals(
        {kind: tuple(found) for kind, found in by_kind.items()}, tuple(undecided)
    )


def carry_out_proposed(
    resolving: Resolving,
    by: By,
    agree: Agree,
    *,
    old_copy: bool,
    on_progress: Callable[[str], None],
) -> BatchReport:
    """Carry out what the evidence proposes, for every kind that a person agrees to.

    Args:
        resolving: Whose machines.
        by: Who decides, with the one reason.
        agree: Asked once for each kind.
        old_copy: As in `Resolving.evidence`.
        on_progress: Told a line for each action as soon as it is done.

    Raises:
        MoveRefusedError: A person or the reason is missing; nothing was done.
        StoreError: The database failed; what was told before stands.
    """
    resolving.check_persons(by)
    report = BatchReport()
    agreed: dict[Kind, bool] = {}
    # A proposal that is made again has not helped: nothing is done twice.
    tried: set[tuple[LicenceIdentifier, Kind]] = set()
    went_on = True
    while went_on:
        found = proposals(resolving, by, old_copy=old_copy)
        went_on = False
        for kind, of_kind in found.by_kind.items():
            new = tuple(
                one for one in of_kind if (one.machine.licence, kind) not in tried
            )
            if new and kind not in agreed:
                agreed[kind] = agree(kind, new)
            if not agreed.get(kind, False):
                continue
            for evidence in new:
                licence = evidence.machine.licence
                tried.add((licence, kind))
                _resolve(resolving, licence, kind, by, report)
                on_progress(_progress(licence, kind, report))
                went_on = True
    for kind, of_kind in found.by_kind.items():
        for evidence in of_kind:
            words = f"{kind.action.value} is proposed: {kind.why}"
            report.remaining[evidence.machine.licence] = words
    for evidence in found.undecided:
        report.remaining[evidence.machine.licence] = evidence.why
    return report


def picture_of_frozen(found: Proposals) -> dict[str, Any]:
    """Picture every frozen machine with what is proposed for it."""
    every = [one for of_kind in found.by_kind.values() for one in of_kind]
    return {
        "frozen": [
            {
                "licence": one.machine.licence,
                "discrepancies": [found.code.name for found in one.open_discrepancies],
                "proposed": None if one.proposed is None else one.proposed.value,
                "why": one.why,
                "effect_paise": one.effect_paise,
            }
            for one in sorted(
                (*every, *found.undecided), key=lambda one: one.machine.licence
            )
        ]
    }


def show_frozen(picture: Mapping[str, Any]) -> Iterator[str]:
    """Show the frozen machines to a person, a line each."""
    rows = picture["frozen"]
    if not rows:
        yield "no machine is frozen"
        return
    form = "{:<11} {:<24} {:<9} {:>16}  {}"
    yield form.format("licence", "discrepancies", "proposed", "moves", "why")
    for row in rows:
        yield form.format(
            row["licence"],
            ", ".join(row["discrepancies"]),
            row["proposed"] or "nothing",
            show_rupees(Paise(row["effect_paise"])),
            row["why"],
        )


def show_kind(kind: Kind, found: tuple[Evidence, ...]) -> str:
    """Show a kind of proposals in one line, with what it moves in all."""
    moves = show_rupees(Paise(sum(one.effect_paise for one in found)))
    machines = "1 machine" if len(found) == 1 else f"{len(found)} machines"
    return f"{kind.action.value} for {machines}, {moves} in all: {kind.why}"


def _resolve(
    resolving: Resolving,
    licence: LicenceIdentifier,
    kind: Kind,
    by: By,
    report: BatchReport,
) -> None:
    try:
        done = resolving.resolve(licence, kind.action, by)
    except MoveRefusedError as error:
        report.refused[licence] = str(error)
        return
    report.actions.setdefault(licence, []).append(kind.action)
    if done.remaining is None:
        report.resolved.append(licence)


def _progress(licence: LicenceIdentifier, kind: Kind, report: BatchReport) -> str:
    if licence in report.refused:
        return f"{licence}: {kind.action.value} is refused: {report.refused[licence]}"
    if report.resolved and report.resolved[-1] == licence:
        return f"{licence}: {kind.action.value}, resolved"
    return f"{licence}: {kind.action.value}"
