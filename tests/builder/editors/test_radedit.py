"""RadEdit's editor on a tiny random model: masks, fading, settings, seeds and its version."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from builder.editors import radedit  # noqa: E402
from builder.editors.radedit import RadEdit  # noqa: E402
from builder.sources.phantom import Phantom  # noqa: E402
from medground_bench.core.causal_filter import Edit  # noqa: E402
from medground_bench.core.edit_regions import editable, inside  # noqa: E402
from medground_bench.core.types import Answer, Box, Frame, Question  # noqa: E402
from medground_bench.pictures import to_study  # noqa: E402
from tests.kit.tiny_diffusion import SIDE_PX, save_tiny_diffusion  # noqa: E402

SOURCE = Phantom()
QUESTION = next(k.question for k in SOURCE.questions("test", 1) if k.question.answer is Answer.YES)
PICTURE = SOURCE.picture(QUESTION)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_diffusion(tmp_path_factory.mktemp("weights"))


@pytest.fixture(autouse=True)
def weights(tiny, monkeypatch):
    for variable, place in tiny.environment().items():
        monkeypatch.setenv(variable, place)


def tiny_editor(**settings):
    return RadEdit(**{"steps": 20, "side_px": SIDE_PX} | settings)


def question_of(*corners, width=160, height=96):
    frame = Frame.native(width=width, height=height)
    return Question("vindr_cxr", "1", "mass", Answer.YES, frame, tuple(Box(*each, frame) for each in corners))


def test_the_settings_are_those_of_the_papers_authors():
    editor = RadEdit()
    assert (editor.name, editor.steps, editor.guidance, editor.skip, editor.side_px) == (
        "radedit", 200, 7.5, 0.3, 512,
    )  # fmt: skip
    with pytest.raises(ValueError, match="steps divide 1000"):
        RadEdit(steps=300)


@pytest.mark.parametrize(
    "settings", [{"steps": 25}, {"guidance": 1.0}, {"skip": 0.6}, {"feather_px": 20.0}, {"side_px": 128}]
)
def test_every_setting_changes_the_version_and_the_picture(settings):
    editor, other = tiny_editor(), tiny_editor(**settings)
    assert editor.version != other.version
    question = question_of((20, 10, 120, 80))
    picture = np.random.default_rng(0).integers(0, 256, (96, 160), dtype=np.uint8)
    assert not np.array_equal(
        editor.edit(question, picture, Edit.FOREGROUND), other.edit(question, picture, Edit.FOREGROUND)
    )


def test_other_weights_and_other_code_make_another_version(tiny, monkeypatch, tmp_path):
    import shutil

    before = tiny_editor().version
    folder = shutil.copytree(tiny.text, tmp_path / "text")
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "\nnew")
    monkeypatch.setenv("MEDGROUND_BIOVIL_T", str(folder))
    assert tiny_editor().version != before
    monkeypatch.undo()


def test_all_files_of_the_diffusion_folder_are_part_of_the_version(monkeypatch):
    seen = []
    monkeypatch.setattr(radedit, "editor_code", lambda *files: seen.extend(files) or "code")
    tiny_editor()
    names = {file.rpartition("/")[2] for file in seen}
    assert names >= {"radedit.py", "inversion.py", "parts.py", "weights.py"}


@pytest.mark.parametrize("edit", Edit)
def test_the_prompt_of_the_edit_is_what_the_model_gets(edit, monkeypatch):
    prompts = []
    monkeypatch.setattr(
        RadEdit, "_edited", lambda _self, _parts, picture, prompt, *_: prompts.append(prompt) or picture
    )
    tiny_editor().edit(QUESTION, PICTURE, edit)
    assert prompts == ["No abnormality" if edit is Edit.BACKGROUND_NORMAL else f"No {QUESTION.finding}"]


def test_another_prompt_question_or_picture_gives_another_edit():
    editor = tiny_editor()
    first = editor.edit(QUESTION, PICTURE, Edit.FOREGROUND)
    for other in (replace(QUESTION, finding="mass"), replace(QUESTION, image_id="another")):
        assert not np.array_equal(editor.edit(other, PICTURE, Edit.FOREGROUND), first)
    changed = PICTURE.copy()
    changed[0, 0] ^= 1
    mask = inside(QUESTION.boxes, PICTURE)
    assert not np.array_equal(editor.edit(QUESTION, changed, Edit.FOREGROUND)[mask], first[mask])


def test_the_model_sees_the_picture_as_the_study_frame_shows_it(monkeypatch):
    seen = []

    def spied(_self, _parts, picture, _prompt, where, _rng):
        seen.append((picture, where))
        return picture

    monkeypatch.setattr(RadEdit, "_edited", spied)
    tiny_editor().edit(QUESTION, PICTURE, Edit.FOREGROUND)
    assert np.array_equal(seen[0][0], to_study(PICTURE, SIDE_PX).picture)


@pytest.mark.parametrize("edit", Edit)
def test_a_latent_is_edited_when_any_of_its_pixels_is_and_bars_never_are(edit, monkeypatch):
    seen = []
    monkeypatch.setattr(
        RadEdit, "_edited", lambda _self, _parts, picture, _prompt, where, _rng: seen.append(where) or picture
    )
    question = question_of((40, 24, 61, 40), width=128, height=64)  # 2 native px a study px, bars of 16 px
    picture = np.full((64, 128), 90, np.uint8)
    tiny_editor().edit(question, picture, edit)
    (where,) = seen
    content, boxes = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    content[2:6] = True
    boxes[3:5, 2:4] = True  # study px 20..30.5 by 28..36
    if edit is Edit.FOREGROUND:
        assert np.array_equal(where, boxes)
    else:
        assert np.array_equal(where, content)  # no latent lies in the boxes as a whole


def test_an_edit_fades_in_within_the_mask_and_reaches_its_whole_strength(monkeypatch):
    monkeypatch.setattr(RadEdit, "_edited", lambda _self, _parts, picture, *_: np.full_like(picture, 200))
    question = question_of((32, 16, 128, 80), (4, 4, 9, 9))
    picture = np.full((96, 160), 100, np.uint8)
    editor = tiny_editor(feather_px=4.0)  # 10 native px
    edited = editor.edit(question, picture, Edit.FOREGROUND).astype(int)
    mask = editable(question, picture, Edit.FOREGROUND)
    assert (edited[~mask] == 100).all()
    row = edited[48, 32:128]
    assert (row[11:-11] == 200).all() and (np.diff(row[:12]) >= 0).all()
    assert 100 < row[0] < 120 and np.array_equal(row, row[::-1])
    assert edited[6, 6] == 200  # a thin region, too
    background = editor.edit(question, picture, Edit.BACKGROUND).astype(int)
    assert (background[mask] == 100).all() and background[95, 159] == 200


def test_with_a_model_that_gives_the_picture_back_hardly_anything_changes(monkeypatch):
    """The letterbox there and back, and no more."""
    monkeypatch.setattr(RadEdit, "_edited", lambda _self, _parts, picture, *_: picture)
    smooth = np.add.outer(np.arange(96), np.arange(160)).astype(np.uint8)
    question = question_of((32, 16, 128, 80))
    for edit in Edit:
        edited = tiny_editor().edit(question, smooth, edit)
        assert np.abs(edited.astype(int) - smooth)[:, 3:-3].max() <= 3


def test_weights_that_are_not_named_are_said_before_any_work(monkeypatch):
    from medground_bench.core.errors import SourceMissing

    monkeypatch.delenv("MEDGROUND_SDXL_VAE")
    with pytest.raises(SourceMissing, match="Set MEDGROUND_SDXL_VAE"):
        RadEdit()


def test_weights_are_at_hand_before_the_lvlm_is_asked_anything(run, rule_lvlm, monkeypatch, tmp_path):
    from builder.diffusion import weights
    from medground_bench.core.errors import SourceMissing

    def refuse(*_):
        raise SourceMissing("the hub answers 403.")

    monkeypatch.setenv("MEDGROUND_SDXL_VAE", f"stabilityai/sdxl-vae@{'a' * 40}")
    monkeypatch.setattr(weights.hub, "fetched", refuse)
    words = ("--lvlm", "rule_lvlm", "--mode", "direct", "--editor", "radedit", "--out", tmp_path / "bench")
    code, _, err = run("build", "--source", "phantom", "--limit", 1, *words)
    assert (code, rule_lvlm.asked) == (1, 0)
    assert "the hub answers 403" in err and "MEDGROUND_SDXL_VAE" in err


def test_weights_are_hashed_when_the_editor_is_opened_and_when_they_are_loaded_and_for_no_edit(monkeypatch):
    from builder.diffusion import parts, weights

    hashed, digest = [], weights.content_digest
    monkeypatch.setattr(weights, "content_digest", lambda path: hashed.append(path) or digest(path))
    parts.open_parts.cache_clear()
    editor = tiny_editor()
    assert len(hashed) == 3
    for edit in Edit:
        editor.edit(QUESTION, PICTURE, edit)
    assert len(hashed) == 6


def test_one_thread_and_two_give_the_same_bytes():
    editor, before = tiny_editor(), torch.get_num_threads()
    try:
        edits = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            edits.append(editor.edit(QUESTION, PICTURE, Edit.FOREGROUND).tobytes())
    finally:
        torch.set_num_threads(before)
    assert edits[0] == edits[1]
