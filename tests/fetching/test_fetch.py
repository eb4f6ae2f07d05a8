"""`medground fetch` against PhysioNet on this machine: what comes, what is asked for, and what is refused."""

from __future__ import annotations

import shutil
import stat

import pytest

from builder.build import open_source
from builder.publish.columns import Level
from medground_bench.pictures import picture_digest
from tests.fetching.conftest import PROJECTS, benchmark_of, error_of, pictures
from tests.kit.physionet import SUMS
from tests.kit.trees import GOLD, TEST_TABLE


def test_the_pictures_of_the_cases_come_and_the_source_opens_from_the_folder(asked, site, fetch, tmp_path):
    code, out, err = fetch(asked)
    assert code == 0, err
    images = {case.image_id for case in asked.cases}
    assert out.startswith(f"{len(images)} pictures fetched into ")
    source = open_source(asked.source, [tmp_path / "copy"])
    known = {each.release_index: each.question for each in source.questions("test", None)}
    assert {question.image_id for question in known.values()} == images
    for case in asked.cases:
        assert picture_digest(source.picture(known[case.release_index])) == case.image_sha256


def test_nothing_is_asked_for_but_tables_checksums_and_these_pictures_each_once(asked, site, fetch, tmp_path):
    assert fetch(asked)[0] == 0
    tables = {"imagenome": (f"{PROJECTS['gold']}/{GOLD}", f"{PROJECTS['mimic']}/{SUMS}")}
    vindr = (f"{PROJECTS['vindr']}/{TEST_TABLE}", f"{PROJECTS['vindr']}/{SUMS}")
    assert sorted(site.asked) == sorted({*pictures(tmp_path / "copy"), *tables.get(asked.source, vindr)})


def test_a_finished_fetch_asks_nothing_of_the_server_and_no_password(asked, site, fetch, tmp_path):
    fetch(asked)
    site.wire.requests.clear()
    code, out, err = fetch(asked, password="")
    assert code == 0, err
    assert (
        f"0 pictures fetched into {tmp_path / 'copy'}, {len(pictures(tmp_path / 'copy'))} were there" in out
    )
    assert not site.wire.requests


def test_the_password_goes_out_after_the_server_asked_and_is_checked_once(mimic, site, fetch):
    assert fetch(mimic)[0] == 0
    first, *others = site.wire.requests
    assert "authorization" not in first.headers and first.status == 401
    assert all(each.headers["authorization"].startswith("Basic ") for each in others)
    assert site.checked == 1


def test_files_are_their_users_alone(mimic, site, fetch, tmp_path):
    assert fetch(mimic)[0] == 0
    for each in [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]:
        assert stat.S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600), each


def test_a_benchmark_of_the_hub_is_taken_by_its_id(mimic, site, fetch, hub, org):
    from tests.hub.clients import api_of

    api = api_of(hub, f"hf_{org}-writer")
    api.create_repo(f"{org}/medground-bench", repo_type="dataset")
    api.upload_folder(
        repo_id=f"{org}/medground-bench",
        repo_type="dataset",
        folder_path=mimic.folder,
        commit_message="Cases",
    )
    code, out, err = fetch(mimic, dataset=f"{org}/medground-bench")
    assert code == 0, err
    assert out.startswith("3 pictures fetched")


def test_rows_of_an_own_build_name_their_pictures_by_id(trees, site, fetch, tmp_path):
    asked = benchmark_of(trees, "vindr_cxr", tmp_path / "own", indices=False)
    assert fetch(asked)[0] == 0
    assert {path.rpartition("/")[2] for path in pictures(tmp_path / "copy")} == {
        f"{case.image_id}.dicom" for case in asked.cases
    }


def test_where_nothing_says_which_pictures_all_that_the_table_lists_come(trees, site, fetch, tmp_path):
    asked = benchmark_of(trees, "vindr_cxr", tmp_path / "own", level=Level.KEYS, indices=False)
    assert fetch(asked)[0] == 0
    assert len(pictures(tmp_path / "copy")) == len(set(trees.phantom_of.values()))


def test_questions_decide_where_there_is_no_case(trees, site, fetch, tmp_path):
    asked = benchmark_of(trees, "vindr_cxr", tmp_path / "questions", level=Level.KEYS)
    shutil.rmtree(asked.folder / "direct")
    assert fetch(asked)[0] == 0
    assert len(pictures(tmp_path / "copy")) == len(set(trees.phantom_of.values()))


