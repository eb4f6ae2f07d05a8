"""The pictures that may be published: those that a phantom's number gives when it is drawn again here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from builder.publish.contents import Hit
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import PHANTOM, rendered
from medground_bench.pictures import picture_digest, stored_png


def picture_findings(rows: pa.Table) -> Iterator[Hit]:
    """Rows whose picture is not their phantom's own, to the pixel and as our writer encodes it.

    An edited picture, one with a note in it, and one that came from elsewhere are all none.
    """
    if "image" not in rows.column_names:
        return
    pictures = rows["image"].combine_chunks()
    paths = pc.is_valid(pc.struct_field(pictures, "path"))
    if pc.any(paths).as_py():
        yield Hit("PICTURE_PATH", pc.index(paths, True).as_py() + 1, "image", pc.sum(paths).as_py())
    contents = pc.struct_field(pictures, "bytes").dictionary_encode()
    digests = [_digest(content.as_py()) for content in contents.dictionary]
    known = zip(
        rows["source"].to_pylist(),
        rows["image_id"].to_pylist(),
        rows["image_sha256"].to_pylist(),
        contents.indices.to_pylist(),
        strict=True,
    )
    wrong = [
        number
        for number, (source, image_id, digest, code) in enumerate(known, start=1)
        if code is not None and not (source == PHANTOM and digests[code] == digest == _drawn(str(image_id)))
    ]
    if wrong:
        yield Hit("PHANTOM_PICTURE", wrong[0], "image", len(wrong))


def _digest(content: bytes) -> str | None:
    """Of a picture that our writer wrote; None for other bytes."""
    picture = stored_png.decode(content)
    if picture is None or stored_png.encode(picture) != content:
        return None
    return picture_digest(picture)


@cache
def _drawn(image_id: str) -> str | None:
    """The digest of a phantom's picture; None for what is no number of a phantom."""
    if not (image_id.isascii() and image_id.isdecimal()):
        return None
    who = patient(image_id)
    return picture_digest(rendered(image_id, who.findings, who.marker))
