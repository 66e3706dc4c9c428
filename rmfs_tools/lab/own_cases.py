"""A lab's own cases beside the catalogue, such as findings that were promoted."""

from pathlib import Path

from hw.lab.catalogue import Case, CatalogueError, read_cases, read_catalogue


def catalogue_with(also: Path | None) -> tuple[Case, ...]:
    """Read the catalogue, and a file of further cases.

    Args:
        also: The file; None for the catalogue alone.

    Raises:
        CatalogueError: A case is wrong, or has the number of another one.
    """
    cases = {case.id: case for case in read_catalogue()}
    for case in () if also is None else read_cases(also):
        if case.id in cases:
            raise CatalogueError(f"{also}: the number {case.id} is another case's")
        cases[case.id] = case
    return tuple(sorted(cases.values(), key=lambda case: (case.last, case.id)))
