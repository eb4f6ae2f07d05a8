"""Plug-ins of another installed package: a real distribution on the path, with entry points."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from medground_bench import plugins
from medground_bench.anatomy.atlas import PHANTOM_POOL, phantom_atlas, pool_digest
from medground_bench.core.errors import MedgroundError, SourceMissing, UnknownName
from medground_bench.localizers import localize, localizer_record
from medground_bench.lvlms import Checkpoint, checkpoints
from medground_bench.methods import Method, open_method
from tests.kit.fakes import RuleLvlm

ROOT = Path(__file__).parents[1]
HALF = '''"""Half: the left half."""
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Half:
    needs: ClassVar[frozenset] = frozenset()

    def attribute(self, lvlm, case, rng): ...

METHOD = Half
'''
OWN_POOL = '''"""uot with a reference pool of its own."""
from dataclasses import dataclass, field
from pathlib import Path
from medground_bench.anatomy.atlas import Atlas, load_atlas
from medground_bench.localizers.uot import Uot

@dataclass(frozen=True, kw_only=True)
class UotOfClinic(Uot):
    atlas: Atlas = field(default_factory=lambda: load_atlas(Path(__file__).with_name("pool")))

LOCALIZER = UotOfClinic
'''
FAMILY = '''"""LLaVA-Rad."""
raise RuntimeError("listing must not import me")
KEYS: dict[str, tuple[str, str]] = {"llava_rad": ("clinic/llava-rad", "abc")}
LVLM = None
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution of one package: files by module, entry points by group and name."""

    def put(package, files, points):
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").touch()
        for module, text in files.items():
            (folder / f"{module}.py").write_text(text)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"[medground.{kind}]\n{name} = {value}" for (kind, name), value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.syspath_prepend(str(tmp_path))

    yield put
    for name in [name for name in sys.modules if name.split(".")[0] in ("clinic", "hospital")]:
        del sys.modules[name]


def test_a_method_of_another_package_is_listed_with_its_docstring_and_opens_by_name(install):
    install("clinic", {"half": HALF}, {("methods", "half"): "clinic.half:METHOD"})
    [half] = [plugin for plugin in plugins.available("methods") if plugin.name == "half"]
    assert (half.summary, half.origin) == ("Half: the left half.", "clinic.half:METHOD")
    assert "clinic.half" not in sys.modules
    assert plugins.source("methods", "half").read_text() == HALF
    assert isinstance(open_method("half", RuleLvlm()), Method)


def test_a_localizer_is_uot_with_another_reference_pool_which_its_record_tells(install, tmp_path):
    install("clinic", {"uot_clinic": OWN_POOL}, {("localizers", "uot_clinic"): "clinic.uot_clinic:LOCALIZER"})
    pool = shutil.copytree(PHANTOM_POOL, tmp_path / "clinic" / "pool")
    manifest = json.loads((pool / "manifest.json").read_bytes())
    (pool / "manifest.json").write_text(json.dumps(manifest | {"pictures": manifest["pictures"][7:9]}))
    record = localizer_record("uot_clinic")
    assert record["pool"] == pool_digest(pool) != localizer_record("uot")["pool"]
    assert record["settings"].startswith(f"UotOfClinic(atlas=<2 references, {record['pool'][:12]}>")
    shipped = phantom_atlas()
    assert localize("uot_clinic", shipped.pictures[0]).reference in shipped.names[7:9]


def test_the_keys_of_an_lvlm_family_of_another_package_are_known_without_importing_it(install):
    install("clinic", {"llava": FAMILY}, {("lvlms", "llava"): "clinic.llava:LVLM"})
    known = checkpoints()
    assert known["llava_rad"] == Checkpoint("llava", "clinic/llava-rad", "abc")
    assert "phantom_gemma3" in known


def test_a_key_of_two_families_is_refused(install):
    family = FAMILY.replace("llava_rad", "medgemma_4b")
    install("clinic", {"llava": family}, {("lvlms", "llava"): "clinic.llava:LVLM"})
    with pytest.raises(MedgroundError, match="medgemma_4b is a key of two LVLM families: gemma3 and llava"):
        checkpoints()


def test_a_name_that_is_here_and_in_another_package_is_refused_and_both_are_named(install):
    install("clinic", {"half": HALF}, {("methods", "occlusion"): "clinic.half:METHOD"})
    for look in (lambda: plugins.available("methods"), lambda: plugins.load("methods", "occlusion")):
        with pytest.raises(
            MedgroundError, match=r"two methods are called occlusion: .*clinic\.half:METHOD"
        ) as said:
            look()
        assert "medground_bench.methods.occlusion" in str(said.value) and "uninstall" in str(said.value)


def test_a_name_of_two_other_packages_is_refused(install):
    for package in ("clinic", "hospital"):
        install(package, {"half": HALF}, {("methods", "half"): f"{package}.half:METHOD"})
    with pytest.raises(MedgroundError, match=r"clinic\.half:METHOD and hospital\.half:METHOD"):
        plugins.available("methods")


def test_a_plug_in_whose_code_is_gone_is_listed_and_does_not_break_the_list(install):
    install(
        "clinic", {}, {("lvlms", "gone"): "clinic.gone:LVLM", ("methods", "lost"): "nowhere.at_all:METHOD"}
    )
    assert "gone" in [plugin.name for plugin in plugins.available("lvlms")]
    assert plugins.source("methods", "lost") is None
    assert checkpoints()


def test_an_unknown_name_names_the_near_ones_also_of_other_packages(install):
    install("clinic", {"half": HALF}, {("methods", "half"): "clinic.half:METHOD"})
    with pytest.raises(UnknownName, match="Did you mean half"):
        plugins.load("methods", "halff")


def test_an_unknown_name_where_nothing_is_known_says_so():
    with pytest.raises(UnknownName, match="There is none yet"):
        raise UnknownName("LVLM of the benchmark", "x", [])


def test_kinds_of_the_programs_beside_the_library_are_there_for_whoever_asks(tmp_path):
    program = (
        "from medground_bench import plugins; print(*(each.name for each in plugins.available('sources')));"
        "print(plugins.literal('sources', 'imagenome', 'PARTS'), *(each.name for each in plugins.available('editors')))"
    )
    command, environment = [sys.executable, "-c", program], os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    sources, editors = done.stdout.splitlines()
    assert {"imagenome", "padchest_gr", "phantom", "vindr_cxr"} <= set(sources.split())
    assert "mimic_cxr_jpg" in editors and "phantom_exact" in editors


def test_where_no_program_is_beside_the_library_its_kinds_are_empty(monkeypatch):
    def missing():
        raise SourceMissing("the builder and the Space are missing")

    monkeypatch.setattr("medground_bench.commands.programs.programs_folder", missing)
    monkeypatch.delitem(plugins._KINDS, "sources", raising=False)
    assert plugins.available("sources") == []
    with pytest.raises(UnknownName, match="There is none yet"):
        plugins.load("sources", "vindr_cxr")
