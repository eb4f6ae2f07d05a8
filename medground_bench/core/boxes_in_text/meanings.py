"""What a key or a tag says of the numbers after it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from medground_bench.core.boxes_in_text.sides import SideOrder, Sides, box_of, canonical
from medground_bench.core.boxes_in_text.words import (
    BOTTOM,
    BOX_WORDS,
    CORNER_ENDINGS,
    FLORENCE_LOCATIONS,
    FRACTIONS,
    KNOWN_WORDS,
    LEFT,
    LOCATIONS,
    ORDER_LIKE,
    ORDER_WORDS,
    OTHER_BOXES,
    OTHER_WORDS,
    PICTURE_WORDS,
    RASTER_WORDS,
    REFUSED_WORDS,
    RIGHT,
    SIDE_NAMES,
    THOUSANDTHS,
    TOP,
    WORDS_BESIDE_PICTURES,
    WORDS_OF_LABELS,
    is_misspelt,
)
from medground_bench.core.types import Frame


class KeyKind(Enum):
    """What numbers under a key are.

    >>> [meaning_of(key).kind.name for key in ("bbox", "xmin", "score", "polygon", "heart")]
    ['BOX', 'SIDES', 'OTHER', 'REFUSED', 'LABEL']
    """

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

    >>> Meaning(KeyKind.BOX).states_a_frame, Meaning(KeyKind.BOX, raster=THOUSANDTHS).states_a_frame
    (False, True)
    """

    kind: KeyKind
    sides: Sides = ()
    raster: Frame | None = None

    @property
    def states_a_frame(self) -> bool:
        """Whether boxes under it may be meant otherwise than the family's."""
        return bool(self.sides) or self.raster is not None


BARE = Meaning(KeyKind.BOX)
"""Four numbers without a key: a box as the family writes it."""

GEMINI = Meaning(KeyKind.BOX, SideOrder.Y_FIRST.sides, THOUSANDTHS)
"""`box_2d`: models that write it were taught y first and thousandths with it, whatever they were asked for. Gemini API
documentation, "Image understanding"."""

QWEN_VL = Meaning(KeyKind.BOX, SideOrder.X_FIRST.sides, THOUSANDTHS)
"""Thousandths by their tag: `<box>` of Qwen-VL (arXiv:2308.12966) and InternVL, `<|det|>` of DeepSeek-VL2
(arXiv:2412.10302), `<|begin_of_box|>` of GLM-4.5V (its model card)."""

QWEN2_VL = Meaning(KeyKind.BOX, SideOrder.X_FIRST.sides)
"""`<|box_start|>`: thousandths in Qwen2-VL, pixels of the resized picture in Qwen2.5-VL, so the family says which."""

