"""Publishing alerts to an SNS topic: each at least once, and once by every run that ends.

For each alert (1) it is claimed, (2) published, (3) its claim is marked `sent`. Who dies between
(2) and (3) leaves a claim that a later run takes over: that alert is told twice. Nothing is lost,
because whatever is not `sent` is tried again.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from stormlake.alerts.claims import Claim, Claims, obtain
from stormlake.alerts.messages import subject_of
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, CallFailed

MAX_MESSAGES: Final = 100
"""Messages of a run: a wrong rule must not call a person ten thousand times."""

logger = logging.getLogger(__name__)

_ATTRIBUTES: Final = ("alert_id", "source", "rule")
"""What a subscription can filter by."""


@dataclass
class Published:
    """What became of the alerts.

    Parameters
    ----------
    published : int
        Messages that the topic took, those of claims taken over too.
    taken_over : int
        Of these, claims of publishers that died: perhaps told twice.
    already_told : int
        Alerts that were sent before.
    others : int
        Alerts that another publisher has claimed and not yet sent.
    left : int
        Alerts over the limit, for the next run.
    """

    published: int = 0
    taken_over: int = 0
    already_told: int = 0
    others: int = 0
    left: int = 0


@dataclass
class Publisher:
    """Publishes to one topic.

    Parameters
    ----------
    aws : Aws
    topic : str
        ARN; a topic whose name ends in `.fifo` drops repeats within five minutes itself.
    claims : Claims
    most : int
        Messages of a run.
    now : callable
        Seconds since 1970 UTC.
    owner : str
        A word of this publisher alone.
    """

    aws: Aws
    topic: str
    claims: Claims
    most: int = MAX_MESSAGES
    now: Callable[[], float] = time.time
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    def publish(self, alerts: Iterable[Mapping[str, Any]]) -> Published:
        """Publish alerts that nobody has published.

        Parameters
        ----------
        alerts : iterable of mapping
            Rows of `alerts`, in the order in which they are told.

        Raises
        ------
        StormlakeError
            A service does not answer or refuses; what was sent stays sent, and the alert that it
            stopped at is told by a run that begins ten minutes later or more.
        """
        done = Published()
        try:
            for alert in alerts:
                self._one(alert, done)
        except BaseException:
            logger.warning(
                "stopped after %d messages; the alert that it stopped at is told by a run that "
                "begins ten minutes from now or later, the others by the next",
                done.published,
            )
            raise
        return done

    def _one(self, alert: Mapping[str, Any], done: Published) -> None:
        alert_id = str(alert["alert_id"])
        if done.published >= self.most:
            there = self.claims.read(alert_id)
            told = there is not None and there.state == "sent"
            done.already_told += told
            done.left += not told
            return
        got = obtain(self.claims, alert_id, self.owner, self.now())
        if isinstance(got, Claim):
            done.already_told += got.state == "sent"
            done.others += got.state != "sent"
            return
        self._send(alert)
        sent = replace(got.claim, state="sent")
        if not self.claims.replace(alert_id, sent, got.claim):
            there = self.claims.read(alert_id)
            # An answer that was lost and a request that was made again look like another's claim.
            if there != sent:
                logger.warning("alert %s was taken over while it was sent: told twice", alert_id)
        done.published += 1
        done.taken_over += got.taken_over

    def _send(self, alert: Mapping[str, Any]) -> None:
        parameters: dict[str, Any] = {
            "TopicArn": self.topic,
            "Subject": subject_of(alert["source"]),
            "Message": alert["message"],
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": str(alert[name])}
                for name in _ATTRIBUTES
            },
        }
        if self.topic.endswith(".fifo"):
            parameters["MessageGroupId"] = alert["source"]
            parameters["MessageDeduplicationId"] = alert["alert_id"]
        try:
            self.aws.make(ApiCall("sns", "Publish", parameters))
        except CallFailed as error:
            if error.code in ("NotFound", "NotFoundException", "InvalidParameter"):
                raise RefusedInput(f"the topic {self.topic} takes no message: {error}") from error
            raise
