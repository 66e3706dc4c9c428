"""What processes tell of parts of the time is added up part by part."""

import json
from collections import Counter

from protocol.values import Paise
from rmfs_tools.load.driving import Board, share_out
from rmfs_tools.load.heard import Heard
from rmfs_tools.load.judging import Judgement
from rmfs_tools.load.plan import Load, Result
from rmfs_tools.load.spread import Spread
from rmfs_tools.load.table import Table


def a_load(machines: int = 20, processes: int = 3, seconds: float = 2.0) -> Load:
    return Load(
        server="rmfs-server",
        fleet="",
        line="tcp:127.0.0.1:7001",
        machines=machines,
        rate=10.0,
        seconds=seconds,
        processes=processes,
        seed=1,
        even=False,
        amount_paise=Paise(10_000),
        attempts=10,
    )


def heard_of(confirmed: int, under_way: int = 0, **ended: int) -> Heard:
    waits = Spread()
    for number in range(confirmed):
        waits.add(0.010 * (number + 1))
    return Heard(
        due=confirmed + ended.get("busy", 0),
        begun=confirmed + ended.get("busy", 0),
        ended=Counter({"confirmed": confirmed, **ended}),
        busy=ended.get("busy", 0),
        under_way=under_way,
        waits=waits,
    )


def test_each_machine_is_in_one_process() -> None:
    shares = share_out(a_load(machines=20, processes=3), first=7)
    numbers = [
        number
        for share in shares
        for number in range(share.first, share.first + share.machines)
    ]
    assert numbers == list(range(7, 27))
    assert [share.machines for share in shares] == [6, 7, 7]


def test_a_part_is_complete_when_every_process_has_told_of_it() -> None:
    seen: list[tuple[int, int, int]] = []
    board = Board(2, lambda at, one: seen.append((at, one.confirmed, one.under_way)))
    board.heard(0, heard_of(3, under_way=1))
    board.heard(0, heard_of(1))
    assert seen == []
    board.heard(1, heard_of(2, under_way=4))
    assert seen == [(0, 5, 5)]
    board.over(1)
    assert seen == [(0, 5, 5), (1, 1, 0)]
    assert not board.is_over
    board.over(0)
    assert board.is_over


def test_what_is_under_way_is_added_between_processes_and_not_between_parts() -> None:
    whole = Heard()
    whole.then(heard_of(3, under_way=5))
    whole.then(heard_of(4, under_way=2, busy=1))
    assert (whole.confirmed, whole.failed, whole.under_way) == (7, 1, 2)
    assert whole.waits.total == 7


def test_another_process_reads_what_was_heard() -> None:
    heard = heard_of(3, under_way=1, busy=2)
    assert Heard.of_json(json.loads(json.dumps(heard.as_json()))) == heard


def test_only_what_was_served_while_dial_ins_came_due_is_the_rate() -> None:
    seconds = [heard_of(8), heard_of(10), heard_of(40)]
    whole = Heard()
    for one in seconds:
        whole.then(one)
    result = Result(a_load(seconds=2.0), seconds, whole, Judgement())
    assert result.served_per_s == 9.0
    assert "10 offered a second, 9.0 served" in "\n".join(result.show())


def test_a_load_is_good_when_money_adds_up_and_something_was_recharged() -> None:
    heard = heard_of(1)
    assert Result(a_load(), [heard], heard, Judgement()).is_good
    assert not Result(a_load(), [], Heard(), Judgement()).is_good
    for bad in (
        Judgement(lost_paise=1),
        Judgement(doubled_paise=1),
        Judgement(unsettled=1),
        Judgement(faults=("N000001 is not in the books",)),
    ):
        assert not Result(a_load(), [heard], heard, Judgement().beside(bad)).is_good


def test_a_load_that_is_late_itself_says_so() -> None:
    heard = heard_of(1)
    heard.late.add(2.0)
    words = Result(a_load(), [heard], heard, Judgement()).show()
    assert words[-1].startswith("dial-ins began up to 2,000 ms late")


def test_the_table_says_its_head_again_and_a_part_in_a_line() -> None:
    lines: list[str] = []
    table = Table(lines.append, every_s=1)
    for at in range(21):
        table.tell(at, heard_of(2, busy=1) if at else Heard())
    assert len(lines) == 23
    assert lines[0] == lines[21]
    assert lines[1].split()[-2:] == ["-", "-"]
    assert lines[2].split() == [
        *("2", "3", "2", "1", "0"),
        *("1", "0", "0", "10", "20"),
    ]


def test_a_long_load_is_told_in_longer_parts() -> None:
    assert a_load(seconds=1.0).every_s == 1
    assert a_load(seconds=3_600.0).every_s == 1
    day = a_load(seconds=86_400.0)
    assert day.every_s == 24
    lines: list[str] = []
    Table(lines.append, day.every_s).tell(1, Heard())
    assert lines[0].split()[0] == "48"
    parts = [heard_of(24)] * 3_600
    assert Result(day, parts, heard_of(1), Judgement()).served_per_s == 1.0
