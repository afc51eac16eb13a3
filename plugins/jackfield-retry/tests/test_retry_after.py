"""How the backend's wish for a wait is read from headers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.failure import retry_after

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
ROWS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after-ms": "500"}, 0.5),
    ({"retry-after-ms": "0"}, 0.0),
    ({"retry-after-ms": "1500.5"}, 1.5005),
    ({"retry-after-ms": " 250 "}, 0.25),
    ({"retry-after-ms": "-1"}, None),
    ({"retry-after-ms": "soon"}, None),
    ({"retry-after-ms": ""}, None),
    ({"retry-after-ms": "nan"}, None),
    ({"retry-after-ms": "inf"}, None),
    ({"retry-after-ms": "9" * 5000}, None),
    ({"retry-after-ms": "500", "retry-after": "7"}, 0.5),
    ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
    ({"retry-after-ms": "-1", "retry-after": "7"}, 7.0),
    ({"retry-after-ms": "nan", "retry-after": "soon"}, None),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after": "1"}, 1.0),
    ({"retry-after": "0.5"}, 0.5),
    ({"retry-after": " 3 "}, 3.0),
    ({"retry-after": "120"}, 120.0),
    ({"retry-after": "86400"}, 86400.0),
    ({"retry-after": "1e2"}, 100.0),
    ({"retry-after": "-1"}, None),
    ({"retry-after": "-0.5"}, None),
    ({"retry-after": "abc"}, None),
    ({"retry-after": ""}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "-inf"}, None),
    ({"retry-after": "9" * 5000}, None),
    ({"retry-after": "1,5"}, None),
    ({"retry-after": "5 seconds"}, None),
    ({"retry-after": "0x10"}, None),
    ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": DATE}, 30.0),
    ({"retry-after": "Sun, 22 Nov 2026 13:00:00 GMT", "date": DATE}, 3600.0),
    ({"retry-after": "Sunday, 22-Nov-26 12:00:05 GMT", "date": DATE}, 5.0),
    ({"retry-after": "Sun, 22 Nov 2026 13:00:10 +0100", "date": DATE}, 10.0),
    ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT", "date": DATE}, 0.0),
    ({"retry-after": DATE, "date": DATE}, 0.0),
    ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT", "date": "nonsense"}, 0.0),
    ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ({"retry-after": "Sun, 99 Nov 2026 12:00:00 GMT", "date": DATE}, None),
    ({"retry-after": "Sun, 22 Nov 99999 12:00:00 GMT", "date": DATE}, None),
]


def test_the_table_is_large_enough():
    """At least 40 pairs of headers are read."""
    assert len(ROWS) >= 40


@pytest.mark.parametrize(("headers", "wanted"), ROWS, ids=range(len(ROWS)))
def test_wishes_are_read(headers: dict[str, str], wanted: float | None):
    """Milliseconds come first, then seconds, then a date against the answer's own; what is malformed is none."""
    assert retry_after(headers) == (wanted if wanted is None else pytest.approx(wanted))


@settings(deadline=None)  # other processes may want the processor
@given(
    st.dictionaries(
        st.sampled_from(["retry-after-ms", "retry-after", "date"]),
        st.text() | st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT")) | st.floats().map(str),
    )
)
def test_no_header_raises(headers: dict[str, str]):
    """Whatever the headers hold, the wish is none or a number that is not below 0."""
    wish = retry_after(headers)

    assert wish is None or wish >= 0
