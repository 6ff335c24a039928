"""Writing items: batches, waits, what is given back, faults at every request, a replay."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from stormlake.cli import main
from stormlake.errors import ExitCode, ServiceUnreachable
from stormlake.lake.tables import UNICORN_MINUTES, arrow_schema
from stormlake.running.aws import ApiCall, Aws, Service
from stormlake.serving.items import SERVED, Item
from stormlake.serving.upsert import NotWritten, Upsert, Written
from tests.fakes.faults import Answer, FaultProxy, LoseResponse, Reset, Rule
from tests.fakes.s3 import CREDENTIALS, S3Server, s3_server
from tests.fakes.sessions import fake_session

SERVING = SERVED["unicorn_minutes"]
FIRST = dt.datetime(2019, 6, 25, 9, 43, tzinfo=dt.UTC)
NAMES = itertools.count()


def minute(n: int, **changes: Any) -> dict[str, Any]:
    start = FIRST + dt.timedelta(minutes=n)
    row: dict[str, Any] = dict.fromkeys(UNICORN_MINUTES.names)
    return row | {
        "name": "Shadowfax",
        "window_start": start,
        "window_end": start + dt.timedelta(minutes=1),
        "date": start.date(),
        "distance": 1000.5 + n,
        "record_count": 60,
    } | changes  # fmt: skip


ITEMS = [SERVING.item(minute(n)) for n in range(175)]


class Stub(Aws):
    """Gives some items back, and keeps what it took."""

    def __init__(self, gives_back: Iterator[int]) -> None:
        self.gives_back = gives_back
        self.kept: dict[tuple[str, str], Item] = {}
        self.sizes: list[int] = []

    def make(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
        ((table, requests),) = call.parameters["RequestItems"].items()
        items = [request["PutRequest"]["Item"] for request in requests]
        keys = [SERVING.key_of(item) for item in items]
        assert len(set(keys)) == len(keys) <= 25, "DynamoDB refuses a key twice, and 26 items"
        self.sizes.append(len(items))
        back = next(self.gives_back, 0)
        self.kept |= dict(zip(keys[back:], items[back:], strict=True))
        return {"UnprocessedItems": {table: requests[:back]} if back else {}}


def upsert(stub: Stub, waits: list[float] | None = None) -> Upsert:
    sleeps = [] if waits is None else waits
    return Upsert(stub, "T", SERVING, sleeps.append, random.Random(1))


def test_175_items_are_written_though_some_are_given_back_twice() -> None:
    stub, waits = Stub(iter([0, 25, 7])), []  # type: ignore[var-annotated]
    writer = upsert(stub, waits)
    writer.write(ITEMS)
    assert writer.done == Written(written=175, retried=32, failed=0, batches=9)
    assert stub.sizes == [25, 25, 25, 7, 25, 25, 25, 25, 25]
    assert stub.kept == {SERVING.key_of(item): item for item in ITEMS}
    assert len(waits) == 2
    assert 0 <= waits[0] <= 0.05 and 0 <= waits[1] <= 0.1


def test_waits_are_random_grow_and_have_a_limit() -> None:
    stub, waits = Stub(itertools.repeat(1)), []  # type: ignore[var-annotated]
    writer = upsert(stub, waits)
    with pytest.raises(NotWritten, match="1 items were not written to T in 9 attempts, 24 were"):
        writer.write(ITEMS[:25])
    assert writer.done == Written(written=24, retried=8, failed=1, batches=9)
    limits = [min(10, 0.05 * 2**n) for n in range(8)]
    assert all(0 <= wait <= limit for wait, limit in zip(waits, limits, strict=True))
    assert len(set(waits)) == 8


def test_a_key_that_comes_twice_has_its_later_item() -> None:
    stub = Stub(iter(()))
    later = SERVING.item(minute(3, distance=7.0))
    writer = upsert(stub)
    writer.write([*ITEMS[:30], later, SERVING.item(minute(4, distance=8.0)), later])
    assert stub.kept[SERVING.key_of(later)]["Distance"] == {"N": "7.0"}
    assert len(stub.kept) == 30
    # The last `later` replaces the one before it in their request; the others are writes.
    assert writer.done == Written(written=32, replaced=1, batches=2)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as server:
        yield server.endpoint_url


def make_table(endpoint: str, sort_key: str = "StatusTime") -> str:
    name = f"UnicornSensorData{next(NAMES)}"
    fake_session("us-east-1").client("dynamodb", endpoint_url=endpoint).create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "Name", "KeyType": "HASH"},
            {"AttributeName": sort_key, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in ("Name", sort_key)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def contents(endpoint: str, table: str) -> dict[tuple[str, str], Item]:
    client = fake_session("us-east-1").client("dynamodb", endpoint_url=endpoint)
    pages = client.get_paginator("scan").paginate(TableName=table)
    return {SERVING.key_of(item): item for page in pages for item in page["Items"]}


def same(found: dict[tuple[str, str], Item]) -> bool:
    """Whether it is all of ITEMS; DynamoDB writes a number as it likes."""

    def plain(item: Item) -> dict[str, Any]:
        return {n: float(v["N"]) if "N" in v else v["S"] for n, v in item.items()}

    return {k: plain(v) for k, v in found.items()} == {
        SERVING.key_of(item): plain(item) for item in ITEMS
    }


class Impatient(Aws):
    """Ends at the first request that is not answered."""

    def client(self, service: Service, *, once: bool = False) -> Any:
        return super().client(service, once=True)


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("at", range(7))
def test_whatever_request_is_the_last_a_second_run_completes_the_table(
    endpoint: str, at: int, lost: bool
) -> None:
    table = make_table(endpoint)
    with FaultProxy(endpoint) as proxy:
        proxy.inject(Rule(LoseResponse() if lost else Reset(), skip=at, times=None))
        account = Impatient(fake_session("us-east-1"), proxy.endpoint_url)
        with pytest.raises(ServiceUnreachable):
            Upsert(account, table, SERVING).write(ITEMS)
        assert len(contents(endpoint, table)) == 25 * (at + lost)
    writer = Upsert(Aws(fake_session("us-east-1"), endpoint), table, SERVING)
    writer.write(ITEMS)
    writer.write(ITEMS)
    assert writer.done.written == 350
    assert same(contents(endpoint, table))


def throttled(code: str) -> Answer:
    body = b'{"__type": "com.amazonaws.dynamodb.v20120810#%s", "message": "injected"}'
    return Answer(400, body % code.encode(), {"Content-Type": "application/x-amz-json-1.0"})


BUSY = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")


@pytest.mark.parametrize("fault", [*map(throttled, BUSY), Answer(500)], ids=[*BUSY, "500"])
def test_a_table_that_stays_busy_ends_with_5_and_says_how_many_are_written(
    fault: Answer, lake: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormlake.running.aws.RETRIES", {"total_max_attempts": 1})
    table = make_table(endpoint)
    with FaultProxy(endpoint) as proxy:
        proxy.inject(Rule(fault, skip=2, times=None))
        asked = ("--lake", lake, "--table", "unicorn_minutes", "--to", table)
        done = run(monkeypatch, *asked, "--endpoint-url", proxy.endpoint_url)
    assert done.exit_code == ExitCode.UNREACHABLE, done.output
    assert "stopped after 50 items were written; running again is safe" in done.stderr
    assert len(contents(endpoint, table)) == 50


def test_throttling_and_a_lost_answer_cost_nothing(endpoint: str) -> None:
    table = make_table(endpoint)
    with FaultProxy(endpoint) as proxy:
        proxy.inject(
            Rule(throttled(BUSY[0])), Rule(LoseResponse(), skip=1), Rule(Answer(500), skip=2)
        )
        writer = Upsert(Aws(fake_session("us-east-1"), proxy.endpoint_url), table, SERVING)
        writer.write(ITEMS)
        assert proxy.faults == 3
    assert writer.done.written == 175
    assert same(contents(endpoint, table))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    schema = arrow_schema(UNICORN_MINUTES)
    files = pa.schema([field for field in schema if field.name != "date"])
    for day, rows in {
        "2019-06-25": [minute(n) for n in range(175)],
        "2019-06-26": [minute(1440 + n) for n in range(3)],
    }.items():
        folder = tmp_path / "lake" / "unicorn_minutes" / f"date={day}"
        folder.mkdir(parents=True)
        plain = [{n: v for n, v in row.items() if n != "date"} for row in rows]
        pq.write_table(pa.Table.from_pylist(plain, schema=files), folder / "x.parquet")
    return tmp_path / "lake"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Any:
    for name, value in (CREDENTIALS | {"AWS_DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(main, ["upsert-dynamodb", *map(str, arguments)])


def test_the_command_writes_a_day_and_tells_what_it_wrote(
    lake: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table(endpoint)
    asked = ("--lake", lake, "--table", "unicorn_minutes", "--to", table)
    day = ("--start", "2019-06-25", "--end", "2019-06-26")
    for _ in range(2):
        done = run(monkeypatch, *asked, *day, "--endpoint-url", endpoint)
        assert done.exit_code == 0, done.output
        assert "wrote 175 items" in done.stdout and "in 7 requests" in done.stdout
        assert same(contents(endpoint, table))
    done = run(monkeypatch, *asked, "--endpoint-url", endpoint, "--output", "json")
    assert '"days": 2, "rows": 178, "written": 178, "retried": 0, "failed": 0' in done.stdout


def test_a_dry_run_shows_the_first_items_and_contacts_nobody(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(common: object) -> None:
        raise AssertionError("AWS was contacted")

    monkeypatch.setattr("stormlake.serving.upsert_command.Aws.of", unreachable)
    asked = ("--lake", lake, "--table", "unicorn_minutes", "--to", "UnicornSensorData", "--dry-run")
    planned = run(monkeypatch, *asked)
    assert planned.exit_code == 0, planned.output
    assert "would write 178 rows of 2 days of unicorn_minutes" in planned.stdout
    assert [json.loads(line) for line in planned.stdout.splitlines()[1:]] == ITEMS[:3]
    plan = json.loads(run(monkeypatch, *asked, "--output", "json").stdout)
    assert plan == {
        "table": "unicorn_minutes",
        "to": "UnicornSensorData",
        "days": 2,
        "rows": 178,
        "first": ITEMS[:3],
    }


def test_a_lake_in_s3_is_served_as_well(
    lake: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        f"below/{path.relative_to(lake).as_posix()}": path.read_bytes()
        for path in lake.rglob("*.parquet")
    }
    S3Server(endpoint).seed("served", files)
    table = make_table(endpoint)
    asked = ("--lake", "s3://served/below", "--table", "unicorn_minutes", "--to", table)
    done = run(monkeypatch, *asked, "--end", "2019-06-26", "--start", "2019-06-25",
               "--endpoint-url", endpoint)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert same(contents(endpoint, table))


def test_what_is_never_taken_is_counted_with_all_that_was_not_sent(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormlake.serving.upsert.FIRST_WAIT", 0.0)
    stub = Stub(itertools.chain([0, 0], itertools.repeat(4)))
    monkeypatch.setattr("stormlake.serving.upsert_command.Aws.of", lambda common: stub)
    asked = ("--lake", lake, "--table", "unicorn_minutes", "--to", "abc", "--output", "json")
    done = run(monkeypatch, *asked)
    assert done.exit_code == ExitCode.FAILED, done.output
    assert "107 of 178 rows are not written" in done.stderr  # 25 + 25 + 21 are
    told = json.loads(done.stdout)
    assert told == {
        "days": 2, "rows": 178, "written": 71, "retried": 32, "failed": 107, "batches": 11,
        "replaced": 0,
    }  # fmt: skip


def test_ctrl_c_says_how_many_are_written_and_that_a_second_run_is_safe(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(Stub):
        def make(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
            if len(self.sizes) == 3:
                raise KeyboardInterrupt
            return super().make(call, once=once)

    stub = Interrupted(iter(()))
    monkeypatch.setattr("stormlake.serving.upsert_command.Aws.of", lambda common: stub)
    done = run(monkeypatch, "--lake", lake, "--table", "unicorn_minutes", "--to", "abc")
    assert done.exit_code == ExitCode.INTERRUPTED
    assert "stopped after 75 items were written; running again is safe" in done.stderr


def test_what_cannot_be_is_refused_with_what_to_do(
    lake: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def said(*arguments: object) -> str:
        done = run(monkeypatch, *arguments, "--endpoint-url", endpoint)
        assert done.exit_code == ExitCode.REFUSED, done.output
        return str(done.stderr)

    served = ("--lake", lake, "--table", "unicorn_minutes")
    assert "is not served; there is unicorn_minutes" in said(
        "--lake", lake, "--table", "wind_max", "--to", "abc"
    )
    assert "there is no DynamoDB table 'missing'" in said(*served, "--to", "missing")
    assert "--key-schema AttributeName=Name,KeyType=HASH" in said(*served, "--to", "missing")
    assert "its key must be Name and StatusTime" in said(
        *served, "--to", make_table(endpoint, sort_key="Other")
    )
    assert "3 to 255 letters" in said(*served, "--to", "a/b")
    assert "there is no lake at" in said(
        "--lake", tmp_path / "no", "--table", "unicorn_minutes", "--to", "abc"
    )
    (tmp_path / "empty").mkdir()
    assert "has no table unicorn_minutes" in said(
        "--lake", tmp_path / "empty", "--table", "unicorn_minutes", "--to", "abc"
    )
