"""Who may see, read and change what: visibility, gates, roles, tokens, and the queue of access requests."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import huggingface_hub
import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import BadRequestError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from tests.hub.clients import api_of, ask_for_access
from tests.hub.state import Token

FORM = {"PhysioNet user name": "ann", "I completed the training": "true"}


@pytest.fixture
def writer(hub, org):
    """The client of a member who may write."""
    return api_of(hub, f"hf_{org}-writer")


@pytest.fixture
def bench(hub, org) -> str:
    """A public dataset behind a gate where each request is looked at."""
    made = hub.state.create("dataset", f"{org}/bench", gated="manual")
    made.commit({"README.md": b"# rows", "test.parquet": b"PAR1"})
    return made.name


@pytest.fixture
def ann(hub, org) -> str:
    """The token of someone who is in no organisation."""
    return hub.state.person(f"{org}-ann")


def read(hub, name: str, token: str = "") -> bytes:
    """The file as it comes into an empty cache: one that was read before would hide what the hub says now."""
    with TemporaryDirectory() as cache:
        path = api_of(hub, token).hf_hub_download(name, "test.parquet", repo_type="dataset", cache_dir=cache)
        return Path(path).read_bytes()


def test_a_private_repository_is_not_there_for_strangers(hub, writer, org, ann):
    writer.create_repo(f"{org}/secret", repo_type="dataset", private=True)
    for token in ("", ann):
        with pytest.raises(RepositoryNotFoundError):
            api_of(hub, token).dataset_info(f"{org}/secret")
    assert api_of(hub, f"hf_{org}-reader").dataset_info(f"{org}/secret").private
    writer.update_repo_settings(f"{org}/secret", repo_type="dataset", visibility="public")
    assert not api_of(hub).dataset_info(f"{org}/secret").private


def test_members_read_behind_a_gate_and_an_anonymous_client_is_refused(hub, org, bench):
    for role in ("admin", "writer", "reader"):
        assert read(hub, bench, f"hf_{org}-{role}") == b"PAR1"
    with pytest.raises(GatedRepoError) as said:
        read(hub, bench)
    assert said.value.response.status_code == 401
    with pytest.raises(GatedRepoError):
        api_of(hub).snapshot_download(bench, repo_type="dataset")


def test_behind_a_gate_the_card_and_the_list_of_files_stay_open(hub, bench):
    api = api_of(hub)
    assert api.dataset_info(bench).gated == "manual"
    assert "test.parquet" in api.list_repo_files(bench, repo_type="dataset")
    assert api.hf_hub_download(bench, "README.md", repo_type="dataset")


def test_a_request_is_pending_then_accepted_then_rejected(hub, writer, org, bench, ann):
    with pytest.raises(GatedRepoError, match="Ask for access"):
        read(hub, bench, ann)
    ask_for_access(hub, bench, ann, FORM)
    [asked] = writer.list_pending_access_requests(bench, repo_type="dataset")
    assert (asked.username, asked.status, asked.fields) == (f"{org}-ann", "pending", FORM)
    with pytest.raises(GatedRepoError, match="awaiting a review"):
        read(hub, bench, ann)
    writer.accept_access_request(bench, asked.username, repo_type="dataset")
    assert read(hub, bench, ann) == b"PAR1"
    assert [each.username for each in writer.list_accepted_access_requests(bench, repo_type="dataset")]
    writer.reject_access_request(bench, asked.username, repo_type="dataset", rejection_reason="no training")
    with pytest.raises(GatedRepoError, match="has been rejected") as said:
        read(hub, bench, ann)
    assert said.value.response.status_code == 403
    [rejected] = hub.state.repositories["dataset", bench].requests.values()
    assert rejected.reason == "no training"
    writer.cancel_access_request(bench, asked.username, repo_type="dataset")
    assert len(list(writer.list_pending_access_requests(bench, repo_type="dataset"))) == 1


@pytest.mark.skipif(huggingface_hub.__version__ < "2", reason="that client cannot read hidden user names")
def test_where_user_names_are_hidden_a_request_is_known_by_its_id_alone(hub, writer, bench, org, ann):
    hub.state.repositories["dataset", bench].hides_user_names = True
    ask_for_access(hub, bench, ann, FORM)
    [asked] = writer.list_pending_access_requests(bench, repo_type="dataset")
    assert asked.username is None and asked.fullname is None and asked.email is None
    with pytest.raises(BadRequestError):
        writer.accept_access_request(bench, f"{org}-ann", repo_type="dataset")
    writer.accept_access_request(bench, request_id=asked.request_id, repo_type="dataset")
    assert read(hub, bench, ann) == b"PAR1"


def test_an_automatic_gate_lets_in_whoever_asks(hub, writer, bench, ann):
    writer.update_repo_settings(bench, repo_type="dataset", gated="auto")
    with pytest.raises(GatedRepoError):
        read(hub, bench, ann)
    ask_for_access(hub, bench, ann, FORM)
    assert read(hub, bench, ann) == b"PAR1"


def test_an_open_gate_lets_in_everyone_and_has_no_queue(hub, writer, org, bench):
    writer.update_repo_settings(bench, repo_type="dataset", gated=False)
    assert read(hub, bench) == b"PAR1"
    with pytest.raises(BadRequestError):
        writer.accept_access_request(bench, f"{org}-reader", repo_type="dataset")


def test_access_is_granted_without_being_asked_for_once_and_to_people_who_exist(hub, writer, org, bench, ann):
    writer.grant_access(bench, f"{org}-ann", repo_type="dataset")
    assert read(hub, bench, ann) == b"PAR1"
    for person, status in ((f"{org}-ann", 400), (f"{org}-nobody", 404)):
        with pytest.raises(HfHubHTTPError) as said:
            writer.grant_access(bench, person, repo_type="dataset")
        assert said.value.response.status_code == status


def test_a_long_queue_comes_in_pages(hub, writer, bench, monkeypatch):
    monkeypatch.setattr("tests.hub.asking.PAGE", 2)
    gated = hub.state.repositories["dataset", bench]
    for number in range(5):
        gated.ask(f"person{number}")
    asked = [each.username for each in writer.list_pending_access_requests(bench, repo_type="dataset")]
    assert asked == [f"person{number}" for number in range(5)]


def test_a_reader_sees_but_changes_nothing(hub, org, bench):
    reader = api_of(hub, f"hf_{org}-reader")
    for forbidden in (
        lambda: reader.create_repo(f"{org}/mine", repo_type="dataset"),
        lambda: commit(reader, bench),
        lambda: reader.update_repo_settings(bench, repo_type="dataset", gated=False),
        lambda: reader.create_tag(bench, tag="v1", repo_type="dataset"),
        lambda: list(reader.list_pending_access_requests(bench, repo_type="dataset")),
    ):
        with pytest.raises(HfHubHTTPError) as said:
            forbidden()
        assert said.value.response.status_code == 403


def test_a_read_only_token_of_a_writer_changes_nothing(hub, org, bench):
    hub.state.tokens["hf_read_only"] = Token(f"{org}-writer", role="read")
    api = api_of(hub, "hf_read_only")
    assert api.whoami()["auth"]["accessToken"]["role"] == "read"
    with pytest.raises(HfHubHTTPError) as said:
        commit(api, bench)
    assert said.value.response.status_code == 403


@pytest.mark.parametrize("token", ["hf_expired", "hf_wrong"])
def test_a_wrong_or_expired_token_is_refused_everywhere_even_where_none_is_needed(hub, org, bench, token):
    hub.state.tokens["hf_expired"] = Token(f"{org}-writer", expired=True)
    api = api_of(hub, token)
    for refused in (api.whoami, lambda: api.dataset_info(bench), lambda: commit(api, bench)):
        with pytest.raises(HfHubHTTPError) as said:
            refused()
        assert said.value.response.status_code == 401
        assert not isinstance(said.value, RepositoryNotFoundError)


def test_whoami_names_the_organisations_with_the_role_in_each(hub, org):
    said = api_of(hub, f"hf_{org}-admin").whoami()
    assert said["name"] == f"{org}-admin"
    assert [(each["name"], each["roleInOrg"]) for each in said["orgs"]] == [(org, "admin")]


def test_everyone_may_do_all_at_home(hub, ann, org):
    api = api_of(hub, ann)
    api.create_repo("notes", repo_type="dataset")
    assert api.dataset_info(f"{org}-ann/notes").author == f"{org}-ann"


def test_whether_one_may_read_can_be_asked_for(hub, org, bench, ann):
    api_of(hub, f"hf_{org}-reader").auth_check(bench, repo_type="dataset")
    with pytest.raises(GatedRepoError):
        api_of(hub, ann).auth_check(bench, repo_type="dataset")


def commit(api, name: str) -> None:
    api.create_commit(
        name, [CommitOperationAdd("a.json", b"{}")], commit_message="a file", repo_type="dataset"
    )
