"""What a card says of each source: whose it is, what its agreement is called, how it is cited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from builder.publish.card.citations import CHEST_IMAGENOME, MIMIC_CXR_JPG, PADCHEST_GR, PHYSIONET, VINDR_CXR
from builder.publish.columns import HIGHEST
from builder.sources import imagenome, padchest_gr, vindr_cxr
from builder.sources._copies import Terms
from medground_bench.core.errors import UnknownName
from medground_bench.phantom.region_edits import PHANTOM

LICENCE = "PhysioNet Credentialed Health Data License 1.5.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSource:
    """A source as a card speaks of it.

    key          as in the rows
    name         for people
    terms        how one gets it; None for one that is free
    licence      what its content stays under
    copies       what `medground_bench.join` calls the parts of a copy -> a folder; the last part has the pictures
    signed       what a reader ticks
    annotation   what the boxes are around, and who drew them
    people       whose pictures they are
    citations    BibTeX entries
    """

    key: str
    name: str
    terms: Terms | None
    licence: str
    copies: Mapping[str, str]
    signed: str
    annotation: str
    people: str
    citations: tuple[str, ...]

    @property
    def on_physionet(self) -> bool:
        """Whether its readers have a PhysioNet account."""
        return self.licence == LICENCE


SOURCES = (
    PublishedSource(
        key="imagenome",
        name="Chest ImaGenome",
        terms=imagenome.TERMS,
        licence=LICENCE,
        copies={"chest_imagenome": "chest-imagenome", "mimic_cxr_jpg": "mimic-cxr-jpg"},
        signed="I have signed the PhysioNet agreements for Chest ImaGenome and for MIMIC-CXR-JPG",
        annotation="the whole anatomical regions that the report names, found by an atlas and corrected by hand",
        people="one hospital in Boston, USA (MIMIC-CXR-JPG)",
        citations=(CHEST_IMAGENOME, MIMIC_CXR_JPG, PHYSIONET),
    ),
    PublishedSource(
        key="vindr_cxr",
        name="VinDr-CXR",
        terms=vindr_cxr.TERMS,
        licence=LICENCE,
        copies={"vindr_cxr": "vindr-cxr"},
        signed="I have signed the PhysioNet agreement for VinDr-CXR",
        annotation="around findings, by consensus of five radiologists",
        people="two hospitals in Vietnam",
        citations=(VINDR_CXR, PHYSIONET),
    ),
    PublishedSource(
        key="padchest_gr",
        name="PadChest-GR",
        terms=padchest_gr.TERMS,
        licence="PadChest Dataset Research Use Agreement",
        copies={"padchest_gr": "PadChest-GR"},
        signed="I have signed the PadChest Dataset Research Use Agreement for PadChest-GR",
        annotation="around findings, by one or two radiologists each",
        people="one hospital in Alicante, Spain",
        citations=(PADCHEST_GR,),
    ),
    PublishedSource(
        key=PHANTOM,
        name="phantoms",
        terms=None,
        licence="Apache License 2.0",
        copies={},
        signed="",
        annotation="around findings, known because a program drew them",
        people="nobody",
        citations=(),
    ),
)


def source_of(key: str) -> PublishedSource:
    """The source of a row; UnknownName for one whose terms are not known here."""
    for each in SOURCES:
        if each.key == key:
            return each
    raise UnknownName("source with terms", key, HIGHEST)
