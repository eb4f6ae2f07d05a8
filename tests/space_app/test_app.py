"""The Space over HTTP, as a browser and a program reach it."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import runpy
import signal
import socket
import sys
import time
import zipfile
from contextlib import contextmanager
from textwrap import dedent
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import httpx
import pytest
from PIL import Image
from pydicom.uid import BasicTextSRStorage

from medground_bench.core.errors import MethodFailed
from medground_bench.core.types import Attribution, Mode
from medground_bench.drawing.layers import FILM_PX
from medground_bench.lvlms import open_lvlm
from medground_bench.methods import Explained
from medground_bench.methods.attention_head import AttentionHead
from medground_bench.methods.medfocus import MedFocus
from medground_bench.methods.prompting import Prompting
from medground_bench.phantom.scene import Scene
from medground_bench.runs.explain import Explanation
from medground_bench.runs.live import MethodStep
from medground_bench.runs.sweep import Candidate, Sweep, settings_of
from tests.kit.containers import coloured, deep, dicom, phantom, png
from tests.kit.served_apps import APP, ROOT, STARTS_WITHIN_S, serving

gradio_client = pytest.importorskip("gradio_client")
gradio = pytest.importorskip("gradio")
app, try_page = pytest.importorskip("app"), pytest.importorskip("try_page")
try_view = pytest.importorskip("try_view")
VISITOR = SimpleNamespace(session_hash="a page")

EMBEDDED = ROOT / "medground_bench" / "phantom" / "models" / "phantom_gemma3" / "model.safetensors"
needs_model = pytest.mark.skipif(not EMBEDDED.is_file(), reason="needs the embedded LVLM")


@contextmanager
def served(*line, **environment):
    """A client of the Space that Python runs with that line."""
    with serving(*line, **environment) as url:
        yield gradio_client.Client(url, verbose=False)


@pytest.fixture(scope="module")
def space(space_url):
    """A client of the Space, served from a results folder with two methods and a control."""
    return gradio_client.Client(space_url, verbose=False)


@pytest.fixture(scope="module")
def xray(tmp_path_factory):
    path = tmp_path_factory.mktemp("xray") / "own.png"
    Image.fromarray(Scene.sample(6_000_101).native(["pacemaker"])).save(path)
    return path


def attribute(space, image, *, about="pacemaker", mode="reason", methods=("medfocus", "whole_image")):
    """The answer, the results and the boxes of a run that came to its end."""
    picture = gradio_client.handle_file(str(image)) if image else None
    status, *made = space.predict(
        picture, about, "phantom_gemma3", mode, list(methods), api_name="/attribute"
    )
    assert status["text"] == "Done"
    return made


def methods_of(results):
    """Method -> what stands under its picture."""
    return {each["name"]: each["caption"] for each in results["methods"]}


def drawn(address):
    """The picture in an address that holds it."""
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def asked_for(space, path):
    """Status and body of a path of the Space."""
    try:
        with urlopen(f"{space.src.rstrip('/')}/{path}", timeout=30) as answer:  # noqa: S310  our own server
            return answer.status, answer.read()
    except HTTPError as refused:
        return refused.code, refused.read()


def test_the_running_app_keeps_no_history_and_tells_nothing_to_anyone(space):
    status, config = asked_for(space, "config")
    told = json.loads(config)
    assert status == 200
    kept = {key: told[key] for key in ("run_history", "show_error", "analytics_enabled", "footer_links")}
    assert kept == {
        "run_history": False, "show_error": False, "analytics_enabled": False, "footer_links": ["api"],
    }  # fmt: skip
    assert told["max_file_size"] == 50 * 2**20
    assert asked_for(space, "gradio_api/runs")[0] == 404


def test_s6_a_body_beyond_the_cap_is_refused_also_where_it_does_not_say_its_length(space):
    parts = (b" " * 2**20 for _part in range(app.LARGEST_BODY // 2**20 + 1))
    asked = {"url": f"{space.src}gradio_api/queue/join", "headers": {"content-type": "application/json"}}
    assert httpx.post(content=parts, timeout=60, **asked).status_code == 413


def test_files_of_the_server_and_of_other_hosts_are_refused(space, results):
    assert (results / "board.json").is_file()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(1)
        elsewhere = f"http://127.0.0.1:{other.getsockname()[1]}/secret.png"
        wanted = [
            "/etc/passwd",
            ROOT / "pyproject.toml",
            ROOT / "space_app" / "app.py",
            results / "board.json",
        ]
        for path in (*wanted, "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", elsewhere):
            status, body = asked_for(space, f"gradio_api/file={path}")
            assert status in {403, 404}, path
            assert b"root:" not in body and b"medground" not in body, path
        with pytest.raises(TimeoutError):
            other.accept()


@pytest.mark.parametrize("folder", ["space_app", "metrics/attribution_overlap"])
def test_both_apps_are_started_without_rendering_on_the_server(folder, monkeypatch, tmp_path):
    pytest.importorskip("evaluate")
    launched = {}
    monkeypatch.setattr(gradio.Blocks, "launch", lambda _app, **settings: launched.update(settings))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.chdir(ROOT / folder)
    monkeypatch.syspath_prepend(str(ROOT / folder))
    monkeypatch.setattr(sys, "argv", ["app.py"])
    runpy.run_path("app.py", run_name="__main__")
    safe = {"ssr_mode": False, "run_history": False, "show_error": False, "allowed_paths": []}
    safe |= {"_frontend": False}
    assert {key: launched.get(key) for key in safe} == safe


@pytest.mark.parametrize(
    ("image", "methods", "words"),
    [(False, ["medfocus"], "no picture yet"), (True, [], "No method is chosen")],
)
def test_what_is_missing_is_said_in_one_paragraph(space, xray, image, methods, words):
    with pytest.raises(gradio_client.exceptions.AppError, match=words):
        attribute(space, xray if image else None, methods=methods)


@needs_model
def test_a_picture_is_answered_and_explained(space, xray):
    methods = ["medfocus", "medfocus_plus", "whole_image"]
    answer, results, boxes = attribute(space, xray, methods=methods)
    assert answer["answer"] == "yes" and "pacemaker" in answer["question"]
    assert "mean nothing" in answer["limits"][0] and "labels of where" in answer["limits"][1]
    assert list(methods_of(results)) == methods
    assert [each["method"] for each in results["trials"]] == ["medfocus", "medfocus_plus"]
    with Image.open(xray) as image:
        assert boxes["data"][-1][:6] == ["whole_image", "", 0, 0, *image.size]
    [chart, plus] = results["trials"]
    assert not chart["measure"] and plus["measure"] in plus["lead"] and plus["bars"][0]["score"]
    assert " ".join(chart["words"]) in answer["response"]
    [reported] = [bar for bar in chart["bars"] if bar["kind"] == "chosen"]
    assert reported["name"] == methods_of(results)["medfocus"]
    assert float(reported["drop"]) == pytest.approx(sum(map(float, reported["losses"])), abs=0.1)


@pytest.fixture
def patient(tmp_path):
    """A DICOM file whose name and header say whose it is."""
    file = tmp_path / "sent" / "Mustermann-Erika.dcm"
    file.parent.mkdir()
    file.write_bytes(dicom(phantom(), PatientName="Mustermann^Erika"))
    file.with_name("own.png").write_bytes(png(phantom(), 0))
    return file


def of_the_patient(folder):
    """Files under a folder that say whose they are."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if "Mustermann" in file.name or b"Mustermann" in file.read_bytes()]


