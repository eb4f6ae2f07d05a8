"""A server on this machine that answers as SGLang 0.5.23 does, from an LVLM of this process.

Its chat answers under any name, has no log-probabilities of a prompt, and tells ids beside each choice; `/generate`
takes ids with one placeholder for the picture, and tells what it read with the picture expanded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.kit.chat_server import Answer, ChatServer, picture_of, turn_of

VERSION = "0.5.23"


@dataclass
class SglangServer(ChatServer):
    """The routes of one LVLM under a name.

    retokenizes  whether it reads the ids that come in as text (SGLANG_MM_AVOID_RETOKENIZE=0)
    blind        whether it opened the model for text alone, as it does Gemma 3 without --enable-multimodal
    weights      where they are from, (path, commit)
    """

    retokenizes: bool = False
    blind: bool = False
    weights: tuple[str, str] = ("org/tiny", "c0ffee")

    def _prompt_ids(self, picture: Any, prompt: str) -> list[int]:
        return self._placeheld(prompt) if self.blind else super()._prompt_ids(picture, prompt)

    def _about(self, path: str) -> Answer:
        if path == "/v1/models":
            entry = {
                "id": self.name,
                "object": "model",
                "owned_by": "sglang",
                "root": self.name,
                "parent": None,
            }
            return Answer(200, {"object": "list", "data": [entry]})
        if path == "/server_info":
            model_path, commit = self.weights
            return Answer(200, {"model_path": model_path, "revision": commit, "version": VERSION})
        return Answer(404, {"detail": "Not Found"})

    def _of_post(self, path: str, body: Any) -> Answer:
        routes = {
            "/v1/chat/completions": self._chat,
            "/tokenize": self._tokenized,
            "/generate": self._generated,
        }
        return routes[path](body) if path in routes else Answer(404, {"detail": "Not Found"})

    def _completed(self, ids: list[int], end: str, body: Any, read: list[int], probable: Any) -> Answer:
        answer = super()._completed(ids, end, body, read, None)
        choice = answer.said["choices"][0]
        choice["matched_stop"] = ids[-1] if end == "stop" else None
        written = choice.pop("token_ids")
        if written is not None:
            choice |= {"prompt_token_ids": read, "response_token_ids": written}
        said = {"id": "0", "object": "chat.completion", "model": body["model"], "choices": [choice]}
        return Answer(200, said | {"usage": {}, "metadata": {"weight_version": "default"}})

    def _generated(self, body: Any) -> Answer:
        """The prompt is found among those of the chats before: it is told by its ids alone."""
        picture, start = picture_of(body["image_data"][0]), body.get("logprob_start_len", -1)
        for asked in self.asked("/chat/completions"):
            prompt = turn_of(asked["messages"])[1]
            before = self._prompt_ids(picture, prompt)
            read = self._expanded(body["input_ids"], before)
            if read[: len(before)] == before:
                break
        else:
            return Answer(400, {"error": {"message": "these ids are of no prompt that this server knows"}})
        tail = read[len(before) :]
        if self.retokenizes:
            tail = self._tokenizer(self._tokenizer.decode(tail), add_special_tokens=False)["input_ids"]
            read = [*before, *tail]
        if start > len(read):
            return Answer(400, {"error": {"message": f"{start=} is higher than the number of input tokens"}})
        meta: dict[str, Any] = {"id": "0", "prompt_tokens": len(read), "weight_version": "default"}
        if body.get("return_logprob") and self.scores:
            meta["input_token_logprobs"] = self._triples(picture, prompt, before, read, start)
        said = {"text": "", "output_ids": [0], "meta_info": meta}
        return Answer(200, said | ({"prompt_token_ids": read} if body.get("return_prompt_token_ids") else {}))

    def _triples(
        self, picture: Any, prompt: str, before: list[int], read: list[int], start: int
    ) -> list[Any]:
        """Of every position from `start` on; the first one's log-probability is never told."""
        tables = self._probable(picture, prompt, before, read)
        values = [None, *(next(iter(table.values()))["logprob"] for table in tables[1:])]
        told = [[value, token, None] for value, token in zip(values, read, strict=True)]
        first = len(read) if start == -1 else start
        return [[None, *of[1:]] for of in told[first : first + 1]] + told[first + 1 :]

    def _expanded(self, ids: list[int], before: list[int]) -> list[int]:
        """With the placeholder as often as the picture has tokens; its end is never looked at."""
        token = self.lvlm.loaded.model.config.image_token_id
        return [each for one in ids for each in [one] * (before.count(token) if one == token else 1)]
