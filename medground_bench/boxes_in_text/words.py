"""The words that say what numbers are: of keys, orders, rasters, units and sides. They stand in no other file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from medground_bench.boxes_in_text.sides import Order, Sides
from medground_bench.types import Frame

FRACTIONS = Frame("fractions", width=1, height=1)
PERCENT = Frame("percent", width=100, height=100)
THOUSANDTHS = Frame("thousandths", width=1000, height=1000)
LOCATIONS = Frame("locations", width=1024, height=1024)
FLORENCE_LOCATIONS = Frame("locations", width=1000, height=1000)
PIXELS = Frame("pixels", width=1, height=1)
"""Stands for the raster of the LVLM's family where that is pixels of a picture; no other can be meant by it."""


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

UNITS = {"": None, "%": PERCENT, "px": PIXELS}

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
