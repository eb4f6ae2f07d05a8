"""Checking a method's settings when it is made: a wrong one ends the run at once, and never scores 0 on every case."""

from __future__ import annotations

from enum import StrEnum

from medground_bench.core.errors import MedgroundError


class BadSetting(MedgroundError):
    """A setting that a method cannot have."""


def demand(method: object, holds: bool, wanted: str) -> None:
    """BadSetting, which names the method with its settings and says what is wanted, unless that holds."""
    if not holds:
        raise BadSetting(f"{method}: {wanted}.")


def coerce(method: object, field: str, kind: type[StrEnum]) -> None:
    """Make a field the member of an enum that its text names; BadSetting lists the members."""
    value = getattr(method, field)
    try:
        object.__setattr__(method, field, kind(value))
    except ValueError:
        members = ", ".join(kind)
        raise BadSetting(f"{type(method).__name__}: {field} is {value!r}, not one of {members}.") from None
