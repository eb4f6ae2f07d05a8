"""The command line as a user meets it: what it prints, what it writes, how it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench import __version__

ROOT = Path(__file__).parents[2]
KINDS = ("methods", "lvlms", "sources", "localizers", "editors")


@pytest.fixture
def files(xray, built, tmp_path) -> dict[str, Path]:
    """What the bad command lines name."""
    named = {name: tmp_path / name for name in ("text", "empty.png", "blank.png")}
    named["text"].write_text("no picture\n")
    named["empty.png"].touch()
    Image.fromarray(np.full((64, 64), 7, np.uint8)).save(named["blank.png"])
    return {"xray": xray, "built": built.path, **{path.stem: path for path in named.values()}}


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
        ("localize {xray} --localizer uott", 2, "Did you mean uot"),
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
