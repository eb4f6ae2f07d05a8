"""What a Space offers to whoever submits by a program: names of its endpoints, what they take and what they give.

A page offers the calls of `SubmissionApi` under these names with `gr.api`, and the client asks by the same names. An
upload is text, base64 of a prediction file's bytes, so no call can name a file of the server. Whose call it is, the
page says.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import asdict, dataclass

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.accepting import Stage, SubmissionDesk, Upload
from medground_bench.leaderboard.hub_store import impatient
from medground_bench.leaderboard.records import BadRecord, Json, Receipt
from medground_bench.leaderboard.replies import Reply
from medground_bench.storage.hub_calls import HubCalls
from medground_bench.submission.strict_json import MAX_BYTES

CHECK, SUBMIT, WITHDRAW, RECEIPT = "check", "submit", "withdraw", "receipt"
NOT_DONE = "not done"
"""The status of a call that ended in an error; what is said tells which."""

AUTHORIZATION = "x-hf-authorization"
"""The header by which the client of a Space says whose call it is; `login_of` asks the hub."""


@dataclass(frozen=True)
class SubmissionApi:
    """The calls, each as a plain function of text, for whoever `person` is; every answer is one JSON object."""

    desk: SubmissionDesk

    def check(self, content: str, metadata: str, person: str) -> Json:
        """Everything that is wrong with a file and with what is said about it; nothing is spent."""
        return answered(lambda: reply_as_json(self.desk.check(_upload(content, metadata, person))))

    def submit(
        self, content: str, metadata: str, person: str, tell: Callable[[Stage], object] = lambda _stage: None
    ) -> Json:
        """Submit a file; `content` is base64 of its bytes, `metadata` a JSON object."""
        return answered(lambda: reply_as_json(self.desk.submit(_upload(content, metadata, person), tell)))

    def withdraw(self, identity: str, person: str) -> Json:
        """Take one's own submission back."""
        return answered(lambda: {"receipt": self.desk.withdraw(identity, person).as_json()})

    def receipt(self, identity: str) -> Json:
        """Where a submission stands."""
        return answered(lambda: {"receipt": self.desk.receipt(identity).as_json()})


def reply_as_json(reply: Reply) -> Json:
    """A reply as one object."""
    receipt = reply.receipt.as_json() if reply.receipt else None
    return asdict(reply) | {"problems": list(reply.problems), "receipt": receipt}


def reply_of(answer: Json) -> Reply:
    """The reply in an answer; MedgroundError says what the other side said of a call that was not done."""
    if answer.get("status") == NOT_DONE:
        raise MedgroundError(str(answer["said"]))
    try:
        receipt = Receipt.of(answer["receipt"]) if answer["receipt"] else None
        return Reply(**{**answer, "problems": tuple(answer["problems"]), "receipt": receipt})
    except (KeyError, TypeError) as error:
        raise BadRecord(f"what came back is no reply ({error}). Is it a Space of MedGround-Bench?") from error


def upload_as_text(content: bytes) -> str:
    """A file's bytes as a call takes them."""
    return base64.b64encode(content).decode("ascii")


def login_of(token: str) -> str:
    """Whose token it is, by the hub; HubRefused for nobody's."""
    return str(HubCalls(token, wait=impatient).asked("ask who you are", lambda api: api.whoami())["name"])


def answered(call: Callable[[], Json]) -> Json:
    """What a call gives, or what is told of one that was not done."""
    try:
        return call()
    except MedgroundError as error:
        return {"status": NOT_DONE, "said": str(error)}


def _upload(content: str, metadata: str, person: str) -> Upload:
    """The bytes of an upload; too many of them are not even decoded."""
    if len(content) > MAX_BYTES * 4 // 3 + 4:
        raise MedgroundError(f"the file has more than {MAX_BYTES:,} bytes. Send one track a file.")
    try:
        return Upload(person=person, content=base64.b64decode(content, validate=True), metadata=metadata)
    except (binascii.Error, ValueError) as error:
        raise MedgroundError("the content is not base64 of a file's bytes. Use the client.") from error
