"""The log of decisions: appended to, readable by its user alone, and whole after a kill at any byte."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from builder.access.decision_log import FIRST, Ending, LogLine, NoDecisionLog, opened_log
from builder.access.rulings import Decision, Handling, Ruling
from medground_bench.core.errors import MedgroundError
from tests.kit.access import applicant

BEGUN = LogLine.begun(
    Handling(applicant("ann", {"Why": "x"}), Ruling(("ann",), Decision.REJECT, "Not yet.", "a rule")),
    "org/bench",
    "maintainer",
)
ENDED = BEGUN.ended(Ending.DONE)


def test_a_line_says_when_who_what_why_by_which_rule_and_nothing_else_of_a_person(log):
    with opened_log(log) as held:
        held.append(BEGUN)
    said = json.loads(log.read_text())
    assert abs(datetime.now(UTC) - datetime.fromisoformat(said.pop("at"))) < timedelta(minutes=1)
    assert said == {
        "by": "maintainer",
        "dataset": "org/bench",
        "user": "ann",
        "request_id": "id-ann",
        "decision": "reject",
        "reason": "Not yet.",
        "rule": "a rule",
        "ending": "begun",
    }


def test_only_its_user_may_read_the_log_whatever_it_was_before(log):
    log.touch(0o666)
    for _ in range(2):
        with opened_log(log) as held:
            held.append(BEGUN)
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        log.unlink()


def test_what_is_in_the_log_stays_there_to_the_byte(log):
    with opened_log(log) as held:
        held.append(BEGUN)
    before = log.read_bytes()
    with opened_log(log) as held:
        assert held.unended == (BEGUN,)
        held.append(ENDED)
    assert log.read_bytes().startswith(before)
    with opened_log(log) as held:
        assert not held.unended


def test_a_log_that_was_cut_anywhere_goes_on_with_all_whole_lines(log):
    line = json.dumps({"at": "2026-11-27T12:00:00+00:00", **asdict(BEGUN)}).encode()
    for length in (0, 1, 7, 8, 9, len(line) // 2, len(line) - 1, len(line), len(line) + 1):
        cut = (line + b"\n" + line + b"\n")[: len(line) + 1 + length]
        log.write_bytes(cut)
        with opened_log(log) as held:
            assert held.unended == (BEGUN,)
            assert held.damaged == (0 < length < len(line))
            held.append(ENDED)
        assert log.read_bytes().startswith(cut)
        assert json.loads(log.read_bytes().splitlines()[-1])["ending"] == "done"
        with opened_log(log) as held:
            assert not held.unended


def test_the_first_line_may_be_cut_too(log):
    for length in (1, len(FIRST) - 1, len(FIRST), len(FIRST) + 2):
        log.write_text(f"{FIRST}2026"[:length])
        with opened_log(log) as held:
            assert held.damaged == 1


@pytest.mark.parametrize("content", ["# A page\n", "user,decision\n", '{"id": 1}\n', "\n"])
def test_nothing_is_appended_to_a_file_of_something_else(log, content):
    log.write_text(content)
    log.chmod(0o644)
    with pytest.raises(NoDecisionLog, match="is no log of decisions about access"), opened_log(log):
        pass
    assert (log.read_text(), stat.S_IMODE(log.stat().st_mode)) == (content, 0o644)


def test_a_line_with_other_columns_or_another_decision_counts_as_damaged(log):
    lines = [{"decision": "perhaps"}, {"more": 1}]
    log.write_text("".join(json.dumps({"at": "x", **asdict(BEGUN), **line}) + "\n" for line in lines))
    with opened_log(log) as held:
        assert (held.damaged, held.unended) == (2, ())


def test_one_process_at_a_time_appends(log):
    with (
        opened_log(log),
        pytest.raises(MedgroundError, match="is in use by another process"),
        opened_log(log),
    ):
        pass
