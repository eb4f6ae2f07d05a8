"""Which scene seeds belong to what: the one table. No two ranges meet, so nothing is asked about that was learned."""

TRAINING = range(0, 900_000)
VALIDATION = range(900_000, 1_000_000)
DEVELOPMENT = range(3_000_000, 3_500_000)
"""Looked at while recipes were made; no number of a card comes from them."""

EXAMINATION = range(3_500_000, 4_000_000)
"""Accuracy in the cards of the embedded LVLMs."""

TEST = range(4_000_000, 5_000_000)
"""The benchmark's split of that name, like `TUNE`."""

TUNE = range(5_000_000, 6_000_000)
EXAMPLES = range(6_000_000, 7_000_000)
"""Pictures to try in the Space, and in tests."""

ATLAS = range(7_000_000, 7_000_016)
"""Normal pictures of the reference pool."""

SURROUNDINGS = range(8_000_000, 9_000_000)
"""Normal patients of whom a background edit shows all but the boxes."""
