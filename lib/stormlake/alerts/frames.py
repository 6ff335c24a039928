"""The Spark half: which scores a rule matches, and the rows of `alerts` that come of it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F

from stormlake.alerts.messages import ADVICE, UNITS
from stormlake.alerts.rules import Rule
from stormlake.errors import RefusedInput
from stormlake.lake.sources import source_files
from stormlake.lake.tables import ALERTS
from stormlake.lake.views import run_sql

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MATCHES: Final = "rule_matches"
"""The view that `sql/alerts/alerts.sql` reads."""

_MATCHED: Final = "matched_by_the_rule"
_FEATURES: Final = "features_by_name"


def with_features(scores: DataFrame) -> DataFrame:
    """Scores with each of their features as a column of doubles, by its name.

    Parameters
    ----------
    scores : DataFrame
        Rows of `anomaly_scores`. A feature with the name of one of its columns is not shown.
    """
    # A date has one set of features, or its forests would have been others.
    told = scores.groupBy("date").agg(F.min("features").alias("features")).collect()
    names = {name for row in told for name in json.loads(row["features"])}
    # To Spark `Score` is the column `score`.
    taken = {column.casefold() for column in scores.columns}
    shown = sorted(name for name in names if name.casefold() not in taken)
    if len({name.casefold() for name in shown}) < len(shown):
        raise RefusedInput(
            f"of the features {', '.join(shown)} two differ in upper and lower case alone; call "
            "them otherwise in the archive"
        )
    parsed = scores.withColumn(_FEATURES, F.from_json("features", "map<string,double>"))
    return parsed.withColumns({n: F.col(_FEATURES)[F.lit(n)] for n in shown}).drop(_FEATURES)


def with_match(rows: DataFrame, rule: Rule, column: str) -> DataFrame:
    """Rows with a column that says whether a rule's condition holds; not where that is NULL.

    Raises
    ------
    RefusedInput
        The condition is no condition on such rows.
    """
    from pyspark.errors import AnalysisException, ParseException

    columns = {column.casefold() for column in rows.columns}
    taken = sorted(name for name in rule.numbers if name.casefold() in columns)
    if taken:
        raise RefusedInput(
            f"rule {rule.name}: its number {taken[0]!r} has the name of a column; call it otherwise"
        )
    numbers = {name: F.lit(float(number)) for name, number in rule.numbers.items()}
    try:
        # A number where a condition is expected has another type than `false`, and is refused.
        held = F.coalesce(F.expr(f"({rule.condition})"), F.lit(False))
        return rows.withColumns(numbers).withColumn(column, held).drop(*numbers)
    except (AnalysisException, ParseException) as error:
        reason = " ".join(str(error).split("JVM stacktrace")[0].split())[:300]
        raise RefusedInput(
            f"rule {rule.name}: {rule.condition!r} is no condition on these rows: {reason}; its "
            f"columns are {', '.join(sorted((*rows.columns, *numbers)))}"
        ) from error


def with_anomaly(scores: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Scores with the column `anomaly`: whether one of the rules holds; NULL without rules."""
    if not rules:
        return scores.withColumn("anomaly", F.lit(None).cast("boolean"))
    held = [f"{_MATCHED}_{rule.name}" for rule in rules]
    for name, rule in zip(held, rules, strict=True):
        scores = with_match(scores, rule, name)
    any_of = functools.reduce(lambda one, other: one | other, map(F.col, held))
    return scores.withColumn("anomaly", any_of).drop(*held)


def alert_rows(scores: DataFrame, source: str, rules: Iterable[Rule]) -> DataFrame:
    """Rows of `alerts` of the scores of one source; one file a date, in the table's order.

    Parameters
    ----------
    scores : DataFrame
        Of `with_features`.
    source : str
    rules : iterable of Rule

    Raises
    ------
    RefusedInput
        A rule's condition or value is none of these rows.
    """
    parts = [_matches(scores, source, rule) for rule in rules]
    if not parts:
        parts = [_matches(scores, source, NO_RULE)]
    every = functools.reduce(lambda one, other: one.unionByName(other), parts)
    every.createOrReplaceTempView(MATCHES)
    found = run_sql(scores.sparkSession, frame_text(), (MATCHES,))
    return found.repartition("date").sortWithinPartitions("date", *ALERTS.sort)


