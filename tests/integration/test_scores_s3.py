"""Scores, states, alerts and claims in a lake in a bucket, from an archive in a bucket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.s3 import s3_server
from tests.fakes.topics import Topic
from tests.integration.runs import JobServer
from tests.jobs.test_score_anomalies import START, gusts

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]


def test_two_days_in_a_bucket_are_scored_one_after_the_other_and_told_once(
    job: JobServer, tmp_path: Path
) -> None:
    days = [gusts(), [each | {"timestamp": each["timestamp"] + 86_400} for each in gusts()]]
    assert days[0][0]["timestamp"] == START
    with s3_server() as server:
        archive = {
            f"d{n}.json": "".join(json.dumps(each) + "\n" for each in day).encode()
            for n, day in enumerate(days)
        }
        server.seed("archive", archive)
        server.client().create_bucket(Bucket="lake")
        topic = Topic.make(server.endpoint_url, "bucket")
        common = ("--lake", "s3://lake/l", "--endpoint-url", server.endpoint_url)
        common = (*common, "--master", "local[1]", "--output", "json")

        def run(*arguments: object, command: str) -> Any:
            return job(*arguments, *common, command=command).expect(0).summary

        scoring = ("wind", "--source", "s3://archive", "--scope", "global")
        run(*scoring, "--start", "2026-01-01", "--end", "2026-01-02", command="score")
        second = run(
            *(*scoring, "--require-state", "--start", "2026-01-02", "--end", "2026-01-03"),
            command="score",
        )
        assert (second["state_of"], second["scored"], second["warming_up"]) == (
            "2026-01-01",
            903,
            0,
        )

        telling = ("--source", "wind", "--topic", topic.arn)
        first = run(*telling, command="alert")
        assert first["alerts"]["speed_over_limit"] == 6
        count = sum(first["alerts"].values())
        assert first["told"]["published"] == count
        assert run(*telling, command="alert")["told"]["already_told"] == count
        told = topic.told()
        assert len(told) == count and set(told.values()) == {1}
        claims = server.client().list_objects_v2(Bucket="lake", Prefix="l/_stormlake/claims/")
        assert claims["KeyCount"] == count
