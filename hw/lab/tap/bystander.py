"""Who stands by and judges: any number of lines, and the machines behind them."""

from collections.abc import Iterable

from hw.lab.tap.channel_judge import Ephemerals
from hw.lab.tap.dialogue_judge import DialogueJudge, Machines
from hw.lab.tap.known_machine import NO_PAPERS, Papers
from hw.lab.tap.line_judge import LineJudge
from hw.lab.tap.sheet import Look, Sheet, TapVerdict, read_looks
from hw.seen.keylog import RecordKeys
from protocol.link import Role


class Bystander:
    """Judges the traffic of several lines as one.

    Attributes:
        sheet: What was found.
        lines: By name.
    """

    def __init__(
        self, keys: RecordKeys, papers: Papers = NO_PAPERS, *, is_timed: bool = True
    ) -> None:
        """Begin.

        Args:
            keys: Of a key log; it may grow while it is used. With none at all, links
                and channels are judged.
            papers: What is known of machines and of the server beforehand.
            is_timed: The times of records are those at which they passed.
        """
        self.sheet = Sheet()
        self.lines: dict[str, LineJudge] = {}
        self._keys = keys
        self._is_timed = is_timed
        self._ephemerals = Ephemerals()
        self._machines = Machines(papers)

    def learn(self, keys: RecordKeys) -> None:
        """Take further keys of a key log."""
        self._keys.update(keys)

    def line(self, name: str) -> LineJudge:
        """Give the judge of a line; a new one for a name that is not known."""
        judge = self.lines.get(name)
        if judge is None:
            dialogue = DialogueJudge(self.sheet, self._machines)
            judge = LineJudge(
                name,
                self.sheet,
                self._keys,
                self._ephemerals,
                dialogue,
                is_timed=self._is_timed,
            )
            dialogue.listen(judge.channel)
            self.lines[name] = judge
        return judge

    def finish(self) -> None:
        """End: judge what only all of it together can show."""
        for judge in self.lines.values():
            judge.finish()

    @property
    def sealed(self) -> int:
        """How many records could not be opened."""
        return sum(judge.channel.sealed for judge in self.lines.values())

    @property
    def records(self) -> int:
        """How many records were judged."""
        return sum(judge.records for judge in self.lines.values())

    def verdicts(
        self, looks: Iterable[Look] | None = None
    ) -> list[tuple[Look, Role, TapVerdict]]:
        """Say what is known of each clause, for each side that is judged by it."""
        return [
            (look, side, self.sheet.verdict(look.clause, side))
            for look in (read_looks() if looks is None else looks)
            for side in look.sides
        ]
