"""Running variants: every case once, kept at once, counted when it fails, told when it cannot be had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest

from medground_bench import plugins
from medground_bench.ablation import run as run_module
from medground_bench.ablation.regions import TransportChoice
from medground_bench.ablation.run import run, total
from medground_bench.ablation.variants import GROUNDED, Variant
from medground_bench.benchmark.attempts import Attempts
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.errors import SourceMissing, Unsupported
from medground_bench.core.randomness import case_rng
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Frame, Group, Mode, Track
from medground_bench.localizers import forget, localize, localize_case, open_localizer
from medground_bench.lvlms.server.address import SERVERS, Address
from medground_bench.lvlms.server.chat import Chat
from medground_bench.lvlms.server.client import Client
from medground_bench.lvlms.server.served import ServedLvlm
from medground_bench.methods import explain
from medground_bench.methods._region_rules import DropPerArea, ShapleyDrop
from medground_bench.methods.medfocus import MedFocus
from medground_bench.runs.code_version import ablation_code
from tests.kit.chat_server import listening
from tests.kit.checkpoints import as_in_a_new_process, exchange_weights
from tests.kit.spot_lvlm import SPOT, SpotLvlm
from tests.kit.tiny_localizers import save_sam
from tests.kit.variant_runs import BASE, MASK, TWO, ran

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def attempts(built) -> Attempts:
    return Attempts.of(
        open_benchmark(built.path), Track("rule_lvlm", Mode.DIRECT), groups=frozenset(Group), limit=2
    )


def test_the_evidence_is_what_medfocus_itself_makes_of_the_case(attempts, tmp_path):
    track = ran(attempts, SpotLvlm(), TWO, tmp_path / "r.jsonl")
    for attempt in attempts.walk():
        for variant, method in ((BASE, MedFocus(localizer="mean_box")), (MASK, MASK.method())):
            if attempt.group in TWO[variant]:
                case = attempt.case
                explained = explain(method, SpotLvlm(), case, case_rng(0, case.case_id))
                evidence = track.evidence[variant][case.case_id]
                assert evidence.boxes == tuple(box.xyxy for box in explained.boxes)
                assert evidence.concept == explained.attribution.concept
    assert set(track.evidence[BASE]) == set(attempts.groups)
    assert set(track.evidence[MASK]) == {c for c, group in attempts.groups.items() if group is Group.GROUNDED}


def test_pictures_are_counted_for_every_variant_and_what_two_of_them_ask_is_asked_once(attempts, tmp_path):
    per_area, shapley = (replace(BASE, rule=rule, groups=False) for rule in (DropPerArea(), ShapleyDrop()))
    alone = replace(BASE, groups=False)
    lvlm, runs = SpotLvlm(), {alone: GROUNDED, per_area: GROUNDED, shapley: GROUNDED}
    track = ran(attempts, lvlm, runs, tmp_path / "r.jsonl")
    counted = {variant: [each.pictures for each in track.evidence[variant].values()] for variant in runs}
    assert set(counted[alone]) == set(counted[per_area]) == {1 + 11}
    assert all(1 + 11 < pictures <= 1 + 11 + 10 * 10 for pictures in counted[shapley])
    assert lvlm.forwarded == sum(counted[shapley])


def test_the_known_cause_is_found_with_the_known_anatomy(attempts, tmp_path):
    oracle = Variant(localizer="oracle")
    track = ran(attempts, SpotLvlm(), {oracle: frozenset(Group)}, tmp_path / "r.jsonl")
    concepts = [evidence.concept for evidence in track.evidence[oracle].values()]
    assert set(concepts) <= {"right lung", "lungs"}, (concepts, SPOT)
    assert all(evidence.region_iou == 1 for evidence in track.evidence[oracle].values())


def test_how_well_concepts_were_found_is_their_mean_iou_with_the_true_boxes(attempts, tmp_path):
    track = ran(attempts, SpotLvlm(), {BASE: GROUNDED}, tmp_path / "r.jsonl")
    for attempt in attempts.walk():
        if attempt.group is Group.GROUNDED:
            truth, found = (localize_case(name, attempt.case).boxes for name in ("oracle", "mean_box"))
            ious = [overlap([found[concept]], [truth[concept]]).iou for concept in truth]
            evidence = track.evidence[BASE][attempt.case.case_id]
            assert evidence.region_iou == pytest.approx(sum(ious) / len(ious), abs=1e-6)


def test_progress_counts_every_pair_also_those_that_are_there_already(attempts, tmp_path):
    counted = [], []
    for seen in counted:
        run(attempts, SpotLvlm(), TWO, tmp_path / "r.jsonl", seen.append)
    assert sum(counted[0]) == sum(counted[1]) == total(attempts, TWO) == 3 * 2 + 2


@pytest.mark.parametrize("kept", [0.0, 0.4, 0.99])
def test_a_journal_cut_at_any_byte_is_gone_on_with(attempts, tmp_path, kept):
    file = tmp_path / "r.jsonl"
    whole = ran(attempts, SpotLvlm(), TWO, file)
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    again = SpotLvlm()
    assert ran(attempts, again, TWO, file).evidence == whole.evidence
    assert sorted(file.read_bytes().splitlines()) == sorted(content.splitlines())
    assert again.forwarded > 0 and (again.forwarded < 8 * 16 or kept == 0)
    last = SpotLvlm()
    ran(attempts, last, TWO, file)
    assert last.forwarded == 0


def test_a_killed_run_is_gone_on_with(built, attempts, tmp_path):
    """The child waits before every case's pass; it is killed after its first ones."""
    program = (
        "import sys, time; from pathlib import Path; from medground_bench.benchmark.opening import open_benchmark\n"
        "from medground_bench.benchmark.attempts import Attempts\n"
        "from medground_bench.core.types import Group, Mode, Track\n"
        "from tests.kit.spot_lvlm import SpotLvlm; from tests.kit.variant_runs import TWO, ran\n"
        "class Slow(SpotLvlm):\n"
        "    def log_probs(self, *asked):\n"
        "        time.sleep(0.3); return super().log_probs(*asked)\n"
        "track, groups = Track('rule_lvlm', Mode.DIRECT), frozenset(Group)\n"
        "of = Attempts.of(open_benchmark(sys.argv[1]), track, groups=groups, limit=2)\n"
        "import medground_bench.ablation.run as module; module.ablation_code = lambda: sys.argv[3]\n"
        "ran(of, Slow(), TWO, Path(sys.argv[2]))"
    )
    file = tmp_path / "r.jsonl"
    command = [sys.executable, "-c", program, built.path, file, ablation_code()]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    deadline = time.monotonic() + 120
    while not (file.is_file() and file.read_bytes().count(b"\n") >= 2):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    done = file.read_bytes().count(b"\n")
    assert 2 <= done < 8
    lvlm = SpotLvlm()
    assert (
        ran(attempts, lvlm, TWO, file).evidence == ran(attempts, SpotLvlm(), TWO, tmp_path / "whole").evidence
    )
    assert lvlm.forwarded == (8 - done) * 16