IN_DOUBT = Meaning(KeyKind.REFUSED)
NOT_ASKED = Meaning(KeyKind.REFUSED)
"""A key such as "previous" or "example", under which no box counts, whatever keys stand below it."""
UNSAID = Meaning(KeyKind.LABEL)
OTHER = Meaning(KeyKind.OTHER)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that holds boxes: what ends it, and what it says of them.

    >>> TAGS["<box>"].end, TAGS["<box>"].meaning.raster.name
    ('</box>', 'thousandths')
    """

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
    "loc": Meaning(KeyKind.BOX, SideOrder.Y_FIRST.sides, LOCATIONS),
    "loc_": Meaning(KeyKind.BOX, SideOrder.X_FIRST.sides, FLORENCE_LOCATIONS),
}
"""Four in a row are a box: `<loc0256>` of PaliGemma (arXiv:2407.07726, section 3), `<loc_250>` of Florence-2
(arXiv:2311.06242). The last token of a raster reaches the edge; Florence's own decoder takes the middle of a
thousandth, half of one further. Kosmos, MAIRA-2, MiniGPT-v2 and Unified-IO have tokens of rasters that are not in the
text: refused."""

KEY_WORDS = re.compile(
    r"(?:bounding[\W_]*)?b?box(?:es)?[\W_]*[23]d|bounding[\W_]*box(?:es)?"
    r"|(?:1000|999)(?![^\W_])|[xy][\W_]?(?:min|max|cent(?:er|re)|c|[0-2])(?![^\W_])|cent(?:er|re)[\W_]?[xy](?![^\W_])|"
    rf"(?:{TOP}|{BOTTOM})[\W_]?(?:{LEFT}|{RIGHT})|[^\W_]+?(?=(?:1000|999)(?![^\W_]))|[^\W_]+"
)


def meaning_of(key: str) -> Meaning:
    """What a key says, whatever its capitals, spaces, hyphens or underscores.

    >>> meaning_of("Heart bbox (XYWH)").sides
    ('x0', 'y0', 'w', 'h')
    """
    words = words_of(key)
    name = "".join(words)
    named = SIDE_NAMES.get(name) or SIDE_NAMES.get(CORNER_ENDINGS.sub("", name))
    if named:
        return Meaning(KeyKind.SIDES, named)
    of_boxes = not BOX_WORDS.isdisjoint(words)
    labelled = not all(map(KNOWN_WORDS.__contains__, words))
    if of_boxes and not OTHER_BOXES.isdisjoint(words):
        return IN_DOUBT
    if words and OTHER_BOXES.issuperset(words):
        return NOT_ASKED
    in_picture = not WORDS_BESIDE_PICTURES.isdisjoint(words)
    telling = set(words) - (WORDS_OF_LABELS if labelled else set()) - (PICTURE_WORDS if in_picture else set())
    if telling & (OTHER_WORDS | REFUSED_WORDS):
        return IN_DOUBT if labelled or of_boxes or telling & REFUSED_WORDS else OTHER
    meaning = frame_said(words, of_boxes=of_boxes or "box2d" in words)
    if "box2d" not in words:
        return meaning
    agrees = meaning.sides in ((), GEMINI.sides) and meaning.raster in (None, THOUSANDTHS, FRACTIONS)
    return (
        GEMINI if agrees and meaning.kind is KeyKind.BOX else IN_DOUBT
    )  # `box_2d_pixels` contradicts itself


def frame_said(words: Sequence[str], *, of_boxes: bool = True) -> Meaning:
    """Order and raster that the words of a key name; in doubt when they name two.

    >>> frame_said(["xywh", "percent"]).raster.name
    'percent'
    >>> frame_said(["xywh", "yxyx"]).kind.name
    'REFUSED'
    """
    orders = {ORDER_WORDS[word] for word in words if word in ORDER_WORDS}
    sides = tuple(SIDE_NAMES[word][0] for word in words if word in SIDE_NAMES)
    if len(sides) == 4 and box_of(dict.fromkeys(sides, 0.0)):
        orders.add(canonical(sides))
    rasters = {RASTER_WORDS[word] for word in words if word in RASTER_WORDS}
    if THOUSANDTHS in rasters:
        rasters.discard(FRACTIONS)  # "normalised to 1000"
    if not orders and not of_boxes:
        return UNSAID
    unread = not orders and any(ORDER_LIKE.fullmatch(word) for word in words)
    if unread or len(orders) > 1 or len(rasters) > 1 or any(map(is_misspelt, {*words, "".join(words)})):
        return IN_DOUBT
    return Meaning(KeyKind.BOX, next(iter(orders), ()), next(iter(rasters), None))


def sides_named(names: str) -> Sides:
    """The sides of a template such as (x1, y1); none when any other word is in it, or x and y, which say too little.

    >>> sides_named("(x1, y1)"), sides_named("(x, y)")
    (('x1', 'y1'), ())
    """
    named = [SIDE_NAMES.get(word, ()) for word in words_of(names)]
    return tuple(sides[0] for sides in named) if all(len(sides) == 1 for sides in named) else ()


def words_of(key: str) -> list[str]:
    """The words of a key, a name that is written with several as one.

    >>> words_of("Bounding box (x_min)")
    ['boundingbox', 'xmin']
    """
    return ["".join(filter(str.isalnum, word)) for word in KEY_WORDS.findall(key.casefold())]
