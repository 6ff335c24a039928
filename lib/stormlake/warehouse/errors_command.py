"""`stormlake warehouse errors`: why loads failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import click

from stormlake.lake.runs import iso_utc
from stormlake.running.aws import ApiCall, Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options
from stormlake.warehouse.data_api import SERVICE, DataApi, StatementFailed, failure_of
from stormlake.warehouse.load_errors import LoadError, load_errors, table_of
from stormlake.warehouse.loading import STATEMENT_NAME
from stormlake.warehouse.target import Target, target_of, target_options

SHOWN: Final = 5
PAGE: Final = 100
"""Statements of one page of the list, the most that the service gives."""


@dataclass(frozen=True)
class FailedLoad:
    """A load that failed, and what the warehouse kept of why.

    Parameters
    ----------
    name : str
        Table and run, as the load called itself.
    at : str
        UTC time of its end.
    id : str
        Its id at the Data API.
    failed : StatementFailed
    errors : list of LoadError
    """

    name: str
    at: str
    id: str
    failed: StatementFailed
    errors: list[LoadError]

    def lines(self) -> Iterator[str]:
        """What a person is shown."""
        yield f"{self.name}  {self.failed.status} {self.at}  ({self.id})"
        at = f"statement {self.failed.index + 1}" if self.failed.index >= 0 else "transaction"
        yield f"  {at}: {self.failed.error}"
        for error in self.errors:
            yield f"  {error}"

    def facts(self) -> dict[str, Any]:
        """What a program is told."""
        return {
            "load": self.name,
            "status": self.failed.status,
            "ended": self.at,
            "id": self.id,
            "statement": self.failed.index + 1 or None,
            "error": self.failed.error,
            "load_errors": table_of(self.errors),
        }


@click.command("errors", cls=StormlakeCommand)
@click.argument("table", required=False, metavar="[TABLE]")
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=SHOWN,
    show_default=True,
    metavar="N",
    help="Failed loads shown at the most.",
)
@click.option("--from-run", metavar="ID", help="Only loads of what this run left.")
@target_options
@common_options
def main(
    common: Common, table: str | None, limit: int, from_run: str | None, **target: Any
) -> None:
    """Tell why loads failed, the newest first: of all tables, or of one.

    The Data API remembers a day. It tells of the loads of the AWS identity that asks.
    """
    api = DataApi(Aws.of(common), target_of(**target))
    call = _list_call(api.target, table)
    if common.dry_run:
        print_calls([call])
        return
    found = [_failed(api, listed) for listed in islice(_listed(api, call, from_run), limit)]
    if common.output == "json":
        click.echo(json.dumps({"loads": [each.facts() for each in found]}))
    elif found:
        click.echo("\n".join(line for each in found for line in each.lines()))
    else:
        click.echo("no load has failed that the warehouse remembers", err=True)


def _listed(api: DataApi, call: ApiCall, from_run: str | None) -> Iterator[dict[str, Any]]:
    """Walk the list of failed loads; a page may be short, or empty, and others follow."""
    more: dict[str, str] = {}
    while True:
        page = api.ask(ApiCall(SERVICE, "ListStatements", {**call.parameters, **more}))
        for listed in page["Statements"]:
            # Table, space, run: a run's id has no spaces.
            if from_run is None or listed["StatementName"].endswith(f" {from_run}"):
                yield listed
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _failed(api: DataApi, listed: dict[str, Any]) -> FailedLoad:
    described = api.ask(ApiCall(SERVICE, "DescribeStatement", {"Id": listed["Id"]}))
    failed = failure_of(described)
    errors = load_errors(api, failed.query_id)
    name = listed["StatementName"].removeprefix(STATEMENT_NAME)
    return FailedLoad(name, iso_utc(described["UpdatedAt"]), listed["Id"], failed, errors)


def _list_call(target: Target, table: str | None) -> ApiCall:
    where = {
        name: value
        for name, value in target.parameters().items()
        if name in ("Database", "WorkgroupName", "ClusterIdentifier")
    }
    name = STATEMENT_NAME + (f"{table} " if table else "")
    return ApiCall(
        SERVICE,
        "ListStatements",
        where | {"StatementName": name, "Status": "FAILED", "MaxResults": PAGE},
    )
