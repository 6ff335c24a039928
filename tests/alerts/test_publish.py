"""Publishing: once by every run that ends, at least once by any that are killed anywhere.

Against moto's server for SNS, SQS and DynamoDB, which plays AWS; claims of the lake are files, or
objects of a bucket. A kill is an exception between two steps of the protocol, where a process
could end.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stormlake.alerts.claims import Claim, Claims, DynamoClaims, LakeClaims
from stormlake.alerts.publish import Published, Publisher
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.lake.store import LocalStore, Store, open_store
from stormlake.running.aws import ApiCall, Aws
from tests.fakes.faults import Answer, FaultProxy, LoseResponse, Reset, Rule
from tests.fakes.s3 import s3_server
from tests.fakes.sessions import fake_session
from tests.fakes.topics import REGION, Topic

ALERTS = [
    {
        "alert_id": f"{n:064x}",
        "source": "wind",
        "rule": "speed_over_limit",
        "message": f"Farm-{n} at noon: speed: 9{n}.0 mph",
    }
    for n in range(3)
]
IDS = [str(alert["alert_id"]) for alert in ALERTS]
ONCE = Counter(dict.fromkeys(IDS, 1))
NOW = 1_767_225_600.0
LATER = NOW + 601
NAMES = itertools.count()


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as server:
        yield server.endpoint_url


@pytest.fixture
def topic(endpoint: str) -> Topic:
    return Topic.make(endpoint, f"topic{next(NAMES)}")


class Steps:
    """Counts the steps that change something, and kills at one of them."""

    def __init__(self, at: int | None = None, after: bool = False) -> None:
        self.at, self.after = at, after
        self.names: list[str] = []

    def step(self, name: str, do: Callable[[], Any]) -> Any:
        number = len(self.names)
        self.names.append(name)
        if number == self.at and not self.after:
            raise Killed
        answer = do()
        if number == self.at:
            raise Killed
        return answer


class SteppedAws(Aws):
    """An account whose publisher may be killed before and after each call."""

    def __init__(self, steps: Steps, endpoint_url: str) -> None:
        super().__init__(fake_session(REGION), endpoint_url)
        self._steps = steps

    def make(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
        return self._steps.step(call.operation, lambda: super(SteppedAws, self).make(call))  # type: ignore[no-any-return]


class SteppedStore:
    """A lake's store whose user may be killed before and after each write."""

    def __init__(self, steps: Steps, store: Store) -> None:
        self._steps, self._store = steps, store
        self.read, self.list, self.delete = store.read, store.list, store.delete

    def create(self, path: str, data: bytes) -> str:
        return str(self._steps.step("create", lambda: self._store.create(path, data)))

    def replace(self, path: str, data: bytes, etag: str) -> str:
        return str(self._steps.step("replace", lambda: self._store.replace(path, data, etag)))


class Setting:
    """A topic and one of the two stores of claims."""

    def __init__(self, kind: str, topic: Topic, folder: Path) -> None:
        self.kind, self.topic, self.folder = kind, topic, folder

    def store(self) -> Store:
        """Of the lake: a folder, or a bucket with the topic's name."""
        if self.kind == "folder":
            return LocalStore(self.folder)
        session = fake_session(REGION)
        session.client("s3", endpoint_url=self.topic.endpoint_url).create_bucket(
            Bucket=self.topic.table
        )
        return open_store(f"s3://{self.topic.table}/lake", session, self.topic.endpoint_url)

    def publisher(
        self, now: float, steps: Steps | None = None, endpoint: str | None = None, most: int = 100
    ) -> Publisher:
        steps = steps or Steps()
        aws = SteppedAws(steps, endpoint or self.topic.endpoint_url)
        claims: Claims = DynamoClaims(aws, self.topic.table)
        if self.kind != "dynamodb":
            claims = LakeClaims(SteppedStore(steps, self.store()))
        return Publisher(aws, self.topic.arn, claims, most, lambda: now)


@pytest.fixture(params=["dynamodb", "folder", "bucket"])
def setting(request: pytest.FixtureRequest, topic: Topic, tmp_path: Path) -> Setting:
    return Setting(request.param, topic, tmp_path)


