"""Events as AWS hands them to a function: notifications of S3, and the envelopes around them.

After the S3 User Guide ("Event message structure") and the Lambda Developer Guide (SNS, SQS).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus


def s3_event(
    bucket: str, sizes: Mapping[str, int], name: str = "ObjectCreated:Put"
) -> dict[str, Any]:
    """One record for each key, with its size in bytes."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "us-east-1",
                "eventTime": "2026-05-01T12:00:00.000Z",
                "eventName": name,
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "volumes",
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {
                        "key": quote_plus(key),
                        "size": size,
                        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
            for key, size in sizes.items()
        ]
    }


def by_sns(event: Mapping[str, Any]) -> dict[str, Any]:
    """A topic hands the event to a function."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "Sns": {"Type": "Notification", "MessageId": "n0", "Message": json.dumps(event)},
            }
        ]
    }


def by_sqs(*events: Mapping[str, Any] | str) -> dict[str, Any]:
    """A queue hands events to a function, one message each: m0, m1, ..."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "AQEB",
                "body": event if isinstance(event, str) else json.dumps(event),
                "attributes": {"ApproximateReceiveCount": "1"},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:volumes",
            }
            for number, event in enumerate(events)
        ]
    }


def by_sqs_of_sns(*events: Mapping[str, Any]) -> dict[str, Any]:
    """A queue hands on what a topic gave it, without raw message delivery."""
    envelopes = [{"Type": "Notification", "Message": json.dumps(event)} for event in events]
    return by_sqs(*envelopes)
