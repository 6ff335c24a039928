"""Which workgroups are good enough: those that decide where results go and how much is scanned.

Source: Amazon Athena User Guide, "Override client-side settings", "Configure data usage controls".
"""

from __future__ import annotations

from stormlake.athena.execution import SERVICE
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, CallFailed


def workgroup_call(workgroup: str) -> ApiCall:
    """Ask how a workgroup is set up."""
    return ApiCall(SERVICE, "GetWorkGroup", {"WorkGroup": workgroup})


def refuse_open_workgroup(aws: Aws, workgroup: str) -> None:
    """Refuse a workgroup that does not decide where results go and how much a query may scan.

    Raises
    ------
    RefusedInput
        There is no such workgroup, or something of this is missing.
    """
    try:
        answer = aws.make(workgroup_call(workgroup))
    except CallFailed as error:
        raise RefusedInput(f"--workgroup {workgroup}: {error}") from error
    settings = answer["WorkGroup"].get("Configuration", {})
    managed = settings.get("ManagedQueryResultsConfiguration", {}).get("Enabled")
    place = managed or settings.get("ResultConfiguration", {}).get("OutputLocation")
    missing = [
        what
        for what, there in {
            "EnforceWorkGroupConfiguration": settings.get("EnforceWorkGroupConfiguration"),
            "a place for results": place,
            "BytesScannedCutoffPerQuery": settings.get("BytesScannedCutoffPerQuery"),
        }.items()
        if not there
    ]
    if missing:
        raise RefusedInput(
            f"workgroup {workgroup} lacks {' and '.join(missing)}: without them a query may scan "
            "and write what it likes. `aws athena update-work-group` sets them; see docs/athena.md"
        )
