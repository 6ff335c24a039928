"""Which warehouse, and as whom: options that the commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from stormlake.errors import RefusedInput
from stormlake.lake.ddl import SCHEMA

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Target:
    """A database of a workgroup (Serverless) or of a cluster (provisioned).

    Parameters
    ----------
    database : str
    workgroup, cluster : str or None
        One of them.
    db_user : str or None
        Whose temporary credentials a cluster's statements use.
    secret_arn : str or None
        A secret of AWS Secrets Manager in the place of `db_user`. Its value is never read here.
    schema : str
        Schema of the tables and the ledger.

    Raises
    ------
    RefusedInput
        Workgroup and cluster, or neither; or a cluster's user or secret is missing or given twice.
    """

    database: str
    workgroup: str | None = None
    cluster: str | None = None
    db_user: str | None = None
    secret_arn: str | None = None
    schema: str = SCHEMA

    def __post_init__(self) -> None:
        if bool(self.workgroup) == bool(self.cluster):
            raise RefusedInput("give --workgroup NAME (Serverless) or --cluster NAME (provisioned)")
        if self.db_user and self.secret_arn:
            raise RefusedInput("--db-user and --secret-arn are two ways of one thing; give one")
        if self.workgroup and self.db_user:
            raise RefusedInput(
                "--db-user is for a --cluster; in a workgroup the caller's IAM identity is the user"
            )
        if self.cluster and not (self.db_user or self.secret_arn):
            raise RefusedInput("a --cluster needs --db-user NAME or --secret-arn ARN")

    def parameters(self) -> dict[str, str]:
        """What every call of the Data API says of it."""
        named = {
            "Database": self.database,
            "WorkgroupName": self.workgroup,
            "ClusterIdentifier": self.cluster,
            "DbUser": self.db_user,
            "SecretArn": self.secret_arn,
        }
        return {name: value for name, value in named.items() if value}

    def __str__(self) -> str:
        return f"{self.workgroup or self.cluster}/{self.database}.{self.schema}"


_PLACE: Final = (
    click.option("--workgroup", metavar="NAME", help="Workgroup of Redshift Serverless."),
    click.option("--cluster", metavar="NAME", help="Provisioned cluster; needs one of the next."),
    click.option("--db-user", metavar="NAME", help="Database user on the cluster."),
    click.option("--secret-arn", metavar="ARN", help="Secret that holds the user, instead."),
)
_OPTIONS: Final = (
    *_PLACE,
    click.option("--database", metavar="NAME", required=True, help="Database."),
    click.option(
        "--schema",
        metavar="NAME",
        default=SCHEMA,
        show_default=True,
        help="Schema of the tables and of the ledger.",
    ),
)
_OPTIONAL: Final = (*_PLACE, click.option("--database", metavar="NAME", help="Database."))


def target_options(function: F) -> F:
    """Give a command the options of a target; `target_of` makes one of them."""
    return _with(_OPTIONS, function)


def optional_target_options(function: F) -> F:
    """Give a command that can do without a warehouse the same, but its own `--schema`."""
    return _with(_OPTIONAL, function)


def _with(options: Sequence[Callable[[F], F]], function: F) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def target_of(**given: Any) -> Target:
    """Make a target of `database`, `workgroup`, `cluster`, `db_user`, `secret_arn`, `schema`."""
    return Target(**given)
