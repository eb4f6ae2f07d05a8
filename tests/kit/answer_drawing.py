"""Sentences drawn from the grammar's own rules."""

from __future__ import annotations

import numpy as np

from medground_bench.core.answers.grammar import RULES, WORDS

MARKS = frozenset(",;:.!()")


def sentence(rule: str, rng: np.random.Generator, nouns: dict[str, str]) -> str:
    """A sentence of a rule; `nouns` says what FINDING, AFFIRMED and ASIDE stand for."""
    words, rest = _choice(RULES[rule].split(), rng, nouns)
    assert not rest, rest
    text = "".join(word if word in MARKS else f" {word}" for word in words)
    return " ".join(text.replace("_", " ").split())


def _choice(
    symbols: list[str], rng: np.random.Generator, nouns: dict[str, str]
) -> tuple[list[str], list[str]]:
    """Words of one alternative, up to the closing bracket, and the symbols from there on."""
    alternatives: list[list[str]] = [[]]
    while symbols and not symbols[0].startswith(")"):
        symbol, symbols = symbols[0], symbols[1:]
        if symbol == "|":
            alternatives.append([])
        elif symbol == "(":
            words, symbols = _choice(symbols, rng, nouns)
            alternatives[-1] += words * _times(symbols[0][1:], rng)
            symbols = symbols[1:]
        else:
            name = symbol.rstrip("?*+") or symbol
            for _ in range(_times(symbol.removeprefix(name), rng)):
                alternatives[-1] += _words(name, rng, nouns)
    return alternatives[rng.integers(len(alternatives))], symbols


def _words(name: str, rng: np.random.Generator, nouns: dict[str, str]) -> list[str]:
    if name in nouns:
        return [nouns[name]]
    if name in RULES:
        return _choice(RULES[name].split(), rng, nouns)[0]
    return [str(rng.choice(WORDS[name].split()))] if name in WORDS else [name]


def _times(quantity: str, rng: np.random.Generator) -> int:
    return int(rng.random() < 0.35) if quantity in ("?", "*") else 1
