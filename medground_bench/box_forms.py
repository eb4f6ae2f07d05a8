"""The forms in which LVLMs write boxes, as tables: keys, names of sides, tags, location tokens.

A box is four numbers, each of which has a side:

x0, y0  the near sides: left and top
x1, y1  near beside x2 and y2, far beside x0 and y0, for both ways of counting corners are written
x2, y2  the far sides: right and bottom, half-open like every box here
w, h    width and height
cx, cy  the centre
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from medground_bench.types import Frame

Sides = tuple[str, ...]


class Order(StrEnum):
    """Which side each of four numbers is."""

    X_FIRST = "x0 y0 x1 y1"
    Y_FIRST = "y0 x0 y1 x1"
    WITH_SIZE = "x0 y0 w h"
    CENTRED = "cx cy w h"

    @property
    def sides(self) -> Sides:
        """The sides, one a number."""
        return tuple(self.value.split())


FRACTIONS = Frame("fractions", width=1, height=1)
PERCENT = Frame("percent", width=100, height=100)
THOUSANDTHS = Frame("thousandths", width=1000, height=1000)
LOCATIONS = Frame("locations", width=1024, height=1024)
FLORENCE_LOCATIONS = Frame("locations", width=1000, height=1000)
PIXELS = Frame("pixels", width=1, height=1)
"""Stands for the raster of the LVLM's family where that is pixels of a picture; no other can be meant by it."""


class Kind(Enum):
    """What numbers under a key are."""

    BOX = auto()
    """Boxes."""
    SIDES = auto()
    """Some sides of one box."""
    OTHER = auto()
    """Something else, such as a score: no box, and nothing worth showing."""
    REFUSED = auto()
    """Something that has places and is no box, such as a polygon; or a key of which the frame is in doubt."""
    LABEL = auto()
    """Not said: the key is any other word, such as the name of an organ."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a key or a tag says about the numbers that follow it.

    sides   of a BOX its four sides in order, () for the family's order; of SIDES the sides it names
    raster  of the numbers; None for the family's
    """

    kind: Kind
    sides: Sides = ()
    raster: Frame | None = None

    @property
    def states_a_frame(self) -> bool:
        """Whether boxes under it may be meant otherwise than the family's."""
        return bool(self.sides) or self.raster is not None


BARE = Meaning(Kind.BOX)
"""Four numbers without a key: a box as the family writes it."""

GEMINI = Meaning(Kind.BOX, Order.Y_FIRST.sides, THOUSANDTHS)
"""`box_2d`: models that write it were taught y first and thousandths with it, whatever they were asked for. Gemini API
documentation, "Image understanding"."""

QWEN_VL = Meaning(Kind.BOX, Order.X_FIRST.sides, THOUSANDTHS)
"""Thousandths by their tag: `<box>` of Qwen-VL (arXiv:2308.12966) and InternVL, `<|det|>` of DeepSeek-VL2
(arXiv:2412.10302), `<|begin_of_box|>` of GLM-4.5V (its model card)."""

QWEN2_VL = Meaning(Kind.BOX, Order.X_FIRST.sides)
"""`<|box_start|>`: thousandths in Qwen2-VL, pixels of the resized picture in Qwen2.5-VL, so the family says which."""

IN_DOUBT = Meaning(Kind.REFUSED)
UNSAID = Meaning(Kind.LABEL)
OTHER = Meaning(Kind.OTHER)


def _table(words: str) -> frozenset[str]:
    return frozenset(words.split())


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
    "axis angle rotation rank ranks grade stage iou padded crop"
)
PICTURE_WORDS = frozenset({"image", "picture"})
"""Of the other words, those that may stand beside "coordinates"."""

COUNTED_WORDS = _table(
    "ribs vertebrae levels steps pages slices stages grades score scores confidence size dimensions resolution shape"
)
"""A list right after one of them, as in "ribs (3, 4, 5, 6)", is in doubt without any colon."""

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

ORDER_WORDS: Mapping[str, Sides] = {
    word: order.sides
    for order, words in {
        Order.X_FIRST: "xyxy ltrb voc x1y1x2y2 x0y0x1y1 xminyminxmaxymax",
        Order.Y_FIRST: "yxyx tlbr y1x1y2x2 y0x0y1x1 yminxminymaxxmax",
        Order.WITH_SIZE: "xywh ltwh tlwh coco x1y1wh",
        Order.CENTRED: "cxcywh cxywh xcycwh yolo",
    }.items()
    for word in words.split()
}
RASTER_WORDS: Mapping[str, Frame] = {
    word: raster
    for raster, words in {
        FRACTIONS: "normalized normalised norm relative rel fraction fractions yolo",
        PERCENT: "percent percents percentage percentages pct",
        THOUSANDTHS: "thousandths permille 1000 999",
        PIXELS: "pixel pixels px absolute abs",
    }.items()
    for word in words.split()
}

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
        "x0 x2": "x xrange xs",
        "y0 y2": "y yrange ys",
        "x0 y0": "topleft upperleft lefttop leftupper tl lt min start from x0y0 xminymin",
        "x1 y1": "x1y1",
        "x2 y2": "bottomright lowerright rightbottom rightlower br rb max end to x2y2 xmaxymax",
        "x2 y0": "topright upperright righttop rightupper tr rt",
        "x0 y2": "bottomleft lowerleft leftbottom leftlower bl lb",
    }.items()
    for name in names.split()
}
"""Under a name of two sides stand two numbers; one number under `x` or `y` is the near side."""

