"""What the documents show is what the programs print and take."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rmfs_tools.cli import tree
from tests.e2e.test_demo import rmfs

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(document: Path) -> Iterator[list[str]]:
    """Find every `rmfs …` in the shell blocks of a document."""
    for block in re.findall(r"```sh\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] in {"rmfs", "./rmfs"}:
                yield words[1:]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_document_exists_with_its_options(document: Path) -> None:
    for words in commands(document):
        command: click.Command = tree()
        context = click.Context(command)
        for index, word in enumerate(words):
            if not isinstance(command, click.Group):
                rest = words[index:]
                break
            found = command.get_command(context, word)
            if word.startswith("-"):
                rest = []
                break
            assert found is not None, f"{document.name}: rmfs {shlex.join(words)}"
            command, rest = found, []
        known = {name for one in command.params for name in one.opts}
        for word in rest:
            if word.startswith("--"):
                assert word in known | {"--help"}, (
                    f"{document.name}: rmfs {shlex.join(words)} has no {word}"
                )


def test_the_transcript_in_the_readme_is_what_the_demo_prints(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    found = re.search(r"<!-- transcript: rmfs demo -->\n```\n(.*?)```", text, re.DOTALL)
    assert found is not None
    printed = iter(rmfs("demo", folder=tmp_path).stdout.splitlines())
    for line in found.group(1).splitlines():
        assert any(line == one for one in printed), f"the demo does not print: {line}"


def test_a_recharge_by_hand_goes_as_the_document_says(tmp_path: Path) -> None:
    """Everything up to the dial-in; dialling needs a running server."""
    shown = list(commands(ROOT / "docs" / "by-hand.md"))
    sample = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
    (tmp_path / "funds-demo.txt").write_bytes(sample.read_bytes())
    for words in shown[:4]:
        done = rmfs(*words, folder=tmp_path)
        assert done.returncode == 0, f"{words}: {done.stderr}"
