"""The words that say what numbers are: of keys, orders, rasters, units and sides. They stand in no other file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from medground_bench.core.boxes_in_text.sides import SideOrder, Sides, is_corner
from medground_bench.core.types import Frame

FRACTIONS = Frame("fractions", width=1, height=1)
PERCENT = Frame("percent", width=100, height=100)
THOUSANDTHS = Frame("thousandths", width=1000, height=1000)
LOCATIONS = Frame("locations", width=1024, height=1024)
FLORENCE_LOCATIONS = Frame("locations", width=1000, height=1000)
NOWHERE = Frame("nowhere", width=1, height=1)
"""Of lengths, and of digits that may be read in two ways: no position in any picture."""
PIXELS = Frame("pixels", width=1, height=1)
"""Stands for the raster of the LVLM's family where that is pixels of a picture; no other can be meant by it."""


def _table(words: str) -> frozenset[str]:
    return frozenset(words.split())


def any_of(words: Iterable[str]) -> str:
    """A regular expression for any of the words, the longest first.

    >>> any_of(["px", "pixel"])
    '(?:pixel|px)'
    """
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))})"


BOX_WORDS = _table(
    "box boxes bbox bboxes bbox2d bboxes2d bndbox boundingbox boundingboxes rect rects rectangle rectangles roi rois "
    "coordinate coordinates coord coords corners position positions location locations loc region regions bounds "
    "extent grounding evidence answer answers result results output detection detections prediction "
    "predictions"
)
"""A key with one of these words holds boxes, unless a word of the two tables below says otherwise."""

OTHER_WORDS = _table(
    "size sizes shape shapes dimension dimensions resolution image picture confidence confidences conf score scores "
    "probability probabilities prob probs weight weights certainty logits center centre centers centres centroid mean "
    "average std color colour colors rgb rgba page pages index indices id ids count counts number level levels step "
    "steps date dates time version spacing scale padding margin margins offset threshold distance distances diameter "
    "measurement measurements rib ribs vertebra vertebrae intensity range window histogram tokens span slice slices "
    "axis angle rotation rank ranks grade stage iou padded crop bp pressure pressures vitals softmax sigmoid"
)
PICTURE_WORDS = frozenset({"image", "picture"})
LABEL_KEYS = _table("label finding name class category")
DENYING_LABELS = _table("no none nothing without")
"""An object of which the label begins with one, as in "no finding", has no box."""

COORDINATE_WORDS = _table("coordinate coordinates coord coords")
WORDS_BESIDE_PICTURES = COORDINATE_WORDS | _table("in on within")
"""Of the other words, those of pictures may stand beside one of these: "box in the image". An `image_bbox` is no box of
a finding."""

OTHER_BOXES = _table(
    "num n no not non none without previous prior prev former old earlier example examples sample template dummy "
    "placeholder normal healthy negative background excluded ignored ignore discarded rejected wrong incorrect invalid "
    "gt truth full whole entire initial preliminary tentative draft thinking thought "
    "thoughts reasoning"
)
"""A key of boxes with one of these holds none that were asked for: `num_boxes`, `previous_bbox`, `normal_region`."""

REFUSED_WORDS = _table(
    "area areas polygon polygons poly points point keypoint keypoints landmark landmarks vertex vertices contour "
    "contours outline mask masks segmentation segment segments quad quads line lines arrow arrows path ellipse circle "
    "obb rotated box3d bbox3d boundingbox2d boundingboxes2d boxes2d boundingbox3d"
)

WORDS_OF_LABELS = _table(
    "angle axis margin margins window center centre rib ribs vertebra vertebrae intensity level area areas line lines "
    "segment segments point points contour contours outline"
)
"""Words of the two tables above that say nothing beside a word of neither: "costophrenic angle", "PICC line"."""

COUNTED_WORDS = (OTHER_WORDS - PICTURE_WORDS - WORDS_OF_LABELS) | _table(
    "ribs vertebrae level levels age ages aged year years value values ref refs reference references "
    "citation citations hu phone patients"
)
"""A list right after one of them, as in "ribs (3, 4, 5, 6)", is in doubt without any colon."""

WORDS_AFTER_COUNTS = _table(
    "rib ribs vertebra vertebrae level levels slice slices page pages year years month months"
) | _table("week weeks day days patients cases times th")
"""So is one right before one of these."""

CALLS = _table("rect rectangle cvrect")
"""In code, `Rect(10, 20, 100, 100)` is xywh or xyxy."""

