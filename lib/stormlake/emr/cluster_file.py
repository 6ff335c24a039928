"""A cluster spec from a TOML file, from the outputs of a deployed stack, or from both.

The file has the words of `ClusterSpec`; `emr/cluster.example.toml` shows them all. What it leaves
out comes from the stack, then from the defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from stormlake.emr.artifacts import Arch
from stormlake.emr.clusters import ClusterSpec
from stormlake.emr.stacks import find_stack
from stormlake.errors import RefusedInput
from stormlake.running.aws import Aws

STACK_OUTPUTS: Final = {
    "Release": "release",
    "LogUri": "log_uri",
    "Subnets": "subnets",
    "ServiceRole": "service_role",
    "InstanceProfile": "instance_profile",
    "SecurityConfiguration": "security_configuration",
    "StepRole": "step_role",
}
"""Output of `emr/template.yaml` -> field of `ClusterSpec`. Subnets are joined by commas."""

SERVERLESS_ROLE: Final = "ServerlessRole"
"""Output with the ARN that job runs of EMR Serverless run as."""

SCHEDULE_OUTPUTS: Final = (
    "Bucket",
    "StateMachine",
    "SchedulerRole",
    "ScheduleGroup",
    "DeadLetterQueue",
)
"""Outputs that a schedule is written with; a stack for EMR Serverless lacks most of them."""

_WORDS: Final = {str: "a text", int: "a whole number", tuple: "a list", Mapping: "a table"}


def cluster_spec(
    path: Path | None,
    outputs: Mapping[str, str] | None = None,
    *,
    release: str | None = None,
    arch: Arch = "x86_64",
) -> ClusterSpec:
    """Make a spec of a file and a stack's outputs.

    Parameters
    ----------
    path : Path or None
        TOML file; it wins over the stack.
    outputs : mapping of str to str, optional
        As `stack_outputs` gives them.
    release : str, optional
        Runtime that was asked for; a file or stack that names another is refused.
    arch : str
        CPU of the dependency archive.

    Raises
    ------
    RefusedInput
        Names the file, the key, what was expected.
    """
    given = {} if path is None else _read_file(path)
    told = {
        name: outputs[output]
        for output, name in STACK_OUTPUTS.items()
        if outputs and outputs.get(output)
    }
    values: dict[str, Any] = {**told, **given}
    if isinstance(values.get("subnets"), str) and "subnets" not in given:
        values["subnets"] = values["subnets"].split(",")
    where = str(path) if path is not None else "the stack's outputs"
    named = values.setdefault("release", release) if release else values.get("release")
    if release and named != release:
        raise RefusedInput(
            f"{where}: release is {named!r}, and --runtime is {release}: the dependency archive "
            "would not suit; make them one"
        )
    try:
        spec: ClusterSpec = _build(ClusterSpec, {**values, "arch": arch}, "")
    except RefusedInput as error:
        raise type(error)(f"{where}: {error}") from error
    return spec


def shown_outputs(stack: str) -> dict[str, str]:
    """Outputs as `--dry-run` shows them, which asks nobody: each says what will stand there."""
    names = {*STACK_OUTPUTS, SERVERLESS_ROLE, *SCHEDULE_OUTPUTS} - {"Release"}
    shown = {name: f"<{name} of {stack}>" for name in names}
    return {**shown, "LogUri": f"s3://{shown['LogUri']}"}


def stack_outputs(aws: Aws, stack: str) -> dict[str, str]:
    """Outputs of a stack, by name.

    Raises
    ------
    RefusedInput
        There is no such stack, or it is not complete.
    """
    found = find_stack(aws.make, stack)
    if found is None:
        raise RefusedInput(
            f"--stack {stack}: there is none; stormlake emr deploy makes it, --region says where"
        )
    if not found.outputs:
        raise RefusedInput(
            f"--stack {stack} is {found.status} and has no outputs; stormlake emr deploy completes "
            "it"
        )
    return dict(found.outputs)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefusedInput(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise RefusedInput(f"{path} is no TOML file: {error}") from error
    if "arch" in data:
        raise RefusedInput(f"{path}: arch is said with --arch, for the archive and the instances")
    return data


def _build(kind: type[Any], data: Mapping[str, Any], where: str) -> Any:
    """Make a dataclass of a TOML table, or say which key is at fault."""
    hints = get_type_hints(kind)
    for key in data:
        if key not in hints:
            raise RefusedInput(f"unknown key {where}{key}; known are {', '.join(hints)}")
    for each in fields(kind):
        optional = each.default is not MISSING or each.default_factory is not MISSING
        if each.name not in data and not optional:
            raise RefusedInput(
                f"{where}{each.name} is missing; name it in the file, or name a deployed stack "
                "with --stack"
            )
    values = {key: _value(hints[key], value, f"{where}{key}") for key, value in data.items()}
    try:
        return kind(**values)
    except RefusedInput as error:
        raise type(error)(f"{where}{error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    if get_origin(hint) is UnionType:  # X | None: TOML has no null, so X is meant
        hint = get_args(hint)[0]
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, _typed(value, Mapping, where), f"{where}.")
    if get_origin(hint) is Literal:
        return value
    origin = get_origin(hint) or hint
    if origin is tuple:
        item = get_args(hint)[0]
        listed = _typed(value, list, where)
        return tuple(_value(item, each, f"{where}[{n}]") for n, each in enumerate(listed))
    if issubclass(origin, Mapping):
        item = get_args(hint)[1]
        table = _typed(value, Mapping, where)
        return {key: _value(item, each, f"{where}.{key}") for key, each in table.items()}
    return _typed(value, origin, where)


def _typed(value: Any, kind: type[Any], where: str) -> Any:
    # bool is an int to Python, but `spot = true` is a mistake.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        word = {**_WORDS, list: "a list"}[kind]
        raise RefusedInput(f"{where}: expected {word}, got {value!r}")
    return value
