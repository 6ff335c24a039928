"""Requests and answers of the stand-in checked against AWS's own description of its services.

botocore ships the service models that AWS publishes. Its validator checks names, types, required
members and minimal lengths; `check` adds what it leaves to the service: enumerations, maximal
lengths and patterns. A member that the model does not know is refused, where the real service may
ignore it: a misspelt one should not pass a test.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator


class Refusal(Exception):
    """An error that the service answers with: its code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **members: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


@functools.cache
def service_model(service: str) -> ServiceModel:
    """AWS's description of a service, as botocore ships it."""
    return botocore.session.get_session().get_service_model(service)


def check_request(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that do not have the form of the operation's input.

    Raises
    ------
    Refusal
        ValidationException with one line for each error.
    """
    if operation.input_shape is None:
        return
    errors = list(faults(parameters, operation.input_shape))
    if errors:
        raise Refusal(
            "ValidationException",
            f"{len(errors)} validation error{'s' * (len(errors) > 1)} detected: "
            + "; ".join(errors),
        )


def check_answer(operation: OperationModel, answer: Mapping[str, Any]) -> None:
    """Assert that an answer of the stand-in has the form of the operation's output."""
    if operation.output_shape is None:
        assert not answer, f"{operation.name} answers nothing, not {answer}"
        return
    errors = list(faults(answer, operation.output_shape))
    assert not errors, f"the stand-in's answer to {operation.name}: {errors}"


def faults(value: Any, shape: Shape) -> Iterator[str]:
    """What is wrong with a value, one text for each fault."""
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        yield from report.generate_report().split("\n")
    else:
        yield from _constraints(value, shape, "")


def _constraints(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Enumerations, maxima and patterns of a value whose types are right."""
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                yield from _constraints(member, shape.members[name], f"{where}.{name}")
        case "list":
            yield from _maximum(len(value), shape, where)
            for index, member in enumerate(value):
                yield from _constraints(member, shape.member, f"{where}[{index}]")
        case "map":
            yield from _maximum(len(value), shape, where)
            for name, member in value.items():
                yield from _constraints(name, shape.key, f"{where} (key {name})")
                yield from _constraints(member, shape.value, f"{where}[{name}]")
        case "string":
            yield from _maximum(len(value), shape, where)
            if shape.enum and value not in shape.enum:
                yield f"Value {value!r} at {where[1:]!r} must be one of {shape.enum}"
            pattern = shape.metadata.get("pattern")
            if pattern and re.fullmatch(_python_pattern(pattern), value) is None:
                yield f"Value {value!r} at {where[1:]!r} must match {pattern}"
        case "integer" | "long" | "float" | "double":
            yield from _maximum(value, shape, where)


def _maximum(size: float, shape: Shape, where: str) -> Iterator[str]:
    limit = shape.metadata.get("max")
    if limit is not None and size > limit:
        yield f"{where[1:]!r} is {size}, more than {limit}"


@functools.cache
def _python_pattern(pattern: str) -> re.Pattern[str]:
    """A model's pattern without the surrogates of UTF-16, which Python's characters do not need."""
    astral = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return re.compile(astral.replace(r"\uD800\uDBFF-\uDC00\uDFFF", r"\U00010000-\U0010FFFF"))


@dataclass(frozen=True)
class RestCall:
    """A restJson request, told by its method and path."""

    operation: OperationModel
    parameters: dict[str, Any]


def read_rest(service: ServiceModel, method: str, target: str, body: bytes) -> RestCall:
    """Find the operation of a restJson request and its parameters from path, query and body.

    Raises
    ------
    Refusal
        No operation has this method and path, or the body is no JSON.
    """
    path, _, query = target.partition("?")
    for operation in map(service.operation_model, service.operation_names):
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"])
        found = re.fullmatch(pattern, path)
        if operation.http["method"] == method and found is not None:
            parameters = {name: unquote(value) for name, value in found.groupdict().items()}
            parameters |= _query_parameters(operation, query)
            return RestCall(operation, parameters | read_json(body))
    raise Refusal("UnknownOperationException", f"{method} {path} is no operation", 404)


def read_json(body: bytes) -> dict[str, Any]:
    """Read a request's body; an empty one is no parameters."""
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise Refusal("SerializationException", f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise Refusal("SerializationException", "the body is no JSON object")
    return document


def _query_parameters(operation: OperationModel, query: str) -> dict[str, Any]:
    assert operation.input_shape is not None
    parameters: dict[str, Any] = {}
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, shape in operation.input_shape.members.items():
        if shape.serialization.get("location") != "querystring":
            continue
        values = [value for key, value in pairs if key == shape.serialization["name"]]
        if values and shape.type_name == "list":
            parameters[name] = values
        elif values and shape.type_name in ("integer", "long"):
            parameters[name] = int(values[0]) if values[0].lstrip("-").isdigit() else values[0]
        elif values:
            parameters[name] = values[0]
    return parameters
