"""What is published of a row, by level: rows in, rows out. The policy looks at what comes out as at anything else.

A picture of a credentialed source gets an opaque name: a keyed hash of the source's own id, by a key that stays with
the maintainer. Questions about one picture keep sharing it, because statistics count by picture. Who has the source
finds the question by `release_index` or by `image_sha256`, the digest of the picture's greys; nobody else finds
anything.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from builder.publish.columns import COLUMNS, CREDENTIALED, HIGHEST, OPAQUE, WITHHELD
from builder.publish.levels import Level
from builder.publish.tables import bad_texts
from medground_bench.benchmark.rows import AnyRow, CaseRow
from medground_bench.core.case_ids import case_id, question_id
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Mode, Track

LEAST_KEY_BYTES = 32
OPAQUE_DIGITS = 24
"""96 bits: no two pictures meet, and nobody tries all."""


class BadKey(MedgroundError):
    """A key that is too short to keep ids secret."""


class UnknownTerms(MedgroundError):
    """Rows of a source of which nobody has said what may be published."""


class AlreadyReleased(MedgroundError):
    """Rows whose ids are opaque already."""


def opaque(source: str, image_id: str, key: bytes) -> str:
    """The published name of a picture of a credentialed source; the same for the same key.

    BadKey for a key under 32 bytes. A plain hash would not do: ids are few and could all be tried.
    """
    if len(key) < LEAST_KEY_BYTES:
        raise BadKey(f"the key of opaque ids has {len(key)} bytes; it needs {LEAST_KEY_BYTES} random ones.")
    return f"pic-{hmac.digest(key, f'{source}/{image_id}'.encode(), 'sha256').hex()[:OPAQUE_DIGITS]}"


def released(rows: Iterable[AnyRow], level: Level, key: bytes) -> list[AnyRow]:
    """The rows of one table as they are published at a level; those of sources that do not have it are left out.

    key  of the opaque ids, at least 32 random bytes, never published

    A response that holds what may not be published is withheld: `[withheld]` stands in its place, its tokens are null,
    and what was read from it stays.
    """
    kept: list[AnyRow] = [row for row in rows if _highest(row.source).height >= level.height]
    gone = {column: None for column, allowed in COLUMNS.items() if level.height < allowed.level.height}
    responses = _responses(kept)
    withheld = _bad(text for texts in responses for text in texts)
    released_rows: list[AnyRow] = []
    for row, texts in zip(kept, responses, strict=True):
        changed = _identity(row, key) | {name: None for name in gone if hasattr(row, name)}
        if not withheld.isdisjoint(texts):
            changed |= {"response": WITHHELD, "response_token_ids": None, "response_tokens": None}
        released_rows.append(replace(row, **changed))  # type: ignore[arg-type]
    return released_rows


def _identity(row: AnyRow, key: bytes) -> dict[str, object]:
    """The opaque ids; none for a row that is free, or that is of the authors' release and names no question."""
    if row.source not in CREDENTIALED or row.image_id is None or row.finding is None:
        return {}
    if re.fullmatch(OPAQUE, row.image_id):
        raise AlreadyReleased(
            f"rows of {row.source} have opaque ids already: this folder is what was published, not what was built. "
            "Publish the folder that the builder wrote; files of the dataset that it lacks stay where they are."
        )
    image_id = opaque(row.source, row.image_id, key)
    name = question_id(row.source, image_id, row.finding)
    ids: dict[str, object] = {"image_id": image_id, "question_id": name}
    if isinstance(row, CaseRow):
        ids["case_id"] = case_id(name, Track(row.lvlm, Mode(row.mode)))
    return ids


def _highest(source: str) -> Level:
    """Unknown sources are refused, not published by mistake."""
    if source not in HIGHEST:
        raise UnknownTerms(
            f"no terms are known of the source {source}, so nothing of it is published. A maintainer adds them to "
            "builder/publish/columns.py once they have read its licence."
        )
    return HIGHEST[source]


def _responses(rows: Sequence[AnyRow]) -> list[tuple[str, ...]]:
    """Of every row what is said in it: the response, its tokens one by one, and all of them together."""
    said = []
    for row in rows:
        tokens: tuple[str, ...] = getattr(row, "response_tokens", None) or ()
        response: str | None = getattr(row, "response", None)
        said.append(() if response is None else (response, "".join(tokens), *tokens))
    return said


def _bad(texts: Iterable[str]) -> frozenset[str]:
    values = pa.chunked_array([pa.array(sorted(set(texts)), pa.string())])
    found = (pc.unique(bad).to_pylist() for _rule, bad in bad_texts(values, COLUMNS["response"]))
    return frozenset(text for bad in found for text in bad)
