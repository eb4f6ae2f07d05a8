"""The page of a benchmark, as `huggingface_hub` reads it: by value, models made from others only if asked."""

from __future__ import annotations

import yaml
from huggingface_hub import CommitOperationAdd

from tests.hub.clients import api_of


def test_models_stand_by_value_and_one_that_was_made_from_another_only_when_all_are_asked_for(hub, org):
    api, bench = api_of(hub, f"hf_{org}-writer"), f"{org}/bench"
    api.create_repo(bench, repo_type="dataset")
    for name, value, head in (("low", 1.5, "license: mit"), ("high", 2.5, "base_model: org/low")):
        api.create_repo(f"{org}/{name}")
        said = yaml.safe_dump([{"dataset": {"id": bench, "task_id": "direct"}, "value": value}])
        files = {".eval_results/bench.yaml": said, "README.md": f"---\n{head}\n---\n"}
        operations = [CommitOperationAdd(path, content.encode()) for path, content in files.items()]
        api.create_commit(f"{org}/{name}", operations, commit_message="results")
    shown = api.get_dataset_leaderboard(bench)
    assert [(each.rank, each.model_id, each.value) for each in shown] == [(1, f"{org}/low", 1.5)]
    every = api.get_dataset_leaderboard(bench, base_model_only=False)
    assert [(each.rank, each.model_id) for each in every] == [(1, f"{org}/high"), (2, f"{org}/low")]


def test_whoever_may_read_offers_a_commit_and_main_stays_as_it_was(hub, org):
    owner, stranger = api_of(hub, f"hf_{org}-writer"), api_of(hub, hub.state.person("passer-by"))
    owner.create_repo(f"{org}/model")
    before = owner.model_info(f"{org}/model").sha
    offered = [
        stranger.create_commit(
            f"{org}/model", [CommitOperationAdd("a.txt", text)], commit_message="offer", create_pr=True
        )
        for text in (b"one", b"two")
    ]
    assert [each.pr_num for each in offered] == [1, 2]
    assert owner.model_info(f"{org}/model").sha == before
    there = owner.model_info(f"{org}/model", revision="refs/pr/2").siblings
    assert "a.txt" in {file.rfilename for file in there}
