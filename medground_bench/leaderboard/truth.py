"""What a store's keeper knows of the benchmark that submissions answer, and what may be told of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from medground_bench.benchmark.opening import Benchmark
from medground_bench.benchmark.statistics import Statistics
from medground_bench.core.protocol import PROTOCOL
from medground_bench.core.types import Frame, Reference
from medground_bench.leaderboard.case_scores import BoardCase
from medground_bench.leaderboard.records import BadRecord, Edition
from medground_bench.leaderboard.scoring_process import references_as_json
from medground_bench.leaderboard.track_facts import TrackFacts, track_facts
from medground_bench.storage.whole_files import Plain, fingerprint


@dataclass(frozen=True, slots=True)
class CaseList:
    """The cases of a revision and what the causal filter made of its tracks: what a store holds of a benchmark."""

    cases: tuple[BoardCase, ...]
    tracks: tuple[TrackFacts, ...]

    def content(self) -> bytes:
        """Same cases, same bytes; a line a case."""
        lines = ",\n".join(json.dumps(list(asdict(case).values())) for case in self.cases)
        tracks = json.dumps([asdict(track) for track in self.tracks], sort_keys=True)
        return f'{{"tracks": {tracks},\n"cases": [\n{lines}\n]}}\n'.encode("ascii")

    @classmethod
    def of(cls, content: bytes) -> CaseList:
        """The list in a file; BadRecord where there is none."""
        try:
            saved = json.loads(content)
            tracks = tuple(TrackFacts(**track) for track in saved["tracks"])
            return cls(tuple(BoardCase(*case) for case in saved["cases"]), tracks)
        except (ValueError, KeyError, TypeError) as error:
            raise BadRecord(f"a file of the store is no list of cases ({error}).") from error


@dataclass(frozen=True)
class Truth:
    """The expert boxes and whose they are; it never leaves the machine that scores."""

    dataset: str
    revision: str
    references: Sequence[Reference]
    tracks: tuple[TrackFacts, ...] = ()

    @classmethod
    def of(cls, benchmark: Benchmark) -> Truth:
        """Of a benchmark; a folder's revision is a digest of its cases and boxes."""
        references = benchmark.references()
        facts = tuple(track_facts(Statistics.of(benchmark.dataset, "test")))
        name = benchmark.folder.name if benchmark.revision is None else benchmark.folder.parts[-3]
        return cls(
            name.removeprefix("datasets--").replace("--", "/"),
            benchmark.revision or _digest(references),
            references,
            facts,
        )

    @property
    def edition(self) -> Edition:
        """Its benchmark under the protocol of this version."""
        return Edition(self.dataset, self.revision, PROTOCOL)

    @cached_property
    def frames(self) -> Mapping[str, Frame]:
        """The pictures' sizes by case id."""
        return {each.case_id: each.native for each in self.references}

    @cached_property
    def told(self) -> str:
        """What a scoring process is told of the cases, as JSON."""
        return json.dumps(references_as_json(self.references))

    @cached_property
    def cases(self) -> CaseList:
        """What a store may hold of it."""
        cases = map(BoardCase.of, self.references)
        return CaseList(tuple(sorted(cases, key=lambda case: case.case_id)), self.tracks)


def _digest(references: Sequence[Reference]) -> str:
    cases: list[Plain] = [
        [each.case_id, each.native.width, each.native.height, *(list(box.xyxy) for box in each.boxes)]
        for each in sorted(references, key=lambda each: each.case_id)
    ]
    return fingerprint(cases=cases)[:40]