def test_evidence_of_other_weights_or_settings_are_not_taken(attempts, tmp_path):
    file = tmp_path / "r.jsonl"
    runs = {BASE: GROUNDED}
    ran(attempts, SpotLvlm(), runs, file)
    for lvlm, variant in (
        (SpotLvlm(revision="r2"), BASE),
        (SpotLvlm(), replace(BASE, vocabulary="lung_zones")),
    ):
        ran(attempts, lvlm, {variant: GROUNDED}, file)
        assert lvlm.forwarded > 0
    same = SpotLvlm()
    ran(attempts, same, runs, file)
    assert same.forwarded == 0


@pytest.mark.parametrize("changed", ["picture", "native", "prompt", "response", "code"])
def test_everything_that_evidence_depends_on_changes_its_key(attempts, monkeypatch, changed):
    work, [case, *_rest] = run_module._Work(BASE, SpotLvlm()), [each.case for each in attempts.walk()]
    before = work.key(case)
    assert work.key(replace(case)) == before
    if changed == "code":
        monkeypatch.setattr(run_module, "ablation_code", lambda: "other")
        assert work.key(case) != before
        return
    other = {
        "picture": 255 - case.picture,
        "native": Frame.native(width=2 * case.native.width, height=2 * case.native.height),
        "prompt": case.prompt + " ",
        "response": replace(case.response, token_ids=(*case.response.token_ids[:-1], 1)),
    }
    assert work.key(replace(case, **{changed: other[changed]})) != before


