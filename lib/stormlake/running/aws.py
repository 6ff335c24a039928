"""Calls of AWS services: said before they are made, made in one place, failing in our words.

A command builds `ApiCall`s and hands them to an `Aws`. With `--dry-run` they are printed instead,
as canonical JSON, so that what is shown is what would be sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import click

from stormlake.archive.s3 import make_session
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.running.options import Common

Service = Literal[
    "athena",
    "cloudformation",
    "dynamodb",
    "emr",
    "emr-serverless",
    "glue",
    "redshift-data",
    "s3",
    "scheduler",
    "sns",
    "stepfunctions",
    "sts",
]

THROTTLING: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "SlowDown",
        "ServiceUnavailable",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes that mean: later. As botocore's standard retry mode counts them."""

NO_RETRIES: Final = {"total_max_attempts": 1}
"""For calls that create something and take no client token: botocore's retry after a read timeout
would be a second submit."""

RETRIES: Final = {"mode": "standard", "total_max_attempts": 5}


@dataclass(frozen=True)
class ApiCall:
    """One request: service and operation as botocore names them, and its parameters."""

    service: Service
    operation: str
    parameters: Mapping[str, Any]


class CallFailed(StormlakeError):
    """A service refused a call; `code` is its error code."""

    def __init__(self, call: ApiCall, code: str, message: str) -> None:
        super().__init__(f"{call.service} {call.operation}: {code}: {message}")
        self.call = call
        self.code = code


class AnswerLost(ServiceUnreachable):
    """No answer came, or an error that does not tell whether the call was carried out."""


class Aws:
    """Clients of one account and region, each made on first use.

    Parameters
    ----------
    session : boto3.session.Session
        Owns region and credentials.
    endpoint_url : str or None
        Another server than AWS's, for every service.
    """

    def __init__(self, session: Any, endpoint_url: str | None = None) -> None:
        self.session = session
        self.endpoint_url = endpoint_url
        self._clients: dict[tuple[str, bool], Any] = {}

    @classmethod
    def of(cls, common: Common) -> Aws:
        """Clients for the shared options; nothing is contacted yet."""
        return cls(make_session(common.region, common.aws_profile), common.endpoint_url)

    def client(self, service: Service, *, once: bool = False) -> Any:
        """Give the client of a service.

        Parameters
        ----------
        service : str
        once : bool
            Without botocore's retries, for calls that must not be made twice.
        """
        if (service, once) not in self._clients:
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError

            config = Config(
                retries=NO_RETRIES if once else RETRIES, connect_timeout=5, read_timeout=60
            )
            try:
                self._clients[service, once] = self.session.client(
                    service, endpoint_url=self.endpoint_url, config=config
                )
            except (BotoCoreError, ValueError) as error:
                raise RefusedInput(
                    f"no client for {service}: {error}; check --region, --aws-profile and "
                    "--endpoint-url"
                ) from error
        return self._clients[service, once]

    def make(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
        """Make a call and give its answer.

        Raises
        ------
        CallFailed
            The service refused it.
        AnswerLost
            No answer, throttling or a 5xx after all retries: it may or may not have been done.
        RefusedInput
            No credentials, no region, or parameters that the service does not know.
        """
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,
            HTTPClientError,
        )
        from botocore.parsers import ResponseParserError

        client = self.client(call.service, once=once)
        method = getattr(client, _method(client, call.operation))
        try:
            answer: dict[str, Any] = method(**call.parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            message = str(error.response.get("Error", {}).get("Message", "")) or str(error)
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if status >= 500 or code in THROTTLING:
                raise AnswerLost(f"{call.service} {call.operation}: {code}: {message}") from error
            raise CallFailed(call, code, message) from error
        except (ConnectionError, HTTPClientError, ResponseParserError, OSError) as error:
            raise AnswerLost(
                f"no answer from {client.meta.endpoint_url} to {call.service} {call.operation}: "
                f"{error}; check the network and --endpoint-url"
            ) from error
        except BotoCoreError as error:
            raise RefusedInput(
                f"{call.service} {call.operation}: {error}; check --region, --aws-profile and the "
                "AWS credentials"
            ) from error
        return answer


def print_calls(calls: Iterable[ApiCall]) -> None:
    """Print calls as canonical JSON: what `--dry-run` shows."""
    click.echo(canonical_calls(calls))


def canonical_calls(calls: Iterable[ApiCall]) -> str:
    """Write calls as canonical JSON: keys sorted, one form for one request."""
    return json.dumps(
        [asdict(call) for call in calls], indent=2, sort_keys=True, ensure_ascii=False, default=str
    )


def _method(client: Any, operation: str) -> str:
    """Name of the client's method for an operation (`AddJobFlowSteps` -> `add_job_flow_steps`)."""
    for method, name in client.meta.method_to_api_mapping.items():
        if name == operation:
            return str(method)
    raise ValueError(f"{client.meta.service_model.service_name} has no operation {operation}")
