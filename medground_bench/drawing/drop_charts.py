"""What hiding a region cost the response: bars for concepts and groups, and the response with its words shaded.

Pillow only. Sizes are in pixels, for print at about 300 dpi. Every length and shade is in nats and begins at 0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from medground_bench.core.word_drops import WordDrop
from medground_bench.drawing.fonts import Font, fitting_size, letters
from medground_bench.drawing.palette import (
    CHOSEN,
    CONCEPT,
    FAINT,
    GROUP,
    INK,
    MARKER,
    PAPER,
    Colour,
    shade,
    shades,
)

TEXT_PX = 26
SMALL_PX = 22
ROW_PX = 46
BAR_PX = 640
GAP_PX = 22
LINE_PX = 50
TEXT_WIDTH_PX = 1200
SCALE_PX = 300
DASH_PX = 8
MARGIN_PX = 4
"""Shade on either side of a word."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word, or a piece of one, and the left end of its line, from the top left of the text."""

    text: str
    drop: float
    x: float
    y: float


def draw_concept_drops(
    drops: Mapping[str, float],
    *,
    chosen: str | None,
    groups: Collection[str] = (),
    least: float | None = None,
) -> Image.Image:
    """One bar for every concept and group, largest drop first, in nats; a drop below 0 has no bar, but its number.

    chosen  what was reported, in the palette's CHOSEN; None where that is the whole image
    groups  names that are groups of concepts: light blue, concepts are blue
    least   Delta that a region must exceed to be chosen, drawn as a line across the bars
    """
    if not drops:
        raise ValueError("a chart needs at least one bar")
    ordered = sorted(drops.items(), key=lambda item: -item[1])
    font = letters(TEXT_PX)
    left = 2 * GAP_PX + max(font.getlength(name) for name in drops)
    width = round(left + BAR_PX + font.getlength("000.00") + 2 * GAP_PX)
    legend = _legend(drops, chosen, groups)
    first = ROW_PX + (LINE_PX if legend else 0)
    bottom = first + ROW_PX * len(ordered)
    image = Image.new("RGB", (width, bottom + (LINE_PX if least is not None else GAP_PX)), PAPER)
    draw = ImageDraw.Draw(image)
    title = "Log-probability the response loses when a region is hidden (nats)"
    draw.text((GAP_PX, ROW_PX / 2), title, font=_title_font(title, width - 2 * GAP_PX), fill=INK, anchor="lm")
    _draw_legend(draw, legend, ROW_PX + LINE_PX / 2)
    longest = max([*drops.values(), least or 0.0]) or 1.0
    if least is not None:
        rule = "a region must exceed" if chosen in drops else "whole image reported: no region exceeds"
        at = left + BAR_PX * least / longest
        _draw_least(draw, f"{rule} {least:.2f} nats", at, (first, bottom))
    for place, (name, drop) in enumerate(ordered):
        middle = first + ROW_PX * (place + 0.5)
        end = left + BAR_PX * max(0.0, drop) / longest
        colour = CHOSEN if name == chosen else GROUP if name in groups else CONCEPT
        draw.text((left - GAP_PX / 2, middle), name, font=font, fill=INK, anchor="rm")
        draw.rectangle((left, middle - ROW_PX / 3, end, middle + ROW_PX / 3), fill=colour)
        _draw_value(draw, f"{drop:.2f}", (end + GAP_PX / 2, middle), font)
    return image


def draw_word_drops(words: Sequence[WordDrop], *, region: str) -> Image.Image:
    """The response, wrapped, every word shaded by what it loses with the region hidden; a scale in nats below.

    The shade goes from white at 0 or below to orange at the most that a word loses. Lines break where the response
    breaks them, too. No words raise ValueError.
    """
    if not words:
        raise ValueError("a response needs at least one word")
    font = letters(TEXT_PX)
    most = max(word.drop for word in words)
    total = sum(word.drop for word in words)
    title = f"What the response loses with the {region} hidden: {total:.2f} nats in all"
    placed, height = _flow(words, font)
    first = ROW_PX + GAP_PX / 2
    image = Image.new("RGB", (TEXT_WIDTH_PX, round(first + height + 2 * LINE_PX)), PAPER)
    draw = ImageDraw.Draw(image)
    room = TEXT_WIDTH_PX - 2 * GAP_PX
    draw.text((GAP_PX, ROW_PX / 2), title, font=_title_font(title, room), fill=INK, anchor="lm")
    for each in placed:
        left, right, top = each.x - MARGIN_PX, each.x + font.getlength(each.text) + MARGIN_PX, first + each.y
        colour = shade(MARKER, each.drop / most if most > 0 else 0.0)
        draw.rectangle((left, top + 5, right, top + LINE_PX - 7), fill=colour)
        draw.text((each.x, top + LINE_PX / 2), each.text, font=font, fill=INK, anchor="lm")
    _draw_scale(draw, most, first + height + LINE_PX)
    return image


