"""`stormlake warehouse load-text`: a vendor's file comes in once, as the vendor's rules say."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from click.testing import Result

from stormlake.lake.types import arrow_schema
from stormlake.warehouse.definitions import read_definition
from stormlake.warehouse.ledger import LEDGER
from stormlake.warehouse.tables import USERS
from stormlake.warehouse.text_files import FIRST_BYTES
from tests.emr.golden import check_golden
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.sql.engines import SQL
from tests.warehouse.commands import GOLDEN, run, summary
from tests.warehouse.prepared import quick
from tests.warehouse.vendor import User, users


class Lab:
    """Loads files into the stand-in, in the schema `public`, which is the default."""

    def __init__(self, stand_in: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stand_in, self._monkeypatch = stand_in, monkeypatch
        stand_in.create(USERS, schema="public")

    def load(self, body: bytes | str, *options: str, table: str = "users") -> Result:
        """Put the file and load it."""
        data = body.encode() if isinstance(body, str) else body
        source = self.stand_in.put("vendor/users.txt", data)
        return self.again(*options, source=source, table=table)

    def again(self, *options: str, source: str | None = None, table: str = "users") -> Result:
        bucket = self.stand_in.bucket
        return run(
            self.stand_in,
            self._monkeypatch,
            *("warehouse", "load-text", table),
            *("--source", source or f"s3://{bucket}/vendor/users.txt"),
            *("--unload", f"s3://{bucket}/unload", "--iam-role", self.stand_in.iam_role),
            *options,
        )

    def rows(self) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in self.stand_in.rows(USERS, "public")]


@pytest.fixture
def lab(warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(warehouse, monkeypatch)


def line(userid: object = 1, **fields: str) -> str:
    """A line of users; what is not said is empty."""
    names = [column.name for column in USERS.columns]
    return "|".join([str(userid), *(fields.get(name, "") for name in names[1:])]) + "\n"


def query(name: str) -> str:
    return (SQL / "users" / f"{name}.sql").read_text(encoding="utf-8")


def by_hand(made: list[User]) -> dict[str, list[tuple[object, ...]]]:
    """The four answers, reckoned in plain Python."""
    people = [user.values for user in made]
    fans = [
        p
        for p in people
        if p["state"] == "OH" and p["likesports"] is True and p["likeopera"] is False
    ]
    cities = Counter(str(p["city"]) for p in people if p["likejazz"] is True)
    smiths = [
        p
        for p in people
        if p["lastname"] == "Smith" and p["liketheatre"] is True and p["likeclassical"] is True
    ]
    return {
        "user_count": [(len(people),)],
        "ohio_sports_no_opera": [
            (p["firstname"], p["lastname"], p["city"], p["userid"])
            for p in sorted(fans, key=lambda p: (str(p["firstname"]).encode(), p["userid"]))
        ],
        "jazz_cities": sorted(cities.items(), key=lambda c: (-c[1], c[0].encode()))[:10],
        "smiths_theatre_classical": [
            (p["userid"], p["firstname"], p["lastname"], p["city"], p["state"]) for p in smiths
        ],
    }


def test_the_four_questions_of_the_lab_are_answered_as_by_hand(lab: Lab) -> None:
    made, body = users()
    told = summary(lab.load(body, "--output", "json"))
    assert (told["rows"], told["outcome"]) == (49_990, "loaded")
    api = quick(lab.stand_in)
    memory = duckdb.connect()
    table = pa.Table.from_pylist([user.values for user in made], schema=arrow_schema(USERS))
    memory.register("users", table)
    for name, expected in by_hand(made).items():
        assert expected, name
        found = [tuple(row.values()) for row in api.query(query(name))]
        # CHAR is padded with blanks, which mean nothing.
        plain = [tuple(v.rstrip() if isinstance(v, str) else v for v in row) for row in found]
        assert plain == expected, name
        assert memory.execute(query(name)).fetchall() == expected, name


def test_the_same_file_again_changes_nothing_and_says_so(lab: Lab) -> None:
    made, body = users(50)
    assert summary(lab.load(body, "--output", "json"))["outcome"] == "loaded"
    before = lab.rows(), lab.stand_in.rows(LEDGER, "public")
    told = summary(lab.again("--output", "json"))
    assert told["outcome"] == "already loaded"
    assert (lab.rows(), lab.stand_in.rows(LEDGER, "public")) == before
    (entry,) = before[1]
    assert (entry["job"], entry["scope"], entry["row_count"]) == ("load-text-users", "{}", 50)
    assert len(made) == len(before[0])


def test_a_newer_version_of_the_file_is_merged_by_userid(lab: Lab) -> None:
    lab.load(line(1, city="Kent") + line(2, city="Lima"))
    time.sleep(1.1)  # S3 tells the time of a write to the second
    assert lab.load(line(2, city="LIMA") + line(3, city="Reno")).exit_code == 0
    assert [(row[0], row[4]) for row in lab.rows()] == [(1, "Kent"), (2, "LIMA"), (3, "Reno")]


def test_an_empty_text_is_empty_and_everything_else_that_is_empty_is_null(lab: Lab) -> None:
    assert lab.load(line(1)).exit_code == 0
    (row,) = lab.rows()
    assert row[1:3] == (" " * 8, "") and row[8:] == (None,) * 10
    assert lab.load(line(1), "--empty-as-null", "--merge-strategy", "delete_insert").exit_code == 0


def test_empty_as_null_makes_an_empty_text_null(lab: Lab) -> None:
    assert lab.load(line(1), "--empty-as-null").exit_code == 0
    assert lab.rows()[0][1:] == (None,) * 17


def test_escaped_delimiters_newlines_and_backslashes_are_part_of_a_text(lab: Lab) -> None:
    assert lab.load(line(1, city="a\\|b\\\\c\\\nd"), "--escape").exit_code == 0
    assert lab.rows()[0][4] == "a|b\\c\nd"


def test_an_escaped_delimiter_in_the_first_line_does_not_make_it_a_header(lab: Lab) -> None:
    first = line(1, city="a\\|b", phone="(664) 602-4412", likesports="t")
    assert lab.load(first, "--escape").exit_code == 0
    (row,) = lab.rows()
    assert (row[4], row[7], row[8]) == ("a|b", "(664) 602-4412", True)


def test_the_word_that_means_null_to_copy_is_data(lab: Lab) -> None:
    assert lab.load(line(1, city=r"\N", likejazz=r"\N")).exit_code == 0
    assert (lab.rows()[0][4], lab.rows()[0][11]) == (None, None)


def test_a_first_line_that_is_too_long_to_be_looked_at_whole_is_left_to_copy(lab: Lab) -> None:
    blanks = "x" * (FIRST_BYTES - len(line(1)) + 8)  # cut in likesports, within "true"
    told = lab.load(line(1, email=blanks, likesports="true", likemusicals="true"))
    assert (told.exit_code, "(error 1204)" in told.stderr) == (1, True), told.stderr


def test_blanks_and_bytes_that_are_no_text_are_taken_as_told(lab: Lab) -> None:
    body = line(1, city="Kent  ", firstname="Zo?").encode().replace(b"?", b"\xff")
    told = lab.load(body)
    assert told.exit_code == 1 and "line 1, column firstname" in told.stderr, told.output
    assert lab.load(body, "--trim-blanks", "--accept-inv-chars", "^").exit_code == 0
    assert lab.rows()[0][2:5] == ("Zo^", "", "Kent")


def test_null_as_another_delimiter_and_gzip_are_taken(lab: Lab) -> None:
    body = gzip.compress(line(1, city="-", state="OH").replace("|", ";").encode())
    options = ("--gzip", "--delimiter", ";", "--null-as", "-")
    assert lab.load(body, *options).exit_code == 0
    assert (lab.rows()[0][4], lab.rows()[0][5]) == (None, "OH")


def test_files_of_a_folder_come_together(lab: Lab) -> None:
    for number in (1, 2):
        lab.stand_in.put(f"vendor/all/{number}.txt", line(number).encode())
    lab.stand_in.put("vendor/all/_SUCCESS", b"")
    lab.stand_in.put("vendor/all/.hidden", b"not data")
    told = summary(lab.again("--output", "json", source=f"s3://{lab.stand_in.bucket}/vendor/all/"))
    assert (told["files"], told["rows"]) == (2, 2)


HEADER = "|".join(column.name for column in USERS.columns) + "\n"


def test_a_header_is_left_out_when_told(lab: Lab) -> None:
    assert lab.load(HEADER + line(7), "--ignore-header", "1").exit_code == 0
    assert [row[0] for row in lab.rows()] == [7]


@pytest.mark.parametrize(
    ("body", "options", "said"),
    [
        (HEADER + line(1), (), "'userid' is none; if it is a header give --ignore-header 1"),
        (line(1) + line(2), ("--ignore-header", "1"), "line 1 is data and would be left out"),
        (gzip.compress(b"1|"), (), "is gzipped; give --gzip"),
        (line(1), ("--gzip",), "is not gzipped; leave --gzip out"),
        (b"", (), "there is no file with anything in it"),
        (line(1), ("--delimiter", "ab"), "expected one character of ASCII"),
        (line(1), ("--workgroup", ""), "give --workgroup NAME"),
    ],
)
def test_what_cannot_be_loaded_is_refused_before_anything_is_sent(
    lab: Lab, body: bytes | str, options: tuple[str, ...], said: str
) -> None:
    if options[:1] == ("--workgroup",):
        lab._monkeypatch.setattr(RedshiftStandIn, "options", ["--database", "x"])
        options = ()
    told = lab.load(body, *options)
    assert (told.exit_code, said in told.stderr) == (2, True), told.stderr
    assert lab.stand_in.statements == []


@pytest.mark.parametrize(
    ("bad", "column", "code"),
    [
        (line(2, city="ß" * 16), "city", 1204),  # 32 bytes in VARCHAR(30)
        (line(2, username="ÿ"), "username", 1220),
        (line(2).replace("\n", "|x|y\n"), "likemusicals", 1202),
        ("2|a|b\n", "lastname", 1214),
        ("2x" + line("")[0:], "userid", 1207),
        (line(""), "userid", 1213),
        (line(2, likejazz="maybe"), "likejazz", 1210),
        (line("2147483648"), "userid", 1216),
    ],
)
def test_a_bad_line_is_told_with_file_line_column_and_code_and_nothing_is_loaded(
    lab: Lab, bad: str, column: str, code: int
) -> None:
    told = lab.load(line(1) + bad)
    assert told.exit_code == 1, told.output
    assert f"/vendor/users.txt, line 2, column {column}" in told.stderr
    assert f"(error {code})" in told.stderr
    assert lab.rows() == [] and lab.stand_in.rows(LEDGER, "public") == []


def test_two_lines_of_one_user_stop_at_the_guard(lab: Lab) -> None:
    told = lab.load(line(1) + line(1))
    assert told.exit_code == 1 and "guard_keys" in told.stderr
    assert lab.rows() == []


def test_a_file_that_is_written_anew_meanwhile_is_said(lab: Lab) -> None:
    def write_anew(_: object) -> None:
        time.sleep(1.1)  # S3 tells the time of a write to the second
        lab.stand_in.put("vendor/users.txt", line(9).encode())

    lab.stand_in.before("COPY", write_anew)
    told = lab.load(line(1))
    assert told.exit_code == 1 and "was written anew while it was loaded" in told.stderr
    assert summary(lab.again("--output", "json"))["outcome"] == "loaded"
    assert 9 in [row[0] for row in lab.rows()]


DEFINITION = """
name = "Products"
description = "One product."
mode = "merge"
key = ["id"]
[[columns]]
name = "id"
type = "int"
nullable = false
[[columns]]
name = "label"
type = "string"
bytes = 4
[[columns]]
name = "since"
type = "date"
"""


def test_any_small_file_is_loaded_by_a_definition(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "products.toml"
    path.write_text(DEFINITION)
    table = read_definition(path)
    lab.stand_in.create(table, schema="public")
    told = lab.load("1|ab|2026-04-01\n2||\n", table=str(path))
    assert told.exit_code == 0, told.output
    rows = [tuple(row.values()) for row in lab.stand_in.rows(table, "public")]
    assert [(i, label, since and since.isoformat()) for i, label, since in rows] == [
        (1, "ab", "2026-04-01"),
        (2, "", None),
    ]


TIMES = (
    DEFINITION
    + """
