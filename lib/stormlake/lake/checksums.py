"""Checksums of a table's columns that a warehouse's SQL gives too, to the last bit.

A value is written as a text that is the same on both sides (`warehouse/checksums.py` has the SQL),
its MD5 is cut to 15 hex digits, which is a number below 2^60 as STRTOL can read it, and a column's
checksum is the sum of these numbers over its values that are not NULL. A sum does not depend on the
order of the rows. A row's checksum is made in the same way of the MD5s of its columns, in the order
of the definition, with `-` for NULL.

The texts:

    integers     decimal digits, `-12`
    boolean      t, f
    text         its bytes of UTF-8; char without the blanks at its end, which mean nothing there
    date         2026-05-01 AD
    timestamp    2026-05-01 12:00:00.123456 AD, microseconds
    real, double its binary digits in three whole numbers: the whole part and twice 60 bits of the
                 fraction, after a scaling by a power of two. Every step is exact in the arithmetic
                 that both sides have (IEEE 754), so no rounding and no tolerance is needed.

What is found: one value that is another in one row of one column (unless 60 bits of MD5 collide), a
NULL for a value, a row too many or too few, a row twice, and, by the rows' checksum, values that
have changed places between rows.

What is not: the order of rows, which a table does not have; 0.0 for -0.0; digits of a floating
number below 2^-250, and which one it is above 2^192 (6e57): no physical value is there; blanks at
the end of a char; anything made to collide on purpose: this is a check against accidents, not
against an attacker. Equal checksums say nothing of rows outside the partitions that are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from stormlake.errors import RefusedInput
from stormlake.lake.types import Column, Table, arrow_fields

DIGITS: Final = 15
"""Hex digits of an MD5 that are added up: the most whose number is a BIGINT whatever they are."""
ROW: Final = "(row)"
"""In the place of a column's name: the checksum of whole rows. No column can be called so."""
WORD: Final = 2.0**60
"""Bits of the fraction that are taken at once."""
SCALE: Final = 2.0**130
"""What very large numbers are divided by, and very small ones multiplied with."""
SMALL: Final = 2.0**-68
LARGE: Final = 2.0**62
BEYOND: Final = 2.0**192
_BATCH: Final = 65_536


@dataclass(frozen=True)
class Checksum:
    """Of one column, or of the rows.

    Parameters
    ----------
    count : int
        Values that are not NULL; rows.
    total : int
        Sum of their numbers.
    """

    count: int = 0
    total: int = 0

    def __str__(self) -> str:
        return f"{self.count} values, {self.total:x}"


@dataclass
class Checksums:
    """Checksums of one partition's rows, added up batch by batch.

    Parameters
    ----------
    table : Table
    found : dict of str to Checksum
        By column, business columns alone, and `ROW`: a partition's columns are the same in all of
        its rows, and stand in its name.
    """

    table: Table
    found: dict[str, Checksum] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*(column.name for column in self.table.columns), ROW):
            self.found.setdefault(name, Checksum())

    def add(self, batch: Any) -> None:
        """Add rows.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Columns of the definition by name, whatever else there is; of the definition's types.
        """
        parts: list[np.ndarray] = []
        for column in self.table.columns:
            digests = _digests(column, batch.column(column.name))
            parts.append(digests)
            self._count(column.name, [each for each in digests if each is not None])
        rows = ["".join(each or "-" for each in row) for row in zip(*parts, strict=True)]
        self._count(ROW, [_md5(row.encode()) for row in rows])

    def _count(self, name: str, digests: Sequence[str]) -> None:
        before = self.found[name]
        total = sum(int(digest[:DIGITS], 16) for digest in digests)
        self.found[name] = Checksum(before.count + len(digests), before.total + total)


