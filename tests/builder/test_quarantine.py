"""A unit that cannot be done is set aside and named; nothing is guessed about its question, and the others go on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from builder.build import bench_at, build_track, decide_again, write_questions
from builder.editors.phantom_exact import PhantomExact
from builder.place import Place
from builder.quarantine import InQuarantine, Quarantine, Quarantined
from builder.sources.phantom import Phantom
from builder.talks import NothingWorks
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS, VERDICTS
from medground_bench.core.causal_filter import Edit
from medground_bench.core.errors import BadPicture, UnknownName, Unsupported
from medground_bench.core.types import Mode
from tests.kit.broken_lvlms import NarrowLvlm, PoisonedLvlm
from tests.kit.builds import build, bytes_of
from tests.kit.fakes import RuleLvlm


def quarantine(store, **choices):
    return Quarantine(Place(store) / "quarantine", **choices)


def findings(folder, table=ANSWERS):
    return {row.finding for row in folder.read(table, "test")}


def test_a_poisoned_unit_is_tried_three_times_then_set_aside_and_the_others_go_on(tmp_path):
    lvlm = PoisonedLvlm()
    folder = build(tmp_path / "a", lvlm=lvlm, limit=4)
    assert "pacemaker" in findings(folder, QUESTIONS)
    assert findings(folder) == findings(folder, QUESTIONS) - {"pacemaker"}
    assert "pacemaker" not in findings(folder, VERDICTS)
    assert lvlm.tried and max(lvlm.tried.values()) <= 3
    for entry in quarantine(tmp_path / "a.store").entries.values():
        assert (entry.what, entry.by, entry.picture) == ("LVLM", "rule_lvlm", "original")
        assert "Traceback" in entry.error and entry.error.endswith("ZeroDivisionError: poison\n")
    assert decide_again(folder) == 0, "the folder is whole without them"


def test_the_others_are_as_in_a_build_without_poison(tmp_path):
    poisoned = build(tmp_path / "a", lvlm=PoisonedLvlm(), limit=4)
    whole = build(tmp_path / "b", limit=4)
    rows = [row for row in whole.read(ANSWERS, "test") if row.finding != "pacemaker"]
    assert poisoned.read(ANSWERS, "test") == rows


def test_what_is_in_quarantine_is_not_tried_again_until_it_is_asked_for(tmp_path):
    build(tmp_path / "a", lvlm=PoisonedLvlm(), limit=4)
    lvlm = PoisonedLvlm()
    build(tmp_path / "a", lvlm=lvlm, limit=4)
    assert not lvlm.tried
    folder = build(tmp_path / "a", limit=4, retry=True)
    assert bytes_of(folder) == bytes_of(build(tmp_path / "b", limit=4))
    assert not quarantine(tmp_path / "a.store").entries


def test_a_unit_that_fails_once_is_done(tmp_path):
    @dataclass
    class Shaky(RuleLvlm):
        raised: int = field(default=0, compare=False)

        def generate(self, pictures, prompts, *, max_new_tokens=512):
            self.raised += 1
            if self.raised % 2:
                raise ConnectionError("again")
            return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)

    folder = build(tmp_path / "a", lvlm=Shaky(), limit=2)
    assert bytes_of(folder) == bytes_of(build(tmp_path / "b", limit=2))


@dataclass(frozen=True)
class PoisonedEditor(PhantomExact):
    name: str = "phantom_exact"

    def edit(self, question, picture, edit):
        if question.finding == "pacemaker" and edit is Edit.BACKGROUND:
            raise FloatingPointError("no edit")
        return PhantomExact.edit(self, question, picture, edit)


def test_an_edit_in_quarantine_leaves_its_question_without_a_verdict_for_every_lvlm(tmp_path, monkeypatch):
    monkeypatch.setattr("builder.build.open_editor", lambda name: PoisonedEditor())
    folder = build(tmp_path / "a", limit=4, store=tmp_path / "store")
    assert "pacemaker" not in findings(folder, VERDICTS)
    entries = list(quarantine(tmp_path / "store").entries.values())
    assert entries and {(entry.what, entry.by, entry.picture) for entry in entries} == {
        ("edit", "phantom_exact", "background")
    }
    second = build(tmp_path / "b", lvlm=RuleLvlm(key="second"), limit=4, store=tmp_path / "store")
    assert findings(second, VERDICTS) == findings(folder, VERDICTS)
    assert quarantine(tmp_path / "store").entries.keys() == {entry.key for entry in entries}


@dataclass(frozen=True)
class TornSource(Phantom):
    """One picture that can no longer be read; `without` fails on pacemakers."""

    torn: str = ""
    faulty: str = ""

    def picture(self, question):
        if question.image_id == self.torn:
            raise BadPicture("the file is cut off")
        return Phantom.picture(self, question)

    def without(self, question, counterfactual):
        if question.finding == self.faulty:
            raise ValueError("no scene")
        return Phantom.without(self, question, counterfactual)


def test_a_picture_that_cannot_be_read_is_set_aside_with_all_its_questions(tmp_path):
    folder = DatasetFolder(tmp_path / "a")
    write_questions(folder, Phantom(), 3, [])
    torn = folder.read(QUESTIONS, "test")[0].image_id
    with bench_at(tmp_path / "store", TornSource(torn=torn, faulty="pacemaker")) as bench:
        build_track(folder, RuleLvlm(), Mode.DIRECT, bench)
        met = bench.quarantine.met()
    answered = {row.question_id for row in folder.read(ANSWERS, "test")}
    assert {entry.of for entry in met}.isdisjoint(answered)
    assert {(entry.what, entry.picture) for entry in met} == {
        ("question", "original"),
        ("question", "without_finding"),
    }
    assert {row.question_id for row in folder.read(QUESTIONS, "test") if row.image_id == torn} <= {
        entry.of for entry in met
    }


def test_a_build_with_units_in_quarantine_says_so_until_each_is_accepted_by_name(tmp_path):
    build(tmp_path / "a", lvlm=PoisonedLvlm(), limit=2)
    with bench_at(tmp_path / "a.store", Phantom()) as bench:
        bench.quarantine.demand_empty()  # nothing was asked yet
        build_track(DatasetFolder(tmp_path / "a"), PoisonedLvlm(), Mode.DIRECT, bench)
        (first, *others) = bench.quarantine.met()
        with pytest.raises(InQuarantine, match=r"units are in quarantine .* have no verdict") as told:
            bench.quarantine.demand_empty()
        assert first.key[:12] in str(told.value)
        assert "LVLM rule_lvlm (original): ZeroDivisionError" in str(told.value)
        assert "poison" not in str(told.value) and first.of not in str(told.value)
        with pytest.raises(UnknownName, match="no unit in quarantine"):
            bench.quarantine.accept_all(["ffffffff"])
        bench.quarantine.accept_all([entry.key[:12] for entry in (first, *others)])
        bench.quarantine.demand_empty()
    kept = quarantine(tmp_path / "a.store")
    assert all(entry.accepted for entry in kept.entries.values())


def test_a_unit_that_killed_its_worker_is_told_without_an_exception():
    entry = Quarantined("0123456789abcdef", "LVLM", "m", "s/i/f", "original", "died of SIGKILL on s/i/f\n")
    assert str(entry) == "0123456789ab: LVLM m (original): killed its worker"


def test_a_file_of_the_quarantine_is_one_line_of_json_called_by_its_key(tmp_path):
    build(tmp_path / "a", lvlm=PoisonedLvlm(), limit=2)
    files = sorted((tmp_path / "a.store" / "quarantine").iterdir())
    assert files
    for file in files:
        (line,) = file.read_text("utf-8").splitlines()
        assert f"{json.loads(line)['key']}.jsonl" == file.name


def test_when_everything_fails_the_build_ends(tmp_path):
    with pytest.raises(NothingWorks, match="20 units in a row"):
        build(tmp_path / "a", lvlm=PoisonedLvlm(poison=""), limit=4)


def test_an_error_that_would_be_the_same_for_every_unit_ends_the_build_at_once(tmp_path):
    class Refused(RuleLvlm):
        def generate(self, pictures, prompts, *, max_new_tokens=512):
            raise Unsupported("this host may not see the pictures")

    with pytest.raises(Unsupported, match="this host"):
        build(tmp_path / "a", lvlm=Refused(), limit=2)
    assert not quarantine(tmp_path / "a.store").entries


def test_a_batch_that_does_not_fit_is_split_in_half_and_later_ones_stay_small(tmp_path):
    lvlm = NarrowLvlm()
    folder = build(tmp_path / "a", lvlm=lvlm, limit=4)
    assert bytes_of(folder) == bytes_of(build(tmp_path / "b", limit=4))
    (record,) = json_records(tmp_path / "a.store")
    assert record["counters"]["halvings"] > 0
    assert max(lvlm.sizes[4:]) <= 5


def json_records(store):
    return [json.loads(file.read_text("utf-8")) for file in sorted((store / "builds").iterdir())]


def test_a_unit_that_does_not_fit_alone_is_set_aside_at_once(tmp_path):
    @dataclass
    class TooSmall(RuleLvlm):
        alone: int = field(default=0, compare=False)

        def generate(self, pictures, prompts, *, max_new_tokens=512):
            if any("pacemaker" in prompt for prompt in prompts):
                self.alone += len(prompts) == 1
                raise MemoryError
            return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)

    lvlm = TooSmall()
    folder = build(tmp_path / "a", lvlm=lvlm, limit=4)
    held = quarantine(tmp_path / "a.store").entries
    assert lvlm.alone == len(held) > 0
    assert findings(folder) == findings(folder, QUESTIONS) - {"pacemaker"}
