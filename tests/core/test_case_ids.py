"""Case ids: made and taken apart in one place, whatever slashes and @ a source or an LVLM brings."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medground_bench.core.case_ids import case_id, case_parts, finding_slug, question_id, question_of
from medground_bench.core.types import Mode, Track

PATHS = st.text(string.ascii_letters + string.digits + "/-_.@ ", min_size=1, max_size=30)
LVLMS = st.sampled_from(
    ["medgemma_4b", "org/name@0123456789abcdef0123456789abcdef01234567", "my model", "a:b@c/d"]
)


@pytest.mark.parametrize(
    ("text", "source", "image_id", "slug", "lvlm"),
    [
        (
            "phantom/4000001/rib-fracture@phantom_gemma3:direct",
            "phantom",
            "4000001",
            "rib-fracture",
            "phantom_gemma3",
        ),
        ("vindr_cxr/a/b/nodule@org/name@1f2e:reason", "vindr_cxr", "a/b", "nodule", "org/name@1f2e"),
        ("own/photo@2x/edema@x:direct", "own", "photo@2x", "edema", "x"),
        ("own/scan.1/@x:direct", "own", "scan.1", "", "x"),
    ],
)
def test_what_a_case_id_says(text, source, image_id, slug, lvlm):
    parts = case_parts(text)
    assert (parts.source, parts.image_id, parts.slug, parts.lvlm) == (source, image_id, slug, lvlm)
    assert parts.picture == f"{source}/{image_id}"
    assert question_of(text) == f"{source}/{image_id}/{slug}"


@given(image_id=PATHS, lvlm=LVLMS, mode=st.sampled_from(list(Mode)))
def test_a_case_id_is_taken_apart_into_what_it_was_made_of_or_is_not_made(image_id, lvlm, mode):
    try:
        question = question_id("mimic", image_id, "Nodule/Mass")
    except ValueError:
        return
    parts = case_parts(case_id(question, Track(lvlm, mode)))
    assert (parts.source, parts.image_id, parts.slug) == ("mimic", image_id, finding_slug("Nodule/Mass"))
    assert (parts.lvlm, parts.mode) == (lvlm, mode.value)


@given(PATHS)
def test_every_usual_image_id_makes_a_case_id(image_id):
    assume("@" not in image_id)
    assert question_id("mimic", image_id, "mass") == f"mimic/{image_id}/mass"


@pytest.mark.parametrize(("source", "image_id"), [("a/b", "1"), ("", "1"), ("a", ""), ("a", "x/b@c")])
def test_an_id_that_could_not_be_told_from_the_rest_is_refused(source, image_id):
    with pytest.raises(ValueError, match="no case id can be made"):
        question_id(source, image_id, "mass")


@pytest.mark.parametrize("text", ["", "edema", "a/b/c", "a/b/c@d", "x" * 5000, "a/b/Upper Case@x:direct"])
def test_another_text_is_no_case_id(text):
    assert case_parts(text) is None
    with pytest.raises(ValueError, match="is no case id"):
        question_of(text)
