"""What the real hub is known to ask of a dataset card's YAML: closed lists, and the shapes of forms and configs."""

from __future__ import annotations

import re
from collections.abc import Iterator

LICENCES = (
    *("apache-2.0", "mit", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "unknown"),
    "other",
)
TASKS = (
    *("visual-question-answering", "image-text-to-text", "object-detection", "zero-shot-object-detection"),
    *("image-classification", "image-segmentation", "question-answering", "text-generation", "other"),
)
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "n>1T")
CREATORS = ("crowdsourced", "found", "expert-generated", "machine-generated", "no-annotation", "other")
LISTS = {"task_categories": TASKS, "size_categories": SIZES, "annotations_creators": CREATORS}
FIELD_TYPES = ("text", "checkbox", "date_picker", "country", "select")
GATE_TEXTS = ("heading", "description", "prompt", "button_content")


def card_errors(said: object) -> Iterator[str]:
    """Why the hub would refuse the YAML of a dataset card."""
    if not isinstance(said, dict):
        yield "the metadata is no mapping"
        return
    if "license" in said and said["license"] not in LICENCES:
        yield '"license" must be one of the list'
    if said.get("license") == "other" and not (said.get("license_name") and said.get("license_link")):
        yield '"license_name" and "license_link" must be there where "license" is "other"'
    for name, known in LISTS.items():
        if not set(said.get(name, [])) <= set(known):
            yield f'"{name}" must be of the list'
    if not all(isinstance(tag, str) and tag for tag in said.get("tags", [])):
        yield '"tags" must be strings'
    if not all(re.fullmatch(r"[a-z]{2,3}", str(code)) for code in said.get("language", [])):
        yield '"language" must be ISO 639 codes'
    if not all(isinstance(said.get(f"extra_gated_{name}", ""), str) for name in GATE_TEXTS):
        yield '"extra_gated_..." must be strings'
    yield from (f"extra_gated_fields: {name}" for name, asked in fields_of(said) if not is_field(asked))
    yield from config_errors(said.get("configs", []))


def fields_of(said: dict) -> list[tuple[str, object]]:
    """The fields of the form by which access is asked for."""
    asked = said.get("extra_gated_fields", {})
    return list(asked.items()) if isinstance(asked, dict) else [("is no mapping", None)]


def is_field(asked: object) -> bool:
    """Whether a field has a type that there is; a choice has something to choose from."""
    if isinstance(asked, dict):
        options = asked.get("options")
        return asked.get("type") in FIELD_TYPES and (asked["type"] != "select" or bool(options))
    return asked in FIELD_TYPES and asked != "select"


def config_errors(configs: list[dict]) -> Iterator[str]:
    """What is wrong with the configs."""
    names = [config.get("config_name") for config in configs]
    if len(set(names)) < len(names) or None in names:
        yield "every config needs a name of its own"
    if sum(bool(config.get("default")) for config in configs) > 1:
        yield "two configs are the default"
    for config in configs:
        if not all({"split", "path"} <= files.keys() for files in config.get("data_files", [])):
            yield f"config {config.get('config_name')}: data_files need a split and a path"
