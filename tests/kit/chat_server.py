"""A server on this machine that answers as vLLM 0.33 does, from an LVLM of this process; it may misbehave."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from medground_bench.core.errors import CaseFailed
from medground_bench.core.types import Frame, Response
from medground_bench.pictures import stored_png

VERSION = "0.33.0"


@dataclass(frozen=True)
class Answer:
    """What goes out: `cut` promises more bytes than come, `delay_s` lets them wait, `drip_s` each tenth of them."""

    status: int
    said: Any
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    delay_s: float = 0.0
    drip_s: float = 0.0

    def with_said(self, **changes: Any) -> Answer:
        """With other fields in its object."""
        return replace(self, said={**self.said, **changes})

    def with_choice(self, **changes: Any) -> Answer:
        """With other fields in its one choice."""
        return self.with_said(choices=[{**self.said["choices"][0], **changes}])


Spoil = Callable[[Answer], Answer]


@dataclass
class ChatServer:
    """The routes of one LVLM under a name.

    scale_out  whether ids may go in (--enable-scale-out)
    expands    whether /tokenize tells the picture expanded, as newer versions do
    scores     whether log-probabilities of a prompt are given
    tells_ids  whether ids and texts of tokens are told, as few other servers do
    token      what has to come with every request
    spoils     what is done to the next answers of POST routes, one each; None leaves one as it is
    dead       whether it says nothing any more, also where somebody is connected
    requests   routes and bodies that were asked for
    """

    lvlm: Any
    name: str
    scale_out: bool = True
    expands: bool = False
    scores: bool = True
    tells_ids: bool = True
    fingerprint: str | None = "fp_tiny"
    token: str | None = None
    spoils: list[Spoil | None] = field(default_factory=list)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    dead: bool = False
    most_in_flight: int = 0
    _in_flight: int = 0
    _alone: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: Any, token: str | None) -> Answer:
        """Of one request."""
        self.requests.append((path, body))
        if self.token is not None and token != f"Bearer {self.token}":
            return Answer(401, {"error": "Unauthorized"})
        if method == "GET":
            return self._about(path)
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            spoil = self.spoils.pop(0) if self.spoils else None
            with self._alone:
                plain = self._of_post(path, body)
            return spoil(plain) if spoil else plain
        except CaseFailed as error:  # ids of another picture
            return Answer(400, {"error": {"message": str(error)}})
        finally:
            self._in_flight -= 1

    def asked(self, ending: str) -> list[Any]:
        """The bodies of a route."""
        return [body for path, body in self.requests if path.endswith(ending)]

    def _about(self, path: str) -> Answer:
        if path == "/version":
            return Answer(200, {"version": VERSION})
        entry = {"id": self.name, "object": "model", "owned_by": "vllm", "root": self.name}
        return (
            Answer(200, {"data": [entry]}) if path == "/v1/models" else Answer(404, {"detail": "Not Found"})
        )

    def _of_post(self, path: str, body: Any) -> Answer:
        routes = {"/v1/chat/completions": self._chat, "/tokenize": self._tokenized}
        if path == "/inference/v1/generate" and self.scale_out:
            return self._given_ids(body)
        if path not in routes:
            return Answer(404, {"detail": "Not Found"})
        if body["model"] != self.name:
            return Answer(404, {"error": {"message": f"The model `{body['model']}` does not exist."}})
        return routes[path](body)

    def _chat(self, body: Any) -> Answer:
        picture, prompt = turn_of(body["messages"])
        most = body["max_completion_tokens"]
        before = self._prompt_ids(picture, prompt)
        if body.get("continue_final_message"):
            text = body["messages"][-1]["content"]
            read = [*before, *self._tokenizer(text, add_special_tokens=False)["input_ids"]]
            return self._completed([0], "length", body, read, self._probable(picture, prompt, before, read))
        response = self.lvlm.generate([picture], [prompt], max_new_tokens=most)[0]
        ids, end = list(response.token_ids), "length"
        if len(ids) < most:
            ids, end = [*ids, min(self.lvlm.stop_ids)], "stop"
        return self._completed(ids, end, body, before, None).with_choice(
            message={"role": "assistant", "content": response.text}
        )

    def _completed(self, ids: list[int], end: str, body: Any, read: list[int], probable: Any) -> Answer:
        texts = [self._tokenizer.decode([token]) for token in ids]
        told = self.tells_ids and body.get("return_token_ids")
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "".join(texts)},
            "finish_reason": end,
            "token_ids": ids if told else None,
            "logprobs": {"content": [{"token": text, "logprob": -1.0} for text in texts]} if told else None,
        }
        said = {"object": "chat.completion", "model": self.name, "choices": [choice]}
        said |= {"system_fingerprint": self.fingerprint, "prompt_token_ids": read if told else None}
        return Answer(200, said | {"prompt_logprobs": probable if self.scores else None})

    def _tokenized(self, body: Any) -> Answer:
        picture, prompt = turn_of(body["messages"])
        ids = self._prompt_ids(picture, prompt) if self.expands else self._placeheld(prompt)
        return Answer(200, {"tokens": ids, "count": len(ids)})

    def _given_ids(self, body: Any) -> Answer:
        """The prompt is found among those that were tokenised before: it is told by its ids alone."""
        picture = picture_of(body["content_parts"][0]["url"])
        for asked in self.asked("/tokenize"):
            prompt = turn_of(asked["messages"])[1]
            inside = self._placeheld(prompt)
            if body["token_ids"][: len(inside)] == inside:
                before = self._prompt_ids(picture, prompt)
                read = [*before, *body["token_ids"][len(inside) :]]
                probable = self._probable(picture, prompt, before, read)
                break
        else:
            read, probable = body["token_ids"], [None] * len(body["token_ids"])
        choice = {"index": 0, "token_ids": [0], "finish_reason": "length"}
        said = {"model": self.name, "choices": [choice], "prompt_token_ids": read}
        return Answer(200, said | {"prompt_logprobs": probable if self.scores else None})

    def _probable(self, picture: Any, prompt: str, before: list[int], read: list[int]) -> list[Any]:
        """Of every position; those before the response are made up."""
        tail = read[len(before) :]
        values = (
            self.lvlm.log_probs([picture], prompt, Response("", tuple(tail), ("",) * len(tail)))[0]
            if tail
            else []
        )
        said = [{str(token): {"logprob": -1.0, "rank": 1}} for token in before]
        said += [{str(token): {"logprob": float(value)}} for token, value in zip(tail, values, strict=True)]
        return [None, *said[1:]]

    def _prompt_ids(self, picture: Any, prompt: str) -> list[int]:
        ids: list[int] = self.lvlm.rows.of(Frame.study_of(picture), prompt).ids.tolist()
        return ids

    def _placeheld(self, prompt: str) -> list[int]:
        """The ids of a prompt with the placeholder that the chat template writes."""
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    @property
    def _tokenizer(self) -> Any:
        return self.lvlm.loaded.tokenizer


def turn_of(messages: Any) -> tuple[np.ndarray, str]:
    image, text = messages[0]["content"]
    return picture_of(image["image_url"]["url"]), text["text"]


def picture_of(url: str) -> np.ndarray:
    kind, content = url.split(",")
    assert kind == "data:image/png;base64"
    picture = stored_png.decode(base64.b64decode(content))
    assert picture is not None
    return picture


@contextmanager
def serving(server: ChatServer, port: int = 0) -> Iterator[str]:
    """The location of the server's LVLM, while it runs; at a free port, unless one is named."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if server.dead:
                self.close_connection = True
                return
            answer = server.answer(self.command, self.path, body, self.headers.get("Authorization"))
            time.sleep(answer.delay_s)
            content = answer.said if isinstance(answer.said, bytes) else json.dumps(answer.said).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content) + answer.cut))
            self.end_headers()
            tenth = len(content) // 10 + 1
            for start in range(0, len(content), tenth):
                time.sleep(answer.drip_s)
                self.wfile.write(content[start : start + tenth])
            self.close_connection = self.close_connection or answer.cut

        do_POST = do_GET  # noqa: N815  as http.server calls it

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/v1#{server.name}"
        running.shutdown()


@dataclass
class Listener:
    """A socket that counts who connects, and says nothing."""

    port: int
    connections: int = 0


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        listener = Listener(door.getsockname()[1])

        def count() -> None:
            while True:
                try:
                    visitor, _ = door.accept()
                except OSError:
                    return
                listener.connections += 1
                visitor.close()

        threading.Thread(target=count, daemon=True).start()
        yield listener
