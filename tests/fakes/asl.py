"""A small interpreter of state machines: what `emr/daily.asl.json` uses of the language, no more.

    machine = Machine(json.loads(text), Integrations(fake.session(), fake.endpoint_url))
    done = machine.run({"name": "nightly", ...}, execution="night-1")
    assert (done.status, done.visited[-1]) == ("SUCCEEDED", "Done")

A field, path, function or resource that it does not know fails the test. Sources: Amazon States
Language specification (states, paths, retriers, catchers, intrinsic functions); AWS Step Functions
Developer Guide, "Handling errors" (States.ALL, States.TaskFailed, States.Timeout). What the
resources do is in `asl_services.py`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = Any

FIELDS = {
    "Pass": {"Parameters", "ResultPath", "Next"},
    "Task": {
        *("Resource", "Parameters", "ResultSelector", "ResultPath", "TimeoutSeconds"),
        *("Retry", "Catch", "Next"),
    },
    "Choice": {"Choices", "Default"},
    "Succeed": set(),
    "Fail": {"ErrorPath", "CausePath"},
}
"""Fields of each type of state that are understood."""


class StateError(Exception):
    """An error as the language has it: a name and a cause."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause

    def matches(self, names: list[str]) -> bool:
        """Whether a retrier or catcher of these names takes it."""
        wildcards = {"States.ALL"} | (
            set() if self.name == "States.Timeout" else {"States.TaskFailed"}
        )
        return bool({self.name, *wildcards} & set(names))


@dataclass
class Execution:
    """What became of one."""

    status: str = "RUNNING"
    error: str | None = None
    cause: str | None = None
    output: Json = None
    visited: list[str] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)


Integration = Callable[[dict[str, Any], float | None], Json]


