"""How often intervals hold, and how often equal methods are told apart.

`python -m tests.performance.interval_coverage` prints the tables of docs/statistics.md as Markdown; same seed, same
numbers. Every candidate sees the same boards. The bootstraps draw the same images for all boards of a kind, which makes
them quick and changes no mean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import stats
from scipy.special import expit, logit

from medground_bench.core.intervals import LEVEL, ImageMeans, holm, p_values
from tests.kit.made_scores import ALIKE, SHAPES, SIZES, Numbers, Sample, drawn, true_mean

IMAGES = (4, 6, 10, 20, 50, 100, 400)
RESAMPLES = 999
TAIL = (1 - LEVEL) / 2
PAIRS = (
    ("as IoU mostly is", "as IoU mostly is"),
    ("as IoU mostly is", "low"),
    ("30 % zeros", "60 % zeros"),
    ("high", "60 % zeros"),
)


@dataclass(frozen=True, slots=True)
class Boards:
    """One method, or the difference of two, on many boards: sums and counts (boards, images)."""

    sums: Numbers
    counts: Numbers
    times: Numbers

    @property
    def mean(self) -> Numbers:
        return self.sums.sum(1) / self.counts.sum(1)

    @property
    def residuals(self) -> Numbers:
        return self.sums - self.mean[:, None] * self.counts

    def error(self, *, corrected: bool) -> Numbers:
        """Of the linearised ratio, plain or each image corrected for its own part."""
        images, total = self.counts.shape[1], self.counts.sum(1)
        own = 1 - self.counts / total[:, None] if corrected else (images - 1) / images
        return np.sqrt((self.residuals**2 / own).sum(1)) / total

    def effective(self) -> Numbers:
        """Kish's number of images, less one."""
        return self.counts.sum(1) ** 2 / (self.counts**2).sum(1) - 1

    def resampled(self) -> Numbers:
        """Means (boards, resamples)."""
        return (self.sums @ self.times) / (self.counts @ self.times)


Ends = tuple[Numbers, Numbers]
Candidate = Callable[[Boards], Ends]


def percentile(boards: Boards) -> Ends:
    low, high = np.quantile(boards.resampled(), (TAIL, 1 - TAIL), axis=1)
    return low, high


