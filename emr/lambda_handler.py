"""AWS Lambda: one uploaded radar volume becomes rows of the lake, minutes after it was scanned.

Takes notifications of S3, directly, by SNS or by SQS, and writes below `<lake>/stream` what a batch
run of `ingest-radar` would write for the same objects; no Spark. Handler:
`stormlake.account.lambda_handler.handler`. See docs/stream.md.

What cannot be helped by trying again (a damaged volume, a name that is no volume's, an object that
is gone) is a row with its reason. What can be (S3 throttles, the lake lets nobody write) fails, and
the service delivers it again: a queue's message alone, any other event as a whole.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from stormlake.archive.notifications import (
    NotAnUpload,
    Record,
    Upload,
    read_uploads,
    split_event,
)
from stormlake.archive.s3 import DEFAULT_SOURCE, Patience, make_session
from stormlake.archive.source import open_fetcher, open_source
from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.radar_scope import Row
from stormlake.lake.store import open_store
from stormlake.lake.stream import Stream
from stormlake.radar.profiles import load_profile
from stormlake.radar.stations import builtin_stations, read_station_file

HURRIED: Final = Patience(attempts=4, body_attempts=3, read_timeout=20.0)
"""For reads of the archive: waiting is cheaper in the service than in a function that is paid."""

logger = logging.getLogger("stormlake.lambda")
# Lambda's own root logger begins at WARNING.
logging.getLogger("stormlake").setLevel(logging.INFO)


class NotHandled(StormlakeError):
    """Records that have to be delivered again; the others are written."""


def handler(event: Any, context: object = None) -> dict[str, Any]:
    """Handle one event; what Lambda calls."""
    return handle(event, stream_of_environment().take)


@cache
def stream_of_environment() -> Stream:
    """Make the stream that the environment describes, at the first event, and keep it.

    | variable | default | |
    | --- | --- | --- |
    | `STORMLAKE_LAKE` | required | `s3://BUCKET[/PREFIX]` of the lake |
    | `STORMLAKE_SOURCE` | the public archive | `s3://BUCKET[/PREFIX]` whose uploads are notified |
    | `STORMLAKE_PROFILE` | `lake` | a radar profile, or a TOML file in the image |
    | `STORMLAKE_STATION_FILE` | none | CSV of stations that the built-in table lacks |

    Region, credentials and endpoint are boto3's: `AWS_REGION`, the function's role,
    `AWS_ENDPOINT_URL`.
    """
    return open_stream(os.environ)


def open_stream(settings: Mapping[str, str]) -> Stream:
    """Make a stream of settings; nothing is contacted yet.

    Raises
    ------
    RefusedInput
        A setting is missing or cannot be used; the message names it.
    """
    lake = settings.get("STORMLAKE_LAKE", "")
    if not lake:
        raise RefusedInput("STORMLAKE_LAKE is not set; give the lake, s3://BUCKET[/PREFIX]")
    source = open_source(settings.get("STORMLAKE_SOURCE") or DEFAULT_SOURCE, patience=HURRIED)
    if not source.is_s3:
        raise RefusedInput(f"STORMLAKE_SOURCE {source.uri!r} is not s3://BUCKET[/PREFIX]")
    stations = dict(builtin_stations())
    try:
        profile = load_profile(settings.get("STORMLAKE_PROFILE") or "lake")
        if settings.get("STORMLAKE_STATION_FILE"):
            stations |= read_station_file(settings["STORMLAKE_STATION_FILE"])
    except (OSError, ValueError) as error:
        raise RefusedInput(f"STORMLAKE_PROFILE or STORMLAKE_STATION_FILE: {error}") from error
    store = open_store(lake, session=make_session(None, None))
    return Stream(source, open_fetcher(source), store, profile, stations)


def handle(event: Any, take: Callable[[Upload], Row | None]) -> dict[str, Any]:
    """Hand every upload of an event to `take`.

    Parameters
    ----------
    event : object
        As Lambda gives it.
    take : callable
        `Stream.take`.

    Returns
    -------
    dict
        To a queue `batchItemFailures`, the messages that it shall deliver again (the event source
        mapping needs `ReportBatchItemFailures`); else how many objects ended as what.

    Raises
    ------
    NotHandled
        Something failed, and the event is not a queue's: the service delivers it whole, and what
        was written is written again, the same.
    """
    records = split_event(event)
    became: Counter[str] = Counter()
    failed = {}
    for position, record in enumerate(records):
        problems = list(_problems(record, take, became))
        if problems:
            failed[record.message_id or position] = "; ".join(problems)
    if records and all(record.message_id for record in records):
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    if failed:
        raise NotHandled("to be delivered again: " + "; ".join(failed.values()))
    return dict(became)


def _problems(
    record: Record, take: Callable[[Upload], Row | None], became: Counter[str]
) -> Iterator[str]:
    """Handle the uploads of a record; say what must be tried again, and do the others."""
    try:
        uploads = read_uploads(record.content)
    except NotAnUpload as error:
        logger.error("%s", error)
        yield str(error)
        return
    for upload in uploads:
        try:
            became[_told(upload, take(upload))] += 1
        except Exception as error:  # of whatever kind: the others are handled all the same
            problem = f"s3://{upload.bucket}/{upload.key}: {type(error).__name__}: {error}"
            logger.error("not handled: %s", problem)
            yield problem


def _told(upload: Upload, row: Row | None) -> str:
    """Log what became of an object, and give its status."""
    name = f"s3://{upload.bucket}/{upload.key}"
    if row is None:
        logger.info("%s: ignored, not in the archive's layout", name)
        return "ignored"
    facts = (row["status"], row["reason"], row["detail"], f"{row['cells'] or 0} cells")
    logger.info("%s: %s", name, ", ".join(filter(None, facts)))
    return str(row["status"])
