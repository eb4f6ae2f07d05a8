"""Rule LVLMs with something wrong, to be set aside, split up or killed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from medground_bench.core.errors import SourceMissing
from tests.kit.fakes import RuleLvlm


@dataclass
class PoisonedLvlm(RuleLvlm):
    """Raises on prompts that contain `poison`; `tried` counts how often each of them was put to it."""

    poison: str = "pacemaker"
    tried: dict = field(default_factory=dict, compare=False)

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        for picture, prompt in zip(pictures, prompts, strict=True):
            if self.poison in prompt:
                key = (picture.tobytes(), prompt)
                self.tried[key] = self.tried.get(key, 0) + 1
                raise ZeroDivisionError("poison")
        return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)


@dataclass
class NarrowLvlm(RuleLvlm):
    """Has memory for so many pictures at once."""

    fits: int = 5
    sizes: list = field(default_factory=list, compare=False)

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        if len(pictures) > self.fits:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        self.sizes.append(len(pictures))
        return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)


@dataclass
class DeadlyLvlm(RuleLvlm):
    """Kills its process on prompts that contain `poison`."""

    poison: str = "pacemaker"

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        if any(self.poison in prompt for prompt in prompts):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)


@dataclass
class KilledOnceLvlm(RuleLvlm):
    """Kills its process once, at the third call of it; the file tells that it was done."""

    flag: str = ""
    calls: int = field(default=0, compare=False)

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        self.calls += 1
        if self.calls == 3 and not Path(self.flag).exists():
            Path(self.flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)


def open_broken(location: str, *, newest: bool = False) -> RuleLvlm:
    """`rule`, `slow`, `poisoned:<word>`, `deadly:<word>`, `once:<file>`, or an error: what workers open."""
    kind, _, word = location.partition(":")
    match kind:
        case "poisoned":
            return PoisonedLvlm(poison=word)
        case "deadly":
            return DeadlyLvlm(poison=word)
        case "once":
            return KilledOnceLvlm(flag=word)
        case "slow":
            return RuleLvlm(seconds_per_call=0.3)
        case "rule":
            return RuleLvlm()
    raise SourceMissing(f"{location} is no folder here.")
