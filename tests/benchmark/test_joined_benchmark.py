"""`open_benchmark` with one's own copies: what a published benchmark lacks is there again, whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from builder.assemble import source_question
from builder.build import open_source
from builder.publish.columns import CREDENTIALED
from builder.sources.vindr_cxr import VindrCxr
from medground_bench.benchmark.attempts import Attempts
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import DIRECT, QUESTIONS
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Group, Mode, Track
from medground_bench.pictures import to_study

TRACK = Track("one", Mode.DIRECT)


def by_content(references) -> dict:
    """References by what is not secret in them, with their boxes; a phantom's boxes tell its pictures apart."""
    return {
        (each.source, each.finding, each.native, tuple(box.xyxy for box in each.boxes)) for each in references
    }


def test_references_are_those_of_the_build_under_published_ids(published, sources_built, roots):
    joined = open_benchmark(published, roots).references()
    built = open_benchmark(sources_built.path).references()
    assert by_content(joined) == by_content(built) and len(joined) == len(built) > 3
    ids = {row.case_id for row in sources_built.read(DIRECT, "test")}
    assert not ids & {each.case_id for each in joined}
    assert all(each.image_id.startswith("pic-") for each in joined)


def test_cases_have_the_pictures_of_the_copies(published, sources_built, roots, source_copies):
    rows = {(row.source, row.finding, row.image_sha256): row for row in sources_built.read(QUESTIONS, "test")}
    digests = {
        row.case_id: row.image_sha256 for row in open_benchmark(published).columns(DIRECT, "test", DIRECT.row)
    }
    sources = {source: open_source(source, source_copies.roots(source)) for source in CREDENTIALED}
    count = 0
    for case in open_benchmark(published, roots).cases(mode=Mode.DIRECT):
        source = case.case_id.partition("/")[0]
        row = rows[source, case.finding, digests[case.case_id]]
        picture = sources[source].picture(source_question(row).question)
        assert np.array_equal(case.picture, to_study(picture).picture)
        assert (case.native.width, case.native.height) == (row.width, row.height)
        count += 1
    assert count == len(digests)


def test_what_the_causal_filter_turned_away_is_joined_too(published, sources_built, roots):
    groups = frozenset(Group)
    joined = Attempts.of(open_benchmark(published, roots), TRACK, groups=groups)
    built = Attempts.of(open_benchmark(sources_built.path, roots), TRACK, groups=groups)
    assert len(joined) == len(built) > len(open_benchmark(published, roots).references(mode=Mode.DIRECT))
    assert by_content(joined.references) == by_content(built.references)
    assert sorted(each.case.picture.tobytes() for each in joined.walk()) == sorted(
        each.case.picture.tobytes() for each in built.walk()
    )


def test_the_content_of_a_track_has_the_boxes_in_it(published, roots):
    bare, joined = open_benchmark(published), open_benchmark(published, roots)
    assert bare.content_digest(TRACK) != joined.content_digest(TRACK)
    assert joined.content_digest(TRACK) == open_benchmark(published, roots).content_digest(TRACK)


def test_every_picture_is_checked_once_with_progress_and_the_next_time_none(published, roots, monkeypatch):
    told, decoded, read = [], [], VindrCxr.picture
    monkeypatch.setattr(
        VindrCxr, "picture", lambda self, question: decoded.append(question.image_id) or read(self, question)
    )

    class Told:
        def __init__(self, label, total, unit):
            told.append((label, total, unit))

        def __enter__(self):
            return lambda done: None

        def __exit__(self, *_error):
            return None

    first = open_benchmark(published, roots, progress=Told).references()
    [(label, total, unit)] = told
    assert (label, unit) == ("check pictures", "pictures") and total == len(CREDENTIALED) * len(set(decoded))
    assert sorted(decoded) == sorted(set(decoded)) != []
    decoded.clear()
    assert open_benchmark(published, roots, progress=Told).references() == first
    assert not decoded and len(told) == 1


def test_a_case_that_cannot_be_joined_is_told_in_a_table_and_none_is_scored_without_it(published, roots):
    picture = next((roots["padchest_gr"] / "PadChest_GR").iterdir())
    turned = np.asarray(Image.open(picture))[::-1]
    Image.fromarray(np.ascontiguousarray(turned)).save(picture)
    benchmark = open_benchmark(published, roots)
    for ask in (
        benchmark.references,
        lambda: list(benchmark.cases()),
        lambda: benchmark.content_digest(TRACK),
    ):
        with pytest.raises(
            SourceMissing, match=r"of [\d,]+ rows cannot be joined with your copies:\n"
        ) as said:
            ask()
        assert "the picture in the copy has another digest  padchest_gr/pic-" in str(said.value)
        assert "joined" in str(said.value)
    assert benchmark.references(source="vindr_cxr"), "of another source all can be joined"


def test_copies_that_cannot_be_opened_are_said_before_the_benchmark_is_fetched(roots):
    with pytest.raises(SourceMissing, match=r"vindr_cxr: .* lacks annotations"):
        open_benchmark("org/medground-bench", {"vindr_cxr": roots["padchest_gr"]})
