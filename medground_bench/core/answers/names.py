"""The ways to write a finding: in number, in spelling, joined by a stroke, and by its other names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

SAME = {
    "cardiomegaly": (
        "enlarged heart",
        "enlarged cardiac silhouette",
        "cardiac enlargement",
        "enlargement of the heart",
    ),
    "enlarged cardiac silhouette": (
        "cardiomegaly",
        "enlarged heart",
        "cardiac enlargement",
        "enlargement of the cardiac silhouette",
    ),
    "aortic enlargement": ("enlarged aorta", "enlarged thoracic aorta", "enlargement of the aorta"),
    "hilar enlargement": (
        "enlarged hilum",
        "enlarged hila",
        "enlargement of the hila",
        "enlargement of the hilum",
    ),
    "rib fracture": ("fractured rib", "fracture of the ribs"),
    "elevated hemidiaphragm": ("elevation of the hemidiaphragm",),
    "consolidation": ("focal consolidation", "airspace consolidation"),
    "infiltration": ("infiltrate",),
    "mediastinal widening": ("widened mediastinum", "widening of the mediastinum"),
    "costophrenic angle blunting": ("blunted costophrenic angle", "blunting of the costophrenic angle"),
    "central venous catheter": ("central venous line", "central line"),
    "vascular congestion": ("pulmonary vascular congestion",),
    "lung opacity": ("opacity", "pulmonary opacity", "lung opacification"),
    "nodule": ("lung nodule", "pulmonary nodule"),
    "mass": ("lung mass", "pulmonary mass"),
    "edema": ("pulmonary edema",),
    "nodule mass": ("pulmonary nodule or mass", "lung nodule or mass"),
    "ild": ("interstitial lung disease",),
    "copd": ("chronic obstructive pulmonary disease",),
    "enlarged pa": ("enlarged pulmonary artery",),
}
"""Other names of the very same finding on a chest radiograph."""

KINDS = {
    "hernia": ("hiatal hernia", "hiatus hernia", "diaphragmatic hernia"),
    "scoliosis": ("thoracic scoliosis", "thoracolumbar scoliosis", "dextroscoliosis", "levoscoliosis"),
    "calcification": ("aortic calcification", "calcified granuloma", "vascular calcification"),
    "fracture": ("rib fracture", "clavicle fracture", "vertebral fracture"),
    "central venous catheter": ("picc", "picc line", "tunneled catheter", "dialysis catheter", "port a cath"),
    "nodule": ("coin lesion",),
    "nodule mass": ("coin lesion",),
    "pneumothorax": ("hydropneumothorax", "air in the pleural space", "pleural air"),
    "pleural effusion": ("hydropneumothorax", "hemothorax", "empyema"),
    "support devices": ("endotracheal tube", "central venous catheter", "pacemaker", "nasogastric tube"),
}
"""Kinds of a finding: one of them affirms it, and that there is none of a kind denies nothing."""

ATTRIBUTES = frozenset({
    "enlarged", "elevated", "widened", "tortuous", "dilated", "flattened", "displaced", "increased", "hazy",
    "calcified", "fractured", "blunted",
})  # fmt: skip
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
PLACED = rf"(?:(?:left|right|bilateral|posterior|anterior|lateral|{ORDINALS.replace(' ', '|')}) )+"
SEATS = {
    ("heart", "cardiac", "cardiothoracic"): ("cardiomegaly", "enlarged cardiac silhouette"),
    ("angles?",): ("pleural effusion",),
    ("aortic?", "aorta"): ("aortic enlargement", "tortuous aorta", "calcification"),
    ("hila", "hilum", "hilar"): ("hilar enlargement",),
    ("pleura", "pleural surfaces?"): ("pleural thickening",),
    ("mediastin\\w+",): ("mediastinal shift", "mediastinal widening"),
    ("hemi\\w+", "diaphragms?"): ("elevated hemidiaphragm",),
    ("ribs", "bones", "bony"): ("rib fracture",),
    ("lungs?", "expanded"): (
        "pneumothorax", "consolidation", "pneumonia", "infiltration", "lung opacity", "edema", "ild", "atelectasis",
        "nodule", "mass", "nodule/mass", "pulmonary fibrosis",
    ),
}  # fmt: skip
"""Parts of the body -> the findings of which there is none while they are normal."""

SIGNS = {
    ("fluid", "meniscus", "blunting", "blunted"): ("pleural effusion",),
    ("devices?", "generator"): ("pacemaker",),
    ("tubes?", "lines?", "devices?", "hardware"): (
        "central venous catheter",
        "endotracheal tube",
        "nasogastric tube",
        "support devices",
    ),
    ("collapse", "collapsed", "loss of volume", "volume loss"): ("atelectasis",),
    ("lesions?", "opacity", "opacities"): ("nodule", "mass", "nodule/mass"),
    ("opacity", "opacities", "consolidations?"): (
        "pneumonia",
        "consolidation",
        "infiltration",
        "lung opacity",
    ),
    ("airspace", "air space"): ("pneumonia", "consolidation", "infiltration", "lung opacity"),
    ("collapsed", "free air"): ("pneumothorax",),
    ("elongated", "unfolded", "unfolding"): ("tortuous aorta",),
    ("hiatus", "hiatal"): ("hernia",),
    ("break", "breaks", "step", "discontinuity"): ("rib fracture",),
}
"""What is seen of a finding -> those of which there is none where it is denied."""

SHARED_NOUNS = frozenset(
    [
        "calcification",
        "changes",
        "disease",
        "enlargement",
        "fracture",
        "markings",
        "shift",
        "silhouette",
        "thickening",
    ]
)
"""Last words that say little without the first."""

SPELLINGS = (("oe(?=dema|soph)", "e"), ("(?<=tum)our", "or"), ("haem", "hem"), ("aemia", "emia"))
"""British -> American."""

QUOTES = (
    "[\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}]"
)
APOSTROPHES = "[\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{PRIME}`]"
DASHES = r"\s*[\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}]\s*"
HYPHENS = "(?<=\\w)[\N{HYPHEN}\N{NON-BREAKING HYPHEN}-](?=\\w)"


def plain_words(text: str) -> str:
    """Small letters, straight quotes, one spelling, a space for the hyphen inside a word.

    >>> plain_words("It's Left-sided OEDEMA")
    'it is left sided edema'
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = text.replace("\N{IDEOGRAPHIC FULL STOP}", ". ").replace("\N{IDEOGRAPHIC COMMA}", ", ")
    text = re.sub(APOSTROPHES, "'", re.sub(QUOTES, '"', text))
    text = re.sub(HYPHENS, " ", re.sub(DASHES, " - ", text))
    text = re.sub(r"\b(i|we)'d\b", r"\1 would", re.sub(r"\b(i|we)'ll\b", r"\1 will", text))
    text = re.sub(r"\b(here|there|it|that)'s\b", r"\1 is", text)
    text = re.sub(
        r"\b(1[0-2]|[1-9])(?:st|nd|rd|th)\b", lambda number: ORDINALS.split()[int(number[1]) - 1], text
    )
    for british, american in SPELLINGS:
        text = re.sub(british, american, text)
    return text


