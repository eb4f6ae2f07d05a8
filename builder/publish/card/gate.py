"""The form by which a reader asks for access. Rules about requests name its fields, so they are spelled here alone."""

from __future__ import annotations

from collections.abc import Sequence

from builder.publish.card.sources import PublishedSource

PHYSIONET_USER = "PhysioNet user name"
CREDENTIALED_SINCE = "Credentialed on PhysioNet since"
AFFILIATION = "Affiliation"
COUNTRY = "Country"
INTENDED_USE = "Intended use"
NO_REDISTRIBUTION = "I will not pass this data on to anyone"
NO_IDENTIFICATION = "I will not try to find out who a patient is"
NO_CLINICAL_USE = "I will not use this data, or what was made with it, for clinical decisions"
USES = ("Research on attribution", "Evaluation of a model", "Education", "Other")

Field = str | dict[str, object]
"""A type of the hub's forms, or one with its options."""


def agreement(source: PublishedSource) -> str:
    """The name of the box by which a reader says that a source's agreement is signed."""
    return source.signed


def boxes(sources: Sequence[PublishedSource]) -> list[str]:
    """The names of the boxes that a reader has to tick; all of them, or access is refused."""
    credentialed = [each for each in sources if each.terms]
    asked = [agreement(each) for each in credentialed]
    return [*asked, *([NO_REDISTRIBUTION, NO_IDENTIFICATION] if credentialed else []), NO_CLINICAL_USE]


def fields(sources: Sequence[PublishedSource]) -> dict[str, Field]:
    """The fields of the form for rows of these sources, as `extra_gated_fields` wants them."""
    physionet: dict[str, Field] = {PHYSIONET_USER: "text", CREDENTIALED_SINCE: "date_picker"}
    person: dict[str, Field] = {AFFILIATION: "text", COUNTRY: "country"}
    use: dict[str, Field] = {INTENDED_USE: {"type": "select", "options": list(USES)}}
    account = physionet if any(each.on_physionet for each in sources) else {}
    return {**account, **person, **use, **dict.fromkeys(boxes(sources), "checkbox")}


def gate(sources: Sequence[PublishedSource]) -> dict[str, object]:
    """The part of a card's YAML that makes the form."""
    return {
        "extra_gated_heading": "Ask for access to MedGround-Bench",
        "extra_gated_description": "Requests are looked at by a person, so an answer can take some days.",
        "extra_gated_prompt": _prompt([each for each in sources if each.terms]),
        "extra_gated_fields": fields(sources),
        "extra_gated_button_content": "Send the request",
    }


def _prompt(credentialed: Sequence[PublishedSource]) -> str:
    if not credentialed:
        return "These are rows about pictures that a program drew. They say nothing about a patient."
    terms = [f"- {each.name}: {each.licence} ({each.terms.page})" for each in credentialed if each.terms]
    return "\n".join(
        (
            "Rows here are about pictures of sources that are shared under an agreement only. Access is for those who "
            "have signed it with the source itself:",
            "",
            *terms,
            "",
            "What you get here does not replace such an agreement and gives no right to the source.",
        )
    )