def half_sent(space_url):
    """A connection that has sent the first part of an upload, and no more of it."""
    cut = socket.create_connection(("127.0.0.1", int(space_url.rstrip("/").rpartition(":")[2])))
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n"
    form = "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    part = 'Content-Disposition: form-data; name="files"; filename="Mustermann.dcm"\r\n\r\nMustermann'
    cut.sendall(f"{head}{form}{part}{' ' * 9999}".encode())
    time.sleep(1)
    return cut


def until_gone(folder):
    """What is left of the patient, after some time."""
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and of_the_patient(folder):
        time.sleep(0.2)
    return of_the_patient(folder)


@needs_model
def test_nothing_of_a_visitor_is_left_when_the_page_is_left_nor_when_the_space_is_stopped(patient, tmp_path):
    folder = tmp_path / "made" / "for it"
    with serving(APP, GRADIO_TEMP_DIR=str(folder)) as url:
        visitor, other = (gradio_client.Client(url, verbose=False) for _ in range(2))
        attribute(visitor, patient, methods=["whole_image"])
        visitor.predict(api_name="/download")
        attribute(other, patient.with_name("own.png"), methods=["whole_image"])
        visits = [each for each in folder.rglob("visits/*") if each.is_dir()]
        assert of_the_patient(folder) and len(visits) == 2
        assert len(list(folder.rglob("*.zip"))) == 2, "the visit's own, and the one that is served"
        visitor.close()
        assert until_gone(folder) == [] == list(folder.rglob("*.zip"))
        assert len([each for each in folder.rglob("visits/*") if each.is_dir()]) == 1
        other.predict(api_name="/download")
        with half_sent(url):
            assert of_the_patient(folder)
    assert [file for file in folder.rglob("*") if file.is_file()] == []