def names_of(finding: str) -> tuple[list[str], list[str]]:
    """Names of a finding in small letters, and of the parts that it joins by a stroke.

    >>> names_of("Rib fracture")
    (['rib fracture', 'fractured rib', 'fracture of the ribs'], [])
    >>> names_of("lobar/segmental collapse")[1]
    ['lobar collapse', 'segmental collapse']
    """
    written = plain_words(re.sub(r"\([^)]*\)", " ", finding)).split("/")
    written = [words for part in written if (words := " ".join(re.findall(r"\w+", part)))]
    whole = " ".join(written)
    if len(written) < 2:
        return [each for each in (whole, *SAME.get(whole, ())) if each], [*KINDS.get(whole, ())]
    parts = _completed(written)
    joined = [
        f" {word} ".join(each) for word in ("or", "and", "nor") for each in (written, parts, parts[::-1])
    ]
    return [whole, *dict.fromkeys(joined), *SAME.get(whole, ())], [
        *parts,
        *(same for part in parts for same in SAME.get(part, ())),
        *KINDS.get(whole, ()),
    ]


def _completed(parts: list[str]) -> list[str]:
    """Each part with the words that only the first or the last one spells."""
    first, last = parts[0], parts[-1]
    if " " in first and " " not in last:  # "superior mediastinal mass/enlargement"
        return [first, *(f"{first.rpartition(' ')[0]} {part}" for part in parts[1:])]
    if " " in last and " " not in first:  # "lobar/segmental collapse"
        return [*(f"{part} {last.partition(' ')[2]}" for part in parts[:-1]), last]
    return parts


