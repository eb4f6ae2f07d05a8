"""What a server said, as values: nothing is taken for granted, and an answer to another question is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass

from medground_bench.core.errors import CaseFailed
from medground_bench.core.types import Response
from medground_bench.lvlms.server.client import NotOffered, Said, ServerFailed

BROKEN = "\ufffd"
"""In the text of a token that ends inside a character."""

ENDS = ("stop", "length")
LEAST_LOG_PROB = -9999.0
"""What vLLM writes for minus infinity."""

NO_LOG_PROBS = "the server does not give the log-probabilities of what it read."

Ids = tuple[int, ...]


class AnswerRefused(CaseFailed):
    """An answer that cannot stand for this case, such as one that was cut off."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A response, and what stands before it.

    response     without tokens where the server does not say both their ids and their texts
    prompt_ids   of everything before it, the picture's placeholders expanded; None where the server does not say them
    fingerprint  what the server calls its own set-up, if it does
    """

    response: Response
    prompt_ids: Ids | None
    fingerprint: str | None


def completion_of(said: Said, most_tokens: int) -> Completion:
    """The one response of an answer, which ended by itself or at `most_tokens`."""
    choices = said.get("choices")
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ServerFailed("the server's answer holds not one response. Is it a chat completion?")
    text, end = message.get("content"), choice.get("finish_reason")
    if message.get("reasoning_content") or message.get("reasoning") or not isinstance(text, str | None):
        raise ServerFailed("the server takes responses apart. Start it without --reasoning-parser.")
    if end not in ENDS:
        raise AnswerRefused(f"the server broke the response off ({end!r}).")
    written = ids_of(choice.get("token_ids", choice.get("response_token_ids")))  # vLLM's name, SGLang's
    if end == "length" and written is not None and len(written) < most_tokens:
        raise AnswerRefused(
            f"the server cut the response off after {len(written)} of {most_tokens} tokens. Give it a longer "
            "context (vLLM: --max-model-len, SGLang: --context-length)."
        )
    response = _response(text or "", written, _texts(choice.get("logprobs")), ended=end == "stop")
    prompt_ids = ids_of(said.get("prompt_token_ids", choice.get("prompt_token_ids")))
    return Completion(response, prompt_ids, fingerprint_of(said))


def demand_model(said: Said, model: str) -> None:
    """ServerFailed where an answer comes from another model."""
    answered = said.get("model", model)
    if answered != model:
        raise ServerFailed(f"the server answers as {answered!r}, and {model} was asked.")


def fingerprint_of(said: Said) -> str | None:
    """What the server calls its own set-up, if it does."""
    fingerprint = said.get("system_fingerprint")
    return fingerprint if isinstance(fingerprint, str) and fingerprint else None


def ids_of(said: object) -> Ids | None:
    """Token ids; None for anything else."""
    if not isinstance(said, list) or not all(type(each) is int for each in said):
        return None
    return tuple(said)


def log_probs_of(said: Said, before: Ids, answer: Ids) -> list[float]:
    """Log-probabilities of the answer's ids, which end the prompt that was read: a table of ids for each position.

    before  ids of the prompt of which the answer was generated; the server must have read these and the answer's
    """
    probable = said.get("prompt_logprobs")
    _demand_read(said, before, answer)
    if not isinstance(probable, list) or len(probable) != len(before) + len(answer):
        raise NotOffered(NO_LOG_PROBS)
    tables = [of if isinstance(of, dict) else {} for of in probable[len(before) :]]
    entries = [table.get(str(token)) for table, token in zip(tables, answer, strict=True)]
    values = [entry.get("logprob") if isinstance(entry, dict) else None for entry in entries]
    return [_log_prob(value, token) for value, token in zip(values, answer, strict=True)]


def input_log_probs_of(said: Said, before: Ids, answer: Ids) -> list[float]:
    """The same of SGLang, asked from the last position of `before` on: [log-probability, id, text] of each position.

    The first has no log-probability, whichever it is.
    """
    meta = said.get("meta_info")
    told = meta.get("input_token_logprobs") if isinstance(meta, dict) else None
    _demand_read(said, before, answer)
    if not isinstance(told, list) or len(told) != 1 + len(answer):
        raise NotOffered(NO_LOG_PROBS)
    pairs = [of[:2] if isinstance(of, list) and len(of) == 3 else [None, None] for of in told[1:]]
    values = [
        value if token == wanted else None for (value, token), wanted in zip(pairs, answer, strict=True)
    ]
    return [_log_prob(value, token) for value, token in zip(values, answer, strict=True)]


def _demand_read(said: Said, before: Ids, answer: Ids) -> None:
    """That the server read these ids and no others."""
    read = ids_of(said.get("prompt_token_ids"))
    if read is None:
        raise NotOffered(NO_LOG_PROBS)
    if read[: len(before)] != before:
        raise AnswerRefused("the server read another prompt before the response than the one it answered.")
    if read[len(before) :] != answer:
        raise AnswerRefused(
            "the server reads the response back as other tokens than it wrote, and their log-probabilities would be "
            "of another text. vLLM takes the ids themselves when it is started with --enable-scale-out, SGLang "
            "unless SGLANG_MM_AVOID_RETOKENIZE is turned off."
        )


def _log_prob(value: object, token: int) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value <= LEAST_LOG_PROB:
        raise AnswerRefused(f"the server gives no log-probability of the token {token}.")
    return float(value)


def _response(text: str, ids: Ids | None, texts: list[str] | None, *, ended: bool) -> Response:
    """With the response's own tokens: what ended the turn is an id of the answer and no part of the text."""
    if ids is None or texts is None or len(ids) != len(texts):
        return Response(text, (), ())
    for count in (len(ids) - 1, len(ids)) if ended and ids else (len(ids),):
        pieces = pieces_of(text, texts[:count])
        if pieces is not None:
            return Response(text, ids[:count], pieces)
    raise AnswerRefused("the texts of the response's tokens do not make up the response.")


def pieces_of(text: str, said: list[str]) -> tuple[str, ...] | None:
    """The text that each token adds; None where the tokens are of another text.

    A token that ends inside a character adds nothing, the last one of the character adds it whole. The space before a
    word is the word's, also where a tokenizer leaves it out of the text of a token that stands alone.
    """
    pieces: list[str] = []
    at, open_end = 0, False
    for piece in said:
        if BROKEN in piece:
            pieces.append("")
            open_end = True
            continue
        found = text.find(piece, at) if open_end else at
        if open_end and found > at:
            pieces[-1] = text[at:found]
        end = found + len(piece)
        if not text.startswith(piece, found) and text.startswith(f" {piece}", found):
            end += 1
        elif found < 0 or not text.startswith(piece, found):
            return None
        pieces.append(text[found:end])
        at, open_end = end, False
    if at < len(text):
        if not open_end:
            return None
        pieces[-1] = text[at:]
    return tuple(pieces)


def _texts(logprobs: object) -> list[str] | None:
    """The text of each token, from the log-probabilities of a choice."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return None
    texts = [each.get("token") for each in content if isinstance(each, dict)]
    words = [each for each in texts if isinstance(each, str)]
    return words if len(words) == len(content) else None
