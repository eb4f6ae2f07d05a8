"""Settings are checked when a method is made: a wrong one never becomes a score of 0."""

from __future__ import annotations

import types
import typing
from dataclasses import fields
from enum import StrEnum

import pytest

from medground_bench import plugins
from medground_bench.core.errors import MedgroundError
from medground_bench.methods._settings import BadSetting


def settings_of_kind(kind: type) -> list[tuple[str, str, type]]:
    """(method, setting, type) of every setting of a kind, or of a kind or None, in the folder."""
    rows = []
    for name in (each.name for each in plugins.available("methods")):
        method = plugins.load("methods", name)
        hints = typing.get_type_hints(method)
        for each in fields(method):
            hint = hints[each.name]
            members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
            rows += [
                (name, each.name, m)
                for m in members
                if each.init and isinstance(m, type) and issubclass(m, kind) and m is not bool
            ]
    return rows


@pytest.mark.parametrize(("name", "setting", "_kind"), settings_of_kind(int))
def test_a_negative_number_is_refused_when_the_method_is_made(name, setting, _kind):
    with pytest.raises(MedgroundError) as said:
        plugins.load("methods", name)(**{setting: -1})
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(("name", "setting", "kind"), settings_of_kind(StrEnum))
def test_a_choice_may_be_given_as_text_and_another_text_is_refused(name, setting, kind):
    make = plugins.load("methods", name)
    for member in kind:
        assert getattr(make(**{setting: member.value}), setting) is member
    with pytest.raises(BadSetting, match=f"{setting} is 'zreo', not one of {', '.join(kind)}"):
        make(**{setting: "zreo"})


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("occlusion", {"cells": 0}),
        ("rise", {"keep": 1.0}),
        ("rise", {"masks": 1}),
        ("tam", {"window": 2}),
        ("prompting", {"max_new_tokens": 0}),
        ("integrated_gradients", {"steps": 7}),
        ("medfocus", {"tau": 0}),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(name, settings):
    with pytest.raises(BadSetting):
        plugins.load("methods", name)(**settings)
