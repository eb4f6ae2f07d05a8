"""A small U-Net that was trained on phantoms alone: the best localizer here that owes nothing to any patient.

It has never seen a patient's picture; its card says how well it does on real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from medground_bench.anatomy.unet.localizer import UnetLocalizer


@dataclass(frozen=True, kw_only=True)
class PhantomUnet(UnetLocalizer):
    """Concepts as phantoms have them."""

    name: ClassVar[str] = "phantom_unet"


LOCALIZER = PhantomUnet