def test_a_copy_that_lies_there_already_is_taken_over_file_by_file_after_the_same_checks(
    mimic, trees, site, fetch, tmp_path
):
    whole = tmp_path / "copy" / PROJECTS["mimic"]
    shutil.copytree(trees.imagenome[1], whole)
    cut = min(path for path in pictures(tmp_path / "copy") if path.rpartition("/")[2][:-4] in ids(mimic))
    content = (tmp_path / "copy" / cut).read_bytes()
    (tmp_path / "copy" / cut).write_bytes(content[: len(content) // 2])
    code, out, err = fetch(mimic)
    assert code == 0, err
    assert out.startswith("1 pictures fetched") and [
        path for path in site.asked if path.endswith(".jpg")
    ] == [cut]
    assert (tmp_path / "copy" / cut).read_bytes() == content


def ids(asked):
    return {case.image_id for case in asked.cases}


def test_the_copy_may_not_lie_in_the_benchmark_that_is_published(mimic, site, fetch):
    for place in (mimic.folder / "copy", mimic.folder.parent):
        assert "never published with it" in error_of(fetch(mimic, to=place))
    assert not site.wire.requests and not (mimic.folder / "copy").exists()


def test_padchest_gr_is_told_in_one_paragraph_with_where_to_apply(mimic, site, fetch):
    said = error_of(fetch(mimic, source="padchest_gr"))
    assert "36 GB" in said and "https://bimcv.cipf.es/bimcv-projects/padchest-gr/" in said
    assert not site.wire.requests


def test_a_source_without_files_is_told_so(mimic, site, fetch):
    assert "there is nothing to fetch for phantom" in error_of(fetch(mimic, source="phantom"))


def test_an_unknown_source_is_answered_with_those_that_there_are(mimic, site, fetch):
    code, _, err = fetch(mimic, source="mimic_cxr")
    assert code == 2 and "mimic_cxr_jpg" in err


def test_a_benchmark_without_a_case_of_the_source_is_refused_before_anything_is_asked(mimic, site, fetch):
    assert "no case or question of vindr_cxr" in error_of(fetch(mimic, source="vindr_cxr"))
    assert not site.wire.requests


def test_tables_with_fewer_questions_than_the_cases_name_are_of_another_version(
    mimic, trees, site, fetch, tmp_path, monkeypatch
):
    """The gold table of another benchmark: one picture."""
    from builder.sources import imagenome
    from medground_bench.storage.whole_files import sha256
    from tests.kit.trees import write_trees

    other = write_trees(tmp_path / "other", [next(iter(trees.phantom_of.values()))])
    site.folders[PROJECTS["gold"]] = other.imagenome[0]
    monkeypatch.setattr(imagenome, "DIGEST", sha256((other.imagenome[0] / GOLD).read_bytes()))
    assert "another version" in error_of(fetch(mimic))


def test_the_gold_table_must_be_the_one_that_is_known(mimic, site, fetch, monkeypatch, tmp_path):
    from builder.sources import imagenome

    monkeypatch.setattr(imagenome, "DIGEST", "1f2e" * 16)
    said = error_of(fetch(mimic))
    assert "came twice" in said and "checksum" in said
    assert site.asked == [f"{PROJECTS['gold']}/{GOLD}"] * 2
    assert not (tmp_path / "copy" / PROJECTS["gold"] / GOLD).exists()


def test_a_wrong_password_is_tried_once(mimic, site, fetch):
    said = error_of(fetch(mimic, password="wrong"))  # noqa: S106
    assert "does not know this name with this password (401)" in said and "wrong" not in said
    assert len(site.asked) == 1


@pytest.mark.parametrize("project", ["gold", "mimic"])
def test_an_agreement_that_is_not_signed_is_named_by_its_page(mimic, site, fetch, project):
    site.signed[PROJECTS[project]] = set()
    said = error_of(fetch(mimic))
    assert f"/content/{PROJECTS[project]}/ once you are credentialed" in said and "(403)" in said


def test_a_site_that_does_not_let_this_program_log_in_never_sees_the_password(
    mimic, site, fetch, monkeypatch
):
    monkeypatch.setattr("tests.kit.physionet.MAY_LOG_IN", ("Other/",))
    assert "before it asks who you are (403)" in error_of(fetch(mimic))
    assert not site.asked


def test_no_netrc_is_read(mimic, site, fetch, monkeypatch, tmp_path):
    netrc = tmp_path / "home" / ".netrc"
    netrc.parent.mkdir()
    netrc.write_text("machine 127.0.0.1 login other pass" + "word another\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(netrc.parent))
    monkeypatch.setenv("NETRC", str(netrc))
    code, _, err = fetch(mimic)
    assert code == 0, err
    assert "authorization" not in site.wire.requests[0].headers and site.checked == 1


@pytest.mark.parametrize("name", ["", "a:b", "a\nb"])
def test_a_name_that_cannot_be_sent_is_refused(mimic, site, fetch, name):
    assert "--user is no name" in error_of(fetch(mimic, user=name))


def test_dicom_that_cannot_be_checked_is_not_fetched(vindr, site, fetch, monkeypatch):
    monkeypatch.setattr("medground_bench.commands.fetch.find_spec", lambda name: None)
    assert "medground-bench[dicom]" in error_of(fetch(vindr))
    assert not [path for path in site.asked if path.endswith(".dicom")]


def test_progress_is_told_with_a_rate(mimic, site, fetch):
    _, _, err = fetch(mimic)
    assert "pictures: 3 of 3 picture (100%)" in err and "picture/s" in err


def test_two_fetches_into_one_folder_are_refused(mimic, site, fetch, tmp_path):
    from medground_bench.fetching.fetch import JOURNAL
    from medground_bench.storage.journal import opened_journal

    with opened_journal(tmp_path / "copy" / JOURNAL):
        assert "in use by another process" in error_of(fetch(mimic))
