"""Rules: named numeric conditions on scores, from a TOML file."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Final

from stormlake.errors import RefusedInput

RULE_BYTES: Final = 128
"""Longest name of a rule: the column's."""

ANOMALY_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "wind": ("score_over_threshold",),
    "vitals": ("score_high", "score_low"),
}
"""By source, the known rules of which one must hold for the column `anomaly` to be true."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True)
class Rule:
    """A condition that makes an alert of a score.

    Parameters
    ----------
    name : str
    sources : tuple of str
        Whose scores it looks at.
    enabled : bool
    condition : str
        A SQL expression over the score's row, its features and `numbers`.
    value : str
        What is compared: a column of the row, or a feature.
    threshold : str
        Which of the numbers it is compared with.
    numbers : mapping of str to float
    """

    name: str
    sources: tuple[str, ...]
    enabled: bool
    condition: str
    value: str
    threshold: str
    numbers: Mapping[str, float]


def known_rules() -> dict[str, Rule]:
    """The rules of `rules.toml`, by name."""
    file = resources.files("stormlake.alerts") / "rules.toml"
    return read_rules(file.read_text(encoding="utf-8"), file.name, {})


def load_rules(path: Path | None) -> dict[str, Rule]:
    """The known rules, changed by a file where there is one.

    Raises
    ------
    RefusedInput
        The file cannot be read, or says something that no rule has.
    """
    known = known_rules()
    if path is None:
        return known
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedInput(f"--rules {path} cannot be read: {error}") from error
    return read_rules(text, str(path), known)


def read_rules(text: str, name: str, known: Mapping[str, Rule]) -> dict[str, Rule]:
    """Read rules.

    Parameters
    ----------
    text : str
        TOML.
    name : str
        Of the file, for messages.
    known : mapping of str to Rule
        What the text changes or adds to.

    Raises
    ------
    RefusedInput
        It names file, rule and key.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RefusedInput(f"{name} is no TOML: {error}") from error
    found = dict(known)
    for rule, said in tables.items():
        place = f"{name}: rule {rule}"
        if not _NAME.fullmatch(rule) or len(rule) > RULE_BYTES:
            raise RefusedInput(f"{place}: a name is lower-case letters, digits and _")
        if not isinstance(said, dict):
            raise RefusedInput(f"{place}: expected a table, [{rule}]")
        found[rule] = _rule(rule, said, found.get(rule), place)
    return found


def rules_of(source: str, rules: Mapping[str, Rule]) -> list[Rule]:
    """The rules that are switched on for a source, by name."""
    return [rule for _, rule in sorted(rules.items()) if rule.enabled and source in rule.sources]


def _rule(name: str, said: Mapping[str, Any], before: Rule | None, place: str) -> Rule:
    keys = [field.name for field in fields(Rule) if field.name != "name"]
    unknown = sorted(set(said) - set(keys))
    if unknown:
        raise RefusedInput(f"{place}: {unknown[0]!r} is none of {', '.join(keys)}")
    values: dict[str, Any] = {"enabled": True}
    if before is not None:
        values = {key: getattr(before, key) for key in keys}
    values |= {key: _checked(key, value, place) for key, value in said.items()}
    if before is not None and "numbers" in said:
        values["numbers"] = {**before.numbers, **values["numbers"]}
    missing = [key for key in keys if key not in values]
    if missing:
        raise RefusedInput(f"{place} is new and has no {missing[0]!r}")
    if values["threshold"] not in values["numbers"]:
        raise RefusedInput(
            f"{place}: threshold {values['threshold']!r} is none of its numbers: "
            f"{', '.join(values['numbers']) or '(none)'}"
        )
    return Rule(name, **values)


def _checked(key: str, value: Any, place: str) -> Any:
    """A value of the right type; a number may be written as text."""
    if key == "enabled":
        good = isinstance(value, bool)
    elif key == "sources":
        good = isinstance(value, list) and all(isinstance(v, str) and v for v in value)
        value = tuple(value) if good else value
    elif key == "numbers":
        if isinstance(value, dict):
            return {name: _number(name, number, place) for name, number in value.items()}
        good = False
    else:
        good = isinstance(value, str) and bool(value.strip())
    if not good:
        expected = {"enabled": "true or false", "sources": "a list of names", "numbers": "a table"}
        raise RefusedInput(f"{place}: {key} is {value!r}, expected {expected.get(key, 'a text')}")
    return value


def _number(name: str, value: Any, place: str) -> float:
    if not _NAME.fullmatch(name):
        raise RefusedInput(f"{place}: number {name!r}: a name is lower-case letters, digits and _")
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if not isinstance(value, bool) and isinstance(value, int | float):
        with suppress(OverflowError):  # TOML has integers of any length
            number = float(value)
            if math.isfinite(number):
                return number
    raise RefusedInput(f"{place}: {name} is {repr(value)[:40]}, expected a number")