[[columns]]
name = "at"
type = "timestamp"
"""
)


def test_a_definition_makes_its_table_and_dates_come_in_the_form_that_is_told(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "products.toml"
    path.write_text(TIMES)
    missing = lab.load("1|ab||\n", table=str(path))
    # As the error says.
    assert missing.exit_code == 2 and "ddl --engine redshift FILE.toml --apply" in missing.stderr
    apply = ("ddl", "--engine", "redshift", "--schema", "public", "--apply", str(path))
    assert summary(run(lab.stand_in, monkeypatch, *apply, "--output", "json"))["made"] == "products"
    body = "1|ab|24.12.2026|24.12.2026 18:30:05\n"
    formats = ("--date-format", "DD.MM.YYYY", "--time-format", "DD.MM.YYYY HH:MI:SS")
    told = lab.load(body, *formats, table=str(path))
    assert told.exit_code == 0, told.output
    (row,) = lab.stand_in.rows(read_definition(path), "public")
    assert (str(row["since"]), str(row["at"])) == ("2026-12-24", "2026-12-24 18:30:05")


@pytest.mark.parametrize(
    ("bad", "column", "code"),
    [("2|ab|2026-02-30|\n", "since", 1205), ("2|ab||2026-01-01 25:00:00\n", "at", 1206)],
)
def test_a_day_or_time_that_is_none_is_told_with_its_line(
    lab: Lab, tmp_path: Path, bad: str, column: str, code: int
) -> None:
    path = tmp_path / "products.toml"
    path.write_text(TIMES)
    table = read_definition(path)
    lab.stand_in.create(table, schema="public")
    told = lab.load("1|ab|2026-04-01|\n" + bad, table=str(path))
    assert told.exit_code == 1, told.output
    assert f"/vendor/users.txt, line 2, column {column}" in told.stderr
    assert f"(error {code})" in told.stderr
    assert lab.stand_in.rows(table, "public") == []


def test_names_in_a_definition_are_folded_alike(tmp_path: Path) -> None:
    path = tmp_path / "products.toml"
    path.write_text(
        DEFINITION.replace('"id"', '"ID"').replace("\nmode", '\ndistribution="Id"\nmode')
    )
    hints = read_definition(path).warehouse
    assert (hints.key, hints.sort, hints.distribution) == (("id",), ("id",), "id")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # NULL equals nothing: MERGE would add such a row again with each version of the file.
        ("nullable = false", "nullable = true", "column id is in the key: expected nullable"),
        ('name = "Products"', 'name = "wind_max"', "one of Stormlake's own"),
        ('name = "Products"', 'name = "stormlake_stage"', "one of Stormlake's own"),
        ('type = "date"', 'type = "money"', "column since: type 'money': expected one of"),
        ("bytes = 4", "bytes = 0", "column label: expected bytes = N"),
        ('key = ["id"]', "key = []", 'or mode = "merge" with key'),
        ('key = ["id"]', 'key = ["nothing"]', "used but not defined"),
        ("nullable = false", 'nullable = "no"', "column id: expected nullable = true or false"),
        ('name = "since"', 'names = "since"', "has names; known are"),
        ('mode = "merge"', "mode = ", "no definition of a table"),
        ('name = "label"', 'name = "ID"', "defined twice"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_place(
    lab: Lab, tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "products.toml"
    path.write_text(DEFINITION.replace(old, new, 1))
    told = lab.load("1||\n", table=str(path))
    assert (told.exit_code, said in told.stderr) == (2, True), told.stderr
    assert str(path) in told.stderr


def test_a_dry_run_prints_the_batch_as_the_golden_file_and_sends_nothing(lab: Lab) -> None:
    told = lab.load(line(1), "--dry-run")
    assert told.exit_code == 0, told.output
    run_id = told.stdout.split("/run=")[1].split("/")[0]
    started = told.stdout.split("CAST('")[1].split("'")[0]
    check_golden(
        "load_text",
        told.stdout,
        {
            lab.stand_in.database: "DATABASE",
            lab.stand_in.bucket: "BUCKET",
            run_id: "RUN",
            started: "MODIFIED",
        },
        GOLDEN,
    )
    assert lab.stand_in.statements == []
