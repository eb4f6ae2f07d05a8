"""How foreign boxes become native pixels, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from medground_bench.submission.foreign_frames.coordinate_systems import (
    BY_OTHER_SIDE,
    DOUBLED,
    DOUBLED_Y_FIRST,
    LETTERBOXED,
    LETTERBOXED_Y_FIRST,
    NATIVE_Y_FIRST,
    PERCENT,
    STRETCHED,
    THOUSAND,
)
from medground_bench.submission.foreign_frames.fits import Fit
from medground_bench.submission.foreign_frames.written_boxes import Written

LINES_TOLD, SIDES_TOLD = 10, 3

CONVERSIONS = {
    PERCENT: "a grid of 0 to 100 over each side: multiply x by width / 100 and y by height / 100",
    THOUSAND: "a grid of 0 to 1000 over each side: multiply x by width / 1000 and y by height / 1000 (by 999 if your "
    "grid ends there)",
    STRETCHED: "pictures stretched to N x N px or another grid of 0 to N, {sides}: multiply x by width / N and y by "
    "height / N",
    LETTERBOXED: "pictures letterboxed to N x N px, {sides}: Letterbox.fit(native, side=N).to_native(box)",
    LETTERBOXED_Y_FIRST: "pictures letterboxed to N x N px and y first, {sides}: write x before y, then "
    "Letterbox.fit(native, side=N).to_native(box)",
    DOUBLED: "pictures twice as wide and high: divide every number by 2",
    DOUBLED_Y_FIRST: "pictures twice as wide and high and y first: write x before y and divide every number by 2",
    NATIVE_Y_FIRST: "[y0, x0, y1, x1]: write x before y",
    BY_OTHER_SIDE: "x scaled by the height and y by the width: multiply x by width / height and y by height / width",
}
"""Every kind of coordinate system -> what was written, and how it becomes native pixels."""

ONE_OF_THEM = "Use the one that made your boxes: another gives boxes that pass but lie elsewhere."
IF_THAT = "If something else made your boxes, this gives boxes that pass but lie elsewhere."
GENERAL = (
    "Boxes on pictures stretched or scaled to W x H px become native by x * width / W and y * height / H."
)
Y_FIRST = "A model that answers y first needs x written before y as well."


def advice(fits: Sequence[Fit]) -> str:
    """Every system with its conversion, and the rule for any other.

    >>> advice([Fit(THOUSAND, THOUSAND, filled=0.9)]).partition(":")[0]
    'They fit a grid of 0 to 1000 over each side'
    """
    if not fits:
        return f"Map them back by the resize you used. {GENERAL} {Y_FIRST}"
    told = "; or ".join(CONVERSIONS[fit.kind].format(sides=_sides(fit)) for fit in fits)
    which = ONE_OF_THEM if len(fits) > 1 else IF_THAT
    return f"They fit {told}. {which} {GENERAL} {Y_FIRST}"


def _sides(fit: Fit) -> str:
    """What is known of N."""
    if fit.met:
        return f"N is about {(fit.usual or fit.sides[len(fit.sides) // 2 :])[0]}"
    usual = [str(side) for side in fit.usual[:SIDES_TOLD]]
    such = f", such as {' or '.join(filter(None, [', '.join(usual[:-1]), *usual[-1:]]))}" if usual else ""
    return f"N is {fit.sides.start} or more{such}"


def lines(cases: Sequence[Written]) -> str:
    """`line 3`, `lines 3, 5, 8`, and how many more.

    >>> from medground_bench.core.types import Frame
    >>> native = Frame("native", width=2000, height=1000)
    >>> lines([Written(at, "c", "medgemma direct", "vindr", "mass", "i", native, (), ()) for at in (3, 5)])
    'lines 3, 5'
    """
    told = ", ".join(str(case.line) for case in cases[:LINES_TOLD])
    more = f" and {len(cases) - LINES_TOLD} more" if len(cases) > LINES_TOLD else ""
    return f"{'line' if len(cases) == 1 else 'lines'} {told}{more}"


def boxes(numbers: Sequence[int]) -> str:
    """`box 3`, `boxes 3, 5`.

    >>> boxes([3]), boxes([3, 5])
    ('box 3', 'boxes 3, 5')
    """
    return f"{'box' if len(numbers) == 1 else 'boxes'} {', '.join(map(str, numbers))}"
