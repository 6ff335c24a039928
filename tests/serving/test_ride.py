"""The ride file from its archive to DynamoDB: the numbers that must come out at the far end."""

from __future__ import annotations

import itertools
import math
import random
from pathlib import Path
from typing import Any

import pytest

from stormlake.lake.folder import Folder
from stormlake.running.aws import ApiCall, Aws
from stormlake.serving.items import SERVED
from stormlake.serving.upsert import Upsert, Written
from stormlake.serving.upsert_command import days_of, items_of
from tests.data import shared
from tests.fakes.s3 import s3_server
from tests.fakes.sessions import fake_session
from tests.integration.runs import JobServer
from tests.serving.test_upsert import contents, make_table

SERVING = SERVED["unicorn_minutes"]


class GivesBack(Aws):
    """DynamoDB as moto has it, which takes the second half of two requests later."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(fake_session("us-east-1"), endpoint)
        self.keys: list[list[tuple[str, str]]] = []

    def make(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
        ((table, requests),) = call.parameters["RequestItems"].items()
        self.keys.append([SERVING.key_of(each["PutRequest"]["Item"]) for each in requests])
        taken = len(requests) // 2 if len(self.keys) <= 2 else len(requests)
        part = {"RequestItems": {table: requests[:taken]}}
        super().make(ApiCall(call.service, call.operation, part), once=once)
        return {"UnprocessedItems": {table: requests[taken:]} if requests[taken:] else {}}


@pytest.mark.spark
def test_the_ride_is_175_items_though_some_are_given_back_and_all_are_written_twice(
    job: JobServer, tmp_path: Path
) -> None:
    source = shared("sensors", "wildrydes", "ride_data_20190625.json")
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / source.name).write_bytes(source.read_bytes())
    lake = tmp_path / "lake"
    job(
        *("unicorn_minutes", "--source", archive, "--lake", lake, "--master", "local[1]"),
        command="aggregate",
    ).expect(0)
    folder = Folder.local(lake)
    items = [
        item
        for day in days_of(folder, SERVING, None)
        for item in itertools.chain.from_iterable(items_of(folder, SERVING, day))
    ]
    with s3_server() as server:
        table = make_table(server.endpoint_url)
        account, waits = GivesBack(server.endpoint_url), list[float]()
        writer = Upsert(account, table, SERVING, waits.append, random.Random(1))
        writer.write(items)
        # 25, of which 13 come back, of which 7 come back; then six requests of 25.
        assert writer.done == Written(written=175, retried=20, failed=0, batches=9)
        assert all(len(set(keys)) == len(keys) <= 25 for keys in account.keys)
        assert 0 <= waits[0] <= 0.05 and 0 <= waits[1] <= 0.1 and len(waits) == 2
        once = contents(server.endpoint_url, table)
        writer.write(items)
        assert contents(server.endpoint_url, table) == once
    assert len(once) == 175
    distance = math.fsum(float(item["Distance"]["N"]) for item in once.values())
    assert math.isclose(distance, 1752531.189395, abs_tol=1e-5)
    assert sum(int(item["RecordCount"]["N"]) for item in once.values()) == 10_417
    # The table of sensors.md, section 2.
    numbers = [name for name in SERVING.attributes.values() if name not in ("Name", "StatusTime")]
    said = {
        time: tuple(float(once["Shadowfax", time][name]["N"]) for name in numbers)
        for time in ("2019-06-25 09:43:00.000", "2019-06-25 12:37:00.000")
    }
    assert said == {
        "2019-06-25 09:43:00.000": (2718.222011, 678, 9400, 88, 8495, 18),
        "2019-06-25 12:37:00.000": (7584.833330, 1068, 9719, 423, 9888, 38),
    }