def _flow(words: Sequence[WordDrop], font: Font) -> tuple[list[_Placed], float]:
    """Where every word, or piece of one longer than a line, goes, and the height of all lines."""
    placed: list[_Placed] = []
    right, space = TEXT_WIDTH_PX - GAP_PX, font.getlength(" ") + 2 * MARGIN_PX
    x, y, last = float(GAP_PX), 0.0, ""
    for word in words:
        if "\n" in _gap(last, word.text) and placed:
            x, y = float(GAP_PX), y + LINE_PX
        last = word.text
        for piece in _pieces(" ".join(word.text.split()), font, right - GAP_PX):
            if x + font.getlength(piece) > right and x > GAP_PX:
                x, y = float(GAP_PX), y + LINE_PX
            placed.append(_Placed(piece, word.drop, x, y))
            x += font.getlength(piece) + space
    return placed, y + LINE_PX


def _gap(before: str, after: str) -> str:
    """The white space between two words."""
    return before[len(before.rstrip()) :] + after[: len(after) - len(after.lstrip())]


def _pieces(text: str, font: Font, width: float) -> list[str]:
    """The text cut where it would be wider than a line."""
    pieces, start = [], 0
    for end in range(1, len(text) + 1):
        if font.getlength(text[start : end + 1]) > width or end == len(text):
            pieces.append(text[start:end])
            start = end
    return pieces


def _legend(
    drops: Mapping[str, float], chosen: str | None, groups: Collection[str]
) -> list[tuple[str, Colour]]:
    """What the colours mean, those that are there and only where there are several."""
    others = [name for name in drops if name != chosen]
    entries = [("reported", CHOSEN)] if chosen in drops else []
    entries += [("concept", CONCEPT)] if any(name not in groups for name in others) else []
    entries += [("group of concepts", GROUP)] if any(name in groups for name in others) else []
    return entries if len(entries) > 1 else []


def _draw_legend(draw: ImageDraw.ImageDraw, entries: Sequence[tuple[str, Colour]], middle: float) -> None:
    font, x = letters(SMALL_PX), float(GAP_PX)
    for text, colour in entries:
        draw.rectangle((x, middle - SMALL_PX / 2, x + SMALL_PX, middle + SMALL_PX / 2), fill=colour)
        draw.text((x + 1.4 * SMALL_PX, middle), text, font=font, fill=INK, anchor="lm")
        x += 1.4 * SMALL_PX + font.getlength(text) + 1.5 * GAP_PX


def _draw_value(draw: ImageDraw.ImageDraw, value: str, at: tuple[float, float], font: Font) -> None:
    """On paper of its own, so that the line across the bars does not run through the number."""
    room = (at[0] - 4, at[1] - ROW_PX / 2, at[0] + font.getlength(value) + 4, at[1] + ROW_PX / 2)
    draw.rectangle(room, fill=PAPER)
    draw.text(at, value, font=font, fill=INK, anchor="lm")


def _draw_least(draw: ImageDraw.ImageDraw, text: str, x: float, span: tuple[float, float]) -> None:
    """A dashed line across the bars, which ends in a tick above its meaning."""
    for top in range(round(span[0]), round(span[1]), 2 * DASH_PX):
        draw.line((x, top, x, min(top + DASH_PX, span[1])), fill=FAINT, width=2)
    draw.line((x, span[1], x, span[1] + DASH_PX), fill=FAINT, width=2)
    font = letters(SMALL_PX)
    x = min(x, draw.im.size[0] - GAP_PX - font.getlength(text))
    draw.text((x, span[1] + 0.55 * LINE_PX), text, font=font, fill=FAINT, anchor="lm")


def _draw_scale(draw: ImageDraw.ImageDraw, most: float, middle: float) -> None:
    """From the shade of nothing to that of the word that loses most."""
    font = letters(SMALL_PX)
    x = GAP_PX + font.getlength("0") + GAP_PX / 2
    draw.text((GAP_PX, middle), "0", font=font, fill=INK, anchor="lm")
    strengths = np.linspace(0.0, 1.0 if most > 0 else 0.0, SCALE_PX)
    for step, colour in enumerate(np.rint(shades(MARKER, strengths)).astype(int).tolist()):
        ends = (x + step, middle - SMALL_PX / 2, x + step, middle + SMALL_PX / 2)
        draw.line(ends, fill=tuple(colour))
    edges = (x - 1, middle - SMALL_PX / 2 - 1, x + SCALE_PX, middle + SMALL_PX / 2 + 1)
    draw.rectangle(edges, outline=FAINT)
    draw.text(
        (x + SCALE_PX + GAP_PX / 2, middle), f"{most:.2f} nats a word", font=font, fill=INK, anchor="lm"
    )


def _title_font(title: str, width: float) -> Font:
    """The text's font, smaller when the title is wider than there is room."""
    return letters(fitting_size(title, TEXT_PX, width))
