"""From generated ids to a response: where it ends, and the text of each of its tokens."""

from __future__ import annotations

from collections.abc import Callable

from medground_bench.core.types import Response
from medground_bench.lvlms.engine.opening import Loaded
from medground_bench.lvlms.engine.untyped import Tokenizer


def stop_ids(loaded: Loaded, turn_end: str) -> frozenset[int]:
    """Every id that ends a response: the checkpoint's, the tokenizer's, and the end of the chat's turn."""
    declared = loaded.model.generation_config.eos_token_id
    ids = set(declared if isinstance(declared, list) else [declared])
    ids |= {loaded.tokenizer.eos_token_id, loaded.tokenizer.get_vocab().get(turn_end)}
    return frozenset(token for token in ids if token is not None)


def response_of(tokenizer: Tokenizer, generated: list[int], stops: frozenset[int]) -> Response:
    """The tokens before the first end of turn; special tokens stay in the text, thought blocks are read later."""
    end = next((place for place, token in enumerate(generated) if token in stops), len(generated))
    ids = generated[:end]
    pieces = _pieces(ids, lambda head: tokenizer.decode(head, clean_up_tokenization_spaces=False))
    return Response("".join(pieces), tuple(ids), tuple(pieces))


def _pieces(ids: list[int], decode: Callable[[list[int]], str]) -> list[str]:
    """The text each token adds; a token that ends inside a character adds nothing, the next one adds it whole."""
    pieces, said = [], ""
    for end in range(1, len(ids) + 1):
        text = decode(ids[:end])
        whole = text if end == len(ids) else text.rstrip("\ufffd")
        pieces.append(whole[len(said) :])
        said = whole if len(whole) > len(said) else said
    return pieces
