"""A folder that may be published, as bytes by name, and ways to plant in it what may not be.

Everything that looks like the real thing is put together while a test runs: the repository holds none of it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from builder.publish.columns import CREDENTIALED
from builder.publish.folder_files import FolderFile
from builder.publish.levels import Level
from builder.publish.policy import Inspection, inspect
from builder.publish.released_rows import opaque, released
from medground_bench.benchmark.card import Config, card
from medground_bench.benchmark.parquet import encoded, schema_of
from medground_bench.benchmark.rows import (
    ANSWERS,
    DIRECT,
    QUESTIONS,
    VERDICTS,
    AnswerRow,
    CaseRow,
    QuestionRow,
    VerdictRow,
)
from medground_bench.core import prompts
from medground_bench.core.case_ids import case_id, question_id
from medground_bench.core.types import Mode, Picture, Track
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import rendered
from medground_bench.pictures import picture_digest, stored_png
from tests.kit.trees import digits_of, twelve_bits

KEY = bytes(range(32))
LVLM = "medgemma_4b"
TRACK = Track(LVLM, Mode.DIRECT)
PHANTOM = "4000000"
TABLES = {"answers": ANSWERS, "direct": DIRECT, "questions": QUESTIONS, "verdicts": VERDICTS}
SHARES = dict.fromkeys(CREDENTIALED, "Agreement 12 with the owner of the data")
RESPONSE = "Yes. There is an opacity in the left lower lobe."


def number(length: int, *parts: object) -> str:
    """Made-up decimal digits."""
    return digits_of(length, *parts, digits="0123456789")


def image_id(source: str) -> str:
    """An id as the source's own look, made up."""
    return {
        "imagenome": "-".join(digits_of(8, "publish", part) for part in range(5)),
        "vindr_cxr": digits_of(32, "publish"),
        "padchest_gr": f"{number(30, 'publish')}_{number(2)}-{number(3)}-{number(3, 'end')}",
        "phantom": PHANTOM,
    }[source]


@cache
def phantom_picture() -> Picture:
    """The picture of the one phantom."""
    who = patient(PHANTOM)
    return rendered(PHANTOM, who.findings, who.marker)


def raw_rows(source: str, finding: str = "pleural effusion", response: str = RESPONSE) -> dict[str, list]:
    """Table -> a row of a build, before anything is taken out of it."""
    who, picture = patient(PHANTOM), phantom_picture()
    asked = {"source": source, "image_id": image_id(source), "finding": finding, "answer": "yes"}
    asked["question_id"] = question_id(source, asked["image_id"], finding)
    track = {"lvlm": LVLM, "lvlm_revision": "1234567890", "mode": "direct"}
    tokens = tuple(f"{word} " for word in response.split())
    said = {"response": response, "response_token_ids": tuple(range(len(tokens))), "response_tokens": tokens}
    free = source == "phantom"
    shown = {
        "question": prompts.question(finding), "boxes": ((10.25, 20.5, 31.0, 1 / 3 + 44),), "width": who.native.width,
        "height": who.native.height, "image": stored_png.encode(picture) if free else None,
        "image_sha256": picture_digest(picture), "release_index": None if free else 7,
    }  # fmt: skip
    return {
        "answers": [AnswerRow(**asked, **track, **said, picture="original", said="yes", editor="radedit@1.0")],
        "direct": [
            CaseRow(
                **asked, **track, **said, **shown, case_id=case_id(asked["question_id"], TRACK),
                prompt=prompts.prompt(finding, Mode.DIRECT),
            )
        ],
        "questions": [QuestionRow(**asked, **shown, levels="min-max", marker=True if free else None)],
        "verdicts": [
            VerdictRow(
                **asked, **track, original="yes", foreground="no", background="yes", background_normal="yes",
                group="grounded", reason=None, known_cause="finding" if free else None,
                release_index=shown["release_index"],
            )
        ],
    }  # fmt: skip


def place(table: str, source: str) -> str:
    """The name of a table's file."""
    return f"{table}/test-{source if table == 'questions' else LVLM}.parquet"


def clean_files(source: str, level: Level = Level.KEYS, **choices: str) -> dict[str, bytes]:
    """Name -> bytes of a folder that may be published at a level; choices are those of `raw_rows`."""
    return dict(_clean_files(source, level, tuple(choices.items())))


@cache
def _clean_files(source: str, level: Level, choices: tuple[tuple[str, str], ...]) -> dict[str, bytes]:
    files = {
        place(name, source): encoded(TABLES[name].row, released(rows, level, KEY))
        for name, rows in raw_rows(source, **dict(choices)).items()
    }
    configs = [Config(name, "1f2e" * 16, {"test": 1}) for name in sorted(TABLES)]
    return {
        **files,
        "README.md": card(configs).encode(),
        "LICENSE": b"Apache License, Version 2.0, January 2004\n",
    }


