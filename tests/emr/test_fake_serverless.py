"""The stand-in for EMR Serverless keeps the service's rules."""

from __future__ import annotations

import gzip
import threading
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.emr import FakeAws, Script
from tests.fakes.emr.job_runs import ServerlessTiming, Workers

ROLE = "arn:aws:iam::123456789012:role/job"


def request(application: str, token: str = "token-1", **changes: Any) -> dict[str, Any]:
    submit = {
        "entryPoint": "s3://code/job.py",
        "entryPointArguments": ["--a", "", "}}"],
        "sparkSubmitParameters": "--conf spark.x='a b'",
    }
    return {
        "applicationId": application,
        "clientToken": token,
        "executionRoleArn": ROLE,
        "jobDriver": {"sparkSubmit": submit},
    } | changes


def start(fake: FakeAws, application: str, **changes: Any) -> str:
    return str(
        fake.client("emr-serverless").start_job_run(**request(application, **changes))["jobRunId"]
    )


def job_run(fake: FakeAws, application: str, run: str) -> dict[str, Any]:
    answer = fake.client("emr-serverless").get_job_run(applicationId=application, jobRunId=run)
    return dict(answer["jobRun"])


def refused(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def test_a_job_run_goes_through_its_states_and_is_billed(fake: FakeAws) -> None:
    fake.clock.freeze()
    application = fake.serverless.application("emr-spark-8.0.0")
    fake.serverless.timing = ServerlessTiming(submitted=5, pending=5, scheduled=20, bill=60)
    fake.serverless.workers = Workers(vcpu=8, memory_gb=32, storage_gb=40)
    fake.scripts.expect(Script(seconds=1800))
    run = start(fake, application, name="nightly")
    seen = [job_run(fake, application, run)["state"]]
    for seconds in (5, 5, 20, 1800):
        fake.clock.advance(seconds)
        seen.append(job_run(fake, application, run)["state"])
    assert seen == ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS"]
    assert "billedResourceUtilization" not in job_run(fake, application, run)
    fake.clock.advance(60)
    document = job_run(fake, application, run)
    assert document["billedResourceUtilization"] == {
        "vCPUHour": 4.0,
        "memoryGBHour": 16.0,
        "storageGBHour": 20.0,
    }
    assert (document["endedAt"] - document["startedAt"]).total_seconds() == pytest.approx(1800)
    assert document["releaseLabel"] == "emr-spark-8.0.0"


def test_spark_submit_gets_its_arguments_whole(fake: FakeAws) -> None:
    application = fake.serverless.application()
    start(fake, application)
    fake.tick()
    (work,) = fake.scripts.works
    assert work.arguments == [
        *("spark-submit", "--conf", "spark.x=a b", "s3://code/job.py", "--a", "", "}}")
    ]


def test_a_token_gives_the_same_run_and_no_other(fake: FakeAws) -> None:
    application = fake.serverless.application()
    first = start(fake, application)
    assert start(fake, application) == first
    assert start(fake, application, token="token-2") != first
    client = fake.client("emr-serverless")
    changed = request(application, name="other")
    assert refused(client.start_job_run, **changed) == "ConflictException"
    assert len(client.list_job_runs(applicationId=application)["jobRuns"]) == 2


def test_a_run_is_cancelled_and_a_finished_one_is_not(fake: FakeAws) -> None:
    application = fake.serverless.application()
    fake.scripts.expect(Script(until=threading.Event(), interrupt_seconds=30))
    fake.clock.freeze()
    run = start(fake, application)
    assert job_run(fake, application, run)["state"] == "RUNNING"
    client = fake.client("emr-serverless")
    client.cancel_job_run(applicationId=application, jobRunId=run)
    assert job_run(fake, application, run)["state"] == "CANCELLING"
    fake.clock.advance(30)
    assert job_run(fake, application, run)["state"] == "CANCELLED"
    code = refused(client.cancel_job_run, applicationId=application, jobRunId=run)
    assert code == "ValidationException"


def test_a_run_ends_at_its_timeout(fake: FakeAws) -> None:
    fake.clock.freeze()
    application = fake.serverless.application()
    fake.scripts.expect(Script(until=threading.Event()))
    run = start(fake, application, executionTimeoutMinutes=10)
    fake.clock.advance(599)
    assert job_run(fake, application, run)["state"] == "RUNNING"
    fake.clock.advance(1)
    assert job_run(fake, application, run)["state"] == "CANCELLED"


def test_an_application_starts_by_itself_or_by_call(fake: FakeAws) -> None:
    client = fake.client("emr-serverless")
    by_itself = fake.serverless.application(state="STOPPED")
    start(fake, by_itself)
    assert client.get_application(applicationId=by_itself)["application"]["state"] == "STARTED"
    by_call = fake.serverless.application(auto_start=False)
    assert refused(client.start_job_run, **request(by_call)) == "ValidationException"
    client.start_application(applicationId=by_call)
    start(fake, by_call)


def test_runs_are_listed_page_by_page(fake: FakeAws) -> None:
    fake.serverless.page_size = 1
    application = fake.serverless.application()
    fake.scripts.expect(Script(exit_code=1))
    runs = [start(fake, application, token=f"t{number}") for number in range(3)]
    client = fake.client("emr-serverless")
    pages = client.get_paginator("list_job_runs").paginate(applicationId=application)
    assert [[one["id"] for one in page["jobRuns"]] for page in pages] == [[r] for r in runs[::-1]]
    failed = client.list_job_runs(applicationId=application, states=["FAILED"])["jobRuns"]
    assert [one["id"] for one in failed] == runs[:1]
    ahead = fake.clock.now() + 60
    assert not client.list_job_runs(applicationId=application, createdAtAfter=ahead)["jobRuns"]


def test_the_driver_s_logs_lie_where_the_service_puts_them(fake: FakeAws, bucket: str) -> None:
    application = fake.serverless.application()
    monitoring = {"s3MonitoringConfiguration": {"logUri": f"s3://{bucket}/logs/"}}
    fake.scripts.expect(Script(drivers=[{"stdout": "rows", "stderr": "INFO"}]))
    run = start(fake, application, configurationOverrides={"monitoringConfiguration": monitoring})
    fake.tick()
    for name, expected in (("stdout", b"rows"), ("stderr", b"INFO")):
        key = f"logs/applications/{application}/jobs/{run}/SPARK_DRIVER/{name}.gz"
        found = fake.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert gzip.decompress(found) == expected


def test_an_invalid_request_is_refused_as_the_service_does(fake: FakeAws) -> None:
    client = fake.session().client(
        "emr-serverless",
        endpoint_url=fake.endpoint_url,
        config=Config(parameter_validation=False),
    )
    application = fake.serverless.application()
    no_role = {k: v for k, v in request(application).items() if k != "executionRoleArn"}
    assert refused(client.start_job_run, **no_role) == "ValidationException"
    assert refused(client.start_job_run, **request(application, token="a b")) == (
        "ValidationException"
    )
    assert refused(client.get_application, applicationId="00none") == "ResourceNotFoundException"
    assert refused(client.get_job_run, applicationId=application, jobRunId="00none") == (
        "ResourceNotFoundException"
    )