CORNER_ENDINGS = re.compile(r"(?:corner|point|vertex|coordinates?|position)+$")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that holds boxes: what ends it, and what it says of them."""

    end: str
    meaning: Meaning


TAGS: Mapping[str, Tag] = {
    "<|box_start|>": Tag("<|box_end|>", QWEN2_VL),
    "<box>": Tag("</box>", QWEN_VL),
    "<bbox>": Tag("</bbox>", BARE),
    "<|det|>": Tag("<|/det|>", QWEN_VL),
    "<|begin_of_box|>": Tag("<|end_of_box|>", QWEN_VL),
    "<|box|>": Tag("<|/box|>", IN_DOUBT),  # CheXagent's raster is stated nowhere
    "<|quad_start|>": Tag("<|quad_end|>", IN_DOUBT),
    "<quad>": Tag("</quad>", IN_DOUBT),
    "<poly>": Tag("</poly>", IN_DOUBT),
}

LOCATION_TOKENS: Mapping[str, Meaning] = {
    "loc": Meaning(Kind.BOX, Order.Y_FIRST.sides, LOCATIONS),
    "loc_": Meaning(Kind.BOX, Order.X_FIRST.sides, FLORENCE_LOCATIONS),
}
"""Four in a row are a box: `<loc0256>` of PaliGemma (arXiv:2407.07726, section 3), `<loc_250>` of Florence-2
(arXiv:2311.06242). The last token of a raster reaches the edge; Florence's own decoder takes the middle of a
thousandth, half of one further. Kosmos, MAIRA-2, MiniGPT-v2 and Unified-IO have tokens of rasters that are not in the
text: refused."""

IN_PERCENT = r"\b(?:in|as) (?:an? )?percent"
NORMALISED = re.compile(
    r"\bnormali[sz]ed\W+(?:\w+\W+){0,2}?(?:bounding|box|boxes|bbox|coord\w*|to\b)"
    rf"|\bcoord\w*\W+(?:\w+\W+){{0,3}}?normali[sz]ed\b|\b0\s?(?:-|\.\.|\u2013|to)\s?1000\b|{IN_PERCENT}",
    re.IGNORECASE,
)
IN_PIXELS = re.compile(
    rf"\bin pixels\b|\bpixel (?:coord|position|unit|space)|\((?:pixels|px)\)|{IN_PERCENT}", re.IGNORECASE
)
"""What prose says of the raster: where it contradicts a family of pixels, or one of thousandths, nobody knows it."""

KEY_WORDS = re.compile(
    r"(?:bounding[\W_]*)?b?box(?:es)?[\W_]*[23]d|bounding[\W_]*box(?:es)?"
    r"|[xy][\W_]?(?:min|max|[0-2])(?![^\W_])|(?:top|bottom|upper|lower)[\W_]?(?:left|right)|[^\W_]+"
)


def meaning_of(key: str) -> Meaning:
    """What a key says, whatever its capitals, spaces, hyphens or underscores.

    >>> meaning_of("Heart bbox (XYWH)").sides
    ('x0', 'y0', 'w', 'h')
    """
    words = _words(key)
    name = "".join(words)
    named = SIDE_NAMES.get(name) or SIDE_NAMES.get(CORNER_ENDINGS.sub("", name))
    if named:
        return Meaning(Kind.SIDES, named)
    of_boxes = not BOX_WORDS.isdisjoint(words)
    labelled = not all(map(KNOWN_WORDS.__contains__, words))
    telling = set(words) - (WORDS_OF_LABELS if labelled else set()) - (PICTURE_WORDS if of_boxes else set())
    if telling & (OTHER_WORDS | REFUSED_WORDS):
        return IN_DOUBT if labelled or of_boxes or telling & REFUSED_WORDS else OTHER
    return GEMINI if "box2d" in words else _frame_said(words, of_boxes=of_boxes)


def _frame_said(words: list[str], *, of_boxes: bool) -> Meaning:
    """Order and raster that the words of a key name; in doubt when they name two."""
    orders = {ORDER_WORDS[word] for word in words if word in ORDER_WORDS}
    sides = tuple(SIDE_NAMES[word][0] for word in words if word in SIDE_NAMES)
    if len(sides) == 4 and box_of(dict.fromkeys(sides, 0.0)):
        orders.add(sides)
    rasters = {RASTER_WORDS[word] for word in words if word in RASTER_WORDS}
    if THOUSANDTHS in rasters:
        rasters.discard(FRACTIONS)  # "normalised to 1000"
    if not orders and not of_boxes:
        return UNSAID
    if len(orders) > 1 or len(rasters) > 1:
        return IN_DOUBT
    return Meaning(Kind.BOX, next(iter(orders), ()), next(iter(rasters), None))


def sides_named(names: str) -> Sides:
    """The sides of a template such as (x1, y1); none when any other word is in it, or x and y, which say too little."""
    named = [SIDE_NAMES.get(word, ()) for word in _words(names)]
    return tuple(sides[0] for sides in named) if all(len(sides) == 1 for sides in named) else ()


def _words(key: str) -> list[str]:
    return ["".join(filter(str.isalnum, word)) for word in KEY_WORDS.findall(key.casefold())]


def box_of(sides: Mapping[str, float]) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom from any sides that fix them; None from sides that do not."""
    across, down = _span(sides, "x", "w"), _span(sides, "y", "h")
    return None if across is None or down is None else (across[0], down[0], across[1], down[1])


def _span(sides: Mapping[str, float], axis: str, size: str) -> tuple[float, float] | None:
    near, middle, far = (sides.get(f"{axis}{number}") for number in range(3))
    centre, length = sides.get(f"c{axis}"), sides.get(size)
    start, end = (middle, far) if near is None else (near, middle if far is None else far)
    if start is not None and end is not None:
        return start, end
    if length is not None and start is not None:
        return start, start + length
    if length is not None and centre is not None:
        return centre - length / 2, centre + length / 2
    return None
