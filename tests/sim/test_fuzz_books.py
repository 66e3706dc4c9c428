"""A server on the bench begins with books that were migrated once in its process."""

from pathlib import Path

from rmfs_tools.lab.reference import server_stand


def test_each_server_has_books_of_its_own_though_they_were_made_once(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    # Both enrol the bench's first machine: in one's books it would be there already.
    stands = [server_stand(folder) for folder in folders]
    for stand in stands:
        stand.unit.close()
    assert [list(folder.iterdir()) for folder in folders] == [[], []]
