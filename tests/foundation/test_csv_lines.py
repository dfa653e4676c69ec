"""One reader of CSV: every way in which a file can be wrong is told with its line, or harmless."""

import codecs
import io
import itertools
import tracemalloc

import pytest

from foundation import csv_lines
from foundation.csv_lines import CUT, Fault, Row, Unreadable, table

HEAD = "id,amount,note\n"
GOOD = "a,1.00,tea\n"


def opened(content, **options):
    return table(io.BytesIO(content.encode() if isinstance(content, str) else content), **options)


def read(content, **options):
    """The rows of a whole file, and the faults among them."""
    return list(opened(content, **options).rows())


def refusal(content, **options):
    with pytest.raises(Unreadable) as refused:
        read(content, **options)
    return refused.value.fault


def test_a_file_is_its_header_and_its_rows_without_the_white_space():
    found = opened(" id , amount,note\n a , 1.00,two words \n")

    assert found.header == ["id", "amount", "note"]
    assert list(found.rows()) == [Row(2, ["a", "1.00", "two words"])]


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + (HEAD + GOOD).encode(),
        (HEAD + GOOD).replace("\n", "\r\n").encode(),
        HEAD + "\n , ,\n" + GOOD + "\n\n",
    ],
    ids=["byte order mark", "windows line ends", "empty rows"],
)
def test_what_does_no_harm_is_passed_over(content):
    (row,) = read(content)

    assert row.cells == ["a", "1.00", "tea"]


def test_a_line_break_in_quotes_is_part_of_its_cell_and_later_rows_keep_their_numbers():
    rows = read(HEAD + 'a,1,"green\ntea ""x"""\n' + GOOD)

    assert rows == [Row(2, ["a", "1", 'green\ntea "x"']), Row(4, ["a", "1.00", "tea"])]


def test_another_delimiter_and_remarks_in_front_of_the_header():
    rows = read("# a report\n#\n\nid;amount\na;1,5\n", delimiter=";", remark="#")

    assert rows == [Row(5, ["a", "1,5"])]


def test_a_row_with_too_few_or_too_many_cells_is_told_and_the_others_are_read():
    rows = read(HEAD + "a,1\n" + GOOD + "b,1,2,3\n")

    assert [type(row) for row in rows] == [Fault, Row, Fault]
    assert rows[0] == Fault(2, "2 cells where the header has 3")
    assert rows[2] == Fault(4, "4 cells where the header has 3")


def test_a_cell_that_is_too_long_is_told_and_the_next_row_is_read():
    rows = read(HEAD + f"a,1,{'x' * (csv_lines.CELL_CHARACTERS_MAX + 1)}\n" + GOOD)

    assert rows[0] == Fault(2, "a cell is longer than 65536 characters")
    assert rows[1].line == 3


@pytest.mark.parametrize("last", ["a,1.0", "a,1.00,tea", "a,1.00,", "a,", "a,1.00,tea\r"])
def test_a_file_that_was_cut_short_is_told_even_where_all_cells_are_there(last):
    rows = read(HEAD + GOOD + last)

    assert rows == [Row(2, ["a", "1.00", "tea"]), Fault(3, CUT)]


@pytest.mark.parametrize(
    ("rest", "line", "reason"),
    [
        ("b,é,\n".encode("latin-1"), 3, "byte 3 is not UTF-8"),
        (b"b,\x00,c\n", 3, "there is a NUL byte"),
        (b'b,"c"d,e\n', 3, "this is no CSV"),
        (b'b,"c\n' + GOOD.encode(), 3, "unexpected end of data"),
        (b"b,1,c\rd,2,e\n", 3, "this is no CSV: new-line character"),
        (b"b,1," + b"x" * 140_000 + b"\n", 3, "field larger than"),
        (b"x" * (csv_lines.ROW_BYTES_MAX + 1), 3, "the line is longer than 1048576 bytes"),
        (b'b,"\n' + b'","\n' * (1 << 18), 262_147, "the line is longer than 1048576 bytes"),
    ],
    ids=["latin-1", "nul", "text behind quotes", "an open quote", "line ends of old", "cell",
         "line", "row of many lines"],
)  # fmt: skip
def test_what_can_not_be_read_on_is_told_with_its_line(rest, line, reason):
    fault = refusal((HEAD + GOOD).encode() + rest)

    assert fault.line == line
    assert reason in fault.reason


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 1, "the file is empty"),
        (b"\n \n,,\n", 1, "the file is empty"),
        ((HEAD + GOOD).encode("utf-16"), 1, "the file is UTF-16"),
        ((HEAD + GOOD).encode("utf-16-be"), 1, "there is a NUL byte"),
        (b"PK\x03\x04\x14\x00\x06", 1, "there is a NUL byte"),
        (b"\nid,note,amount,note,id\n", 2, "columns that stand twice: 'id', 'note'"),
        (b"id,amou", 1, "the file ends within this line"),
    ],
)
def test_a_file_without_a_header_to_rely_on_is_refused(content, line, reason):
    fault = refusal(content)

    assert fault.line == line
    assert reason in fault.reason


def test_what_comes_before_a_fault_was_read():
    rows = opened((HEAD + GOOD).encode() + b"\xff\n").rows()

    assert next(rows) == Row(2, ["a", "1.00", "tea"])
    with pytest.raises(Unreadable, match="line 3"):
        next(rows)


class Endless(io.RawIOBase):
    """A million lines that nobody ever holds at once."""

    def __init__(self, count):
        lines = itertools.chain([HEAD.encode()], itertools.repeat(GOOD.encode(), count))
        self.readline = lambda _limit=-1: next(lines, b"")


def test_a_million_lines_are_read_in_flat_memory():
    peaks = []
    for count in (1_000, 1_000_000):
        rows = table(Endless(count)).rows()
        tracemalloc.start()
        seen = sum(1 for _ in rows)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == count

    assert peaks[1] < peaks[0] + 64 * 1024
