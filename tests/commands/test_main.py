"""The command line as a user meets it: what it prints, what it writes, how it fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench import __version__
from medground_bench.commands import demo_stages
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import MethodFailed, SourceMissing
from medground_bench.core.types import Attribution
from medground_bench.lvlms import Need
from medground_bench.phantom.scene import Scene
from tests.kit.fakes import RuleLvlm
from tests.kit.outside import install_quarter

ROOT = Path(__file__).parents[2]
KINDS = ("methods", "lvlms", "sources", "localizers", "editors")
SEED = 6_000_101


@pytest.fixture(scope="module")
def xray(tmp_path_factory) -> Path:
    """A phantom with cardiomegaly as a file; its name says nothing."""
    path = tmp_path_factory.mktemp("xray") / "patient.png"
    Image.fromarray(Scene.sample(SEED).native(["cardiomegaly"])).save(path)
    return path


@pytest.fixture
def files(xray, built, tmp_path) -> dict[str, Path]:
    """What the bad command lines name."""
    named = {name: tmp_path / name for name in ("text", "empty.png", "blank.png")}
    named["text"].write_text("no picture\n")
    named["empty.png"].touch()
    Image.fromarray(np.full((64, 64), 7, np.uint8)).save(named["blank.png"])
    return {"xray": xray, "built": built.path, **{path.stem: path for path in named.values()}}


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def inside(box, width: int, height: int) -> bool:
    x0, y0, x1, y1 = box
    return 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["demo", "--help"],
        ["ablate", "--help"],
        ["atlas", "--help"],
        *(["list", kind] for kind in KINDS),
    ],
)
def test_help_and_lists_import_nothing_heavy(arguments):
    program = (
        "import sys; sys.argv = ['medground', *sys.argv[1:]]; from medground_bench.commands.main import app\n"
        "try: app()\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        "heavy = {'torch', 'gradio', 'transformers', 'datasets', 'pandas'} & set(sys.modules); assert not heavy, heavy"
    )
    line = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_version_is_that_of_the_package(medground):
    assert medground("--version") == (0, f"medground {__version__}\n", "")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("methods", "medfocus"),
        ("lvlms", "phantom_gemma3"),
        ("sources", "phantom"),
        ("localizers", "uot"),
        ("editors", "phantom_exact"),
    ],
)
def test_lists_name_what_is_there_for_people_and_for_programs(medground, kind, name):
    _code, plain, _err = medground("list", kind)
    _code, as_json, _err = medground("list", kind, "--json")
    names = [entry["name"] for entry in json.loads(as_json)]
    assert name in names
    assert names == [line.split()[0] for line in plain.splitlines()] == sorted(names)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("attribut {xray}", 2, "Did you mean 'attribute'?"),
        ("attribute {xray} --findng nodule", 2, "--finding"),
        ("attribute {xray}", 2, "either --finding or --question"),
        ("attribute {xray} --finding nodule --question x", 2, "either --finding or --question"),
        ("attribute {xray} --question=", 2, "either --finding or --question"),
        ("attribute {xray} --finding nodul", 2, "Did you mean nodule?"),
        ("attribute {xray} --finding nodule --lvlm phantom_gema3", 2, "Did you mean phantom_gemma3"),
        ("attribute {xray} --finding nodule --lvlm no/folder", 1, "no/folder is no folder here"),
        ("attribute {xray} --finding nodule --method medfocs", 2, "Did you mean medfocus"),
        ("attribute {xray} --finding nodule --mode slow", 2, "'direct', 'reason'"),
        ("attribute {xray} --finding nodule --vocabulary lung_zone", 2, "lung_zones"),
        ("attribute {xray} --finding nodule --vocabulary {text}", 1, "vocabulary text"),
        ("attribute missing.png --finding nodule", 1, "missing.png: there is no such file"),
        ("attribute {text} --finding nodule", 1, "cannot be read as a picture"),
        ("localize {xray} --localizer uott", 2, "Did you mean uot?"),
        ("localize missing.png", 1, "missing.png: there is no such file"),
        ("localize {empty}", 1, "the file is empty"),
        ("localize {blank}", 1, "no anatomy on a blank picture"),
        ("list method", 2, "'methods', 'lvlms'"),
        ("check {text} --benchmark missing", 1, "missing: there is no such folder"),
        ("check {text} --benchmark medground_bench", 1, "no benchmark: it has neither of the folders"),
        ("check missing.jsonl --benchmark {built}", 1, "missing.jsonl: there is no such file"),
        ("check {text} --benchmark {built}", 1, "line 1: not JSON"),
        ("score {text} --benchmark {built}", 1, "line 1: not JSON"),
        (
            "predict --benchmark {built} --lvlm rule_lvlm --method medfocs --mode direct --out x",
            2,
            "medfocus",
        ),
        (
            "predict --benchmark {built} --lvlm rule_lvm --method medfocus --mode direct --out x",
            2,
            "rule_lvlm",
        ),
        ("demo --cases no", 2, "--cases"),
        ("atlas build pool", 2, "either --pictures or --imagenome"),
    ],
)
def test_input_at_fault_gets_one_clear_paragraph(medground, files, arguments, code, words):
    line = arguments.format(**files).split()
    left, out, err = medground(*line)
    assert (left, out) == (code, "")
    assert words in " ".join(err.split())
    assert "Traceback" not in err


def test_our_own_fault_exits_3_and_says_how_to_report_it(medground, xray, monkeypatch):
    def broken(*_arguments):
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr("medground_bench.runs.explanation_folder.localize", broken)
    code, _out, err = medground("localize", xray)
    assert code == 3
    assert "a wheel came off" in err and "report" in err and "=1" in err
    assert "Traceback" not in err


def test_localize_gives_all_concepts_in_native_pixels(medground, xray, tmp_path):
    code, out, err = medground("localize", xray, "--out", tmp_path, "--json")
    found = json.loads(out)
    assert code == 0 and str(tmp_path) in err
    assert sorted(found) == ["concepts", "image", "image_sha256", "localizer", "missing", "read"]
    assert (found["read"]["container"], found["read"]["rule"]) == ("PNG", "as stored")
    assert found["missing"] == []
    assert (found["image"], found["localizer"]) == (str(xray), "uot")
    assert set(found["concepts"]) == set(CONCEPTS)
    assert all(inside(box, *size_of(xray)) for box in found["concepts"].values())
    assert max(size_of(tmp_path / "concepts.png")) >= 1100
    assert json.loads((tmp_path / "concepts.json").read_text()) == found


def test_results_go_to_a_folder_named_after_the_picture(medground, xray, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _code, out, _err = medground("localize", xray, "--localizer", "mean_box")
    assert "left lung" in out
    assert (tmp_path / "medground-out" / "patient" / "concepts.png").is_file()


def test_names_with_dots_get_a_folder_each(medground, xray, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("1.2.840.4", "1.2.840.5", "1.2.840.6.PNG"):
        (tmp_path / name).write_bytes(xray.read_bytes())
        assert medground("localize", name, "--localizer", "mean_box")[0] == 0
    made = {folder.name for folder in (tmp_path / "medground-out").iterdir()}
    assert made == {"1.2.840.4", "1.2.840.5", "1.2.840.6"}


@pytest.mark.parametrize("other", ["b/scan.png", "a/scan.jpg", "a/scan"])
def test_a_second_file_of_the_same_name_is_told_and_nothing_is_replaced(
    medground, xray, tmp_path, monkeypatch, other
):
    monkeypatch.chdir(tmp_path)
    for file in (Path("a/scan.png"), Path(other)):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(xray.read_bytes())
    line = ["--localizer", "mean_box"]
    assert medground("localize", "a/scan.png", *line)[0] == 0
    kept = {file: file.read_bytes() for file in Path("medground-out/scan").iterdir()}
    for command in (["localize", other, *line], ["attribute", other, "--finding", "cardiomegaly"]):
        monkeypatch.setattr(
            "medground_bench.runs.explanation_folder.read_radiograph", lambda *_: pytest.fail("worked")
        )
        code, _out, err = medground(*command)
        assert code == 1
        assert "medground-out/scan holds the results of a/scan.png" in " ".join(err.split())
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
    assert kept == {file: file.read_bytes() for file in Path("medground-out/scan").iterdir()}
    assert medground("localize", tmp_path / "a" / "scan.png", *line)[0] == 0
    assert medground("localize", other, *line, "--out", "elsewhere")[0] == 0


def test_a_name_that_no_folder_can_have_is_told_like_any_other(medground, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _out, err = medground("localize", "x" * 300, "--localizer", "mean_box")
    assert code == 1 and "cannot be opened" in err and "Traceback" not in err


def test_that_a_file_has_more_pages_is_told_and_recorded(medground, xray, tmp_path):
    with Image.open(xray) as image:
        image.save(tmp_path / "two.tif", save_all=True, append_images=[image.rotate(180)])
    line = ["localize", tmp_path / "two.tif", "--localizer", "mean_box", "--out", tmp_path / "out", "--json"]
    _code, out, err = medground(*line)
    assert "note: the file holds 2 pages, of which page 1 was read" in err
    assert (json.loads(out)["read"]["page"], json.loads(out)["read"]["pages"]) == (1, 2)


@pytest.mark.parametrize("place", [0, -1])
def test_real_x_rays_of_any_size_are_localized_and_attributed(medground, real_cxr, tmp_path, place):
    image = sorted(path for path in (real_cxr / "images").iterdir() if path.is_file())[place]
    code, out, _err = medground("localize", image, "--out", tmp_path, "--json")
    assert code == 0
    assert all(inside(box, *size_of(image)) for box in json.loads(out)["concepts"].values())
    methods = ["--method", "medfocus", "--method", "gradcam"]
    line = ["attribute", image, "--finding", "cardiomegaly", *methods, "--out", tmp_path, "--json"]
    code, out, err = medground(*line)
    boxes = [box for each in json.loads(out)["methods"] for box in each["boxes"]]
    assert code == 0 and "mean nothing" in err
    assert boxes and all(inside(box, *size_of(image)) for box in boxes)
    assert {"concepts.png", "medfocus.png", "gradcam.png"} <= {path.name for path in tmp_path.iterdir()}


def test_attribute_writes_overlays_charts_and_native_boxes(medground, xray, tiny_folders, tmp_path):
    question = ["--question", "Is the heart enlarged?", "--mode", "reason", "--json"]
    methods = ["--method", "medfocus", "--method", "gradcam", "--method", "whole_image"]
    code, out, err = medground(
        "attribute", xray, *question, "--lvlm", tiny_folders["gemma3"], *methods, "--out", tmp_path
    )
    found = json.loads(out)
    assert code == 0 and "mean nothing" not in err
    assert found["prompt"] == "Is the heart enlarged?\nThink step by step and answer with yes or no."
    assert [each["method"] for each in found["methods"]] == ["medfocus", "gradcam", "whole_image"]
    width, height = size_of(xray)
    assert found["methods"][2]["boxes"] == [[0, 0, width, height]]
    assert all(inside(box, width, height) for each in found["methods"] for box in each["boxes"])
    assert all(size_of(tmp_path / f"{name}.png") == (width, height) for name in ("medfocus", "gradcam"))
    assert set(CONCEPTS) <= set(found["methods"][0]["concept_drops"])
    assert (tmp_path / "medfocus-concepts.png").is_file()
    assert (tmp_path / "medfocus-words.png").is_file() == bool(found["methods"][0]["token_drops"])
    assert json.loads((tmp_path / "attribution.json").read_text()) == found


def test_an_embedded_lvlm_says_that_its_answers_about_own_pictures_mean_nothing(
    medground, xray, tmp_path, monkeypatch
):
    fake = RuleLvlm(key="phantom_gemma3")
    monkeypatch.setattr("medground_bench.runs.explanation_folder.open_lvlm", lambda key: fake)
    line = ["attribute", xray, "--finding", "cardiomegaly", "--method", "whole_image", "--out", tmp_path]
    code, out, err = medground(*line)
    assert code == 0
    assert out.startswith("phantom_gemma3 says yes")
    assert "procedural pictures only" in err and "mean nothing" in err
    assert "mean nothing" in json.loads((tmp_path / "attribution.json").read_text())["note"]


class Unsure(RuleLvlm):
    """Finds no number for how likely its response is."""

    def log_probs(self, pictures, prompt, response):
        return np.full((len(pictures), len(response.tokens)), np.nan, np.float32)


def test_attribute_shows_and_writes_what_it_has_when_a_method_fails_and_exits_1(
    medground, xray, tmp_path, monkeypatch
):
    fake = Unsure(gives=frozenset({Need.TEXT, Need.LOG_PROBS}))
    monkeypatch.setattr("medground_bench.runs.explanation_folder.open_lvlm", lambda key: fake)
    methods = ["--method", "medfocus", "--method", "whole_image"]
    line = ["attribute", xray, "--finding", "cardiomegaly", *methods, "--out", tmp_path]
    code, out, err = medground(*line)
    assert code == 1 and out.startswith("rule_lvlm says yes") and f"written to {tmp_path}" in out
    assert "whole_image: (" in out and "medfocus: failed." in out
    assert f"error: medfocus failed on {xray}" in err and "Traceback" not in err
    code, out, _err = medground(*line, "--json")
    assert code == 1 and json.loads(out) == json.loads((tmp_path / "attribution.json").read_text())
    assert [each["method"] for each in json.loads(out)["failures"]] == ["medfocus"]


def test_predict_check_and_score_work_hand_in_hand(medground, built, tmp_path, monkeypatch):
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda key: RuleLvlm())
    file = tmp_path / "whole.jsonl"
    track = ["--benchmark", built.path, "--lvlm", "rule_lvlm", "--method", "whole_image", "--mode", "direct"]
    code, out, _err = medground("predict", *track, "--out", file)
    lines = file.read_text().splitlines()
    assert code == 0 and out.startswith(f"{len(lines)} cases;")

    code, out, _err = medground("check", file, "--benchmark", built.path)
    assert code == 0 and "no problem" in out and "rule_lvlm direct" in out

    code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    (scores,) = json.loads(out)["tracks"]
    assert (scores["lvlm"], scores["mode"], scores["cases"]) == ("rule_lvlm", "direct", len(lines))
    assert scores["recall"] == pytest.approx(1) and 0 < scores["iou"] == pytest.approx(scores["precision"])

    _code, table, _err = medground("score", file, "--benchmark", built.path)
    assert "rule_lvlm" in table and f"{100 * scores['iou']:.1f}" in table

    file.write_text("\n".join(lines[:-1]) + "\n")
    assert medground("check", file, "--benchmark", built.path)[0] == 1
    _code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    (fewer,) = json.loads(out)["tracks"]
    assert (fewer["cases"], fewer["failed"]) == (len(lines), 1)
    assert fewer["iou"] < scores["iou"]


@pytest.fixture
def direct_only(built, tmp_path) -> Path:
    """A benchmark with cases in one mode, the same in the splits `test` and `tune`."""
    folder = shutil.copytree(built.path, tmp_path / "medground-bench")
    shutil.rmtree(folder / "reason")
    test = folder / "direct" / "test-rule_lvlm.parquet"
    shutil.copy(test, test.with_name("tune-rule_lvlm.parquet"))
    return folder


def test_an_lvlm_given_as_a_folder_stands_for_its_cases(medground, direct_only, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(install_quarter(tmp_path / "site")))
    (tmp_path / "sub" / "rule_lvlm").mkdir(parents=True)
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda location: RuleLvlm())
    line = ["--benchmark", direct_only, "--lvlm", "sub/rule_lvlm", "--method", "quarter"]
    code, out, err = medground("predict", *line, "--mode", "direct", "--out", tmp_path / "p.jsonl")
    assert (code, err.count("Traceback")) == (0, 0) and "written to" in out
    code, out, err = medground("tune", *line)
    assert code == 0, err
    assert "rule_lvlm-direct-quarter.json" in out and "reason" not in out


class Fails:
    """A method that fails on the cases whose number is in `on`, and has no box to give for the others."""

    needs = frozenset()

    def __init__(self, on):
        self.on, self.asked = on, 0

    def __repr__(self):
        return f"Fails({self.on})"

    def attribute(self, lvlm, case, rng):
        self.asked += 1
        if self.asked - 1 in self.on:
            raise MethodFailed("its map is NaN")
        return Attribution(boxes=())


def predicted_by(medground, built, file, method, monkeypatch):
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda key: RuleLvlm())
    monkeypatch.setattr("medground_bench.runs.predict.open_method", lambda name, lvlm: method)
    track = ["--benchmark", built.path, "--lvlm", "rule_lvlm", "--method", "whole_image", "--mode", "direct"]
    return medground("predict", *track, "--out", file)


def test_score_counts_a_case_on_which_the_method_failed_as_failed_and_an_empty_one_as_predicted(
    medground, built, tmp_path, monkeypatch
):
    file = tmp_path / "p.jsonl"
    code, out, err = predicted_by(medground, built, file, Fails({0, 2}), monkeypatch)
    assert code == 0 and "2 failed and will score 0" in out and "its map is NaN" in err
    _code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    [scores] = json.loads(out)["tracks"]
    assert (scores["failed"], scores["predicted"]) == (2, scores["cases"] - 2)
    (tmp_path / "p.jsonl.run.json").unlink()
    _code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    assert json.loads(out)["tracks"][0]["failed"] == 0


def test_predict_fails_when_the_method_failed_on_every_case(medground, built, tmp_path, monkeypatch):
    file = tmp_path / "p.jsonl"
    code, out, err = predicted_by(medground, built, file, Fails(range(1000)), monkeypatch)
    assert code == 1 and f"failed on every case of {file}" in err
    assert "failed and will score 0" in out and file.is_file()


@pytest.mark.parametrize(
    "command", ["localize {xray} --localizer phantom_unet", "attribute {xray} --finding nodule"]
)
def test_without_torch_one_paragraph_says_what_to_install(command, xray, tmp_path):
    program = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['medground', *sys.argv[1:]]\n"
        "from medground_bench.commands.main import main; main()"
    )
    words = [*command.format(xray=xray).split(), "--out", tmp_path]
    line = [sys.executable, "-c", program, *words]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "needs torch" in done.stderr
    assert "pip install 'medground-bench[lvlm]'" in done.stderr and "Traceback" not in done.stderr


def test_a_demo_whose_programs_are_missing_says_how_to_install_them(medground, tmp_path, monkeypatch):
    monkeypatch.setattr(
        demo_stages,
        "__file__",
        str(tmp_path / "site-packages" / "medground_bench" / "commands" / "demo_stages.py"),
    )
    code, _out, err = medground("demo", "--no-serve", "--out", tmp_path / "demo")
    assert code == 1
    assert "not whole" in err and "pip install --force-reinstall 'medground-bench[demo]'" in err
    assert not (tmp_path / "demo").exists()
    with pytest.raises(SourceMissing):
        demo_stages.programs_folder()