ORDER_WORDS: Mapping[str, Sides] = {
    word: order.sides
    for order, words in {
        SideOrder.X_FIRST: "xyxy ltrb voc x1y1x2y2 x0y0x1y1 xminyminxmaxymax",
        SideOrder.Y_FIRST: "yxyx tlbr y1x1y2x2 y0x0y1x1 yminxminymaxxmax",
        SideOrder.WITH_SIZE: "xywh ltwh tlwh coco x1y1wh",
        SideOrder.CENTRED: "cxcywh cxywh xcycwh yolo",
    }.items()
    for word in words.split()
}
ORDER_LIKE = re.compile(r"(?:[xy](?:min|max|[0-2])|c?[xywh]c?){2,}|[ltrb]{4}")
"""An order that is none of the known ones, as in `bbox_yx` or `bbox_hwxy`."""

RASTER_WORDS: Mapping[str, Frame] = {
    word: raster
    for raster, words in {
        FRACTIONS: "normalized normalised normalization normalisation norm relative rel fraction fractions fractional "
        "yolo",
        PERCENT: "percent percents percentage percentages pct",
        THOUSANDTHS: "thousandths thousandth permille 1000 999",
        PIXELS: "pixel pixels px absolute abs",
        NOWHERE: "mm cm millimeter millimeters millimetre millimetres centimeter centimeters inch inches",
    }.items()
    for word in words.split()
}

FRAME_WORDS = ORDER_WORDS.keys() | RASTER_WORDS.keys() | {"box2d"}


def _without_a_letter(word: str) -> frozenset[str]:
    return frozenset({word[:place] + word[place + 1 :] for place in range(len(word))})


MISSPELT = frozenset(
    spelling for word in FRAME_WORDS if len(word) > 3 for spelling in (word, *_without_a_letter(word))
)


def is_misspelt(word: str) -> bool:
    """Whether it is no word of a frame and one letter from one; the second box, `box 2`, is not `box_2d`.

    >>> [word for word in ("xywh", "xyuh", "heart") if is_misspelt(word)]
    ['xyuh']
    """
    near = word in MISSPELT or not MISSPELT.isdisjoint(_without_a_letter(word))
    return (
        near
        and not word[-1:].isdigit()
        and word not in FRAME_WORDS | BOX_WORDS | OTHER_WORDS | SIDE_NAMES.keys()
    )


KNOWN_WORDS = BOX_WORDS | OTHER_WORDS | REFUSED_WORDS | ORDER_WORDS.keys() | RASTER_WORDS.keys()

SIDE_NAMES: Mapping[str, Sides] = {
    name: tuple(sides.split())
    for sides, names in {
        "x0": "x0 xmin minx left xleft leftx xstart startx xtl topleftx upperleftx",
        "y0": "y0 ymin miny top ytop topy ystart starty ytl toplefty upperlefty",
        "x1": "x1",
        "y1": "y1",
        "x2": "x2 xmax maxx right xright rightx xend endx xbr bottomrightx lowerrightx",
        "y2": "y2 ymax maxy bottom ybottom bottomy yend endy ybr bottomrighty lowerrighty",
        "w": "w width boxwidth bboxwidth",
        "h": "h height boxheight bboxheight",
        "cx": "cx xc xcenter xcentre centerx centrex",
        "cy": "cy yc ycenter ycentre centery centrey",
        "cx cy": "center centre centroid cxcy boxcenter boxcentre bboxcenter bboxcentre",
        "w h": "size dimensions wh widthheight boxsize bboxsize boxdimensions",
        "x0 x2": "x xrange xs column columns col cols horizontal horizontally",
        "y0 y2": "y yrange ys row rows vertical vertically",
        "x0 y0": "topleft upperleft lefttop leftupper tl lt min start from x0y0 xminymin",
        "x1 y1": "x1y1",
        "x2 y2": "bottomright lowerright rightbottom rightlower br rb max end to x2y2 xmaxymax",
        "x2 y0": "topright upperright righttop rightupper tr rt",
        "x0 y2": "bottomleft lowerleft leftbottom leftlower bl lb",
    }.items()
    for name in names.split()
}
"""Under a name of two sides stand two numbers; one number under `x` or `y` is the near side."""

WORDS_BESIDE_SIDES = _table("and then the of box top bottom left right upper lower center centre corner")
"""They may stand between the names of an order in prose."""

SIDES_BEYOND_DOUBT = {name for name, sides in SIDE_NAMES.items() if not is_corner(sides)} - _table(
    "left right top bottom"
)
"""Names of sides that are hardly anything else."""