_RECKONING: Final = re.compile(
    r"\[((?:DIVIDE|REMAINDER)_BY_ZERO|(?:BINARY_)?ARITHMETIC_OVERFLOW|CAST_\w+)[\w.]*\] [^.\n]*"
)
"""What Spark says of a value that an expression cannot be reckoned on; the runtimes wrap it
differently."""


@contextmanager
def rule_errors() -> Iterator[None]:
    """Give an error of a condition that only some score shows, a division by 0, in our words.

    Raises
    ------
    RefusedInput
    """
    try:
        yield
    except Exception as error:
        found = _RECKONING.search(str(error))
        if found is None:
            raise
        raise RefusedInput(
            f"a rule's condition cannot be reckoned on a score: {found[0]}"
        ) from error


def frame_text() -> str:
    """The query of `sql/alerts/alerts.sql`."""
    (file,) = (file for path, file in source_files("sql") if path == "alerts/alerts.sql")
    return file.read_text(encoding="utf-8")


NO_RULE: Final = Rule("none", (), True, "1 = 0", "score", "nothing", {"nothing": 0.0})
"""Matches nothing."""


def _matches(scores: DataFrame, source: str, rule: Rule) -> DataFrame:
    numeric = sorted(name for name, kind in scores.dtypes if kind == "double")
    if rule.value not in numeric:
        raise RefusedInput(
            f"rule {rule.name}: its value {rule.value!r} is none of the columns with numbers: "
            f"{', '.join(numeric)}"
        )
    matched = with_match(scores, rule, _MATCHED).where(F.col(_MATCHED))
    place = _place(source)
    time = F.date_format("event_time", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
    # A feature may have a dot or a backtick in its name.
    value = F.col("`" + rule.value.replace("`", "``") + "`")
    threshold = F.lit(rule.numbers[rule.threshold])
    return matched.select(
        F.lit(source).alias("source"),
        "date",
        F.sha2(F.concat_ws("|", place, time, F.lit(rule.name)), 256).alias("alert_id"),
        F.lit(rule.name).alias("rule"),
        "location",
        "device_id",
        "event_time",
        value.alias("value"),
        "score",
        threshold.alias("threshold"),
        "record_id",
        _message(source, rule, time).alias("message"),
    )


def _place(source: str) -> Column:
    """What stands first in an alert's id, escaped: of other sources their name and the key."""
    named = F.coalesce("location", "device_id")
    if source not in ("wind", "vitals"):
        named = F.concat_ws("/", F.lit(source), F.col("model_key"))
    return F.replace(F.replace(named, F.lit("%"), F.lit("%25")), F.lit("|"), F.lit("%7C"))


def _message(source: str, rule: Rule, time: Column) -> Column:
    place = F.coalesce("location", "device_id", F.concat_ws("/", F.lit(source), F.col("model_key")))
    # `{"speed": 90.0}` reads as `speed: 90.0`.
    features = F.regexp_replace("features", r'[{}"]', "")
    numbers = ", ".join(f"{name} = {number:.15g}" for name, number in sorted(rule.numbers.items()))
    told = [
        place,
        F.lit(" at "),
        time,
        F.lit(": "),
        features,
        F.lit(UNITS.get(source, "")),
        F.lit("; score "),
        F.round("score", 4).cast("string"),
        F.lit(f". Rule {rule.name}: {rule.condition}, with {numbers}."),
        F.lit(f" {ADVICE[source]}" if source in ADVICE else ""),
    ]
    return F.concat(*told)
