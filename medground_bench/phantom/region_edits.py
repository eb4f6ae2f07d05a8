"""Exact edits of phantoms: the scene is rendered again, so all that was not edited is the same to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from medground_bench.core.case_ids import case_parts
from medground_bench.core.errors import Unsupported
from medground_bench.core.types import Case, Mask, Picture
from medground_bench.phantom.digest import renderer_digest
from medground_bench.phantom.patient import patient
from medground_bench.pictures import to_study
from medground_bench.storage.whole_files import fingerprint, sha256

PHANTOM = "phantom"
"""The source whose pictures these are."""

PICTURES_KEPT = 64


@lru_cache(maxsize=PICTURES_KEPT)
def rendered(
    image_id: str, findings: tuple[str, ...], marker: bool, noise_seed: int | None = None
) -> Picture:
    """The patient's native picture with these findings; read-only, because it is kept for the next question."""
    picture = patient(image_id).scene.native(findings, marker=marker, noise_seed=noise_seed)
    picture.flags.writeable = False
    return picture


def edits_version() -> str:
    """Changes whenever an edited picture would come out otherwise: the renderer, the patients, or their edits."""
    files = (
        Path(__file__),
        *(Path(__file__).with_name(name) for name in ("exact_edits.py", "patient.py", "seeds.py")),
    )
    return fingerprint(renderer=renderer_digest(), edits=[sha256(file.read_bytes()) for file in files])


@dataclass(frozen=True, slots=True)
class PhantomRegions:
    """Makes any region of a phantom normal; see `anatomy.hiding.RegionEditor`."""

    version: str = field(default_factory=edits_version)

    def normal_within(self, case: Case, regions: Sequence[Mask]) -> list[Picture]:
        """The same patient without any finding, same noise, in the study frame; the marker is no abnormality."""
        parts = case_parts(case.case_id)
        if parts is None or parts.source != PHANTOM:
            raise Unsupported(
                f"case {case.case_id}: its picture is no phantom's, so it cannot be rendered again."
            )
        who = patient(parts.image_id)
        normal = to_study(rendered(parts.image_id, (), who.marker), case.study.width).picture
        return [normal] * len(regions)
