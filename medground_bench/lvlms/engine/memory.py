"""What was computed for pictures that come back with another question: neither part depends on the question.

A batch is kept as it was computed and found again by the bytes of all its pictures in their order, so that a result
never depends on what was asked before, not even in its last bit.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import torch
import xxhash
from torch import Tensor

from medground_bench.lvlms import Pictures

GIB = 1 << 30

Tensors = tuple[Tensor, ...]


def most_bytes(device: torch.device) -> int:
    """The bound of a new memory: 1 GiB, on a larger GPU a sixteenth of what it has.

    16 pictures in Gemma 3 4B take 0.6 GiB: 272 positions of 139 kB each.
    """
    if device.type != "cuda":
        return GIB
    return max(GIB, torch.cuda.get_device_properties(device).total_memory // 16)


def name_of(pictures: Pictures) -> bytes:
    """The content of a batch in 16 bytes; order, sizes and types count."""
    # Quick, and nobody forges pictures to be mistaken for others.
    digest = xxhash.xxh3_128()
    for picture in pictures:
        digest.update(f"{picture.dtype}{picture.shape}".encode())
        digest.update(np.ascontiguousarray(picture).data)
    return digest.digest()


@dataclass(slots=True, eq=False)
class Memory:
    """Tensors by name, at most `most_bytes` of them; what was used least recently goes first. Threads may share it.

    most_bytes  0 remembers nothing; what is larger than all of it is not kept
    """

    most_bytes: int
    _kept: OrderedDict[Hashable, Tensors] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def bytes_kept(self) -> int:
        """What is held now."""
        with self._lock:
            return sum(map(_size, self._kept.values()))

    def find(self, name: Hashable) -> Tensors | None:
        """What was kept under that name; None when it was never there or had to go."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def keep(self, name: Hashable, tensors: Tensors) -> None:
        """Keep tensors that nobody will change, and let go of others until they fit."""
        if _size(tensors) > self.most_bytes:
            return
        with self._lock:
            self._kept[name] = tensors
            self._kept.move_to_end(name)
            while sum(map(_size, self._kept.values())) > self.most_bytes:
                self._kept.popitem(last=False)

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._kept.clear()


def _size(tensors: Tensors) -> int:
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)
