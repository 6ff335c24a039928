"""A topic with a queue behind it, and a table of claims, in moto's server of tests/fakes/s3.py.

What a test asks is what a reader of the topic got: the queue holds each message that SNS took.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.fakes.sessions import fake_session

REGION = "us-east-1"


@dataclass(frozen=True)
class Topic:
    """A topic, its one reader, and a table of claims.

    Parameters
    ----------
    endpoint_url : str
        Of the server.
    arn, queue, table : str
    """

    endpoint_url: str
    arn: str
    queue: str
    table: str

    @classmethod
    def make(cls, endpoint_url: str, name: str) -> Topic:
        """Make all three; `name` tells them from those of other tests."""
        session = fake_session(REGION)
        sns, sqs, dynamodb = (
            session.client(each, endpoint_url=endpoint_url) for each in ("sns", "sqs", "dynamodb")
        )
        arn = sns.create_topic(Name=name)["TopicArn"]
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        target = attributes["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=target)
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "alert_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "alert_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return cls(endpoint_url, arn, queue, name)

    def read(self) -> list[dict[str, Any]]:
        """Messages that have come since the last time, as SNS wraps them."""
        sqs = fake_session(REGION).client("sqs", endpoint_url=self.endpoint_url)
        found: list[dict[str, Any]] = []
        while True:
            answer = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return found
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def told(self) -> Counter[str]:
        """How often each alert_id has come since the last time."""
        return Counter(each["MessageAttributes"]["alert_id"]["Value"] for each in self.read())

    def claims(self) -> dict[str, dict[str, str]]:
        """Items of the table, by alert_id."""
        dynamodb = fake_session(REGION).client("dynamodb", endpoint_url=self.endpoint_url)
        found = {}
        for page in dynamodb.get_paginator("scan").paginate(TableName=self.table):
            for item in page["Items"]:
                plain = {name: next(iter(value.values())) for name, value in item.items()}
                found[plain.pop("alert_id")] = plain
        return found

    def age_claims(self, seconds: float) -> None:
        """Let the claims be older than they are."""
        dynamodb = fake_session(REGION).client("dynamodb", endpoint_url=self.endpoint_url)
        for alert_id, claim in self.claims().items():
            dynamodb.update_item(
                TableName=self.table,
                Key={"alert_id": {"S": alert_id}},
                UpdateExpression="SET #since = :since",
                ExpressionAttributeNames={"#since": "since"},
                ExpressionAttributeValues={":since": {"N": repr(float(claim["since"]) - seconds)}},
            )
