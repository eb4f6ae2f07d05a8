"""The version of the protocol: how boxes are made of maps, scored, averaged and compared."""

from __future__ import annotations

PROTOCOL = 3
"""Raised by whoever changes a published number; CHANGELOG.md names the rows that moved. Boards of another are not read.

1  percentile bootstrap of images; one draw of `random_box`
2  t intervals over images (`core.intervals`), ranks as sets (`core.ranks`), chance as the mean of 100 draws, no score
   where a method could give no box, settings chosen on 20 cases or more
3  `occlusion` from positive falls alone, `grad_weighted_attention` by the rule that the paper cites, `tam` as released
"""
