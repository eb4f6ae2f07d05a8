"""What a visitor waits for in the Space, what it holds in memory, and how long a submission and a whole board take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import gradio_client
import numpy as np
from PIL import Image
from rich.table import Table

from medground_bench.core.types import Frame, Mode, Reference
from medground_bench.leaderboard import audit
from medground_bench.leaderboard.audit import Event, LogEntry
from medground_bench.leaderboard.case_numbers import NUMBERS
from medground_bench.leaderboard.changes import digests
from medground_bench.leaderboard.published import board_content, scores_content
from medground_bench.leaderboard.records import SubmissionRecord, scores_name
from medground_bench.leaderboard.truth import Truth
from medground_bench.phantom.scene import Scene
from medground_bench.submission.metadata import Metadata, read_metadata
from tests.kit.board_pages import settled
from tests.kit.browser import DESKTOP, PATIENCE_MS, launched
from tests.kit.desks import REVISION, Place, boxes, file_of, folder_place, random_box, said, upload
from tests.kit.made_boards import LVLMS, made_board
from tests.kit.served_apps import APP, STARTS_WITHIN_S, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REQUESTS = 100


@dataclass(frozen=True)
class Cost:
    """What was measured, and the most that it may be; None where nothing is promised."""

    what: str
    value: float
    unit: str = "s"
    most: float | None = None


@contextmanager
def timed(costs: list[Cost], what: str, most: float | None = None) -> Iterator[None]:
    """The seconds that pass meanwhile."""
    start = time.perf_counter()
    yield
    costs.append(Cost(what, time.perf_counter() - start, most=most))


def page_costs(pictures: int = 200, requests: int = REQUESTS) -> list[Cost]:
    """Of a Space whose board rests on so many pictures: its start, its board, Try it, and its memory."""
    from playwright.sync_api import sync_playwright

    costs: list[Cost] = []
    with TemporaryDirectory() as results, sync_playwright() as playwright:
        made_board(pictures).save(Path(results))
        browser, start = launched(playwright), time.perf_counter()
        with started(APP, MEDGROUND_RESULTS=results) as (url, server):
            _answering(url)
            _board_of(browser, url)
            costs.append(Cost("cold start, to the first board", time.perf_counter() - start, most=10))
            with timed(costs, "the board of a warm Space", 2):
                page = _board_of(browser, url)
            with timed(costs, "a filter", 0.3):
                page.get_by_label("LVLM", exact=True).select_option(LVLMS[0])
                settled(page, lvlm=LVLMS[0])
            costs.append(Cost("memory at the start", _memory_mb(server.pid), "MB"))
            client = gradio_client.Client(url, verbose=False)
            _tried(client, Path(results) / "own.png", costs)
            for _request in range(requests):
                client.predict({"lvlm": LVLMS[0]}, api_name="/board")
            costs.append(Cost(f"memory after {requests} more requests", _memory_mb(server.pid), "MB"))
    return costs


def desk_costs(cases: int = 2_000, submissions: int = 200, of_each: int = 4_000) -> list[Cost]:
    """Of a submission of so many cases, of a board made again from so many submissions, and of one more beside them."""
    costs: list[Cost] = []
    with TemporaryDirectory() as root:
        one = replace(folder_place(Path(root) / "one"), truth=_truth(cases))
        desk, sent = one.open(), upload(content=file_of(boxes(one.truth)))
        with timed(costs, f"a submission of {cases:,} cases, to its receipt", 5):
            assert desk.submit(sent).receipt is not None
        many = replace(folder_place(Path(root) / "many"), truth=_truth(of_each))
        desk = many.open()
        _fill(many, submissions)
        with timed(costs, f"a board made again from {submissions} submissions of {of_each:,} cases", 60):
            board_content(many.store.look())
        sent = upload(content=file_of(boxes(many.truth, seed=submissions)))
        with timed(costs, f"one more submission of {of_each:,} cases beside them, to its receipt", 5):
            assert desk.submit(sent).status == "scored"
    return costs


def cost_table(costs: list[Cost]) -> Table:
    """What was measured beside what was promised."""
    table = Table(title="The Space and its submissions")
    for heading in ("what", "measured", "at most"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for one in costs:
        most = "-" if one.most is None else f"{one.most:g} {one.unit}"
        table.add_row(one.what, f"{one.value:.2f} {one.unit}", most)
    return table


def _answering(url: str) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        try:
            urlopen(url, timeout=5).close()  # noqa: S310  our own server
            return
        except (URLError, OSError):
            time.sleep(0.05)


def _board_of(browser: Browser, url: str) -> Page:
    page = browser.new_context(**DESKTOP).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url)
    page.locator(".mg-board tbody tr").first.wait_for()
    return page


def _tried(client: gradio_client.Client, own: Path, costs: list[Cost]) -> None:
    """MedFocus on an embedded LVLM: a first question on a picture, and a second one on the same."""
    Image.fromarray(Scene.sample(6_000_101).native(["pacemaker"])).save(own)
    for which, finding in (("first", "pacemaker"), ("second", "nodule")):
        picture = gradio_client.handle_file(str(own))
        with timed(costs, f"MedFocus on {LVLMS[0]}, {which} question on a picture"):
            client.predict(picture, finding, LVLMS[0], "direct", ["medfocus"], api_name="/attribute")


def _memory_mb(pid: int) -> float:
    """Resident, of one process; Linux alone tells."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _fill(place: Place, submissions: int) -> None:
    """Rows on all cases, each of another person, with boxes and scores at random: in one step, and unscored."""
    entries, files = list[LogEntry](), dict[str, bytes]()
    for number in range(submissions):
        record, scores = _row(place.truth, number)
        files |= {record.name: record.content(), **scores}
        scored = LogEntry(event=Event.SCORED, by=record.person, subject=record.id, files=digests(scores))
        received = replace(
            scored,
            event=Event.RECEIVED,
            method=record.metadata.method,
            tracks=record.tracks,
            edition=place.truth.edition,
            files=digests({record.name: files[record.name]}),
        )
        entries += [received, scored]
    seen = place.store.look()
    files[audit.FILE] = audit.extended(seen.log, entries, place.clock().isoformat())
    place.store.commit(files, after=seen, title="many at once")