def read_checksums(table: Table, paths: Sequence[str], files: Any) -> dict[str, Checksum]:
    """Add up the checksums of some files' rows.

    Parameters
    ----------
    table : Table
    paths : sequence of str
        Parquet files of one partition.
    files : pyarrow.fs.FileSystem
        Where they are.

    Returns
    -------
    dict of str to Checksum
        By column, and `ROW`.

    Raises
    ------
    RefusedInput
        A file is gone, is no Parquet, or has not the columns of the definition.

    Notes
    -----
    Read by batches of 65,536 rows of one row group, so memory does not grow with a file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sums = Checksums(table)
    wanted = arrow_fields(table.columns)
    for path in paths:
        try:
            with pq.ParquetFile(
                path, filesystem=files, coerce_int96_timestamp_unit="us", pre_buffer=False
            ) as file:
                for batch in file.iter_batches(_BATCH, columns=list(wanted.names)):
                    sums.add(_as_defined(batch, wanted, path))
        except FileNotFoundError as error:
            raise RefusedInput(
                f"{path} is gone, which the run's record names; a later run may be writing: wait "
                "for it, or run the job again"
            ) from error
        except pa.ArrowInvalid as error:
            raise RefusedInput(f"{path} cannot be read as Parquet: {error}") from error
    return sums.found


def _as_defined(batch: Any, wanted: Any, path: str) -> Any:
    import pyarrow as pa

    for column in wanted:
        if column.name not in batch.schema.names:
            raise RefusedInput(
                f"{path} has no column {column.name}: it was written by another version of the "
                "definition; run the job again"
            )
    columns = [batch.column(column.name).cast(column.type) for column in wanted]
    return pa.record_batch(columns, names=list(wanted.names))


def _digests(column: Column, array: Any) -> np.ndarray:
    """MD5 of each value, None for NULL; each different value is looked at once."""
    import pyarrow as pa

    coded = array.dictionary_encode()
    texts = _texts(column, coded.dictionary)
    known = np.array([*(_md5(text) for text in texts), None], dtype=object)
    places = coded.indices.fill_null(pa.scalar(len(texts), coded.indices.type))
    found: np.ndarray = known[places.to_numpy(zero_copy_only=False)]
    return found


def _texts(column: Column, values: Any) -> list[bytes]:
    """Write each value, none of them NULL, as both sides do."""
    import pyarrow as pa

    if column.type in ("float", "double"):
        return _float_texts(values.to_numpy(zero_copy_only=False).astype(np.float64))
    if column.type in ("date", "timestamp"):
        # As numbers: Python's own calendar ends with 9999.
        values = values.cast(pa.int32() if column.type == "date" else pa.int64())
    write = _WRITERS.get(column.type, str)
    return [write(value).encode() for value in values.to_pylist()]


def _float_texts(values: np.ndarray) -> list[bytes]:
    size = np.abs(values)
    known = size < BEYOND
    size = np.where(known, size, 0.0)
    large, small = size >= LARGE, size < SMALL
    scaled = np.where(large, size / SCALE, np.where(small, size * SCALE, size))
    whole = np.floor(scaled)
    first = (scaled - whole) * WORD
    second = (first - np.floor(first)) * WORD
    words = [part.astype(np.int64).tolist() for part in (whole, np.floor(first), np.floor(second))]
    marks = np.where(large, "l", np.where(small, "s", "m")).tolist()
    signs = np.where(values < 0, "-", "").tolist()
    return [
        f"{sign}{mark}{a}:{b}:{c}".encode() if fits else b"~"
        for sign, mark, a, b, c, fits in zip(signs, marks, *words, known.tolist(), strict=True)
    ]


def _time(micros: int) -> str:
    day, rest = divmod(micros, 86_400_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    year, month, of_month = _calendar(day)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}"
    return f"{_year(year)}-{month:02d}-{of_month:02d} {clock} {'AD' if year > 0 else 'BC'}"


def _day(number: int) -> str:
    year, month, of_month = _calendar(number)
    return f"{_year(year)}-{month:02d}-{of_month:02d} {'AD' if year > 0 else 'BC'}"


def _year(year: int) -> str:
    return f"{year if year > 0 else 1 - year:04d}"


def _calendar(day: int) -> tuple[int, int, int]:
    """Year (0 is 1 BC), month and day of a day since 1970-01-01; any, unlike Python's own.

    Notes
    -----
    Gregorian in all times, in eras of 400 years that begin on 1 March.
    """
    era, of_era = divmod(day + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return (
        year + 400 * era + (1 if month <= 2 else 0),
        month,
        of_year - (153 * shifted + 2) // 5 + 1,
    )


_WRITERS: Final[dict[str, Callable[[Any], str]]] = {
    "char": lambda text: text.rstrip(" "),
    "boolean": lambda value: "t" if value else "f",
    "date": _day,
    "timestamp": _time,
}
"""How a value of a type is written, where not by its digits or as it is."""


def _md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()