def test_each_alert_is_told_once_however_often_the_step_runs(setting: Setting) -> None:
    assert setting.publisher(NOW).publish(ALERTS) == Published(published=3)
    told = setting.topic.read()
    assert [each["Message"] for each in told] == [alert["message"] for alert in ALERTS]
    assert {each["Subject"] for each in told} == {"Abnormal Wind Turbine Speed Detected"}
    assert told[0]["MessageAttributes"] == {
        "alert_id": {"Type": "String", "Value": IDS[0]},
        "source": {"Type": "String", "Value": "wind"},
        "rule": {"Type": "String", "Value": "speed_over_limit"},
    }
    for now in (NOW, LATER, NOW + 1e7):
        assert setting.publisher(now).publish(ALERTS) == Published(already_told=3)
    assert setting.topic.told() == Counter()


# Claim, publish and mark: three steps an alert, before each and after each.
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(9))
def test_whoever_is_killed_at_any_step_every_alert_is_told_and_few_twice(
    setting: Setting, at: int, after: bool
) -> None:
    steps = Steps(at, after)
    with pytest.raises(Killed):
        setting.publisher(NOW, steps).publish(ALERTS)
    step, name = at % 3, steps.names[at]
    writes = ("PutItem", "PutItem") if setting.kind == "dynamodb" else ("create", "replace")
    assert name == (writes[0], "Publish", writes[1])[step]

    # A run that comes at once leaves the claim of the dead one alone, and tells all others.
    soon = setting.publisher(NOW + 60).publish(ALERTS)
    dead = ALERTS[at // 3]["alert_id"]
    claimed = not ((step == 0 and not after) or (step == 2 and after))
    assert soon.others == claimed
    # Ten minutes later nothing is left.
    late = setting.publisher(LATER).publish(ALERTS)
    assert (late.published, late.taken_over) == (claimed, claimed)
    assert setting.publisher(LATER).publish(ALERTS) == Published(already_told=3)

    twice = (step == 1 and after) or (step == 2 and not after)
    assert setting.topic.told() == ONCE + Counter({dead: 1} if twice else {})


def test_two_publishers_at_once_tell_each_alert_once(setting: Setting) -> None:
    alerts = [dict(ALERTS[0], alert_id=f"{n:064x}") for n in range(25)]
    start = threading.Barrier(4)
    found: list[Published] = []

    def work(publisher: Publisher) -> None:
        start.wait()
        found.append(publisher.publish(alerts))

    threads = [threading.Thread(target=work, args=(setting.publisher(NOW),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.published for each in found) == 25
    assert setting.topic.told() == Counter({str(alert["alert_id"]): 1 for alert in alerts})


def test_of_two_that_take_a_dead_claim_over_one_does(setting: Setting) -> None:
    with pytest.raises(Killed):
        setting.publisher(NOW, Steps(0, after=True)).publish(ALERTS[:1])
    start = threading.Barrier(4)
    found: list[Published] = []

    def work(publisher: Publisher) -> None:
        start.wait()
        found.append(publisher.publish(ALERTS[:1]))

    threads = [threading.Thread(target=work, args=(setting.publisher(LATER),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.taken_over for each in found) == 1
    assert setting.topic.told() == Counter(IDS[:1])


def test_a_claim_is_taken_over_after_ten_minutes_and_not_before(setting: Setting) -> None:
    with pytest.raises(Killed):
        setting.publisher(NOW, Steps(0, after=True)).publish(ALERTS[:1])
    assert setting.publisher(NOW + 600).publish(ALERTS[:1]) == Published(others=1)
    assert setting.publisher(NOW + 600.5).publish(ALERTS[:1]) == Published(
        published=1, taken_over=1
    )


def test_what_is_over_the_limit_is_told_by_the_next_runs_in_order(setting: Setting) -> None:
    assert setting.publisher(NOW, most=1).publish(ALERTS) == Published(published=1, left=2)
    assert setting.topic.told() == Counter(IDS[:1])
    second = setting.publisher(NOW, most=1).publish(ALERTS)
    assert second == Published(published=1, already_told=1, left=1)
    assert setting.topic.told() == Counter(IDS[1:2])
    assert setting.publisher(NOW, most=1).publish(ALERTS) == Published(published=1, already_told=2)
    assert setting.topic.told() == Counter(IDS[2:])


def json_error(status: int, code: str) -> Answer:
    body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "injected"}}'
    return Answer(status, body.encode(), {"Content-Type": "application/x-amz-json-1.0"})


def xml_error(status: int, code: str) -> Answer:
    body = (
        '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>injected</Message></Error><RequestId>1</RequestId>"
        "</ErrorResponse>"
    )
    return Answer(status, body.encode(), {"Content-Type": "text/xml"})


@pytest.mark.parametrize("fault", ["throttled", "failing", "unreachable", "answer lost"])
@pytest.mark.parametrize("at", range(9))
def test_a_service_that_fails_once_at_any_step_costs_no_alert(
    topic: Topic, tmp_path: Path, at: int, fault: str
) -> None:
    # One alert after the other: claim by DynamoDB, publish by SNS, mark by DynamoDB.
    to_sns = at % 3 == 1
    error = xml_error if to_sns else json_error
    faults = {
        "throttled": error(400, "Throttling" if to_sns else "ThrottlingException"),
        "failing": error(500, "InternalFailure" if to_sns else "InternalServerError"),
        "unreachable": Reset(),
        "answer lost": LoseResponse(),
    }
    setting = Setting("dynamodb", topic, tmp_path)
    with FaultProxy(topic.endpoint_url) as proxy:
        proxy.inject(Rule(faults[fault], skip=at))
        done = setting.publisher(NOW, endpoint=proxy.endpoint_url).publish(ALERTS)
        assert proxy.faults == 1
    assert (done.published, done.taken_over) == (3, 0)
    # SNS took the message whose answer was lost; it cannot know that the next is the same.
    again = fault == "answer lost" and to_sns
    assert topic.told() == ONCE + Counter({IDS[at // 3]: 1} if again else {})
    assert {claim["state"] for claim in topic.claims().values()} == {"sent"}
    assert setting.publisher(LATER).publish(ALERTS) == Published(already_told=3)


def test_a_service_that_is_gone_for_good_stops_the_run_and_loses_nothing(
    topic: Topic, tmp_path: Path
) -> None:
    setting = Setting("dynamodb", topic, tmp_path)
    with FaultProxy(topic.endpoint_url) as proxy:
        proxy.inject(Rule(Reset(), skip=4, times=None))
        with pytest.raises(ServiceUnreachable):
            setting.publisher(NOW, endpoint=proxy.endpoint_url).publish(ALERTS)
    assert setting.publisher(LATER).publish(ALERTS) == Published(
        published=2, taken_over=1, already_told=1
    )
    assert topic.told() == ONCE


def test_a_topic_that_is_not_there_is_an_error_and_nothing_is_marked(
    setting: Setting,
) -> None:
    publisher = setting.publisher(NOW)
    publisher.topic = setting.topic.arn + "-missing"
    with pytest.raises((RefusedInput, StormlakeError), match="missing"):
        publisher.publish(ALERTS)
    assert setting.publisher(LATER).publish(ALERTS).published == 3
    assert setting.topic.told() == ONCE


def test_a_table_that_is_not_there_is_named(topic: Topic) -> None:
    aws = Aws(fake_session(REGION), topic.endpoint_url)
    publisher = Publisher(aws, topic.arn, DynamoClaims(aws, "missing"))
    with pytest.raises(RefusedInput, match="no DynamoDB table 'missing'") as refused:
        publisher.publish(ALERTS)
    assert "partition key is alert_id" in str(refused.value)
    assert topic.told() == Counter()


@pytest.mark.parametrize(
    "data", [b"{}", b"[1]", b"x", b'{"owner": "a", "state": "sent", "since": "x"}']
)
def test_a_claim_of_the_lake_that_is_no_claim_is_named(
    topic: Topic, tmp_path: Path, data: bytes
) -> None:
    LocalStore(tmp_path).create(f"_stormlake/claims/{IDS[0]}.json", data)
    with pytest.raises(StormlakeError, match=f"{IDS[0]}.json of the lake is no claim"):
        Setting("folder", topic, tmp_path).publisher(NOW).publish(ALERTS)


def test_an_item_that_is_no_claim_is_named(topic: Topic, tmp_path: Path) -> None:
    fake_session(REGION).client("dynamodb", endpoint_url=topic.endpoint_url).put_item(
        TableName=topic.table, Item={"alert_id": {"S": IDS[0]}}
    )
    with pytest.raises(StormlakeError, match=f"item {IDS[0]} of {topic.table} is no claim"):
        Setting("dynamodb", topic, tmp_path).publisher(NOW).publish(ALERTS)


def test_both_stores_tell_the_same_of_a_claim(setting: Setting) -> None:
    claims = setting.publisher(NOW).claims
    one, other = Claim("a", "claimed", 1.25), Claim("b", "claimed", 1e9 + 0.1)
    assert claims.read("x") is None
    assert claims.create("x", one) and not claims.create("x", other)
    assert claims.read("x") == one
    assert not claims.replace("x", other, Claim("a", "claimed", 1.5))
    assert claims.replace("x", other, one) and not claims.replace("x", other, one)
    assert claims.read("x") == other
    assert not claims.replace("y", other, one)
