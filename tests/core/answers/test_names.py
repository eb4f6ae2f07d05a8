"""The ways to write a finding."""

import re

import pytest

from medground_bench.core.answers.names import attribute_first, name_pattern, names_of, plain_words, stems_of


@pytest.mark.parametrize(
    ("finding", "written"),
    [
        ("pleural effusion", "pleural effusions"),
        ("Pleural effusion", "PLEURAL-EFFUSION"),
        ("opacity", "opacities"),
        ("atelectasis", "atelectases"),
        ("pneumothorax", "pneumothoraces"),
        ("mass", "masses"),
        ("Nodule/Mass", "nodule / mass"),
        ("Nodule/Mass", "masses or nodules"),
        ("COPD/emphysema", "COPD or any emphysema"),
        ("linear/patchy atelectasis", "linear nor patchy atelectasis"),
        (
            "superior mediastinal mass/enlargement",
            "superior mediastinal enlargement or superior mediastinal mass",
        ),
        ("mass/nodule (not otherwise specified)", "mass/nodule"),
        ("edema", "oedema"),
        ("lung tumour", "lung tumor"),
        ("cardiomegaly", "enlarged cardiac silhouette"),
    ],
)
def test_a_finding_is_known_in_number_spelling_and_order(finding, written):
    whole, _ = names_of(finding)
    assert re.fullmatch(name_pattern(whole), plain_words(written))


@pytest.mark.parametrize(
    ("finding", "other"), [("mass", "massive"), ("nodule", "nod"), ("edema", "emphysema")]
)
def test_a_finding_is_not_known_in_another_word(finding, other):
    assert not re.fullmatch(name_pattern(names_of(finding)[0]), other)


def test_parts_of_a_joined_finding_have_names_of_their_own():
    assert names_of("Nodule/Mass")[1][:2] == ["nodule", "mass"]
    assert names_of("lobar/segmental collapse")[1] == ["lobar collapse", "segmental collapse"]
    assert names_of("?") == ([], []) and not re.match(name_pattern([]), "anything")


def test_an_attribute_is_brought_before_its_part():
    assert attribute_first("the cardiac silhouette is enlarged.", "enlarged cardiac silhouette") == (
        "enlarged cardiac silhouette is present."
    )
    assert attribute_first("the heart is large.", "cardiomegaly") == "the heart is large."


def test_stems_are_shared_by_the_forms_of_a_finding():
    assert all(re.search(rf"\b{stem}", "the aorta is enlarged") for stem in stems_of("aortic enlargement"))
