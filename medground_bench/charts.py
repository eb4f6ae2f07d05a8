"""Bar charts of what hiding a concept cost the response, and each of its tokens. Pillow only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from medground_bench.types import TokenDrop

BAR = (110, 130, 160)
CHOSEN = (214, 104, 20)
INK = (30, 34, 40)
PAPER = (255, 255, 255)
ROW_PX = 30
BAR_PX = 360
TEXT_PX = 15
GAP_PX = 12


def draw_concept_drops(drops: Mapping[str, float], *, chosen: str | None) -> Image.Image:
    """One bar a concept, largest drop first, in nats; the chosen one stands out. Empty drops raise ValueError."""
    ordered = sorted(drops.items(), key=lambda item: -item[1])
    title = "Log-probability the response loses when a concept is hidden (nats)"
    strong = {place for place, (concept, _drop) in enumerate(ordered) if concept == chosen}
    return _bars(title, ordered, strong)


def draw_token_drops(drops: Sequence[TokenDrop], *, concept: str) -> Image.Image:
    """One bar a response token, in the response's order, in nats; the strongest stands out."""
    strongest = max(drop.drop for drop in drops)
    bars = [(drop.token.strip() or repr(drop.token), drop.drop) for drop in drops]
    strong = {place for place, drop in enumerate(drops) if drop.drop == strongest > 0}
    return _bars(f"Loss of each token with the {concept} hidden (nats)", bars, strong)


def _bars(title: str, bars: Sequence[tuple[str, float]], strong: set[int]) -> Image.Image:
    if not bars:
        raise ValueError("a chart needs at least one bar")
    font = ImageFont.load_default(size=TEXT_PX)
    label_px = max(font.getlength(label) for label, _ in bars)
    left = GAP_PX + label_px + GAP_PX
    width = max(left + BAR_PX + GAP_PX + font.getlength("00.000"), font.getlength(title) + GAP_PX) + GAP_PX
    image = Image.new("RGB", (round(width), ROW_PX * (len(bars) + 1) + GAP_PX), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((GAP_PX, ROW_PX / 2), title, font=font, fill=INK, anchor="lm")
    longest = max(value for _, value in bars) or 1.0
    for place, (label, value) in enumerate(bars):
        middle = ROW_PX * (place + 1.5)
        colour = CHOSEN if place in strong else BAR
        end = left + BAR_PX * max(0.0, value) / longest
        draw.text((left - GAP_PX, middle), label, font=font, fill=INK, anchor="rm")
        draw.rectangle((left, middle - ROW_PX / 3, end, middle + ROW_PX / 3), fill=colour)
        draw.text((end + GAP_PX / 2, middle), f"{value:.2f}", font=font, fill=INK, anchor="lm")
    return image
