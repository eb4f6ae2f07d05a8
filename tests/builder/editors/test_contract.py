"""What every editor promises: its own side of the boxes alone, the same bytes, and no trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import builder.editors
from builder.editors import edit_prompt, edit_seed
from builder.sources.phantom import Phantom
from medground_bench import plugins
from medground_bench.core.causal_filter import Edit
from medground_bench.core.edit_regions import editable, inside
from medground_bench.core.types import Answer, Box, Frame

SOURCE = Phantom()
FOLDER = Path(builder.editors.__file__).parent
EDITORS = sorted(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))
DIFFUSION = ("torch", "diffusers")
NEEDS = {"harmonic": ("skimage",), "radedit": DIFFUSION, "phantom_radedit": DIFFUSION}
SETTINGS = {"radedit": {"steps": 20, "side_px": 64}}
"""Only what a tiny model asks for."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    pytest.importorskip("diffusers")
    from tests.kit.tiny_diffusion import save_tiny_diffusion

    return save_tiny_diffusion(tmp_path_factory.mktemp("weights"))


@pytest.fixture(params=EDITORS)
def editor(request, monkeypatch):
    return opened(request, monkeypatch, request.param)


def opened(request, monkeypatch, name):
    for module in NEEDS.get(name, ()):
        pytest.importorskip(module)
    if name == "radedit":
        for variable, place in request.getfixturevalue("weights").environment().items():
            monkeypatch.setenv(variable, place)
    return plugins.load("editors", name)(**SETTINGS.get(name, {}))


def positive(width_over_height):
    """A small positive question of a picture that is wide, or high."""
    for known in SOURCE.questions("test", 40):
        native = known.question.native
        if known.question.answer is Answer.YES and (native.width > native.height) == width_over_height:
            return known.question
    raise AssertionError("no such phantom")


QUESTIONS = [positive(True), positive(False)]


def test_every_editor_is_held_to_the_contract():
    assert {"phantom_exact", "phantom_radedit", "harmonic", "radedit"} <= set(EDITORS)
    assert set(EDITORS) == {plugin.name for plugin in plugins.available("editors")}


def test_two_pictures_of_other_sizes_are_edited():
    assert len({(question.native.width, question.native.height) for question in QUESTIONS}) == 2


@pytest.mark.parametrize("edit", Edit)
@pytest.mark.parametrize("question", QUESTIONS, ids=["wide", "high"])
def test_an_edit_changes_its_side_of_the_boxes_alone_and_ends_in_the_same_bytes(editor, question, edit):
    picture = SOURCE.picture(question)
    before = picture.copy()
    edited = editor.edit(question, picture, edit)
    assert edited.dtype == np.uint8 and edited.shape == picture.shape
    mask = editable(question, picture, edit)
    assert np.array_equal(edited[~mask], picture[~mask])
    assert (edited[mask] != picture[mask]).mean() > 0.2
    assert np.array_equal(editor.edit(question, picture, edit), edited)
    assert np.array_equal(picture, before)


def test_the_three_edits_of_a_picture_differ(editor):
    picture = SOURCE.picture(QUESTIONS[0])
    edits = [editor.edit(QUESTIONS[0], picture, edit).tobytes() for edit in Edit]
    assert len(set(edits)) == 3


def test_an_editor_leaves_no_trace(editor):
    torch = pytest.importorskip("torch")
    np.random.seed(3)  # noqa: NPY002 - the state that must stay
    torch.manual_seed(3)

    def state():
        kept = np.random.get_state()  # noqa: NPY002
        return (
            kept[1].tobytes(), kept[2], torch.get_rng_state().numpy().tobytes(), torch.is_grad_enabled(),
            torch.get_default_dtype(), torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark,
            torch.are_deterministic_algorithms_enabled(), np.geterr(),
        )  # fmt: skip

    before = state()
    for edit in Edit:
        editor.edit(QUESTIONS[0], SOURCE.picture(QUESTIONS[0]), edit)
    assert state() == before


@pytest.mark.parametrize("name", ["harmonic", "radedit", "phantom_radedit"])
def test_boxes_over_the_whole_picture_leave_no_background_to_edit(request, monkeypatch, name):
    editor, question = opened(request, monkeypatch, name), QUESTIONS[0]
    frame = question.native
    whole = replace(question, boxes=(Box(0, 0, frame.width, frame.height, frame),))
    picture = SOURCE.picture(whole)
    assert np.array_equal(editor.edit(whole, picture, Edit.BACKGROUND), picture)
    assert editor.edit(whole, picture, Edit.FOREGROUND).shape == picture.shape


@pytest.mark.parametrize("name", ["harmonic", "radedit", "phantom_radedit"])
def test_a_question_without_boxes_has_no_foreground_to_edit(request, monkeypatch, name):
    editor, question = opened(request, monkeypatch, name), replace(QUESTIONS[0], boxes=())
    picture = SOURCE.picture(question)
    assert np.array_equal(editor.edit(question, picture, Edit.FOREGROUND), picture)


@pytest.mark.parametrize("name", ["harmonic", "radedit", "phantom_radedit"])
def test_a_picture_of_one_grey_and_one_with_two_regions_are_edited(request, monkeypatch, name):
    editor = opened(request, monkeypatch, name)
    frame = Frame.native(width=150, height=90)
    boxes = (Box(2.5, 3, 30, 40, frame), Box(100, 50, 103, 53, frame))
    question = replace(QUESTIONS[0], native=frame, boxes=boxes)
    flat = np.full((90, 150), 77, np.uint8)
    for edit in Edit:
        mask = editable(question, flat, edit)
        assert np.array_equal(editor.edit(question, flat, edit)[~mask], flat[~mask])


def test_the_version_of_an_editor_follows_its_code(editor, monkeypatch):
    assert editor.version == type(editor)(**SETTINGS.get(editor.name, {})).version
    module = f"builder.editors.{editor.name}"
    monkeypatch.setattr(f"{module}.editor_code", lambda *_files: "other code")
    assert type(editor)(**SETTINGS.get(editor.name, {})).version != editor.version


def test_what_is_outside_the_boxes_can_be_edited_by_the_background_edits_alone():
    picture = SOURCE.picture(QUESTIONS[0])
    boxes = inside(QUESTIONS[0].boxes, picture)
    assert np.array_equal(editable(QUESTIONS[0], picture, Edit.FOREGROUND), boxes)
    for edit in (Edit.BACKGROUND, Edit.BACKGROUND_NORMAL):
        assert np.array_equal(editable(QUESTIONS[0], picture, edit), ~boxes)


def test_a_seed_belongs_to_the_question_the_picture_and_the_edit():
    one, other = QUESTIONS
    pictures = [SOURCE.picture(question) for question in QUESTIONS]
    drawn = {
        edit_seed(question, picture, edit)
        for question in (one, other)
        for picture in pictures
        for edit in Edit
    }
    assert len(drawn) == 12
    assert edit_seed(one, pictures[0], Edit.FOREGROUND) == edit_seed(one, pictures[0].copy(), Edit.FOREGROUND)


def test_the_prompts_are_those_of_the_paper():
    assert [edit_prompt("rib fracture", edit) for edit in Edit] == [
        "No rib fracture", "No rib fracture", "No abnormality",
    ]  # fmt: skip
