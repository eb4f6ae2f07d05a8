"""What is probed: a method's boxes on a track, from its prediction file, and the method itself where it is known.

The run file beside a prediction file names the method and its settings, so that its maps can be made again. A file
without one, as others send it, has boxes only: what needs maps or the method is not measured of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from medground_bench import plugins
from medground_bench.core.errors import BadSubmission, CaseFailed, SourceMissing, attempted
from medground_bench.core.geometry import Letterbox
from medground_bench.core.randomness import case_rng
from medground_bench.core.types import Box, Case, Picture, Reference, SaliencyMap, Track
from medground_bench.lvlms import Lvlm
from medground_bench.methods import Explained, Method, Tunable, explain, open_method
from medground_bench.runs.run_file import RunRecord, predictions_of, read_run
from medground_bench.runs.sweep import settings_of
from medground_bench.submission.read import Problems, read_submission

ENDINGS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class ProbedMethod:
    """A method on one track.

    boxes  case id -> native pixels; a case on which the method failed has none
    run    what the run file says; None where nobody knows how the boxes were made
    """

    method: str
    track: Track
    boxes: Mapping[str, tuple[Box, ...]]
    run: RunRecord | None

    def opened(self, lvlm: Lvlm) -> Method | None:
        """The method with the settings of its run; None where it is not installed or does not offer them any more."""
        installed = {plugin.name for plugin in plugins.available("methods")}
        if self.run is None or self.run.lvlm_revision != lvlm.revision or self.method not in installed:
            return None
        own = open_method(self.method, lvlm)
        offered = type(own).candidates(lvlm) if isinstance(own, Tunable) else ()
        return next((each for each in (own, *offered) if settings_of(each) == self.run.settings), None)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A case with its truth, its native picture, and the editor by whose edits the causal filter kept it.

    editor  a name; None where the benchmark does not say
    """

    case: Case
    reference: Reference
    native: Picture
    editor: str | None

    @property
    def truth(self) -> tuple[Box, ...]:
        """The expert's boxes in the study frame."""
        letterbox = Letterbox.fit(self.case.native, self.case.study.width)
        return tuple(map(letterbox.to_study, self.reference.boxes))


@dataclass(frozen=True)
class Look:
    """What one method says of one case: the boxes of its file, and its evidence, made again when it is asked for.

    method  None where it is not known
    """

    name: str
    boxes: tuple[Box, ...]
    method: Method | None
    lvlm: Lvlm
    case: Case

    @cached_property
    def explained(self) -> Explained | None:
        """None where the method is not known or fails on the case."""
        return explained_by(self.method, self.lvlm, self.case) if self.method else None

    @property
    def saliency(self) -> SaliencyMap | None:
        """The map of a method that makes maps."""
        return self.explained.attribution.saliency if self.explained else None


def explained_by(method: Method, lvlm: Lvlm, case: Case) -> Explained | None:
    """With the randomness of a prediction file of seed 0; None where the method fails on the case."""
    made = attempted(partial(explain, method, lvlm, case, case_rng(0, case.case_id)))
    return None if isinstance(made, CaseFailed) else made


def read_subjects(folder: Path, references: Sequence[Reference]) -> list[ProbedMethod]:
    """The methods of all prediction files of a folder, by track and name; of runs with several seeds the first.

    raises  SourceMissing for a folder without any, BadSubmission for a file with a problem
    """
    files = [each for each in sorted(folder.glob("*")) if each.name.endswith(ENDINGS)]
    if not files:
        raise SourceMissing(
            f"{folder} holds no prediction file (*.jsonl or *.jsonl.gz). Write some: medground predict --out {folder}"
        )
    subjects: dict[tuple[Track, str], ProbedMethod] = {}
    for file in files:
        run = read_run(file)
        if run is None or not run.seed:
            for subject in _subjects_of(file, run, references):
                subjects.setdefault((subject.track, subject.method), subject)
    return [subjects[key] for key in sorted(subjects)]


def _subjects_of(file: Path, run: RunRecord | None, references: Sequence[Reference]) -> list[ProbedMethod]:
    """One a track; a file of a track without cases has none."""
    content = file.read_bytes()
    if run is not None and not run.cases:
        return []
    read = read_submission(content, references)
    if isinstance(read, Problems):
        raise BadSubmission(f"{file}: {read.shown[0]} See all: medground check {file} --benchmark ...")
    track_of = {each.case_id: each.track for each in references}
    stem = file.name.partition(".jsonl")[0]
    of_tracks: dict[Track, dict[str, tuple[Box, ...]]] = {
        track_of[each.case_id]: {} for each in read.predictions
    }
    for each in predictions_of(file, read.predictions):
        of_tracks[track_of[each.case_id]][each.case_id] = each.boxes
    return [
        ProbedMethod(run.method if run else stem.removeprefix(f"{track.stem}-"), track, boxes, run)
        for track, boxes in of_tracks.items()
    ]
