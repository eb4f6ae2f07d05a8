"""Evidence -> the rows of the tables. Pure: values in, rows out; shares and scores are fractions 0..1.

Means are over all cases of a group, so a failed case counts as 0; intervals are by image (`core.intervals`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medground_bench.ablation.run import Evidence, TrackEvidence
from medground_bench.ablation.variants import TableRow, Variant
from medground_bench.anatomy.vocabulary import Vocabulary
from medground_bench.core.comparison import compare
from medground_bench.core.intervals import holm
from medground_bench.core.scoring import By, CaseScore, score_cases, table
from medground_bench.core.types import Group, Reference
from medground_bench.core.unions import union_areas
from medground_bench.leaderboard.board import ALL, VIEWS
from medground_bench.methods.medfocus import WHOLE_IMAGE

View = tuple[By, ...]
Names = tuple[str, ...]

VIEWS_OF_CONCEPTS: tuple[View, ...] = (
    (By.MODE,),
    (By.MODE, By.SOURCE),
    (By.MODE, By.LVLM),
    (By.MODE, By.FINDING),
)
VIEWS_OF_FAILURES: tuple[View, ...] = (*VIEWS, (By.MODE, By.FINDING), (By.MODE, By.LVLM, By.FINDING))
SIZES = {"below 2 %": (0.0, 0.02), "2 to 5 %": (0.02, 0.05), "above 5 %": (0.05, np.inf)}
"""How large a finding is -> the share of the picture that its boxes cover, from and below."""

NOTHING = "nothing (failed)"
COLUMNS = ("mode", "source", "lvlm", "finding")


@dataclass(frozen=True, slots=True)
class Scored:
    """What a variant made of a case, with its score.

    area   share of the picture that its boxes cover
    truth  share that the expert's boxes cover
    """

    evidence: Evidence
    score: CaseScore
    area: float
    truth: float

    def names(self, view: View) -> Names:
        """What the case is called in a view."""
        return tuple(str(getattr(self.score, by.value)) for by in view)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """One group of cases.

    whole_image  share of cases in which no concept mattered enough: the paper's failure rate
    no_box       share of cases that have no box although nothing failed
    failed       share of cases on which the method raised an error; they score 0
    error        what most of them said, None where none failed
    low, high    95 % interval of the IoU, by image; None where images are too few
    area         mean share of the picture that its boxes cover; a failed case covers nothing
    asked        mean number of pictures that the LVLM was shown for a case, of those that did not fail
    region_iou   mean over pictures of how well the concepts were found; None where the truth is not known
    """

    cases: int
    images: int
    iou: float
    low: float | None
    high: float | None
    f1: float
    precision: float
    recall: float
    whole_image: float
    no_box: float
    failed: float
    error: str | None
    area: float
    asked: float | None
    region_iou: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """IoU minus that of MedFocus as it is, on the same cases.

    gain_low, gain_high  its 95 % interval; None where images are too few or all alike
    gain_p               its p-value, by Holm worth what it is among all rows of the table in that view; None as above
    """

    gain: float
    gain_low: float | None
    gain_high: float | None
    gain_p: float | None


Record = dict[str, Any]  # what a column holds is known by its name alone, as in the CSV file that it becomes
"""A row of a CSV file: column -> value, None for an empty cell."""


def scored(track: TrackEvidence, variant: Variant, groups: Iterable[Group]) -> list[Scored]:
    """A variant's evidence on the attempts of some groups."""
    attempts, wanted = track.attempts, set(groups)
    references = [each for each in attempts.references if attempts.groups[each.case_id] in wanted]
    evidence = track.evidence[variant]
    predictions = (evidence[each.case_id].prediction(each) for each in references)
    scores = score_cases(references, [prediction for prediction in predictions if prediction is not None])
    areas = {each.case_id: _areas(evidence[each.case_id], each) for each in references}
    return [Scored(evidence[score.case_id], score, *areas[score.case_id]) for score in scores]


