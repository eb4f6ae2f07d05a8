"""Under which terms a published folder stands.

What the program draws is ours to give, under Apache-2.0. Rows about pictures of a credentialed source are not: the
findings, and whether they are there, come from the source's annotations, and its agreement goes on to bind whoever
reads them. No licence of the hub's list says that, so it is `other`, with a name and a file.
"""

from __future__ import annotations

from collections.abc import Sequence

from builder.publish.card.sources import PublishedSource

NAME = "medground-bench-and-terms-of-sources"
FILE = "LICENSE"
TEXT = """\
MedGround-Bench: terms

1. What was made for the benchmark: the choice of the questions, how answers were read, the verdicts of the causal
   filter, the documentation, and everything about the source "phantom", pictures included, is under the Apache License,
   Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

2. What comes from a source below, also where it was changed on the way (findings, expected answers, boxes, sizes and
   digests of pictures, wherever they are given here), stays under the terms of that source. Who reads it needs an
   agreement with the source of their own, and may not pass it on.

{sources}

3. Responses stand here as the models gave them. The licence of each model says what may be done with them.

4. Nothing here is a medical device. It is for research and may not be used for clinical decisions. It comes without any
   warranty.
"""


def licence_fields(credentialed: Sequence[PublishedSource]) -> dict[str, object]:
    """The part of a card's YAML about the licence."""
    if not credentialed:
        return {"license": "apache-2.0"}
    return {"license": "other", "license_name": NAME, "license_link": FILE}


def licence_file(credentialed: Sequence[PublishedSource]) -> str | None:
    """The text that the card's YAML links to; None where the licence is one of the hub's list."""
    if not credentialed:
        return None
    terms = (
        f"   - {each.name}: {each.licence}\n     {each.terms.page}" for each in credentialed if each.terms
    )
    return TEXT.format(sources="\n".join(terms))


def licence_page(credentialed: Sequence[PublishedSource], page: str) -> str:
    """Where the terms can be read."""
    return f"{page}/blob/main/{FILE}" if credentialed else "https://www.apache.org/licenses/LICENSE-2.0"
