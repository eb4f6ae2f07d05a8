"""What `medground tune` found out: every candidate's score, the choice, and how `predict` picks it up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from itertools import product
from pathlib import Path

from medground_bench.benchmark.opening import Benchmark
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.types import Mode, Track
from medground_bench.lvlms import LvlmDescription
from medground_bench.methods import Method, Tunable, open_method
from medground_bench.runs.code_version import scoring_code
from medground_bench.runs.inputs import inputs_of
from medground_bench.storage.whole_files import Plain, fingerprint, sha256, write_whole

SPLIT = "tune"

Settings = Mapping[str, Plain]
"""A method's fields by name, as JSON says them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One setting that was tried; a case on which it failed counts as 0.

    iou     mean over the cases, 0..1
    failed  cases on which the method raised an error
    """

    settings: Settings
    iou: float
    failed: int


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """All that a sweep depends on, as digests; `Sweep` says of what."""

    lvlm_revision: str
    benchmark: str
    code: str

    @classmethod
    def now(cls, benchmark: Benchmark, lvlm: LvlmDescription, name: str, mode: Mode) -> MadeFrom:
        """What a sweep of a method would be made from today; `benchmark` is empty where there is no case to tune on."""
        track, method = Track(lvlm.key, mode), open_method(name, lvlm)
        if not benchmark.tracks(SPLIT).get(track):
            return cls(lvlm.revision, "", "")
        cases = benchmark.references(lvlm=track.lvlm, mode=mode, split=SPLIT)
        code = fingerprint(
            code=scoring_code(),
            inputs=inputs_of(method, lvlm, {each.source for each in cases}),
            candidates=[settings_of(each) for each in candidates_of(method, lvlm)],
        )
        return cls(lvlm.revision, benchmark.content_digest(track, SPLIT), code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Every candidate in the method's own order, and what they were tried on.

    pictures   whose cases they are
    as_good    how many candidates, the choice among them, the cases cannot tell from the best
    benchmark  digest of the cases
    code       digest of what the scores depend on besides cases and weights: code, candidates, what settings only name
    """

    method: str
    lvlm: str
    lvlm_revision: str
    mode: Mode
    benchmark: str
    code: str
    cases: int
    pictures: int
    as_good: int
    candidates: tuple[Candidate, ...]

    @property
    def track(self) -> Track:
        """The LVLM and mode that it is for."""
        return Track(self.lvlm, self.mode)

    @property
    def made_from(self) -> MadeFrom:
        """What it is of."""
        return MadeFrom(self.lvlm_revision, self.benchmark, self.code)

    @property
    def chosen(self) -> Candidate:
        """The best; of equals the first."""
        return max(self.candidates, key=lambda candidate: candidate.iou)

    @property
    def varying(self) -> dict[str, list[Plain]]:
        """Setting -> the values it was tried with, in their order; only settings with several, such as the layer."""
        values: dict[str, list[Plain]] = {name: [] for name in self.candidates[0].settings}
        for candidate, name in product(self.candidates, values):
            value = candidate.settings.get(name)
            if value not in values[name]:
                values[name].append(value)
        return {name: several for name, several in values.items() if len(several) > 1}

    def save(self, folder: Path) -> Path:
        """Write the sweep's file; same sweep, same bytes."""
        path = file_of(folder, self.track, self.method)
        text = json.dumps(asdict(self) | {"chosen": asdict(self.chosen)}, indent=1, allow_nan=False)
        write_whole(path, f"{text}\n".encode("ascii"))
        return path

    @classmethod
    def read(cls, path: Path) -> Sweep:
        """The sweep that `save` wrote; SourceMissing for anything else."""
        try:
            saved = json.loads(path.read_text("utf-8"))
            del saved["chosen"]
            candidates = tuple(Candidate(**candidate) for candidate in saved.pop("candidates"))
            return cls(candidates=candidates, mode=Mode(saved.pop("mode")), **saved)
        except FileNotFoundError as error:
            raise SourceMissing(f"{path}: there is no such file. Make it with: medground tune") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceMissing(f"{path} is no result of medground tune ({error}). Make it again.") from error


def spelled(value: Plain) -> str:
    """A setting's value for people; None is a mean, for example of all heads."""
    return "mean" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Tuned:
    """A method with the settings that a sweep chose; `digest` is that of the sweep's file."""

    method: Method
    sweep: Sweep
    digest: str

    def as_json(self) -> dict[str, Plain]:
        """What a prediction file's provenance says of it."""
        sweep = self.sweep
        return {
            "sha256": self.digest,
            "iou": sweep.chosen.iou,
            "cases": sweep.cases,
            "pictures": sweep.pictures,
            "candidates": len(sweep.candidates),
            "benchmark": sweep.benchmark,
        }


def file_of(folder: Path, track: Track, method: str) -> Path:
    """Where the sweep of a method and track is kept."""
    return folder / f"{track.stem}-{method}.json"


def tuned_method(
    name: str, lvlm: LvlmDescription, mode: Mode, folder: Path, *, of: Benchmark | None = None
) -> Tuned | None:
    """The method as tuned for this LVLM and mode; None where the folder has no sweep of it.

    A sweep of other weights, or one whose choice the method no longer offers, is refused: tune again.

    of  the benchmark whose cases it has to be of, and made by today's code; None takes what fits the method
    """
    track = Track(lvlm.key, mode)
    path = file_of(folder, track, name)
    if not path.is_file():
        return None
    sweep = Sweep.read(path)
    again = f"Tune again (medground tune --method {name} ...) or take the file away."
    if (sweep.method, sweep.track) != (name, track):
        raise MedgroundError(f"{path} was made for {sweep.method}, {sweep.lvlm}, {sweep.mode}. {again}")
    if sweep.lvlm_revision != lvlm.revision:
        raise MedgroundError(
            f"{path} was made with {sweep.lvlm} at {sweep.lvlm_revision}, but this is {lvlm.revision}. {again}"
        )
    if of is not None and sweep.made_from != (now := MadeFrom.now(of, lvlm, name, mode)):
        other = (
            "by other code"
            if sweep.benchmark == now.benchmark
            else f"of other cases than those of {of.folder}"
        )
        raise MedgroundError(f"{path} was made {other}. {again}")
    for candidate in candidates_of(open_method(name, lvlm), lvlm):
        if settings_of(candidate) == sweep.chosen.settings:
            return Tuned(candidate, sweep, sha256(path.read_bytes()))
    raise MedgroundError(f"{path} chose {dict(sweep.chosen.settings)}, which {name} does not offer. {again}")


def candidates_of(method: Method, lvlm: LvlmDescription) -> list[Method]:
    """What tuning tries of a method on an LVLM; nothing where it has nothing to choose."""
    return list(type(method).candidates(lvlm)) if isinstance(method, Tunable) else []


def settings_of(method: Method) -> Settings:
    """The fields of a method by name, as they come back from JSON; what JSON cannot say, by its repr."""
    names: list[str] = [each.name for each in fields(method)] if is_dataclass(method) else []
    values = {name: getattr(method, name) for name in names}
    plain: Settings = json.loads(json.dumps(values, default=repr))
    return plain