def _areas(evidence: Evidence, reference: Reference) -> tuple[float, float]:
    """Shares of the picture under the predicted boxes and under the expert's."""
    covered = union_areas(evidence.boxes, [box.xyxy for box in reference.boxes])
    whole = reference.native.width * reference.native.height
    return covered.first / whole, covered.second / whole


def table_records(rows: Sequence[TableRow], base: Variant, tracks: Sequence[TrackEvidence]) -> list[Record]:
    """The records of table 2 or 7 in every view, in the order of its rows; what was not run says why.

    A row is in the table with those tracks on which it was run; a last record says which it lacks.
    """
    against = _over(tracks, base)
    records = []
    for row in rows:
        variant = row.variant
        head: Record = {"section": row.section, "label": row.label, "not_run": None}
        head |= _settings(variant) if variant else {}
        own = _over(tracks, variant) if variant else []
        if not own:
            records.append(head | {"not_run": row.not_run or _reason(tracks, variant)})
        for view in VIEWS:
            for names, members in _grouped(own, view):
                same = {each.score.case_id for each in members}
                others = [each for each in against if each.score.case_id in same]
                gain = asdict(_gain(members, others)) if len(others) == len(members) else {}
                records.append(head | _place(view, names) | asdict(_numbers(members)) | gain)
        if own and (lacking := [track for track in tracks if variant not in track.evidence]):
            where = ", ".join(str(track.attempts.track) for track in lacking)
            records.append(head | {"not_run": f"not on {where}: {_reason(tracks, variant)}"})
    _correct(records)
    return records


def _correct(records: Sequence[Record]) -> None:
    """Write into `gain_p` what it is worth among all rows of its view."""
    views: dict[Names, list[Record]] = {}
    for record in records:
        if record.get("gain_p") is not None:
            views.setdefault(tuple(record[column] for column in COLUMNS), []).append(record)
    for rows in views.values():
        corrected = holm(np.array([row["gain_p"] for row in rows]))
        for row, p in zip(rows, corrected, strict=True):
            row["gain_p"] = float(p)


def group_records(
    base: Variant, tracks: Sequence[TrackEvidence], views: Sequence[View] = VIEWS
) -> list[Record]:
    """Figure 6: MedFocus on the three groups of the causal filter, IoU and failure rates, in every view."""
    records = []
    for group in Group:
        members = _over(tracks, base, [group])
        for view in views:
            for names, of_view in _grouped(members, view):
                place = {"group": group.value, "not_run": None} | _place(view, names)
                records.append(place | asdict(_numbers(of_view)))
    return records


def size_records(rows: Sequence[TableRow], tracks: Sequence[TrackEvidence]) -> list[Record]:
    """The rows of a table by how large the finding is, in every mode; LVLMs and sources pooled."""
    records = []
    for row in rows:
        own = _over(tracks, row.variant) if row.variant else []
        for names, members in _grouped(own, (By.MODE,)):
            for size, (least, most) in SIZES.items():
                of_size = [each for each in members if least <= each.truth < most]
                if of_size:
                    head = {"section": row.section, "label": row.label, "size": size}
                    records.append(head | _place((By.MODE,), names) | asdict(_numbers(of_size)))
    return records


def concept_records(base: Variant, tracks: Sequence[TrackEvidence]) -> list[Record]:
    """Table 8: how often a concept is the evidence, alone or in a group that won; retained cases only.

    A group that wins counts for each of its members, as in the paper, whose columns add up to more than 100 %. Rows
    of kind `group` say how often that happened; `whole image` and `nothing` complete the cases.
    """
    records = []
    members, vocabulary = _over(tracks, base), base.method().concepts
    for view in VIEWS_OF_CONCEPTS:
        for names, of_view in _grouped(members, view):
            won = Counter(each.evidence.concept or NOTHING for each in of_view)
            for concept, kind, alone, grouped in _shares(won, vocabulary):
                place = {"concept": concept, "kind": kind} | _place(view, names)
                counts = {"cases": len(of_view), "alone": alone, "in_group": grouped}
                records.append(place | counts | {"share": (alone + grouped) / len(of_view)})
    return records


