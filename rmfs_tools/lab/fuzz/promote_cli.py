"""`rmfs lab promote`: what was found becomes a case of the catalogue.

Exit codes: 0 the case is written; 1 the finding cannot become one; 2 typed wrong, or a
file is wrong.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hw.lab.catalogue import Case
    from hw.lab.fuzz.fuzz_case import FuzzCase
    from hw.lab.verdicts import Level
    from protocol.link import Role
    from rmfs_tools.lab.fuzz.promoting import Wanted
    from rmfs_tools.planting import Edit

EXIT_USAGE: Final = 2
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_HEAD: Final = "# Cases that were findings before.\n"


@click.command(
    "promote",
    epilog="\b\nExamples:\n"
    "  rmfs lab promote found/findings/F-1c02d3e4f5.toml --clause REG-6 \\\n"
    '    --title "a voucher that was applied before"\n'
    "  rmfs lab promote F.toml --clause DLG-5.3 --title T --to own-cases.toml",
)
@click.argument("file", type=_FILE)
@click.option("--clause", required=True, help="The clause that it tests: DLG-8.3.")
@click.option("--title", required=True, help="What is done in it, in a line.")
@click.option(
    "--text",
    help="The words of the clause that it tests, as SPEC.md has them; without it the "
    "first sentence of the clause.",
)
@click.option(
    "--kind",
    type=click.Choice(["P", "N", "B"]),
    default="N",
    show_default=True,
    help="The peer behaves, does not, or goes to a limit of what is allowed.",
)
@click.option(
    "--needs",
    multiple=True,
    metavar="OPTION",
    help="An option that a unit must have declared, beside what follows from the "
    "steps.",
)
@click.option(
    "--to",
    type=_FILE,
    help="The file to which it is added; without it the product's own catalogue.",
)
@click.option("--dry-run", is_flag=True, help="Print the case, and write nothing.")
def promote(
    file: Path,
    *,
    clause: str,
    title: str,
    text: str | None,
    kind: str,
    needs: tuple[str, ...],
    to: Path | None,
    dry_run: bool,
) -> int:
    """Make a case of the catalogue of the finding in FILE, with the next free number.

    What the case expects is what the product answers: it has to pass there, and to fail
    on the faulty unit of the zoo that showed the finding. Exit codes: 0 it is written;
    1 the finding cannot become a case, and why; 2 typed wrong, or a file is wrong.
    """
    from hw.lab.catalogue import CatalogueError
    from hw.lab.fuzz.fuzz_case import FuzzCaseError
    from rmfs_tools.lab.case_text import CaseNumberError, case_text
    from rmfs_tools.lab.clause_words import ClauseError, first_sentence
    from rmfs_tools.lab.fuzz.fuzz_files import read_fuzz_file
    from rmfs_tools.lab.fuzz.promoting import promoted
    from rmfs_tools.lab.fuzz.targets import TargetError

    try:
        found = read_fuzz_file(file)
        sentence = first_sentence(clause)
        place, others = _place(found.case, clause, to)
        wanted = _wanted(
            found.case.role,
            clause,
            sentence,
            others,
            kind=kind,
            text=text,
            title=title,
            needs=needs,
        )
        edits = _shown_on(found.origin.target)
    except (
        FuzzCaseError,
        CatalogueError,
        CaseNumberError,
        ClauseError,
        TargetError,
    ) as error:
        click.echo(str(error), err=True)
        return EXIT_USAGE
    case = promoted(found.case, wanted, edits)
    click.echo(case_text(case), nl=False)
    if edits is None:
        click.echo(
            f"nobody has seen {case.id} fail: {found.origin.target or 'its target'} "
            f"is no unit of the zoo",
            err=True,
        )
    if not dry_run:
        _add(place, case)
        click.echo(
            f"{case.id} is in {place}; docs/fuzz.md says how it is run", err=True
        )
    return 0


def _place(
    found: "FuzzCase", clause: str, to: Path | None
) -> "tuple[Path, Sequence[Case]]":
    """Say where a case is written, and which are there already.

    Raises:
        CatalogueError: A file of cases is wrong, or none is for this clause.
    """
    from hw.lab.catalogue import CATALOGUE, CatalogueError
    from rmfs_tools.lab.own_cases import catalogue_with

    cases = catalogue_with(to if to is not None and to.exists() else None)
    if to is not None:
        return to, cases
    area = clause.partition("-")[0].lower()
    place = CATALOGUE / f"{area}-{found.role.value}.toml"
    if not place.exists():
        raise CatalogueError(
            f"the catalogue has no file {place.name}: name one with --to"
        )
    return place, cases


def _wanted(
    role: "Role",
    clause: str,
    sentence: str,
    others: "Sequence[Case]",
    *,
    kind: str,
    text: str | None,
    title: str,
    needs: tuple[str, ...],
) -> "Wanted":
    """Say how the case is to be called.

    Args:
        role: Of the unit that is tested.
        clause: The clause that it tests.
        sentence: The first of the clause, quoted where no text is given.
        others: Cases that are there already.
        kind: P, N or B.
        text: The words that it tests, if they are others.
        title: What is done, in a line.
        needs: Options beside those that follow from its steps.

    Raises:
        ClauseError: These words are not in SPEC.md.
        CaseNumberError: It has no number left.
        UsageError: An option cannot be declared.
    """
    from hw.lab.declaration import OPTIONS
    from rmfs_tools.lab.case_text import free_id
    from rmfs_tools.lab.clause_words import check_words
    from rmfs_tools.lab.fuzz.promoting import Wanted

    words = sentence if text is None else text
    check_words(words)
    for need in needs:
        if need.removeprefix("not ") not in OPTIONS[role]:
            message = (
                f"{need} is no option of a {role.value}: {', '.join(OPTIONS[role])}"
            )
            raise click.UsageError(message)
    name = free_id(clause, role, kind, others)
    return Wanted(name, clause, _level(words), words, title, needs)


def _level(words: str) -> "Level":
    """Say how binding the words of a clause are."""
    from hw.lab.verdicts import Level

    is_weak = "SHOULD" in words and "MUST" not in words
    return Level.SHOULD if is_weak else Level.MUST


def _shown_on(target: str) -> "Sequence[Edit] | None":
    """Say what is wrong with the unit that showed a finding, if it is of the zoo.

    Raises:
        TargetError: It is to be of the zoo, and is not there.
    """
    from rmfs_tools.lab.fuzz.virtual_targets import ZOO, faulty_unit

    if not target.startswith(ZOO):
        return None
    return faulty_unit(target.removeprefix(ZOO)).edits


def _add(place: Path, case: "Case") -> None:
    """Write a case behind those of a file.

    Raises:
        PromotionError: It cannot be written.
    """
    from hw.lab.catalogue import read_cases
    from rmfs_tools.lab.case_text import case_text
    from rmfs_tools.lab.fuzz.promoting import PromotionError

    try:
        before = place.read_text("utf-8") if place.exists() else _HEAD
        new = place.with_name(f"{place.name}.new")
        new.write_text(f"{before.rstrip()}\n\n{case_text(case)}", "utf-8")
        read_cases(new)
        new.replace(place)
    except OSError as error:
        raise PromotionError(f"{place}: {error.strerror}") from error
