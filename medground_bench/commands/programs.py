"""The programs beside the library, the builder and the Space: where they lie, and the plug-ins that they bring."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from medground_bench.core.errors import SourceMissing


def programs_folder() -> Path:
    """Where the builder and the Space lie: within the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "programs", package.parent):
        if all((folder / file).is_file() for file in ("builder/__main__.py", "space_app/app.py")):
            return folder
    raise SourceMissing(
        f"the builder and the Space are missing beside {package}: the installation is not whole. "
        "Install it again: pip install --force-reinstall 'medground-bench[demo]'"
    )


def hand_in_plugins() -> None:
    """Let the builder hand in its sources and editors, where it is; importing it does no more than that.

    `plugins` asks for it when a kind is wanted that it does not know.
    """
    try:
        folder = programs_folder()
    except SourceMissing:
        return
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    import_module("builder")
