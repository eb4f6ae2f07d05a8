"""How long a server asks to be left alone: seconds or a date, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from medground_bench.storage.waiting import retry_after_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
    ],
)
def test_seconds_and_dates_are_read_and_what_is_neither_says_nothing(header, seconds):
    assert retry_after_s(header) == seconds


def test_a_date_to_come_is_so_far_away():
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 <= retry_after_s(header) <= 90
