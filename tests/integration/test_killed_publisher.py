"""`stormlake alert` killed for real between publishing and marking: told again once, never lost."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.faults import Delay, FaultProxy, Rule
from tests.fakes.s3 import CREDENTIALS, s3_server
from tests.fakes.topics import Topic
from tests.integration.runs import JobServer, lake_table, start_job
from tests.jobs.test_raise_alerts import GUSTS, Alert

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as server:
        yield server.endpoint_url


def test_a_publisher_killed_before_it_marks_repeats_that_alert_alone(
    job: JobServer, endpoint: str, tmp_path: Path
) -> None:
    alert = Alert(job, tmp_path)
    alert.put("wind", GUSTS)
    topic = Topic.make(endpoint, "killed")
    common = ("--topic", topic.arn, "--claims", f"dynamodb:{topic.table}")
    with FaultProxy(endpoint) as proxy:
        # Claim, publish, mark; claim, publish: the mark of the second alert never arrives.
        proxy.inject(Rule(Delay(60), skip=5))
        with start_job(
            *("--source", "wind", "--lake", alert.lake, "--master", "local[1]", *common),
            *("--endpoint-url", proxy.endpoint_url),
            env={**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"},
            command=[sys.executable, "-m", "stormlake.cli", "alert"],
        ) as running:
            running.until(lambda: len(proxy.requests) == 6, "the mark of the second alert")
            running.send(signal.SIGKILL)
            assert running.finish().code == -signal.SIGKILL
    first = topic.told()
    assert len(first) == 2 and set(first.values()) == {1}
    assert sorted(claim["state"] for claim in topic.claims().values()) == ["claimed", "sent"]

    # A run at once leaves the claim of the dead one alone; ten minutes later it is taken over.
    again = ("--endpoint-url", endpoint, *common)
    told = alert(*again)["told"]
    assert (told["published"], told["already_told"], told["others"]) == (4, 1, 1)
    topic.age_claims(601)
    told = alert(*again)["told"]
    assert (told["published"], told["taken_over"], told["already_told"]) == (1, 1, 5)
    assert alert(*again)["told"]["already_told"] == 6

    total = first + topic.told()
    repeated = [alert_id for alert_id, times in total.items() if times == 2]
    assert len(repeated) == 1 and repeated[0] in first
    assert total == Counter(
        {row["alert_id"] for row in lake_table(alert.lake, "alerts").to_pylist()}
    ) + (Counter(repeated))