CORNER_ENDINGS = re.compile(r"(?:corner|point|vertex|coordinates?|position)+$")

UNITS: Mapping[str, Frame | None] = {
    "": None,
    "%": PERCENT,
    "\u2030": THOUSANDTHS,
    "per mille": THOUSANDTHS,
    "per cent": PERCENT,
    **{
        word: raster
        for word, raster in RASTER_WORDS.items()
        if word.isalpha() and raster != FRACTIONS and not word.startswith("abs")
    },
}

UNIT = rf"{any_of(filter(None, UNITS))}(?!\w)"

FORMAT_WORDS = _table("format formats fmt convention conventions notation representation")
"""A key of these words says how boxes are written; where its value is not understood, no box is read."""

LOOSE_FORMAT_WORDS = _table(
    "mode order ordering system type unit units style encoding scale range space frame reference"
)
"""These do so beside a word of boxes; alone they may say something else."""

SILENT_FORMATS = _table("json list lists array arrays text string python markdown xml html yaml csv object")
"""Values of a format that say nothing of order or raster."""

WORDS_OF_FORMATS = FORMAT_WORDS | LOOSE_FORMAT_WORDS | BOX_WORDS | {"box2d"}
WORDS_OF_FRAMES = ORDER_WORDS.keys() | RASTER_WORDS.keys() | SIDE_NAMES.keys() | BOX_WORDS | {"and", "or"}

ROTATION_WORDS = frozenset({"rotation", "theta", "angle", "rotationangle", "bboxangle", "boxangle"})
"""A box that is turned is none, but by 0."""

THIRD_CORNER = frozenset({"x3", "y3", "x4", "y4"})
"""Keys of a polygon; beside them x1 to y2 are no box."""

COCO_WORDS = frozenset({"categoryid", "iscrowd"})
"""Keys of COCO, whose boxes are xywh; others write them beside xyxy."""

NAMES_OF_PICTURES = _table(
    "image images picture pictures radiograph radiographs xray x-ray scan scans canvas film"
)
"""What has a size that numbers may be positions in."""

SCORE_WORDS = _table("confidence score scores probability probabilities certainty severity likelihood")
"""They have a scale from 0 to 1 of their own."""

NAMES_OF_SCORES = SCORE_WORDS | _table(
    "confidences certainties likelihoods logits softmax sigmoid odds weights"
)
"""In prose, the numbers after one are its own, until a word of boxes or of `PLACE_WORDS` comes."""
PLACE_WORDS = _table("at in within located near around from spanning that")

DENIALS = _table(
    "no not without neither nor none nothing never cannot absence absent lacks example "
    "examples instance hypothetical e.g."
)
"""In prose, no box is stated after one of them, or after any "...n't", in its sentence."""
CONTRASTS = _table("but however although instead except only")
"""They take a denial back."""

DENIED_AFTER = re.compile(
    r"(?:(?:is|are|was|were)(?:n['\u2019]t| not) (?:an?|the|in)|(?:is|are|was|were) no)\b"
)
"""What may follow a list that is no box: "is not the heart"; a heart that "is not enlarged" has one."""

NAMES_OF_SIZES = _table("size dimension dimensions resolution shape")
SCALE_WORDS = _table("scale scaled rescaled range ranges ranged ranging grid between within") | {
    word for word, raster in RASTER_WORDS.items() if raster == FRACTIONS
}
RANGE_ENDS: Mapping[str, Frame] = {
    "1": FRACTIONS,
    "1.0": FRACTIONS,
    "100": PERCENT,
    "999": THOUSANDTHS,
    "1000": THOUSANDTHS,
}
"""The end of a scale that begins at 0."""

TOP, BOTTOM, LEFT, RIGHT = "top|upper", "bottom|lower", "left", "right"
CORNER = rf"(?:{TOP}|{BOTTOM})[ _-]?(?:{LEFT}|{RIGHT})|(?:{LEFT}|{RIGHT})[ _-]?(?:{TOP}|{BOTTOM})"
"""The name of a corner, as a regular expression."""

AXES = any_of(name for name, sides in SIDE_NAMES.items() if sides in (("x0", "x2"), ("y0", "y2")))
PIXEL_UNITS = any_of(unit for unit, raster in UNITS.items() if raster == PIXELS)
LENGTH_UNITS = any_of(unit for unit, raster in UNITS.items() if raster == NOWHERE)

PHRASE_KEYS = ("label", "region", "phrase", "description", "name")
"""Keys of phrases."""
