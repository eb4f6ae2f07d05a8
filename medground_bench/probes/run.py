"""Probing a track: what a probe measures of a method on a case is kept at once, by the content it depends on.

Cases go outside, probes and methods inside, so that a map is made once for all probes and what an LVLM remembers of a
picture serves all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from medground_bench import __version__
from medground_bench.benchmark.opening import Benchmark
from medground_bench.benchmark.rows import CASES, VERDICTS, CaseRow
from medground_bench.core.case_ids import question_of
from medground_bench.core.errors import Unsupported, one_line
from medground_bench.core.progress import Advance
from medground_bench.core.types import Case, Reference, Track
from medground_bench.lvlms import Lvlm
from medground_bench.methods import Method
from medground_bench.pictures import picture_digest
from medground_bench.probes import ProbeKind, insertion, pointing, protocol, removal
from medground_bench.probes.subjects import Look, ProbedMethod, Shown
from medground_bench.runs.code_version import probe_code
from medground_bench.runs.inputs import inputs_of, seen_of
from medground_bench.storage.journal import Entry, Journal
from medground_bench.storage.whole_files import Plain, fingerprint, sha256

SPLIT = "test"

Measure = Callable[[Lvlm, Shown, Sequence[Look]], list[Entry]]
"""What a probe measures of several methods on one case: numbers by name, None where there is none."""

OF_CASES: Mapping[ProbeKind, Measure] = {
    ProbeKind.REMOVAL: removal.measure,
    ProbeKind.INSERTION: insertion.measure,
    ProbeKind.PROTOCOL: protocol.measure,
    ProbeKind.POINTING: pointing.measure,
}
"""The probes of retained cases, in the order in which they are run."""


@dataclass(slots=True)
class TrackProbes:
    """What was measured on one track.

    truth     case id -> its reference, of every case that was probed
    measured  probe -> method -> case id -> numbers
    not_run   probe -> the reason
    """

    track: Track
    truth: dict[str, Reference] = field(default_factory=dict)
    measured: dict[ProbeKind, dict[str, dict[str, Entry]]] = field(default_factory=dict)
    not_run: dict[ProbeKind, str] = field(default_factory=dict)

    def add(self, what: ProbeKind, method: str, truth: Reference, numbers: Entry) -> None:
        """Of one method on one case."""
        self.truth[truth.case_id] = truth
        self.measured.setdefault(what, {}).setdefault(method, {})[truth.case_id] = numbers


def chosen_references(benchmark: Benchmark, track: Track, limit: int | None) -> list[Reference]:
    """The track's cases by case id, at most so many."""
    truth = benchmark.references(lvlm=track.lvlm, mode=track.mode, split=SPLIT)
    return sorted(spread(truth, limit), key=lambda each: each.case_id)


def spread(references: Iterable[Reference], limit: int | None) -> list[Reference]:
    """Of as many pictures as the limit admits, and the same questions whatever the track."""
    of_image = Counter[str]()
    ranked: list[tuple[int, Reference]] = []
    for each in sorted(references, key=lambda each: sha256(question_of(each.case_id).encode())):
        ranked.append((of_image[each.image_id], each))
        of_image[each.image_id] += 1
    ranked.sort(key=lambda pair: pair[0])
    return [each for _rank, each in ranked[:limit]]


def walk(benchmark: Benchmark, track: Track, references: Sequence[Reference]) -> Iterator[Shown]:
    """The cases of these references with their native pictures, by case id."""
    truth = {each.case_id: each for each in references}
    editors = {
        row.question_id: row.editor.partition("@")[0]
        for row in benchmark.dataset.read(VERDICTS, SPLIT, track.lvlm)
        if row.track == track and row.editor is not None
    }
    rows = benchmark.columns(CASES[track.mode], SPLIT, CaseRow, {"lvlm": track.lvlm})
    for row in sorted(rows, key=lambda row: row.case_id):
        if row.case_id in truth:
            native = benchmark.picture(row, f"case {row.case_id}")
            yield Shown(row.case(native), truth[row.case_id], native, editors.get(row.question_id))


@dataclass(frozen=True, slots=True)
class Probing:
    """Everything that a probe of one track works with.

    methods  name -> the method with the settings of its run; None where they are not known
    advance  told how many more results are settled
    """

    lvlm: Lvlm
    subjects: Sequence[ProbedMethod]
    methods: Mapping[str, Method | None]
    journal: Journal
    probes: TrackProbes
    advance: Advance


def run_cases(probing: Probing, cases: Iterable[Shown], whats: Sequence[ProbeKind]) -> None:
    """Run the probes of retained cases; what the journal has is not done again."""
    for shown in cases:
        case_id = shown.case.case_id
        looks = [
            Look(
                each.method,
                each.boxes.get(case_id, ()),
                probing.methods[each.method],
                probing.lvlm,
                shown.case,
            )
            for each in probing.subjects
        ]
        for what in whats:
            if what not in probing.probes.not_run:
                _measure(probing, what, shown, looks)
            probing.advance(len(looks))


def _measure(probing: Probing, what: ProbeKind, shown: Shown, looks: Sequence[Look]) -> None:
    """One probe on one case; what cannot be run here is told with the reason, and not tried on the next case."""
    known, probes = probing.journal.known, probing.probes
    keys = [
        unit_key(what, probing.lvlm, shown.case, look.method, _inputs(what, look, shown)) for look in looks
    ]
    missing = [(look, key) for look, key in zip(looks, keys, strict=True) if key not in known]
    try:
        made = OF_CASES[what](probing.lvlm, shown, [look for look, _key in missing]) if missing else []
    except Unsupported as error:
        probes.not_run[what] = one_line(error)
        probes.measured.pop(what, None)
        return
    for (_look, key), numbers in zip(missing, made, strict=True):
        probing.journal.once(key, partial(rounded, numbers))
    for look, key in zip(looks, keys, strict=True):
        probes.add(what, look.name, shown.reference, known[key])


def unit_key(
    what: ProbeKind, lvlm: Lvlm, case: Case, method: Method | None, inputs: Mapping[str, Plain]
) -> str:
    """Identity of a unit of work: a hash of everything it depends on."""
    return fingerprint(
        what=what.value,
        version=__version__,
        code=probe_code(),
        case=seen_of(case),
        lvlm=[lvlm.key, lvlm.revision, lvlm.precision],
        method=None if method is None else repr(method),
        uses=None if method is None else inputs_of(method, lvlm, [case.case_id.partition("/")[0]]),
        inputs=dict(inputs),
    )


def rounded(numbers: Entry) -> Entry:
    """As they are kept: six digits, so that what comes after does not depend on the last bit of a sum."""
    return {name: round(each, 6) if isinstance(each, float) else each for name, each in numbers.items()}


def _inputs(what: ProbeKind, look: Look, shown: Shown) -> dict[str, Plain]:
    editor = removal.version_of(shown.editor) if what is ProbeKind.REMOVAL else None
    return {
        "name": look.name,
        "native": picture_digest(shown.native),
        "editor": [shown.editor, editor],
        "boxes": [list(box.xyxy) for box in look.boxes],
        "truth": [list(box.xyxy) for box in shown.reference.boxes],
    }