def _shares(won: Mapping[str, int], vocabulary: Vocabulary) -> Iterator[tuple[str, str, int, int]]:
    """(name, kind, times it won, times a group with it won), concepts first."""
    for concept in vocabulary.concepts:
        grouped = sum(won.get(group.name, 0) for group in vocabulary.groups if concept.name in group.members)
        yield concept.name, "concept", won.get(concept.name, 0), grouped
    for group in vocabulary.groups:
        yield group.name, "group", won.get(group.name, 0), 0
    for name in (WHOLE_IMAGE, NOTHING):
        yield name, "none", won.get(name, 0), 0


def _settings(variant: Variant) -> Record:
    """The columns that say what was run; a cell is empty where the localizer has its own."""
    choice = variant.transport
    return {
        "localizer": variant.localizer,
        "checkpoint": variant.checkpoint,
        "region": variant.region.value,
        "fill": variant.fill.value,
        "vocabulary": variant.vocabulary,
        "rule": repr(variant.rule),
        "groups": variant.groups,
        "quadrants": variant.quadrants,
        "marginal_weight": choice and choice.marginal_weight,
        "epsilon": choice and choice.epsilon,
        "references": choice and choice.references,
    }


def _over(
    tracks: Iterable[TrackEvidence], variant: Variant, groups: Sequence[Group] = (Group.GROUNDED,)
) -> list[Scored]:
    return [each for track in tracks if variant in track.evidence for each in scored(track, variant, groups)]


def _reason(tracks: Iterable[TrackEvidence], variant: Variant | None) -> str:
    reasons = [track.not_run[variant] for track in tracks if variant in track.not_run]
    return reasons[0] if reasons else "no case to run it on"


def _grouped(members: Sequence[Scored], view: View) -> list[tuple[Names, list[Scored]]]:
    groups: dict[Names, list[Scored]] = {}
    for each in members:
        groups.setdefault(each.names(view), []).append(each)
    return sorted(groups.items())


def _numbers(members: Sequence[Scored]) -> Numbers:
    [row] = table([each.score for each in members], by=())
    low, high = row.iou_ends
    errors = Counter(each.evidence.error for each in members if each.evidence.error is not None)
    without = [each for each in members if each.evidence.error is None and not each.evidence.boxes]
    whole = [each for each in members if each.evidence.concept == WHOLE_IMAGE]
    asked = [each.evidence.pictures for each in members if each.evidence.pictures is not None]
    region_ious = {
        (each.score.source, each.score.image_id): each.evidence.region_iou
        for each in members
        if each.evidence.region_iou is not None
    }
    return Numbers(
        cases=len(members),
        images=row.images,
        iou=row.mean.iou,
        low=low,
        high=high,
        f1=row.mean.f1,
        precision=row.mean.precision,
        recall=row.mean.recall,
        whole_image=len(whole) / len(members),
        no_box=len(without) / len(members),
        failed=errors.total() / len(members),
        error=errors.most_common(1)[0][0] if errors else None,
        area=float(np.mean([each.area for each in members])),
        asked=float(np.mean(asked)) if asked else None,
        region_iou=float(np.mean(list(region_ious.values()))) if region_ious else None,
    )


def _gain(members: Sequence[Scored], others: Sequence[Scored]) -> Gain:
    first, second = ([each.score for each in side] for side in (members, others))
    gain = compare(first, second)
    return Gain(gain=gain.mean, gain_low=gain.low, gain_high=gain.high, gain_p=gain.p_value)


def _place(view: View, names: Names) -> Record:
    """The four columns that say where a row stands; `all` is pooled."""
    own = {by.value: name for by, name in zip(view, names, strict=True)}
    return {column: own.get(column, ALL) for column in COLUMNS}
