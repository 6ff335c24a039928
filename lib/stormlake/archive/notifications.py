"""What an event of AWS says of uploads: S3's own notifications, as they come or in an envelope.

S3 hands `{"Records": [{"eventName": "ObjectCreated:Put", "s3": {…}}]}` to a function, a topic or a
queue (S3 User Guide, "Event message structure"). A topic puts that text into `Sns.Message` for a
function and into `Message` for a queue; a queue hands its messages on as `body`. The public archive
notifies by a topic, so every nesting of the three is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from stormlake.errors import RefusedInput


class NotAnUpload(RefusedInput):
    """A message that is no notification of S3: some other service, or a wrong set-up, sent it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that was created or written over.

    Parameters
    ----------
    bucket : str
    key : str
        As the bucket lists it; a notification writes a blank as `+` and others as `%XX`.
    size : int
        Bytes, when it was uploaded.
    """

    bucket: str
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an event, not yet read.

    Parameters
    ----------
    content : object
        For `read_uploads`.
    message_id : str or None
        A queue's name for it, by which the queue is told to deliver it again.
    """

    content: Any
    message_id: str | None = None


def split_event(event: Any) -> list[Record]:
    """Cut an event into its records, so that a bad one takes no other along."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):  # S3's test message, or nothing of ours
        return [Record(event)]
    return [Record(each, _message_id(each)) for each in records]


def read_uploads(content: Any) -> list[Upload]:
    """Read the uploads that a record tells of, in whatever envelopes it came.

    Parameters
    ----------
    content : mapping or str
        A record, a message or its JSON text.

    Returns
    -------
    list of Upload
        Empty for S3's test message and for events that are no uploads (removals, restores).

    Raises
    ------
    NotAnUpload
        It is none of the forms.
    """
    if isinstance(content, str):
        try:
            return read_uploads(json.loads(content))
        except ValueError as error:
            raise NotAnUpload(f"a message is not JSON: {content[:200]!r}") from error
    if isinstance(content, Mapping):
        if content.get("Event") == "s3:TestEvent":
            return []
        if isinstance(content.get("Records"), list):
            return [upload for each in content["Records"] for upload in read_uploads(each)]
        if "s3" in content:
            return _uploads_of_s3(content)
        envelope = content.get("Sns", content)
        for name in ("body", "Message"):
            if isinstance(envelope, Mapping) and isinstance(envelope.get(name), str):
                return read_uploads(envelope[name])
    raise NotAnUpload(
        f"no notification of S3, nor one in a message of SNS or SQS: {str(content)[:200]}"
    )


def _uploads_of_s3(record: Mapping[str, Any]) -> list[Upload]:
    if not str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated:"):
        return []
    try:
        found = record["s3"]["object"]
        return [
            Upload(
                str(record["s3"]["bucket"]["name"]),
                unquote_plus(found["key"], errors="strict"),
                int(found.get("size", 0)),
            )
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotAnUpload(f"a notification of S3 lacks bucket or key: {str(record)[:200]}") from (
            error
        )


def _message_id(record: Any) -> str | None:
    """Only a queue can be told which of its messages failed."""
    if isinstance(record, Mapping) and record.get("eventSource") == "aws:sqs":
        return str(record["messageId"])
    return None
