"""Uploads out of the events that S3, SNS and SQS hand to a function."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.archive.notifications import NotAnUpload, Upload, read_uploads, split_event
from tests.fakes.events import by_sns, by_sqs, by_sqs_of_sns, s3_event

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)
ENVELOPES = [
    pytest.param(lambda event: event, id="S3"),
    pytest.param(by_sns, id="SNS"),
    pytest.param(by_sqs, id="SQS"),
    pytest.param(by_sqs_of_sns, id="SNS in SQS"),
]

TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-05-01T00:00:00.000Z",
    "Bucket": "weather-archive",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}


def uploads(event: Any) -> list[Upload]:
    return [upload for record in split_event(event) for upload in read_uploads(record.content)]


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_upload_is_read_in_whatever_envelope_it_came(envelope) -> None:
    event = envelope(s3_event("weather-archive", {"2016/06/01/KLBB/KLBB20160601_150025_V06": 7}))
    expected = Upload("weather-archive", "2016/06/01/KLBB/KLBB20160601_150025_V06", 7)
    assert uploads(event) == [expected]


def test_a_blank_is_a_plus_sign_and_a_plus_sign_is_written_in_hexadecimal() -> None:
    event = s3_event("b", {"a b": 1})
    event["Records"][0]["s3"]["object"]["key"] = "raw+data%2B1/2016/06/01/KLBB/K%C3%96LN"
    assert uploads(event) == [Upload("b", "raw data+1/2016/06/01/KLBB/KÖLN", 1)]


@pytest.mark.parametrize("envelope", ENVELOPES)
@given(keys=st.dictionaries(KEYS, st.integers(0, 10**12), max_size=5))
def test_any_key_comes_back_as_it_was(envelope, keys: dict[str, int]) -> None:
    event = s3_event("weather-archive", keys)
    for record, key in zip(event["Records"], keys, strict=True):
        assert record["s3"]["object"]["key"] == quote_plus(key)
    assert uploads(envelope(event)) == [
        Upload("weather-archive", key, size) for key, size in keys.items()
    ]


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_the_message_by_which_s3_tries_a_new_connection_tells_of_nothing(envelope) -> None:
    assert uploads(envelope(TEST_EVENT)) == []


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "ObjectRestore:Completed", ""])
def test_what_is_no_upload_tells_of_nothing(name: str) -> None:
    assert uploads(s3_event("b", {"k": 1}, name=name)) == []


@pytest.mark.parametrize(
    "name", ["ObjectCreated:Put", "ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload"]
)
def test_every_way_to_upload_counts(name: str) -> None:
    assert uploads(s3_event("b", {"k": 1}, name=name)) == [Upload("b", "k", 1)]


def test_only_messages_of_a_queue_have_an_id_to_answer_with() -> None:
    event = s3_event("b", {"k": 1, "l": 2})
    assert [each.message_id for each in split_event(by_sqs(event, event))] == ["m0", "m1"]
    for other in (event, by_sns(event), TEST_EVENT):
        assert {each.message_id for each in split_event(other)} == {None}


@pytest.mark.parametrize(
    "content",
    [
        "{not JSON",
        "[1, 2]",
        "null",
        {},
        {"key1": "value1"},
        {"source": "aws.s3", "detail-type": "Object Created", "detail": {}},
        {"s3": {"bucket": {"name": "b"}, "object": {}}, "eventName": "ObjectCreated:Put"},
        {"s3": None, "eventName": "ObjectCreated:Put"},
        {"s3": {"bucket": {"name": "b"}, "object": {"key": "%FF"}},
         "eventName": "ObjectCreated:Put"},
        {"Sns": {"Message": "{}"}},
        {"Sns": None},
        {"body": "a person's message"},
    ],
)  # fmt: skip
def test_a_message_of_somebody_else_is_told_as_such(content: Any) -> None:
    with pytest.raises(NotAnUpload, match=r"notification of S3|not JSON"):
        read_uploads(content)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["Records", "s3", "Sns", "body", "Message", "Event", "eventName",
                         "bucket", "object", "name", "key", "size"]), inner, max_size=4),
    max_leaves=20,
))  # fmt: skip
def test_no_event_whatever_is_an_error_of_another_kind(event: Any) -> None:
    for content in (event, json.dumps(event)):
        try:
            found = read_uploads(content)
        except NotAnUpload:
            continue
        assert all(isinstance(upload, Upload) for upload in found)