def test_an_upload_is_removed_when_its_time_is_over_or_it_comes_too_slowly_and_the_examples_in_the_end(
    patient, tmp_path
):
    soon = "import app; app.KEPT_S, app.LOOKED_S, app.BODY_WITHIN_S = 2, 1, 8; app.main()"
    paths = os.pathsep.join([str(ROOT), str(ROOT / "space_app")])
    places = {"GRADIO_TEMP_DIR": str(tmp_path / "here"), "TMPDIR": str(tmp_path)}
    with served("-c", soon, **places, PYTHONPATH=paths) as space, half_sent(space.src) as slow:
        with pytest.raises(gradio_client.exceptions.AppError, match=r"no question yet|no longer here"):
            attribute(space, patient, about=" ", methods=["whole_image"])
        slow.settimeout(STARTS_WITHIN_S)
        assert b"".join(iter(lambda: slow.recv(4096), b"")).startswith(b"HTTP/1.1 408")
        assert until_gone(tmp_path / "here") == []
        page = asked_for(space, "config")[1].decode()
        phantom_file = re.search(r'"(/[^"]*medground-examples-[^"]+\.png)"', page).group(1)
        assert asked_for(space, f"gradio_api/file={phantom_file}")[0] == 200
    assert list(tmp_path.glob("medground-*")) == []


def test_a_page_that_is_slow_to_answer_when_it_starts_is_no_reason_to_give_up(monkeypatch):
    monkeypatch.setattr(gradio.networking, "url_ok", lambda _url: False)
    with gradio.Blocks() as page:
        gradio.Markdown("A page.")
    try:
        page.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, _frontend=False)
        assert page.is_running
    finally:
        page.close()


def test_who_asks_about_an_upload_that_was_removed_is_told_to_send_it_again():
    assert "Upload it again" in try_page.preview("/gone/own.png", VISITOR)["problem"]


@needs_model
def test_the_calls_of_the_readme_run(space, xray, tmp_path):
    """All but the one for cases, which these results have none of."""
    readme = (ROOT / "space_app" / "README.md").read_text("utf-8")
    (block,) = re.findall(r"    from gradio_client import Client, handle_file\n(?:    .+\n)+", readme)
    lines = [line for line in dedent(block).splitlines() if "compare_csv" not in line]
    code = "\n".join(lines).replace("http://127.0.0.1:7860", space.src).replace("film.png", str(xray))
    (tmp_path / "calls.py").write_text(code)
    made = runpy.run_path(str(tmp_path / "calls.py"))
    assert made["status"]["text"] == "Done" and made["boxes"]["data"]
    assert zipfile.is_zipfile(made["archive"])


@needs_model
def test_a_method_that_fails_leaves_the_answer_and_the_other_methods(xray, monkeypatch):
    def breaks(*_arguments, **_settings):
        raise MethodFailed("its map is NaN.")

    monkeypatch.setattr(MedFocus, "attribute", breaks)
    asked = [str(xray), "pacemaker", "phantom_gemma3", "reason"]
    *_before, last = try_page.attribute(*asked, ["medfocus", "whole_image"], VISITOR)
    _status, answer, results, _boxes = last
    assert answer["answer"] == "yes"
    assert results["failures"] == ["medfocus: its map is NaN."]
    assert list(methods_of(results)) == ["whole_image"]


def test_every_file_that_cannot_be_asked_about_gets_the_command_lines_sentence(space, medground, tmp_path):
    Image.new("L", (300, 300), 90).save(tmp_path / "blank.png")
    (tmp_path / "report").write_bytes(dicom(None, SOPClassUID=BasicTextSRStorage))
    (tmp_path / "cut.png").write_bytes(png(phantom(), 0)[:3000])
    (tmp_path / "words.png").write_text("no picture")
    for name in ("blank.png", "report", "cut.png", "words.png"):
        with pytest.raises(gradio_client.exceptions.AppError) as caught:
            attribute(space, tmp_path / name)
        _code, _out, err = medground("localize", tmp_path / name, "--out", tmp_path / "out")
        said = f"{tmp_path}/{caught.value}"
        assert err.removeprefix("error: ").strip() == said


