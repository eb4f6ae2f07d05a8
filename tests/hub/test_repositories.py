"""`huggingface_hub` as it is, against the loopback hub: repositories, commits, tags, listings, downloads."""

from __future__ import annotations

import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub.clients import api_of

CARD = b"---\nlicense: cc-by-4.0\nconfigs:\n- config_name: direct\n---\n# A card\n"
TABLE = b"PAR1" * 100


@pytest.fixture
def api(hub, org) -> HfApi:
    """Of a member who may write."""
    return api_of(hub, f"hf_{org}-writer")


@pytest.fixture
def bench(api, org) -> str:
    """A public dataset with a small and a large file at its second commit."""
    name = f"{org}/bench"
    api.create_repo(name, repo_type="dataset")
    committed(api, name, {"README.md": CARD, "direct/test.parquet": TABLE})
    return name


def committed(api: HfApi, name: str, files: dict[str, bytes], **more: str):
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    return api.create_commit(name, operations, commit_message="files", repo_type="dataset", **more)


def blob_by_git(content: bytes) -> str:
    """As git itself names a content."""
    said = subprocess.run(["git", "hash-object", "--stdin"], input=content, capture_output=True, check=True)
    return said.stdout.decode().strip()


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
def test_a_new_repository_holds_what_git_needs_to_know_and_nothing_else(api, org, kind):
    sdk = "gradio" if kind == "space" else None
    url = api.create_repo(f"{org}/new", repo_type=kind, space_sdk=sdk)
    assert (url.repo_id, url.repo_type) == (f"{org}/new", kind)
    assert api.list_repo_files(f"{org}/new", repo_type=kind) == [".gitattributes"]
    assert [each.title for each in api.list_repo_commits(f"{org}/new", repo_type=kind)] == ["initial commit"]


def test_a_repository_is_created_once(api, bench):
    with pytest.raises(HfHubHTTPError) as said:
        api.create_repo(bench, repo_type="dataset")
    assert said.value.response.status_code == 409
    assert api.create_repo(bench, repo_type="dataset", exist_ok=True).repo_id == bench


def test_a_large_file_goes_through_lfs_and_a_small_one_with_the_commit(hub, api, bench):
    sent = [request for request in hub.requests if request.startswith("PUT /_lfs/")]
    assert sent == [f"PUT /_lfs/datasets/{bench}/{hashlib.sha256(TABLE).hexdigest()}"]
    small, large = api.get_paths_info(bench, ["README.md", "direct/test.parquet"], repo_type="dataset")
    assert small.lfs is None and small.blob_id == blob_by_git(CARD)
    assert large.lfs.sha256 == hashlib.sha256(TABLE).hexdigest() and large.size == len(TABLE)


def test_a_commit_names_its_files_and_its_parent(api, bench):
    before = api.dataset_info(bench).sha
    again = committed(api, bench, {"LICENSE": b"terms"}, parent_commit=before)
    assert [each.commit_id for each in api.list_repo_commits(bench, repo_type="dataset")][:2] == [
        again.oid,
        before,
    ]
    assert "LICENSE" in api.list_repo_files(bench, repo_type="dataset")
    assert "LICENSE" not in api.list_repo_files(bench, repo_type="dataset", revision=before)


def test_the_same_content_over_the_same_parent_is_the_same_commit_wherever_it_is(api, org):
    oids = set()
    for name in ("one", "two"):
        api.create_repo(f"{org}/{name}", repo_type="dataset")
        oids.add(committed(api, f"{org}/{name}", {"README.md": CARD}).oid)
    api.create_repo(f"{org}/three", repo_type="dataset")
    assert len(oids) == 1 and committed(api, f"{org}/three", {"README.md": CARD + b"!"}).oid not in oids


def test_a_commit_over_a_stale_parent_is_refused_with_412_and_changes_nothing(api, bench):
    stale = api.dataset_info(bench).sha
    newest = committed(api, bench, {"LICENSE": b"terms"}).oid
    with pytest.raises(HfHubHTTPError) as said:
        committed(api, bench, {"LICENSE": b"other"}, parent_commit=stale)
    assert said.value.response.status_code == 412
    assert api.dataset_info(bench).sha == newest


def test_of_eight_concurrent_writers_who_try_again_when_stale_none_loses_a_file(api, bench):
    def add(number: int) -> int:
        for tries in range(50):
            try:
                parent = api.dataset_info(bench).sha
                committed(api, bench, {f"rows/{number}.json": b"[]"}, parent_commit=parent)
                return tries
            except HfHubHTTPError as error:
                assert error.response.status_code == 412
        raise AssertionError("always stale")

    with ThreadPoolExecutor(8) as writers:
        tries = list(writers.map(add, range(8)))
    files = api.list_repo_files(bench, repo_type="dataset")
    assert {f"rows/{number}.json" for number in range(8)} <= set(files)
    assert len(api.list_repo_commits(bench, repo_type="dataset")) == 10 and max(tries) < 50


def test_files_that_did_not_change_are_neither_sent_nor_committed(hub, api, bench):
    before = api.dataset_info(bench).sha
    hub.wire.requests.clear()
    assert committed(api, bench, {"README.md": CARD, "direct/test.parquet": TABLE}).oid == before
    assert not [each for each in hub.requests if "/commit/" in each or each.startswith("PUT")]


def test_files_and_folders_are_deleted_and_what_is_not_there_cannot_be(api, bench):
    api.create_commit(bench, [CommitOperationDelete("direct/")], commit_message="less", repo_type="dataset")
    assert api.list_repo_files(bench, repo_type="dataset") == [".gitattributes", "README.md"]
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        api.delete_file("direct/test.parquet", bench, repo_type="dataset")


