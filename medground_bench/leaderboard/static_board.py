"""The board as pages that need no server: HTML, a little script, and the tables of every choice of cases as data.

Opens from a disk as from any web server. The tables are those of `views`; the script only leaves out rows, puts them in
order and writes files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from itertools import product
from pathlib import Path

from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.charts import CHARTS
from medground_bench.leaderboard.page_data import chart_data, filters_of, page_data, table_data, views_of
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.rows import ALL
from medground_bench.leaderboard.views import NO_ROW, NONE_PASSES
from medground_bench.storage.whole_files import Plain, write_whole

FRONT = Path(__file__).parent / "front"
SHARED = ("columns", "fields")
"""What all tables of a board have in common."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MedGround-Bench</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="board.css">
<style>
:root {{ color-scheme: light dark; }}
body {{ font-family: Inter, system-ui, sans-serif; max-width: 1180px; margin: 0 auto; padding: 1.2rem 1rem 3rem; }}
h1 {{ font-weight: 650; letter-spacing: -.02em; }}
.lead {{ max-width: 84ch; line-height: 1.5; }}
</style>
</head>
<body>
<main>
<h1>MedGround-Bench</h1>
{lead}
<div class="mg-board static"></div>
<noscript>The table is drawn by a script; without one, its numbers are in the folder data.</noscript>
</main>
<script src="board.js"></script>
<script src="static.js"></script>
<script src="data/index.js"></script>
<script>
const load = mountBoard(document.querySelector('.mg-board'), staticProvider(boardIndex), boardIndex.first);
if (location.search) load();
</script>
</body>
</html>
"""


def write_static(board: Board, folder: Path, lead: tuple[str, ...] = ()) -> None:
    """Write the board to a folder; `index.html` opens it. Same board, same bytes."""
    for name in ("board.css", "board.js", "static.js"):
        write_whole(folder / name, (FRONT / name).read_bytes())
    files: dict[str, Plain] = {}
    for number, (name, part) in enumerate(_parts(board)):
        file = f"data/{number}.js"
        files[name] = file
        write_whole(folder / file, f"boardPart({_script(name)}, {_script(part)});\n".encode())
    first = page_data(board, {})
    index = {name: first[name] for name in SHARED} | {
        "filters": filters_of(board),
        "views": views_of(),
        "about": first["about"],
        "captions": {"none": NO_ROW, "filtered": NONE_PASSES},
        "parts": files,
        "first": first,
    }
    write_whole(folder / "data" / "index.js", f"const boardIndex = {_script(index)};\n".encode())
    paragraphs = "\n".join(f'<p class="lead">{escape(each)}</p>' for each in lead)
    write_whole(folder / "index.html", PAGE.format(lead=paragraphs).encode())


def _parts(board: Board) -> Iterator[tuple[str, dict[str, Plain]]]:
    """A mode, source and LVLM -> its tables by finding and size, and its figures."""
    sources, lvlms, findings, sizes = (
        (ALL, *board.offered[name]) for name in ("source", "lvlm", "finding", "size")
    )
    for mode, source, lvlm in product(board.offered["mode"], sources, lvlms):
        tables: dict[str, Plain] = {}
        for finding, size in product(findings, sizes):
            query = BoardQuery(mode=mode, source=source, lvlm=lvlm, finding=finding, size=size)
            data = table_data(board.table(query))
            if data["rows"] or data["cases"] or data["elsewhere"]:
                tables[f"{finding} {size}"] = {key: each for key, each in data.items() if key not in SHARED}
        query = BoardQuery(mode=mode, source=source, lvlm=lvlm)
        drawn = CHARTS if board.table(query).rows else {}
        charts: dict[str, Plain] = {name: chart_data(chart(board, query)) for name, chart in drawn.items()}
        yield f"{mode} {source} {lvlm}", {"tables": tables, "charts": charts}


def _script(value: Plain) -> str:
    """JSON that no browser takes for markup."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
