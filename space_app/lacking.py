"""What a Space does without, so that whoever duplicates one reads it on the page and not in an error."""

from __future__ import annotations

from kept_board import kept_board

from medground_bench.core.errors import MedgroundError

TOKEN = "HF_TOKEN"


def lacking() -> str:
    """One sentence about what this Space lacks and what follows from it; empty where it lacks nothing."""
    import torch
    from huggingface_hub import get_token

    lacks = {
        ("results", "shows no board"): not _has_board(),
        (f"a token of the hub (`{TOKEN}`)", "opens nothing that is gated there"): not get_token(),
        ("a GPU", "offers the embedded LVLMs alone"): not torch.cuda.is_available(),
    }
    found = [pair for pair, is_lacking in lacks.items() if is_lacking]
    if not found:
        return ""
    without, so = (_joined([pair[side] for pair in found]) for side in (0, 1))
    return f"Without {without}, this Space {so}."


def _has_board() -> bool:
    try:
        kept_board()
    except MedgroundError:
        return False
    return True


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
