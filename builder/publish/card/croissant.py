"""croissant.json: what the hub's own Croissant description lacks, in the vocabulary Croissant RAI 1.0.

Files, record sets and fields are left to the hub, which derives them from the parquet files.
"""

from __future__ import annotations

import json

from builder.publish.card.about import About
from builder.publish.card.citations import PAPER
from builder.publish.card.facts import CardFacts
from builder.publish.card.head import TAGS, TITLE
from builder.publish.card.licence import licence_page
from builder.publish.card.limits import biases, limits
from builder.publish.card.markdown import shown
from builder.publish.card.text import LEVELS
from medground_bench.benchmark.card import ABOUT

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "citeAs": "cr:citeAs",
    "conformsTo": "dct:conformsTo",
    "isLiveDataset": "cr:isLiveDataset",
}
CONFORMS_TO = "http://mlcommons.org/croissant/RAI/1.0"


def croissant(facts: CardFacts, about: About) -> str:
    """The description as JSON-LD."""
    said = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": TITLE,
        "description": _plain(f"{ABOUT} {LEVELS[about.level]}"),
        "url": about.page,
        "license": licence_page(facts.credentialed, about.page),
        "inLanguage": "en",
        "keywords": list(TAGS),
        "isAccessibleForFree": True,
        "conditionsOfAccess": _access(facts),
        "isLiveDataset": False,
        "citeAs": PAPER,
        **{f"rai:{name}": value for name, value in _responsible(facts, about).items()},
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def _access(facts: CardFacts) -> str:
    agreements = [f"{each.name}: {each.terms.agreement}" for each in facts.credentialed if each.terms]
    return f"On request. {'; '.join(agreements)}." if agreements else "On request."


def _responsible(facts: CardFacts, about: About) -> dict[str, object]:
    return {
        "dataCollection": "No picture was taken for the benchmark. Yes/no questions are made of the findings of other "
        "data sets, LVLMs are asked about the picture and about edits of it, and what they answer decides which "
        "questions are cases.",
        "dataCollectionType": ["Secondary data analysis", "Software collection"],
        "dataCollectionRawData": [f"{each.name}, {each.licence}" for each in facts.sources],
        "dataCollectionMissingData": _plain(
            f"{LEVELS[about.level]} An answer that no longer decided was not asked for and is null."
        ),
        "dataPreprocessingProtocol": "Pictures become grey values of 8 bits by the rule in the column levels, and "
        "LVLMs see them on a square of 224 px, aspect kept, centred in black.",
        "dataManipulationProtocol": "Ids of pictures of credentialed sources are replaced by keyed hashes, and "
        "responses that could hold an identifier, a date or text of a report are withheld.",
        "dataAnnotationProtocol": " ".join(biases(facts.sources)),
        "machineAnnotationTools": [
            *(f"editor of pictures: {shown(name)}" for name in facts.editors),
            *(f"LVLM that answered: {shown(name)}" for name in facts.weights),
        ],
        "personalSensitiveInformation": _sensitive(facts),
        "dataSocialImpact": "Better tests of explanations can help people to see when a model is right for a wrong "
        "reason. A good score is no proof that a model is safe, and none of it is for clinical decisions.",
        "dataBiases": [f"{each.name}: pictures of {each.people}" for each in facts.sources],
        "dataLimitations": [_plain(limit) for limit in limits(facts.sources)],
        "dataUseCases": "Comparing methods of attribution on LVLMs. Not for training, not for clinical use.",
        "dataReleaseMaintenancePlan": "Each release is a tag. A new LVLM adds files and changes no other but the card. "
        "Changes stand at its end.",
    }


def _plain(markdown: str) -> str:
    """Words of ours without their marks, in one line."""
    return " ".join(markdown.replace("`", "").replace("*", "").split())


def _sensitive(facts: CardFacts) -> str:
    if not facts.credentialed:
        return "None: the pictures are drawn by a program."
    return (
        "The sources hold de-identified radiographs of patients. Neither the pictures nor ids, dates or reports are "
        "here; what is here says which findings a picture has and, at level boxes, where."
    )
