"""Everything that passes on one line, judged in its order."""

from hw.lab.tap.channel_judge import ChannelJudge, Ephemerals, Listener
from hw.lab.tap.link_judge import LinkJudge
from hw.lab.tap.sheet import Place, Sheet
from hw.seen.decoding import LineDecoder
from hw.seen.keylog import RecordKeys
from hw.seen.reading import SeenRecord


class LineJudge:
    """Judges one line, or one capture.

    Attributes:
        link: Judges its frames.
        channel: Judges its packets.
        records: How many have come.
    """

    def __init__(
        self,
        name: str,
        sheet: Sheet,
        keys: RecordKeys,
        ephemerals: Ephemerals,
        listener: Listener,
        *,
        is_timed: bool = True,
    ) -> None:
        """Begin before the first record.

        Args:
            name: Of the capture, for those who look up what was found.
            sheet: Takes what is found.
            keys: Of a key log; it may grow while it is used.
            ephemerals: Of all lines.
            listener: Is told what was opened.
            is_timed: The times of records are those at which they passed.
        """
        self.records = 0
        self.link = LinkJudge(sheet, is_timed=is_timed)
        self.channel = ChannelJudge(sheet, self.link.view, ephemerals, listener)
        self._name = name
        self._sheet = sheet
        self._decoder = LineDecoder(keys)

    def take(self, seen: SeenRecord) -> None:
        """Judge one record; they come in their order."""
        self.records += 1
        self._sheet.place = Place(self._name, self.records, seen.time)
        one = self._decoder.understand(seen)
        self.link.take(one)
        self.channel.take(one)

    def finish(self) -> None:
        """End."""
        self.link.finish()