def name_pattern(names: Iterable[str]) -> str:
    """A regular expression of these names in singular and plural, the longest first; of nothing for none.

    >>> re.findall(name_pattern(["rib fracture"]), "a rib fracture, two rib fractures, a fracture")
    ['rib fracture', 'rib fractures']
    >>> name_pattern([])
    '(?!)'
    """
    return "|".join(sorted(map(_in_number, names), key=len, reverse=True)) or "(?!)"


def stems_of(finding: str) -> list[list[str]]:
    """Of every name the beginnings of its words, which its other forms share: "the heart appears enlarged".

    >>> stems_of("pleural thickening")
    [['pleu', 'thic']]
    """
    whole, parts = names_of(finding)
    return [[word[:4] for word in name.split() if len(word) > 2] for name in (*whole, *parts) or [""]]


def seats_of(finding: str) -> tuple[str, ...]:
    """The parts of the body that cannot be normal while the finding is there.

    >>> seats_of("cardiomegaly")
    ('heart', 'cardiac', 'cardiothoracic')
    >>> seats_of("clavicle fracture")
    ()
    """
    return _words_for(finding, SEATS)


def signs_of(finding: str) -> tuple[str, ...]:
    """What cannot be missing while the finding is there.

    >>> signs_of("pleural effusion")
    ('fluid', 'meniscus', 'blunting', 'blunted')
    """
    return _words_for(finding, SIGNS)


def _words_for(finding: str, table: Mapping[tuple[str, ...], tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(
        word for words, findings in table.items() if finding.casefold() in findings for word in words
    )


def attribute_first(text: str, finding: str) -> str:
    """Of a finding that is an attribute of a part: "the heart is enlarged" as "enlarged heart is present".

    >>> attribute_first("the heart is not enlarged.", "cardiomegaly")
    'enlarged heart is not present.'
    >>> attribute_first("a fracture of the left sixth rib.", "rib fracture")
    'a left sixth fracture of the ribs.'
    """
    for name in names_of(finding)[0]:
        noun, of, part = name.partition(" of the ")
        if of:
            text = re.sub(
                rf"\b{_in_number(noun)} of (?:the )?({PLACED}){_in_number(part)}\b", rf"\1{name}", text
            )
        attribute, _, part = name.partition(" ")
        if part and attribute in ATTRIBUTES:
            clause = rf"\b(?:the )?{_in_number(part)} (is|are|is not|are not|isn't|aren't) (?:clearly )?{attribute}\b"
            text = re.sub(clause, rf"{name} \1 present", text)
            text = re.sub(rf"\b{attribute} (left|right|bilateral) {part}\b", rf"\1 {name}", text)
    return text


def _in_number(name: str) -> str:
    """A name with its nouns in singular and plural, words apart by a space, a stroke or both."""
    words = name.split()
    forms = [
        _noun(word) if after in ("", "or", "and", "nor", "of") else re.escape(word)
        for word, after in zip(words, [*words[1:], ""], strict=True)
    ]
    return r"(?:\s+(?:(?<=or )any\s+)?|\s*/\s*)".join(forms)


def _noun(word: str) -> str:
    endings = (
        ("ies", "(?:y|ies)"), ("y", "(?:y|ies)"), ("is", "[ie]s"), ("ss", "ss(?:es)?"), ("x", "(?:x|xes|ces)"),
        ("lla", "llae?"), ("um", "(?:um|a)"), ("s", "s?"), ("", "(?:e?s)?"),
    )  # fmt: skip
    ending, forms = next((end, forms) for end, forms in endings if word.endswith(end))
    return re.escape(word.removesuffix(ending)) + forms