class Machine:
    """A state machine.

    Parameters
    ----------
    definition : mapping
        As the file has it.
    integrations : mapping of str to callable
        Resource without `arn:aws:states:::` -> what does it: parameters and the state's timeout
        in s (or None) in, result out.
    sleep : callable
        Waits before a retry.
    """

    def __init__(
        self,
        definition: Mapping[str, Any],
        integrations: Mapping[str, Integration],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.states: dict[str, dict[str, Any]] = dict(definition["States"])
        self.start: str = definition["StartAt"]
        self.integrations = integrations
        self.sleep = sleep
        assert definition.keys() <= {"Comment", "StartAt", "States"}
        for name, state in self.states.items():
            unknown = state.keys() - FIELDS[state["Type"]] - {"Type", "Comment"}
            assert not unknown, f"{name} has {unknown}, which this interpreter does not know"

    def successors(self, name: str) -> dict[str, set[str]]:
        """Where a state leads: `next` when all is well, `error` by its catchers."""
        state = self.states[name]
        ways = {state[key] for key in ("Next", "Default") if key in state}
        ways |= {choice["Next"] for choice in state.get("Choices", [])}
        return {"next": ways, "error": {each["Next"] for each in state.get("Catch", [])}}

    def run(self, given: Json, execution: str, most: int = 100) -> Execution:
        """Execute with an input; `execution` is the execution's name."""
        context = {
            "Execution": {
                "Id": f"arn:aws:states:us-east-1:123456789012:execution:machine:{execution}",
                "Name": execution,
                "StartTime": f"{datetime.now(UTC):%FT%TZ}",
            }
        }
        done = Execution()
        data, name = given, self.start
        while done.status == "RUNNING":
            assert len(done.visited) < most, f"runs in circles: {done.visited}"
            done.visited.append(name)
            state = self.states[name]
            match state["Type"]:
                case "Succeed":
                    done.status, done.output = "SUCCEEDED", data
                case "Fail":
                    done.status = "FAILED"
                    done.error = look_up(state["ErrorPath"], data, context)
                    done.cause = look_up(state["CausePath"], data, context)
                case "Choice":
                    name = self._choose(state, data, context)
                case _:
                    try:
                        data, name = self._go(name, data, context, done)
                    except StateError as error:  # nobody caught it
                        done.status, done.error, done.cause = "FAILED", error.name, error.cause
        return done

    def _choose(self, state: Mapping[str, Any], data: Json, context: Json) -> str:
        for choice in state["Choices"]:
            assert choice.keys() == {"Variable", "StringEqualsPath", "Next"}, choice
            left = look_up(choice["Variable"], data, context)
            if left == look_up(choice["StringEqualsPath"], data, context):
                return str(choice["Next"])
        return str(state["Default"])

    def _go(self, name: str, data: Json, context: Json, done: Execution) -> tuple[Json, str]:
        """Carry a Pass or a Task out, with its retriers and catchers."""
        state = self.states[name]
        tries = [0] * len(state.get("Retry", []))
        while True:
            try:
                return self._once(state, data, context), state["Next"]
            except StateError as error:
                pause = _pause(state, tries, error)
                if pause is not None:
                    done.retries.append(name)
                    self.sleep(pause)
                    continue
                for catcher in state.get("Catch", []):
                    if error.matches(catcher["ErrorEquals"]):
                        told = {"Error": error.name, "Cause": error.cause}
                        return _put(data, catcher["ResultPath"], told), catcher["Next"]
                raise

    def _once(self, state: Mapping[str, Any], data: Json, context: Json) -> Json:
        try:
            asked = template(state["Parameters"], data, context)
        except LookupError as error:
            raise StateError("States.ParameterPathFailure", str(error)) from error
        result = asked
        if state["Type"] == "Task":
            prefix, _, resource = state["Resource"].partition("arn:aws:states:::")
            assert not prefix
            result = self.integrations[resource](asked, state.get("TimeoutSeconds"))
        if "ResultSelector" in state:
            result = template(state["ResultSelector"], result, context)
        return _put(data, state["ResultPath"], result)


def _pause(state: Mapping[str, Any], tries: list[int], error: StateError) -> float | None:
    """Seconds until the next try; None when it is not tried again."""
    for number, retrier in enumerate(state.get("Retry", [])):
        if error.matches(retrier["ErrorEquals"]):
            tries[number] += 1
            if tries[number] > retrier["MaxAttempts"]:
                return None
            backoff: float = retrier["BackoffRate"] ** (tries[number] - 1)
            return float(retrier["IntervalSeconds"] * backoff)
    return None


def template(node: Json, data: Json, context: Json) -> Json:
    """Fill in a payload template: fields whose names end in `.$` are paths or functions."""
    if isinstance(node, dict):
        filled = {}
        for key, value in node.items():
            if key.endswith(".$"):
                filled[key.removesuffix(".$")] = evaluate(value, data, context)
            else:
                filled[key] = template(value, data, context)
        return filled
    if isinstance(node, list):
        return [template(each, data, context) for each in node]
    return node


def evaluate(text: str, data: Json, context: Json) -> Json:
    """Value of a path or of an intrinsic function."""
    if text.startswith("$"):
        return look_up(text, data, context)
    name, _, rest = text.partition("(")
    values = [
        argument[1:-1] if argument.startswith("'") else evaluate(argument, data, context)
        for argument in _arguments(rest.removesuffix(")"))
    ]
    match name:
        case "States.Format":
            pattern, *parts = values
            assert pattern.count("{}") == len(parts) and all(isinstance(p, str) for p in parts)
            return pattern.format(*parts)
        case "States.Array":
            return values
        case "States.StringToJson":
            return json.loads(values[0])
    raise AssertionError(f"this interpreter does not know {name}")


def _arguments(text: str) -> Iterator[str]:
    """Take arguments apart at the commas outside of brackets and quotes."""
    depth, start, quoted = 0, 0, False
    for position, letter in enumerate(text):
        quoted ^= letter == "'"
        if not quoted:
            depth += (letter == "(") - (letter == ")")
            if letter == "," and depth == 0:
                yield text[start:position].strip()
                start = position + 1
    if text[start:].strip():
        yield text[start:].strip()


def look_up(path: str, data: Json, context: Json) -> Json:
    """Value of a path: names, and `[*]` for all elements, which makes the result a flat list.

    Raises
    ------
    LookupError
        There is no such thing.
    """
    steps = re.fullmatch(r"\$(\$)?((?:\.\w+|\[\*\])*)", path)
    assert steps is not None, f"this interpreter does not know the path {path}"
    found = [context if steps[1] else data]
    for step in re.findall(r"\.(\w+)|(\[\*\])", steps[2]):
        if step[1]:
            found = [each for one in found for each in one]
        else:
            try:
                found = [one[step[0]] for one in found]
            except (KeyError, TypeError) as error:
                raise LookupError(f"{path} is not in the input") from error
    return found if "[*]" in path else found[0]


def _put(data: Json, path: str | None, result: Json) -> Json:
    if path is None:
        return data
    name = re.fullmatch(r"\$\.(\w+)", path)
    assert name is not None, path
    return {**data, name[1]: result}
