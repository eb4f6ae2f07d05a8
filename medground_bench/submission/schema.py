"""The JSON schemas of a prediction file's line and of what is said about a file, made from the checkers' own limits."""

from __future__ import annotations

from collections.abc import Mapping

from medground_bench.submission import metadata, read
from medground_bench.submission.metadata import TrainingData

DIALECT = "https://json-schema.org/draft/2020-12/schema"


NUMBER = {"type": "number", "minimum": -read.SLACK_PX}
LINE = {
    "case_id": {
        "type": "string",
        "description": "<source>/<image_id>/<finding-slug>@<lvlm>:<mode>, as the benchmark spells it",
    },
    "boxes": {
        "type": "array",
        "maxItems": read.MAX_BOXES,
        "description": "half-open [x0, y0, x1, y1], native image pixels, x0 < x1 and y0 < y1, within the image; "
        f"overshoot of at most {read.SLACK_PX} px is rounding",
        "items": {"type": "array", "minItems": 4, "maxItems": 4, "items": NUMBER},
    },
    "concept": {
        "type": "string",
        "minLength": 1,
        "maxLength": read.MAX_CONCEPT_CHARACTERS,
        "description": "anatomical concept the method names; printable characters",
    },
    "seconds": {
        "type": "number",
        "minimum": 0,
        "maximum": int(read.MAX_SECONDS),
        "description": "time the method took for this case",
    },
    "tokens": {
        "type": "array",
        "maxItems": read.MAX_TOKENS,
        "description": "drop in nats per response token",
        "items": {"type": "number", "minimum": 0},
    },
}
"""Every key of a line."""

WORD = {"type": "string", "pattern": f"^{metadata.WORD.pattern}$"}
WORDS = {
    "type": "object",
    "maxProperties": metadata.MOST_ENTRIES,
    "propertyNames": WORD,
    "additionalProperties": WORD,
}
FIELDS = {
    "method": {
        "type": "string",
        "pattern": f"^{metadata.METHOD.pattern}$",
        "description": f"what its row is called, without the words {', '.join(metadata.BADGE_WORDS)}",
    },
    "training_data": {
        "enum": [choice.value for choice in TrainingData],
        "description": "were pictures of the benchmark in the training data, of the method or of what it uses?",
    },
    "lvlm_revisions": WORDS | {"description": "each LVLM of the file -> the weights that answered"},
    "about": {
        "type": "string",
        "maxLength": metadata.MOST_ABOUT,
        "description": "a sentence or two, plain text",
    },
    "code": {"type": "string", "pattern": f"^{metadata.LINK.pattern}$", "description": "link to the code"},
    "dataset_revision": WORD | {"description": "of the benchmark that was answered, if known"},
    "seed": {
        "type": "integer",
        "minimum": 0,
        "maximum": metadata.LARGEST_SEED,
        "description": "left out where nothing is drawn",
    },
    "versions": WORDS | {"description": "package -> version"},
}
"""Every field of what is said about a file."""


def line_schema() -> dict[str, object]:
    """Of one line of a prediction file.

    >>> sorted(line_schema()["required"])
    ['boxes', 'case_id']
    """
    return _object("One line of a MedGround-Bench prediction file", ["case_id", "boxes"], LINE)


def metadata_schema() -> dict[str, object]:
    """Of what is said about a file.

    >>> metadata_schema()["properties"]["training_data"]["enum"]
    ['disclosed-clean', 'overlap', 'undisclosed']
    """
    title = "What is said about a MedGround-Bench prediction file"
    return _object(title, list(metadata.NEEDED), FIELDS)


def _object(title: str, needed: list[str], properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "required": needed,
        "properties": dict(properties),
    }