def _row(truth: Truth, number: int) -> tuple[SubmissionRecord, dict[str, bytes]]:
    """A record, and its file of scores."""
    given, words = sorted(boxes(truth, seed=number).items()), read_metadata(said(f"M{number}"))
    assert isinstance(words, Metadata)
    record = SubmissionRecord(
        id=f"{number:020}",
        person=f"p-{number:012}",
        file_sha256="",
        dataset=truth.dataset,
        dataset_revision=truth.revision,
        tracks=(str(truth.references[0].track),),
        metadata=words,
        lines=tuple({"boxes": found, "case_id": case} for case, found in given),
    )
    numbers = np.random.default_rng(number).uniform(size=(len(given), len(NUMBERS))).round(6).tolist()
    scores = ([case, *of_case] for (case, _), of_case in zip(given, numbers, strict=True))
    return record, {scores_name(record.id, truth.edition): scores_content(record.id, scores, [])}


def _truth(cases: int) -> Truth:
    """One LVLM, four findings a picture."""
    rng, references = np.random.default_rng(0), []
    for number in range(cases):
        native, image = Frame.native(width=2_000, height=2_400), f"{number // 4:05}"
        case = f"phantom/{image}/f{number % 4}@a:direct"
        expert = (random_box(native, rng),)
        references.append(
            Reference(case, "phantom", image, "a", Mode.DIRECT, f"f{number % 4}", native, expert)
        )
    return Truth("org/bench", REVISION, tuple(references))
