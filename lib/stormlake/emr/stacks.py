"""What CloudFormation says of a stack, in the words of the rest: one call for each question."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from stormlake.running.aws import ApiCall, CallFailed

STACK: Final = "AWS::CloudFormation::Stack"

REVIEW: Final = "REVIEW_IN_PROGRESS"
"""A stack without anything: its first change set has not been carried out."""

OURS: Final = "stormlake-"
"""Change sets that we make are called so."""

NO_CHANGES: Final = ("didn't contain changes", "No updates are to be performed")
"""What CloudFormation says of a change set that failed because there is nothing to change."""

NOT_A_CAUSE: Final = "cancelled"
"""In the reason of a resource that failed because another had."""

Kind = Literal["CREATE", "UPDATE"]


@dataclass(frozen=True)
class Stack:
    """A stack that exists.

    Parameters
    ----------
    id : str
        ARN; a deleted stack is found by it alone.
    status : str
    reason : str
        Why it has that status; may be empty.
    parameters : frozenset of str
        Names of the parameters that it has values of.
    outputs : mapping of str to str
    """

    id: str
    status: str
    reason: str
    parameters: frozenset[str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """What a change set would do to one resource.

    Parameters
    ----------
    action : str
        `Add`, `Modify`, `Remove`, ...
    name, kind : str
        The resource's name in the template, and its type.
    replaced : str
        `True`, `Conditional`, `False`; empty where the question does not arise.
    """

    action: str
    name: str
    kind: str
    replaced: str


@dataclass(frozen=True)
class ChangeSet:
    """What became of a change set's making."""

    status: str
    reason: str
    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """There was nothing to change, which CloudFormation calls a failure."""
        return self.status == "FAILED" and any(text in self.reason for text in NO_CHANGES)


@dataclass(frozen=True)
class Event:
    """Something that happened to a resource of a stack, or to the stack itself."""

    id: str
    at: datetime
    name: str
    kind: str
    status: str
    reason: str
    of_stack: bool

    @property
    def is_end(self) -> bool:
        """Whether the stack's operation is over."""
        return (
            self.of_stack
            and self.status.endswith(("_COMPLETE", "_FAILED"))
            and "IN_PROGRESS" not in self.status
        )

    @property
    def is_cause(self) -> bool:
        """Whether it may be why an operation failed."""
        failed = not self.of_stack and self.status.endswith("_FAILED")
        return failed and NOT_A_CAUSE not in self.reason


def describe_call(name: str) -> ApiCall:
    """Ask for a stack, by name or id."""
    return ApiCall("cloudformation", "DescribeStacks", {"StackName": name})


def create_call(
    name: str,
    change_set: str,
    kind: Kind,
    body: str,
    parameters: Sequence[Mapping[str, Any]],
) -> ApiCall:
    """Make a change set."""
    return ApiCall(
        "cloudformation",
        "CreateChangeSet",
        {
            "StackName": name,
            "ChangeSetName": change_set,
            "ChangeSetType": kind,
            "TemplateBody": body,
            "Parameters": list(parameters),
            "Capabilities": ["CAPABILITY_IAM"],
        },
    )


def change_set_call(operation: str, name: str, change_set: str, **more: Any) -> ApiCall:
    """Ask for, carry out or delete a change set."""
    return ApiCall(
        "cloudformation", operation, {"StackName": name, "ChangeSetName": change_set, **more}
    )


def execute_call(name: str, change_set: str) -> ApiCall:
    """Carry a change set out; the token makes a repeated call the same call."""
    return change_set_call("ExecuteChangeSet", name, change_set, ClientRequestToken=change_set)


def events_call(name: str) -> ApiCall:
    """Ask for a stack's events, newest first."""
    return ApiCall("cloudformation", "DescribeStackEvents", {"StackName": name})


Make = Callable[[ApiCall], dict[str, Any]]


def find_stack(make: Make, name: str) -> Stack | None:
    """Look a stack up; None when there is none of that name."""
    try:
        (found,) = make(describe_call(name))["Stacks"]
    except CallFailed as error:
        if error.code == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return Stack(
        id=found["StackId"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        parameters=frozenset(each["ParameterKey"] for each in found.get("Parameters", [])),
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
    )


def describe_change_set(make: Make, name: str, change_set: str) -> ChangeSet:
    """Look at a change set, all pages of it."""
    changes: list[Change] = []
    page: dict[str, Any] = {}
    for page in _pages(make, change_set_call("DescribeChangeSet", name, change_set)):
        for each in page.get("Changes", []):
            found = each["ResourceChange"]
            changes.append(
                Change(
                    found["Action"],
                    found["LogicalResourceId"],
                    found["ResourceType"],
                    found.get("Replacement", ""),
                )
            )
    return ChangeSet(page["Status"], page.get("StatusReason", ""), tuple(changes))


def other_change_sets(make: Make, name: str) -> list[str]:
    """Names of a stack's change sets that we have not made."""
    return [
        each["ChangeSetName"]
        for page in _pages(make, ApiCall("cloudformation", "ListChangeSets", {"StackName": name}))
        for each in page.get("Summaries", [])
        if not each["ChangeSetName"].startswith(OURS)
    ]


def new_events(make: Make, name: str, after: str | None) -> list[Event]:
    """A stack's events, oldest first.

    Parameters
    ----------
    make : callable
        Makes a call.
    name : str
    after : str or None
        Id of the last event that is known already.
    """
    found: list[Event] = []
    for page in _pages(make, events_call(name)):
        for each in page["StackEvents"]:
            if each["EventId"] == after:
                return found[::-1]
            found.append(
                Event(
                    id=each["EventId"],
                    at=each["Timestamp"],
                    name=each["LogicalResourceId"],
                    kind=each["ResourceType"],
                    status=each["ResourceStatus"],
                    reason=each.get("ResourceStatusReason", ""),
                    of_stack=each.get("PhysicalResourceId") == each["StackId"],
                )
            )
    return found[::-1]


def _pages(make: Make, call: ApiCall) -> Iterator[dict[str, Any]]:
    parameters = dict(call.parameters)
    while True:
        page = make(ApiCall(call.service, call.operation, parameters))
        yield page
        if not page.get("NextToken"):
            return
        parameters["NextToken"] = page["NextToken"]