@needs_model
def test_a_deep_or_dicom_file_is_answered_like_its_plain_one_and_a_wide_one_is_shown(space, tmp_path):
    twelve = deep(phantom(), "u2", 16, 0)
    files = {"plain.png": png(phantom(), 0), "deep.png": png(coloured(twelve), 2), "1.2.840.4": dicom(twelve)}
    given = []
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        answer, results, boxes = attribute(space, tmp_path / name)
        given.append((answer["response"], methods_of(results), boxes["data"]))
    assert given[0] == given[1] == given[2]
    Image.fromarray(phantom()).resize((40_000, 90)).save(tmp_path / "wide.png")
    _answer, results, boxes = attribute(space, tmp_path / "wide.png", methods=["whole_image"])
    assert drawn(results["film"]).width == FILM_PX
    assert boxes["data"][0][4] == 40_000


def test_what_a_reader_should_know_of_a_file_is_told_beside_its_preview(tmp_path):
    image = Image.fromarray(phantom())
    image.save(tmp_path / "two.tif", save_all=True, append_images=[image])
    shown = try_page.preview(str(tmp_path / "two.tif"), VISITOR)
    assert drawn(shown["film"]).size == image.size
    assert "Note: the file holds 2 pages" in shown["lines"][1]
    (tmp_path / "words.png").write_text("no picture")
    assert try_page.preview(str(tmp_path / "words.png"), VISITOR)["problem"].startswith(
        "words.png: cannot be read"
    )
    assert try_page.preview(None, VISITOR) == {}


@needs_model
def test_without_a_method_that_tries_concepts_there_is_no_chart(space, xray):
    _answer, results, _boxes = attribute(space, xray, methods=["whole_image"])
    assert list(methods_of(results)) == ["whole_image"] and results["trials"] == []


@needs_model
def test_a_question_of_ones_own_is_asked_as_it_is_written(space, xray):
    answer, *_ = attribute(space, xray, about="Is there a device in the chest?", methods=["whole_image"])
    assert answer["question"] == "Is there a device in the chest?"


@needs_model
def test_a_method_runs_as_it_was_tuned_for_the_mode_and_says_so(space, results, xray):
    lvlm, first = open_lvlm("phantom_gemma3", device="cpu"), AttentionHead(layer=0, head=0)
    asked = {"methods": ["attention_head", "whole_image"]}
    _, default, boxes = attribute(space, xray, **asked)
    sweep = Sweep(
        method="attention_head", lvlm=lvlm.key, lvlm_revision=lvlm.revision, mode=Mode.REASON, benchmark="",
        code="", cases=7, pictures=1, as_good=1,
        candidates=(Candidate(settings_of(first), 0.5, 0),),
    )  # fmt: skip
    file = sweep.save(results / "tuned")
    _, tuned, tuned_boxes = attribute(space, xray, **asked)
    _, direct, _ = attribute(space, xray, mode="direct", **asked)
    file.unlink()
    captions = [methods_of(results)["attention_head"] for results in (default, tuned, direct)]
    assert captions == ["", "tuned on 7 cases", ""]
    assert boxes["data"] != tuned_boxes["data"]


@needs_model
def test_an_unknown_finding_gets_the_near_ones(space, xray):
    with pytest.raises(gradio_client.exceptions.AppError, match="Did you mean pacemaker"):
        attribute(space, xray, about="pacemakr")


def test_what_was_not_read_as_a_box_and_what_is_doubted_stand_under_the_picture():
    tags = ("[9, 9, 1, 1]", "[1%]")
    for refused, doubts, more in [((), ("a",), "a"), (tags, (), "not read as boxes: [9, 9, 1, 1]; [1%]")]:
        explained = Explained(Attribution(boxes=(), refused=refused), ())
        step = MethodStep(Explanation("prompting", Prompting(), explained, 0.1, doubts), None)
        assert try_view.caption_of(step) == f"no box: the method chose none; {more}"


def test_the_readme_configures_a_space_that_is_all_there():
    folder = ROOT / "space_app"
    _, settings, _ = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    given = dict(line.split(": ", 1) for line in settings.splitlines())
    assert given["sdk"] == "gradio" and given["sdk_version"].startswith("6.")
    assert (folder / given["app_file"]).is_file() and (folder / "requirements.txt").is_file()
    assert len(given["short_description"]) <= 60


def test_a_space_without_results_starts_and_says_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGROUND_RESULTS", str(tmp_path))
    page = str(app.build_app().get_config_file())
    assert "No board here yet" in page and "medground demo" in page
