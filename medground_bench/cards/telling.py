"""How a program of this folder is run: what the user can mend is told in a paragraph."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from medground_bench.core.errors import MedgroundError


def told(main: Callable[..., None]) -> None:
    """Run a function as a program; its errors end it with code 1 and their own words."""
    try:
        typer.run(main)
    except MedgroundError as error:
        sys.exit(f"error: {error}")
