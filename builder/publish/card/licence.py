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
RELEASE = """
5. Rows without lvlm_revision are taken from the authors' release, https://github.com/gzxiong/medfocus, which is under
   this licence:

MIT License

Copyright (c) 2026 The MedFocus Authors

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def licence_fields(credentialed: Sequence[PublishedSource]) -> dict[str, object]:
    """The part of a card's YAML about the licence."""
    if not credentialed:
        return {"license": "apache-2.0"}
    return {"license": "other", "license_name": NAME, "license_link": FILE}


def licence_file(credentialed: Sequence[PublishedSource], *, with_release: bool) -> str | None:
    """The text that the card's YAML links to; None where the licence is one of the hub's list.

    with_release  whether there are rows of the authors' release, whose notice goes with them
    """
    if not credentialed:
        return None
    terms = (
        f"   - {each.name}: {each.licence}\n     {each.terms.page}" for each in credentialed if each.terms
    )
    return TEXT.format(sources="\n".join(terms)) + (RELEASE if with_release else "")


def licence_page(credentialed: Sequence[PublishedSource], page: str) -> str:
    """Where the terms can be read."""
    return f"{page}/blob/main/{FILE}" if credentialed else "https://www.apache.org/licenses/LICENSE-2.0"
