"""Every point at which a story can be cut ends once, or not at all (design section 4).

What `rmfs simulate cuts` tries, each point once. With the real channel, where each
redial is dialled: all octets, writes and commits of a first recharge, and the octets of
a withdrawal and of a VOID. With the channel's double: the rest.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
from click.testing import CliRunner

from fm_device.psd.device import Psd
from fm_device.psd.memory import STATE
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.vault import Vault
from hw.nvram import Nvram
from rmfs_tools.cli import tree
from rmfs_tools.simulation.cuts_cli import cuts
from rmfs_tools.simulation.cuts_points import (
    CommitCut,
    Kind,
    OctetCut,
    When,
    Whole,
    list_cuts,
)
from rmfs_tools.simulation.cuts_report import (
    range_lines,
    render_html,
    render_markdown,
    totals_as_json,
)
from rmfs_tools.simulation.cuts_run import Choice, Part, Totals, run_cuts
from rmfs_tools.simulation.cuts_seen import Ended
from rmfs_tools.simulation.cuts_stories import (
    DEPOSITED_PAISE,
    STORIES,
    Story,
    begin_story,
)
from rmfs_tools.simulation.cuts_strip import LETTERS, text_strip
from rmfs_tools.simulation.cuts_trial import Trials
from rmfs_tools.simulation.pair import Pair
from rmfs_tools.simulation.pair_parties import make_keys, new_parties

RECHARGE, IN_USE, REFUND, WITHDRAWAL, VOID, VOID_SENT = STORIES
WRITES = (Kind.WRITE, Kind.GARBAGE)
UNREAD = "STORED, BUT NOT CLOSED AT THE SERVER"
DONE = {
    RECHARGE: "RECHARGED",
    IN_USE: "RECHARGED",
    REFUND: "REFUNDED to the account",
    WITHDRAWAL: "WITHDRAWN",
    VOID: "RECHARGED",
    VOID_SENT: "TAKEN BACK by the server",
}


def run(choice: Choice) -> tuple[dict[Kind, Part], Totals]:
    parts, totals = run_cuts(choice, lambda _part: None)
    assert [part.violations for part in parts] == [()] * len(parts)
    assert totals.violations == 0
    assert totals.points == sum(len(part.trials) for part in parts)
    if choice.real_channel:
        assert totals.redials >= totals.points, "each was dialled"
    return {part.kind: part for part in parts}, totals


def held(part: Part) -> Counter[str]:
    return Counter(trial.at_cut.machine for trial in part.trials)


def told(part: Part) -> list[tuple[str, ...]]:
    """Tell the ranges of a part without their places."""
    return [
        (
            one.at_cut.machine,
            one.at_cut.server,
            f"row {one.redialled.row}",
            one.redialled.found,
            one.redialled.ended.name,
        )
        for one in part.ranges()
    ]


def expected(story: Story) -> list[tuple[str, ...]]:
    """What both sides hold and find, from the first point of a story to its last."""
    if story is VOID_SENT:
        return [
            ("pending", "VOID stored", "row 1", "stored VOID sent again", "NEVER"),
            ("applied", "VOID stored", "row 4", "voided by the STATEMENT", "NEVER"),
            ("applied", "voided", "row 1", "nothing to settle", "NEVER"),
        ]
    free = "NEVER" if story in (WITHDRAWAL, VOID) else "OTHER"
    back = story is VOID
    sent = "stored VOID sent again" if back else "stored voucher sent again"
    return [
        ("free", "nothing stored", "row 1", "nothing to settle", free),
        ("pending", "nothing stored", "row 1", "asked again", "ONCE"),
        ("pending", "voucher stored", "row 1", sent, "NEVER" if back else "ONCE"),
        ("applied", "voucher stored", "row 3", "posted by the STATEMENT", "ONCE"),
        ("applied", "posted", "row 1", "nothing to settle", "ONCE"),
    ]


def check(story: Story, parts: Mapping[Kind, Part]) -> None:
    """Check what is the same of all stories, whatever is cut."""
    for kind, part in parts.items():
        # A server dies only when the request has been stored; and what the operator
        # reads changes without anything else when the RECEIPT is stored.
        whole = expected(story)
        if kind is Kind.COMMIT and story is not VOID_SENT:
            whole = whole[1:]
        assert list(dict.fromkeys(told(part))) == whole
        read = list(dict.fromkeys(trial.at_cut.operator for trial in part.trials))
        done = DONE[story]
        assert read == (
            ["NO POWER"] if kind in WRITES else ["DIAL-IN FAILED", UNREAD, done]
        )
        assert part.dial_ins_most == 1, "one redial brings every cut to rest"
        for trial in part.trials:
            is_pending = trial.at_cut.machine == "pending"
            is_stored = trial.at_cut.server in ("voucher stored", "VOID stored")
            assert (trial.at_cut.pending != "nothing") is is_pending
            assert bool(trial.at_cut.outstanding) is is_stored
    for kind in WRITES:
        if kind in parts:
            check_writes(story, parts[kind])
    if Kind.COMMIT in parts:
        check_commits(story, parts[Kind.COMMIT])


def check_writes(story: Story, part: Part) -> None:
    lengths = part.whole.write_lengths
    assert len(lengths) >= 9, "the request, the voucher and the receipt, thrice"
    assert len(part.trials) >= len(lengths) * 8
    assert set(held(part)) == {told[0] for told in expected(story)}


def check_commits(story: Story, part: Part) -> None:
    names = ["judge_statement", "judge_confirmation", "store_usage", "store_goodbye"]
    if not story.in_use:
        names.remove("store_usage")
    cuts = [trial.cut for trial in part.trials]
    assert [(cut.name, cut.when) for cut in cuts if isinstance(cut, CommitCut)] == [
        (name, when) for name in names for when in When
    ]


def test_the_carrier_lost_after_every_octet_of_a_recharge() -> None:
    parts, _ = run(Choice((RECHARGE,), real_channel=True, kinds=(Kind.OCTET,)))
    check(RECHARGE, parts)
    part = parts[Kind.OCTET]
    cuts = [trial.cut for trial in part.trials]
    assert cuts == [OctetCut(octets) for octets in range(part.whole.octets + 1)]
    read = Counter(trial.at_cut.operator for trial in part.trials)
    assert read["DIAL-IN FAILED"] > 300
    assert read[UNREAD] > 100
    assert read["RECHARGED"] > 10
    assert held(part)["pending"] > 300
    assert held(part)["applied"] > 100


def test_the_power_cut_at_every_nvram_write_and_torn_inside_it() -> None:
    parts, _ = run(Choice((RECHARGE,), real_channel=True, kinds=WRITES))
    check(RECHARGE, parts)


@pytest.mark.parametrize("story", [RECHARGE, IN_USE], ids=["new", "in use"])
def test_the_server_killed_before_inside_and_after_every_commit(story: Story) -> None:
    """The usage of ten franks is reported too, so every kind of commit is there."""
    parts, _ = run(Choice((story,), real_channel=True, kinds=(Kind.COMMIT,)))
    check(story, parts)


def test_a_withdrawal_cut_after_octets_is_credited_once_or_not_at_all() -> None:
    parts, _ = run(Choice((WITHDRAWAL,), real_channel=True, kinds=(Kind.OCTET,)))
    check(WITHDRAWAL, parts)
    assert parts[Kind.OCTET].ended[Ended.ONCE] > 100


def test_a_void_and_its_voucher_race_and_exactly_one_of_them_counts() -> None:
    parts, _ = run(Choice((VOID,), real_channel=True, kinds=(Kind.OCTET,)))
    check(VOID, parts)
    race = {
        (trial.redialled.row, trial.redialled.ended, trial.redialled.after_paise)
        for trial in parts[Kind.OCTET].trials
        if trial.at_cut.server == "voucher stored"
    }
    assert race == {(1, Ended.NEVER, 0), (3, Ended.ONCE, 200_000)}


@pytest.mark.parametrize(
    ("story", "kinds"),
    [
        (IN_USE, (Kind.OCTET, *WRITES)),
        (REFUND, tuple(Kind)),
        (WITHDRAWAL, (*WRITES, Kind.COMMIT)),
        (VOID, (*WRITES, Kind.COMMIT)),
        (VOID_SENT, tuple(Kind)),
    ],
    ids=["recharge in use", "refund", "withdrawal", "void", "void sent"],
)
def test_every_other_cut_of_a_story_ends_once_or_not_at_all(
    story: Story, kinds: tuple[Kind, ...]
) -> None:
    parts, totals = run(Choice((story,), kinds=kinds))
    check(story, parts)
    assert totals.redials < totals.points, "what was met before is not dialled again"


class ForgetfulPair(Pair):
    """A machine that forgets what is pending when it is switched on."""

    def psd(self, nvram: Nvram | None = None) -> Psd:
        memory = nvram or self.nvram
        vault = Vault(memory, STATE)
        record = decode_record(vault.content)
        if record.pending is not None:
            vault.commit(encode_record(replace(record, pending=None)))
        return super().psd(memory)


def test_a_machine_that_forgets_what_is_pending_is_found_at_every_such_point(
    tmp_path: Path,
) -> None:
    keys = make_keys()
    nvram = new_parties(tmp_path, keys)
    pair = ForgetfulPair(tmp_path, nvram, keys, b"forgets", real_channel=False)
    pair.begin_service(DEPOSITED_PAISE)
    begins = begin_story(pair, RECHARGE, pair.keep())
    trials = Trials(pair, RECHARGE, begins)
    found = {octets: trials.at(OctetCut(octets)) for octets in (0, 200, 400, 500)}
    pair.close()
    assert [octets for octets, trial in found.items() if trial.findings] == [400]
    wrong = found[400]
    assert wrong.redialled.ended is Ended.WRONG
    assert any("300000 expected" in finding for finding in wrong.findings)


def test_every_octet_of_every_write_and_of_the_line_is_listed_on_demand() -> None:
    whole = Whole(30, (50, 9), ((2, "judge_statement"),))
    every = Counter(cut.kind for cut in list_cuts(whole, every=True, octet_step=4))
    assert every == {Kind.OCTET: 31, Kind.WRITE: 61, Kind.GARBAGE: 59, Kind.COMMIT: 3}
    some = list_cuts(whole, every=False, octet_step=4)
    assert [cut.place for cut in some if cut.kind is Kind.OCTET] == (
        ["0", "4", "8", "12", "16", "20", "24", "28", "30"]
    )


@pytest.fixture(scope="module")
def few() -> tuple[list[Part], Totals]:
    """The cuts that cost little: they are drawn like the others."""
    return run_cuts(
        Choice((RECHARGE, VOID_SENT), kinds=(*WRITES, Kind.COMMIT)), lambda _part: None
    )


def test_the_reports_name_every_story_and_hold_ranges_in_place_of_points(
    few: tuple[list[Part], Totals],
) -> None:
    for text in (render_markdown(*few), render_html(*few)):
        assert len(text.splitlines()) < 500
        for words in ("recharge of Rs", "void of Rs", "asked again", "row 4 of REG-5"):
            assert words in text


def test_the_page_draws_one_strip_for_each_kind_of_cut(
    few: tuple[list[Part], Totals],
) -> None:
    page = render_html(*few)
    drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawn) == len(few[0]) == 6
    for one in drawn:
        lanes = ET.fromstring(one).findall("g/rect")  # noqa: S314 - it is our own
        assert len(lanes) >= 5


def test_a_strip_of_text_shows_what_the_redial_finds_in_order(
    few: tuple[list[Part], Totals],
) -> None:
    places, letters = text_strip(few[0][0])
    assert re.fullmatch(r"\.+a+v+p+=+", letters)
    assert len(places) == len(letters) == 64
    assert set(letters) <= set(LETTERS.values())


def test_a_range_is_told_in_one_line(few: tuple[list[Part], Totals]) -> None:
    assert next(range_lines(few[0][2])) == (
        "killed before judge_statement to inside judge_statement: the operator reads "
        "DIAL-IN FAILED; machine: RECHARGE Rs 2,000.00 pending; server: nothing "
        "stored; the redial meets row 1 of REG-5, asked again; dial-ins until quiet: "
        "1; counted once, CT Rs 2,000.00, funds Rs 3,000.00"
    )


def test_a_violation_stands_in_totals_reports_and_strips(
    few: tuple[list[Part], Totals],
) -> None:
    part = few[0][2]
    trial = part.trials[0]
    redialled = replace(trial.redialled, ended=Ended.WRONG)
    wrong = replace(trial, redialled=redialled, findings=("5 paise are lost",))
    broken = replace(part, trials=(wrong, *part.trials[1:]))
    counted = replace(few[1], violations=1)
    assert totals_as_json([broken], counted)["violations"] == 1
    markdown = render_markdown([broken], counted)
    assert "VIOLATION at recharge, commit of the server before judge_statement" in (
        markdown
    )
    assert "5 paise are lost" in render_html([broken], counted)
    assert text_strip(broken)[1].startswith("!")


def test_the_command_prints_its_totals_in_the_last_line(tmp_path: Path) -> None:
    report = tmp_path / "cuts.html"
    result = CliRunner().invoke(
        tree(),
        ["simulate", "cuts", "--story", "void", "--json", "--report", str(report)],
    )
    assert result.exit_code == 0, result.output
    last = json.loads(result.stdout.splitlines()[-1])
    assert list(last)[:2] == ["points", "violations"]
    assert last["points"] > 300
    assert last["violations"] == 0
    assert "void, a new machine" in result.stderr
    assert "<svg" in report.read_text("utf-8")


def test_the_command_offers_every_story_by_its_name() -> None:
    [names] = [one.type for one in cuts.params if one.name == "names"]
    assert isinstance(names, click.Choice)
    assert set(names.choices) == {story.name for story in STORIES}


def test_a_report_of_another_form_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        tree(), ["simulate", "cuts", "--report", str(tmp_path / "cuts.pdf")]
    )
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 2


@pytest.mark.long
@pytest.mark.parametrize(
    "story", STORIES, ids=[f"{one.name}, {one.about}" for one in STORIES]
)
def test_every_octet_of_every_write_and_of_the_line(story: Story) -> None:
    parts, _ = run(Choice((story,), every=True))
    check(story, parts)


@pytest.mark.long
def test_every_octet_of_every_write_over_the_real_channel() -> None:
    parts, _ = run(Choice((RECHARGE,), every=True, real_channel=True, kinds=WRITES))
    check(RECHARGE, parts)
