"""Which columns may hold something, by source and level, and what its shape is. What is not listed here is refused."""

from __future__ import annotations

from dataclasses import dataclass

from builder.publish.levels import Level
from builder.publish.patterns import Topic
from medground_bench.benchmark.rows import ORIGINAL, SPLITS
from medground_bench.core.causal_filter import Edit
from medground_bench.core.causes import Counterfactual, KnownCause
from medground_bench.core.types import Answer, Group, Mode, Reason
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.pictures import Levels

CREDENTIALED = ("imagenome", "vindr_cxr", "padchest_gr")
FREE = (PHANTOM,)
HIGHEST = {**dict.fromkeys(CREDENTIALED, Level.BOXES), **dict.fromkeys(FREE, Level.FULL)}
"""Source -> the highest level at which its rows may be published."""

OPAQUE = r"pic-[0-9a-f]{24}"
"""A picture of a credentialed source: no terms allow the source's own id, see `released_rows.opaque`."""

IMAGE_IDS = {**dict.fromkeys(CREDENTIALED, OPAQUE), **dict.fromkeys(FREE, r"[0-9]{1,7}")}
"""Source -> the shape of its image ids at every level."""

SLUG = r"[a-z0-9-]{0,160}"
DIGEST = r"[0-9a-f]{64}"
NAME = r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}"
WITHHELD = "[withheld]"
"""Stands in the place of a response that holds what may not be published; its tokens are null."""

NAMES = (Topic.IDS, Topic.SECRETS, Topic.PATHS)
RESPONSES = tuple(topic for topic in Topic if topic is not Topic.LAYOUT)


def one_of(*values: str) -> str:
    """The pattern of a closed set of words."""
    return "|".join(values)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a column may hold.

    shape     what a whole value must look like; None for text of any shape and for what is no text
    topics  what its text is searched for
    level     from which on it may hold anything but null
    free      whether only the rows of a source that is free to share may hold anything
    """

    shape: str | None = None
    topics: tuple[Topic, ...] = ()
    level: Level = Level.KEYS
    free: bool = False


SAID = Allowed(one_of(*Answer))
COLUMNS = {
    "case_id": Allowed(),  # made of others, see `tables`
    "question_id": Allowed(),
    "image_id": Allowed(),
    "question": Allowed(),
    "prompt": Allowed(),
    "source": Allowed(one_of(*HIGHEST)),
    "finding": Allowed(r"[A-Za-z0-9][A-Za-z0-9 ,/&()'+.:_-]{0,118}[A-Za-z0-9)]", tuple(Topic)),
    "answer": SAID,
    "lvlm": Allowed(NAME, NAMES),
    "lvlm_revision": Allowed(NAME, NAMES),
    "mode": Allowed(one_of(*Mode)),
    "picture": Allowed(one_of(ORIGINAL, *Edit, *Counterfactual)),
    "response": Allowed(None, RESPONSES),
    "response_token_ids": Allowed(),
    "response_tokens": Allowed(None, RESPONSES),
    "said": SAID,
    "editor": Allowed(r"[a-z0-9_]{1,60}@[\w.+: -]{1,100}", NAMES),
    "original": SAID,
    "foreground": SAID,
    "background": SAID,
    "background_normal": SAID,
    "group": Allowed(one_of(*Group)),
    "reason": Allowed(one_of(*Reason)),
    "known_cause": Allowed(one_of(*KnownCause), free=True),
    "marker": Allowed(free=True),
    "levels": Allowed(one_of(*Levels)),
    "image_sha256": Allowed(DIGEST),
    "release_index": Allowed(),
    "boxes": Allowed(level=Level.BOXES),
    "width": Allowed(level=Level.BOXES),
    "height": Allowed(level=Level.BOXES),
    "image": Allowed(level=Level.FULL, free=True),
}
"""Every column of every table that may be published; a new column is refused until it is listed."""

LARGEST = {"width": 65_535, "height": 65_535, "release_index": 99_999}
LARGEST_TOKEN_ID = (1 << 22) - 1

TEXT_FILES = ("README.md", "LICENSE", ".gitattributes", "eval.yaml", "croissant.json")
"""Beside the tables; any other file is refused."""

TABLE_FILE = rf"(?:{one_of(*SPLITS)})-[A-Za-z0-9][A-Za-z0-9._:@+-]{{0,199}}\.parquet"