def test_a_case_on_which_it_fails_is_kept_as_failed_and_has_no_prediction(attempts, tmp_path):
    finding = next(each.finding for each in attempts.references)
    track = ran(attempts, SpotLvlm(broken=finding), {BASE: frozenset(Group)}, tmp_path / "r.jsonl")
    for reference in attempts.references:
        evidence = track.evidence[BASE][reference.case_id]
        assert (evidence.prediction(reference) is None) == (reference.finding == finding)
        failed = evidence.error is not None and evidence.error.startswith("MethodFailed: a log-probability")
        assert failed == (reference.finding == finding)


def test_a_variant_that_cannot_run_here_is_told_with_its_reason(attempts, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ot.unbalanced", None)  # POT is not installed
    forget()
    nobody, without_pot = Variant(localizer="nobody"), Variant(localizer="uot_pot")
    too_many = Variant(transport=TransportChoice(0.05, 0.1, 17))
    runs = dict.fromkeys((BASE, nobody, without_pot, too_many), GROUNDED)
    track = ran(attempts, SpotLvlm(), runs, tmp_path / "r.jsonl")
    assert set(track.evidence) == {BASE}
    assert "no localizer is called 'nobody'" in track.not_run[nobody]
    assert "pip install 'medground-bench[reference]'" in track.not_run[without_pot]
    assert "16 pictures, not 17" in track.not_run[too_many]


def test_what_everything_is_compared_with_has_to_run(attempts, tmp_path):
    oracle = Variant(transport=TransportChoice(0.05, 0.1, 17))
    with pytest.raises(SourceMissing, match="not 17"):
        ran(attempts, SpotLvlm(), {oracle: GROUNDED, BASE: GROUNDED}, tmp_path / "r.jsonl")


def test_what_a_version_that_keeps_other_fields_has_made_is_made_again(attempts, tmp_path, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(run_module, "fields", lambda of: fields(of)[:-1])
        ran(attempts, SpotLvlm(), {BASE: GROUNDED}, tmp_path / "r.jsonl")
    lvlm = SpotLvlm()
    ran(attempts, lvlm, {BASE: GROUNDED}, tmp_path / "r.jsonl")
    assert lvlm.forwarded > 0


class NoDataclass:
    """A localizer of another package: Python's own repr of it holds its address."""

    def localize(self, picture):
        return localize("mean_box", picture)


def test_a_localizer_that_is_no_dataclass_is_gone_on_with(attempts, tmp_path, monkeypatch):
    own = plugins.load
    monkeypatch.setattr(
        plugins, "load", lambda kind, name: NoDataclass if name == "theirs" else own(kind, name)
    )
    theirs = {Variant(localizer="theirs"): GROUNDED}
    first, again = SpotLvlm(), SpotLvlm()
    kept = []
    for lvlm in (first, again):
        as_in_a_new_process()
        kept.append(open_localizer("theirs"))  # both live, so that they have two addresses
        ran(attempts, lvlm, theirs, tmp_path / "r.jsonl")
    assert first.forwarded > again.forwarded == 0
    as_in_a_new_process()


def test_other_bytes_in_the_same_checkpoint_folder_are_run_again(attempts, tmp_path, monkeypatch):
    folder = save_sam(tmp_path / "sam")
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(folder))
    forwarded = []
    for step in ("first", "the same", "other bytes"):
        if step == "other bytes":
            exchange_weights(folder)
        as_in_a_new_process()
        lvlm = SpotLvlm()
        ran(attempts, lvlm, {Variant(localizer="uot_medsam"): GROUNDED}, tmp_path / "r.jsonl")
        forwarded.append(lvlm.forwarded)
    assert forwarded[0] == forwarded[2] > forwarded[1] == 0
    as_in_a_new_process()


def test_no_variant_sends_a_credentialed_picture_to_a_machine_that_is_not_named_for_its_source(
    attempts, tmp_path, monkeypatch
):
    with listening() as door:
        address = Address.parse(
            f"http://2130706433:{door.port}/v1#m"
        )  # 127.0.0.1, but not written as loopback
        monkeypatch.setenv(SERVERS, address.place)
        chat = Chat(Client(address), "m")
        lvlm = ServedLvlm(key="m", revision="1", address=address, root=("", ""), chat=chat, scoring=None)
        monkeypatch.setattr(run_module, "PHANTOM", "another source")
        with pytest.raises(Unsupported, match="MEDGROUND_SERVERS=phantom@"):
            ran(attempts, lvlm, TWO, tmp_path / "r.jsonl")
        assert door.connections == 0