def test_a_commit_that_names_an_object_that_was_never_uploaded_is_refused(hub, bench, org):
    token = hub.state.caller(f"hf_{org}-writer")
    del hub.state.changed("dataset", bench, token).objects[hashlib.sha256(TABLE).hexdigest()]
    addition = CommitOperationAdd("again.parquet", TABLE)
    addition._upload_mode, addition._is_uploaded = "lfs", True
    with pytest.raises(BadRequestError, match=r"again\.parquet was never uploaded"):
        api_of(hub, f"hf_{org}-writer").create_commit(
            bench, [addition], commit_message="x", repo_type="dataset"
        )


def test_a_card_whose_yaml_cannot_be_read_is_refused_before_it_is_committed(hub, api, bench):
    with pytest.raises(ValueError, match="Invalid metadata in README"):
        committed(api, bench, {"README.md": b"---\na: [1\n---\n"})


def test_a_tag_keeps_its_commit_and_is_set_once(api, bench):
    api.create_tag(bench, tag="v1", repo_type="dataset")
    tagged = api.dataset_info(bench).sha
    committed(api, bench, {"LICENSE": b"terms"})
    assert api.dataset_info(bench, revision="v1").sha == tagged != api.dataset_info(bench).sha
    assert [(tag.name, tag.target_commit) for tag in api.list_repo_refs(bench, repo_type="dataset").tags] == [
        ("v1", tagged)
    ]
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_tag(bench, tag="v1", repo_type="dataset")
    api.delete_tag(bench, tag="v1", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info(bench, revision="v1")


def test_a_branch_grows_apart_from_main(api, bench):
    api.create_branch(bench, branch="next", repo_type="dataset")
    committed(api, bench, {"LICENSE": b"terms"}, revision="next")
    assert "LICENSE" in api.list_repo_files(bench, repo_type="dataset", revision="next")
    assert "LICENSE" not in api.list_repo_files(bench, repo_type="dataset")


def test_a_tree_is_listed_by_folder_and_as_a_whole_over_several_pages(hub, api, bench, monkeypatch):
    monkeypatch.setattr("tests.hub.reading.PAGE", 2)
    committed(api, bench, {f"deep/{number}/a.json": b"{}" for number in range(3)})
    top = [each.path for each in api.list_repo_tree(bench, repo_type="dataset")]
    assert top == [".gitattributes", "README.md", "deep", "direct"]
    hub.wire.requests.clear()
    whole = [each.path for each in api.list_repo_tree(bench, "deep", repo_type="dataset", recursive=True)]
    assert whole == ["deep/0", "deep/0/a.json", "deep/1", "deep/1/a.json", "deep/2", "deep/2/a.json"]
    assert len(hub.requests) == 3
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(bench, "nowhere", repo_type="dataset"))


def test_a_snapshot_holds_every_byte_and_the_checksums_agree(api, bench, tmp_path):
    folder = tmp_path / "copy"
    api.snapshot_download(bench, repo_type="dataset", local_dir=folder)
    assert (folder / "README.md").read_bytes() == CARD
    assert (folder / "direct/test.parquet").read_bytes() == TABLE
    verified = api.verify_repo_checksums(bench, repo_type="dataset", local_dir=folder)
    assert verified.checked_count == 3 and not verified.mismatches
    (folder / "direct/test.parquet").write_bytes(TABLE[:-1] + b"x")
    assert api.verify_repo_checksums(bench, repo_type="dataset", local_dir=folder).mismatches


def test_a_large_file_comes_from_another_host_which_is_never_given_the_token(hub, api, bench, tmp_path):
    api.hf_hub_download(bench, "direct/test.parquet", repo_type="dataset", cache_dir=tmp_path)
    [content] = [request for request in hub.wire.requests if request.path.startswith("/_cdn/")]
    assert "authorization" not in content.headers and content.headers["host"].startswith("localhost")
    assert content.sent == len(TABLE)


def test_a_part_of_a_file_is_read_by_its_range(hub, api, bench):
    files = HfFileSystem(endpoint=hub.address, token=api.token)
    with files.open(f"datasets/{bench}/direct/test.parquet", block_size=16) as file:
        file.seek(398)
        assert file.read() == b"R1"
    parts = [request for request in hub.wire.requests if request.path.startswith("/_cdn/")]
    assert parts[-1].status == 206 and parts[-1].sent == 2


def test_what_is_nowhere_is_said_as_the_hub_says_it(hub, api, bench, org):
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info(f"{org}/none")
    with pytest.raises(RepositoryNotFoundError):
        api_of(hub).dataset_info(f"{org}/none")
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info(bench, revision="none")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(bench, "none", repo_type="dataset")


def test_the_card_is_read_from_the_readme(api, bench):
    said = api.dataset_info(bench, files_metadata=True)
    assert said.card_data.license == "cc-by-4.0"
    assert {each.rfilename: each.size for each in said.siblings}["direct/test.parquet"] == len(TABLE)


def test_a_space_has_an_sdk_and_something_that_runs(api, org):
    with pytest.raises(ValueError, match="No space_sdk"):
        api.create_repo(f"{org}/app", repo_type="space")
    api.create_repo(f"{org}/app", repo_type="space", space_sdk="gradio")
    assert api.space_info(f"{org}/app").sdk == "gradio"
    runtime = api.get_space_runtime(f"{org}/app")
    assert (runtime.stage, runtime.hardware) == ("RUNNING", "cpu-basic")
