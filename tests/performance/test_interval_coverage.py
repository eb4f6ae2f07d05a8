"""The simulation runs, and the page that shows its tables says what was found."""

from __future__ import annotations

import re
from pathlib import Path

from tests.performance.interval_coverage import OF_DIFFERENCES, OF_MEANS, main

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text("utf-8")


def test_the_program_prints_the_three_tables_and_the_same_again(capsys):
    shown = []
    for _time in range(2):
        main(["--boards", "20", "--images", "6"])
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] and shown[0].count("| 6 |") == 2 and "6 images, 19 methods" in shown[0]
    headings = [f"| images | {' | '.join(columns)} |" for columns in (OF_MEANS, OF_DIFFERENCES)]
    assert all(heading in shown[0] and heading in PAGE for heading in headings)


def column(heading):
    """The last cell's mean of every row below a heading, by what stands first."""
    lines = PAGE[PAGE.index(heading) :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: float(re.match(r"[\d.]+", row[-1])[0]) for row in cells}


def test_on_the_page_what_was_chosen_holds_93_to_97_times_in_a_hundred_and_ranks_err_five_times_at_most():
    for columns in (OF_MEANS, OF_DIFFERENCES):
        held = column(f"| images | {' | '.join(columns)} |")
        assert set(held) == {"4", "6", "10", "20", "50", "100", "400"}
        assert all(93 <= share <= 97 for share in held.values())
    assert max(column("| board |").values()) <= 5