def bias_corrected(boards: Boards) -> Ends:
    """BCa (Efron 1987), acceleration by leaving out images."""
    means = np.sort(boards.resampled(), axis=1)
    below = (means < boards.mean[:, None]).mean(1)
    bias = stats.norm.ppf(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    left = (boards.sums.sum(1)[:, None] - boards.sums) / (boards.counts.sum(1)[:, None] - boards.counts)
    gap = left.mean(1, keepdims=True) - left
    speed = (gap**3).sum(1) / np.maximum(6 * (gap**2).sum(1) ** 1.5, 1e-12)
    ends = []
    for tail in (TAIL, 1 - TAIL):
        step = bias + stats.norm.ppf(tail)
        share = stats.norm.cdf(bias + step / (1 - speed * step))
        place = np.clip(np.round(share * (RESAMPLES - 1)), 0, RESAMPLES - 1).astype(int)
        ends.append(means[np.arange(len(means)), place])
    return ends[0], ends[1]


def studentised(boards: Boards) -> Ends:
    """Bootstrap-t, the plain error of every resample."""
    s, n, times = boards.sums, boards.counts, boards.times
    total, mean = n @ times, boards.resampled()
    squares = (s**2) @ times - 2 * mean * ((s * n) @ times) + mean**2 * ((n**2) @ times)
    images = n.shape[1]
    error = np.sqrt(np.maximum(squares, 0) * images / (images - 1)) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num((mean - boards.mean[:, None]) / error, nan=0.0, posinf=1e9, neginf=-1e9)
    low, high = np.quantile(t, (TAIL, 1 - TAIL), axis=1)
    plain = boards.error(corrected=False)
    return boards.mean - high * plain, boards.mean - low * plain


def _t(boards: Boards, *, corrected: bool, effective: bool, odds: bool) -> Ends:
    freedom = boards.effective() if effective else np.float64(boards.counts.shape[1] - 1)
    reach = stats.t.ppf(1 - TAIL, freedom) * boards.error(corrected=corrected)
    if not odds:
        return boards.mean - reach, boards.mean + reach
    inside = np.clip(boards.mean, 1e-9, 1 - 1e-9)
    reach = np.where(reach > 0, reach, np.nan) / (inside * (1 - inside))
    return expit(logit(inside) - reach), expit(logit(inside) + reach)


def plain_t(boards: Boards) -> Ends:
    return _t(boards, corrected=False, effective=False, odds=False)


def t_effective(boards: Boards) -> Ends:
    return _t(boards, corrected=True, effective=True, odds=False)


def t_odds(boards: Boards) -> Ends:
    return _t(boards, corrected=False, effective=False, odds=True)


def t_odds_effective(boards: Boards) -> Ends:
    return _t(boards, corrected=True, effective=True, odds=True)


def t_arcsine_effective(boards: Boards) -> Ends:
    angle = np.arcsin(np.sqrt(np.clip(boards.mean, 0, 1)))
    slope = 2 * np.sqrt(np.maximum(boards.mean * (1 - boards.mean), 1e-12))
    reach = stats.t.ppf(1 - TAIL, boards.effective()) * boards.error(corrected=True) / slope
    return np.sin(np.maximum(angle - reach, 0)) ** 2, np.sin(np.minimum(angle + reach, np.pi / 2)) ** 2


OF_MEANS: Mapping[str, Candidate] = {
    "percentile bootstrap": percentile,
    "BCa bootstrap": bias_corrected,
    "bootstrap-t": studentised,
    "t, linearised ratio": plain_t,
    "t, log-odds": t_odds,
    "t, CR2, effective images": t_effective,
    "the same, arcsine": t_arcsine_effective,
    "the same, log-odds (chosen)": t_odds_effective,
}
OF_DIFFERENCES: Mapping[str, Candidate] = {
    "percentile bootstrap": percentile,
    "bootstrap-t": studentised,
    "t, linearised ratio": plain_t,
    "t, CR2, effective images (chosen)": t_effective,
}


def held(ends: Ends, truth: float) -> float:
    """How many intervals hold the truth, of those that there are."""
    low, high = ends
    there = ~np.isnan(low)
    return float(((low <= truth) & (truth <= high))[there].mean())


def kinds(rng: np.random.Generator, boards: int, images: int, shapes: Sequence[str]) -> Iterator[Sample]:
    """Boards of every intraclass correlation and way in which cases are spread over pictures."""
    for alike, sizes in product(ALIKE, SIZES):
        yield drawn(rng, boards, images, list(shapes), alike, sizes)


def _times(rng: np.random.Generator, images: int) -> Numbers:
    return rng.multinomial(images, np.full(images, 1 / images), size=RESAMPLES).T.astype(np.float64)


def coverage_of_means(rng: np.random.Generator, boards: int, images: int) -> dict[str, list[float]]:
    """Candidate -> its coverage in every kind of board and shape of scores."""
    found: dict[str, list[float]] = {name: [] for name in OF_MEANS}
    for sample in kinds(rng, boards, images, tuple(SHAPES)):
        times = _times(rng, images)
        for place, shape in enumerate(SHAPES):
            one = Boards(sample.sums[..., place], sample.counts, times)
            for name, candidate in OF_MEANS.items():
                found[name].append(held(candidate(one), true_mean(shape)))
    return found


def coverage_of_differences(rng: np.random.Generator, boards: int, images: int) -> dict[str, list[float]]:
    """As `coverage_of_means`, of the differences of `PAIRS`."""
    found: dict[str, list[float]] = {name: [] for name in OF_DIFFERENCES}
    for pair in PAIRS:
        truth = true_mean(pair[0]) - true_mean(pair[1])
        for sample in kinds(rng, boards, images, pair):
            one = Boards(sample.sums[..., 0] - sample.sums[..., 1], sample.counts, _times(rng, images))
            for name, candidate in OF_DIFFERENCES.items():
                found[name].append(held(candidate(one), truth))
    return found


def studentised_maximum(sums: Numbers, counts: Numbers, rng: np.random.Generator) -> bool:
    """Whether any pair differs by the studentised maximum over a bootstrap of images."""
    images, above = len(counts), np.triu_indices(sums.shape[1], 1)
    mean, times = sums.sum(0) / counts.sum(), _times(rng, images).T
    drawn_means = (times @ sums) / (times @ counts)[:, None]
    errors = (drawn_means[:, above[0]] - drawn_means[:, above[1]]) - (mean[above[0]] - mean[above[1]])
    spread = errors.std(0) + 1e-12
    most = np.quantile(np.abs(errors / spread).max(1), LEVEL)
    return bool((np.abs(mean[above[0]] - mean[above[1]]) / spread > most).any())


def all_pairs(sums: Numbers, counts: Numbers) -> dict[str, bool]:
    """Whether any pair differs by the t statistic, uncorrected and by Holm."""
    found = ImageMeans.of(sums, counts)
    differences, variance = found.differences()
    above = np.triu_indices(sums.shape[1], 1)
    p = p_values(differences[above], variance[above], found.freedom)
    return {"no correction": bool((p < 1 - LEVEL).any()), "Holm": bool((holm(p) < 1 - LEVEL).any())}


def family_errors(rng: np.random.Generator, boards: int, images: int, methods: int) -> dict[str, list[float]]:
    """How many boards of equal methods call one better, in every kind of board."""
    found: dict[str, list[float]] = {"no correction": [], "studentised maximum": [], "Holm": []}
    for shape in ("as IoU mostly is", "60 % zeros"):
        for sample in kinds(rng, boards, images, [shape] * methods):
            said = [
                {**all_pairs(sums, counts), "studentised maximum": studentised_maximum(sums, counts, rng)}
                for sums, counts in zip(sample.sums, sample.counts, strict=True)
            ]
            for name, shares in found.items():
                shares.append(float(np.mean([each[name] for each in said])))
    return found


def table(heading: str, rows: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Markdown: a line a row, a column a candidate, mean (least to most) in percent."""
    columns = list(next(iter(rows.values())))
    lines = [f"| {heading} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, cells in rows.items():
        said = [
            f"{100 * np.mean(each):.1f} ({100 * min(each):.0f} to {100 * max(each):.0f})"
            for each in cells.values()
        ]
        lines.append(f"| {name} | {' | '.join(said)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.interval_coverage")
    parser.add_argument("--boards", type=int, default=2000, help="of every kind (default: %(default)s)")
    parser.add_argument("--images", type=int, nargs="+", default=IMAGES)
    given = parser.parse_args(arguments)
    rng, few = np.random.default_rng(0), max(1, given.boards // 10)
    means = {str(images): coverage_of_means(rng, given.boards, images) for images in given.images}
    gaps = {str(images): coverage_of_differences(rng, given.boards, images) for images in given.images}
    errors = {
        f"{images} images, {methods} methods": family_errors(rng, few, images, methods)
        for images in given.images
        for methods in (5, 19)
        if 6 <= images <= 100
    }
    tables = (table("images", means), table("images", gaps), table("board", errors))
    sys.stdout.write("\n\n".join(tables) + "\n")


if __name__ == "__main__":
    main()
