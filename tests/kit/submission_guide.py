"""The generated files of `submissions/`: the schemas, and the message that each wrong example gets.

`python -m tests.kit.submission_guide` writes them again.
"""

from __future__ import annotations

import json
from pathlib import Path

from medground_bench.submission.metadata import Metadata, read_metadata
from medground_bench.submission.read import Problems, read_submission
from medground_bench.submission.schema import line_schema, metadata_schema
from tests.kit.examples import EXAMPLES, example_references

FOLDER = EXAMPLES.parent
WRONG = EXAMPLES / "wrong"


def messages_of(file: Path) -> list[str]:
    """What is told of an example: of a prediction file, or of what is said about one."""
    if file.suffix == ".json":
        said = read_metadata(file.read_text("utf-8"))
        return [] if isinstance(said, Metadata) else [str(problem) for problem in said]
    found = read_submission(file.read_bytes(), example_references())
    return [str(problem) for problem in found.shown] if isinstance(found, Problems) else []


def wrong_examples() -> list[Path]:
    """Every wrong example, by name."""
    return sorted(path for path in WRONG.iterdir() if path.name != "messages.json")


def generated() -> dict[Path, str]:
    """Content of every generated file."""
    made = {
        FOLDER / "schema.json": line_schema(),
        FOLDER / "metadata.schema.json": metadata_schema(),
        WRONG / "messages.json": {file.name: messages_of(file) for file in wrong_examples()},
    }
    return {path: json.dumps(content, indent=2) + "\n" for path, content in made.items()}


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, "utf-8")