def planted(table: str, owner: str, level: Level = Level.KEYS, **changed: object) -> dict[str, bytes]:
    """The one file of a table whose row says something else in some columns; it is the owner's, a source's."""
    (row,) = released(raw_rows(owner)[table], level, KEY)
    return {place(table, owner): encoded(TABLES[table].row, [replace(row, **changed)])}


def written(
    table: str, source: str, change: Callable[[pa.Table], pa.Table], **settings: object
) -> dict[str, bytes]:
    """The one file of a table, written by other hands: its Arrow table changed, or other settings of the writer."""
    name, buffer = place(table, source), io.BytesIO()
    rows = pq.read_table(pa.BufferReader(clean_files(source)[name]))
    schema = schema_of(field.name for field in fields(TABLES[table].row))
    pq.write_table(change(pa.table(rows.columns, schema=schema)), buffer, **settings)
    return {name: buffer.getvalue()}


def inspected(
    files: Mapping[str, bytes], level: Level = Level.KEYS, shares: Mapping[str, str] | None = None
) -> Inspection:
    """The policy's word on files in memory."""
    return inspect((FolderFile(name, files[name]) for name in sorted(files)), level, shares or SHARES)


def rules(inspection: Inspection, file: str | None = None) -> set[str]:
    """The rules that spoke, of one file or of all."""
    return {each.rule for each in inspection.refusals if file is None or each.file == file}


def leaks(source: str) -> dict[str, tuple[str, str]]:
    """Kind -> (rule, made-up text) of what each source has and nobody may publish."""
    patient_number = {"imagenome": f"p1{number(7, 1)}", "vindr_cxr": f"patient id: {number(7, 2)}"}
    study_number = {"imagenome": f"s5{number(7, 3)}", "vindr_cxr": f"study {number(6, 4)}"}
    path = {"imagenome": f"p1{number(1)}/p1{number(7, 1)}/s5{number(7, 3)}"}
    ids = {"imagenome": "MIMIC_IMAGE_ID", "vindr_cxr": "VINDR_IMAGE_ID", "padchest_gr": "PADCHEST_IMAGE_ID"}
    numbers = {"imagenome": "MIMIC_NUMBER", "vindr_cxr": "PATIENT_DETAIL", "padchest_gr": "PADCHEST_NUMBER"}
    years = {"imagenome": "2180", "vindr_cxr": "2018", "padchest_gr": "2014"}
    prose = "The heart is enlarged and both lungs are hazy, worse than before. " * 4
    english = ("REPORT", f"FINDINGS: {prose}\nIMPRESSION: Edema.")
    report = (
        ("SPANISH_REPORT", "Derrame pleural izquierdo con cardiomegalia.")
        if source == "padchest_gr"
        else english
    )
    return {
        "image id": (ids[source], image_id(source)),
        "patient number": (numbers[source], patient_number.get(source, number(37, 5))),
        "study number": (numbers[source], study_number.get(source, number(45, 6))),
        "path": (
            "MIMIC_PATH" if source in path else "PATH",
            path.get(source, "/" + f"data/{source}/test/one.dicom"),
        ),
        "date": ("DATE", f"{years[source]}-05-06"),
        "compact date": ("DATE", f"{years[source]}0506"),
        "report": report,
        "mark": ("DEIDENTIFIED", "A " + "_" * 3 + " year old man"),
        "picture": ("ENCODED_PICTURE", base64.b64encode(picture_files()["PNG"]).decode()),
    }


def secrets() -> dict[str, tuple[str, str]]:
    """Kind -> (rule, made-up text) of what opens something."""
    letters = digits_of(40, "secret")
    return {
        "hub token": ("TOKEN", "hf" + f"_{letters}"),
        "cloud key": ("TOKEN", "AKIA" + digits_of(16, "k", digits="ABCDEFGHJKLMNPQR")),
        "forge token": ("TOKEN", "gh" + f"p_{letters}"),
        "bearer": ("TOKEN", "Authorization: Bear" + f"er {letters}"),
        "web token": ("TOKEN", ".".join(["ey" + f"J{letters}", letters, letters])),
        "private key": ("PRIVATE_KEY", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        "address": ("URL_WITH_PASSWORD", "https://" + f"me:{letters}@physionet.org/files"),
        "password": ("PASSWORD", "pass" + f"word={letters}"),
        "option": ("PASSWORD", '"api_' + f'key": "{letters}"'),
    }


def picture_files() -> dict[str, bytes]:
    """Format -> a small picture in it."""
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    files = {}
    for name in ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"):
        buffer = io.BytesIO()
        Image.fromarray(grey).save(buffer, format=name)
        files[name] = buffer.getvalue()
    volume = (348).to_bytes(4, "little") + bytes(340) + b"n+1\0" + bytes(64)
    return {
        **files,
        "DICOM": twelve_bits(grey, inverted=False),
        "NIfTI": volume,
        "film": b"\0\0\0 ftypisom" + bytes(9),
    }


def opaque_id(source: str) -> str:
    """The published name of the source's picture."""
    return opaque(source, image_id(source), KEY)
