"""`alert` over scores written by hand: rows, ids, rules, repeats, and messages to a topic.

The job server runs as on a machine whose time zone is New York's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormlake.alerts.frames import frame_text
from stormlake.lake.tables import ALERTS, ANOMALY_SCORES, arrow_schema
from tests.fakes.s3 import s3_server
from tests.fakes.topics import Topic
from tests.integration.runs import Finished, JobServer, assert_nothing_dead, lake_table
from tests.sql.engines import comparable, open_duckdb, rows, spark_rows
from tests.sql.lint import problems

pytestmark = pytest.mark.spark

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as server:
        yield server.endpoint_url


class Alert:
    """Runs `alert` over one lake, and reads what it left."""

    def __init__(self, job: JobServer, folder: Path) -> None:
        self.job = job
        self.lake = folder / "lake"

    def put(self, source: str, scores: Sequence[dict[str, Any]]) -> None:
        """Write rows of `anomaly_scores`; what a row does not say is NULL."""
        schema = arrow_schema(ANOMALY_SCORES)
        schema = pa.schema([f for f in schema if f.name not in ANOMALY_SCORES.partition_names])
        days: dict[str, list[dict[str, Any]]] = {}
        for n, row in enumerate(scores):
            time = row.get("event_time", DAY)
            made = {"model_key": "k", "record_id": f"{n:03d}", "event_time": time, **row}
            made["features"] = json.dumps(row.get("features", {}))
            days.setdefault(time.date().isoformat(), []).append(made)
        for day, made_rows in days.items():
            folder = self.lake / "anomaly_scores" / f"source={source}" / f"date={day}"
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(made_rows, schema=schema), folder / "x.parquet")

    def run(self, *options: object, source: str = "wind") -> Finished:
        return self.job(
            *("--source", source, "--lake", self.lake, "--output", "json"),
            *("--master", "local[2]", *options),
            command="alert",
        )

    def __call__(self, *options: object, source: str = "wind") -> Any:
        return self.run(*options, source=source).expect(0).summary

    def rows(self) -> list[dict[str, Any]]:
        return sorted(
            lake_table(self.lake, "alerts").to_pylist(), key=lambda r: (r["event_time"], r["rule"])
        )


@pytest.fixture
def alert(job: JobServer, tmp_path: Path) -> Alert:
    return Alert(job, tmp_path)


def wind(speed: float, score: float, second: int = 0, place: str = "Farm-1") -> dict[str, Any]:
    time = DAY + dt.timedelta(seconds=second)
    return {
        "location": place,
        "event_time": time,
        "features": {"speed": speed},
        "score": score,
    }


def alert_id(place: str, time: str, rule: str) -> str:
    return hashlib.sha256(f"{place}|{time}|{rule}".encode()).hexdigest()


GUSTS = [
    wind(90.0, 5.90, 300),
    wind(105, 5.29, 500),
    wind(88, 4.76, 800),
    wind(70, 2.69, 801),
    wind(69.9, 0.0, 802),
]


def test_the_golden_gusts_give_three_alerts_by_each_default_rule(alert: Alert) -> None:
    alert.put("wind", GUSTS)
    told = alert()
    assert told["alerts"] == {"score_over_threshold": 3, "speed_over_limit": 3}
    assert told["told"] is None
    found = alert.rows()
    assert [(row["rule"], row["value"], row["threshold"], row["score"]) for row in found] == [
        ("score_over_threshold", 5.90, 3.0, 5.90),
        ("speed_over_limit", 90.0, 70.0, 5.90),
        ("score_over_threshold", 5.29, 3.0, 5.29),
        ("speed_over_limit", 105.0, 70.0, 5.29),
        ("score_over_threshold", 4.76, 3.0, 4.76),
        ("speed_over_limit", 88.0, 70.0, 4.76),
    ]
    assert found[1]["alert_id"] == alert_id(
        "Farm-1", "2026-01-01T00:05:00.000000Z", "speed_over_limit"
    )
    assert found[1]["message"] == (
        "Farm-1 at 2026-01-01T00:05:00.000000Z: speed: 90.0 mph; score 5.9. Rule "
        "speed_over_limit: speed > upper, with upper = 70. Turbines give full power at about 30 to "
        "55 mph; above 70 mph shutdown should begin."
    )
    assert alert() | {"run_id": 0, "core_seconds": 0, "wall_seconds": 0} == (
        told | {"run_id": 0, "core_seconds": 0, "wall_seconds": 0}
    )
    assert alert.rows() == found
    assert_nothing_dead(alert.lake)


def test_ids_are_those_of_the_contract(alert: Alert) -> None:
    alert.put("wind", [wind(71, 1, place="Farm-1"), wind(72, 1, place="a|b%"), wind(73, 0, 1)])
    alert()
    found = {(row["location"], row["event_time"].second): row["alert_id"] for row in alert.rows()}
    noon = "2026-01-01T00:00:00.000000Z"
    assert found == {
        ("Farm-1", 0): "2c744557adb65855680f81284a148c26276932faaa89fae3e27f909318eb6416",
        ("a|b%", 0): alert_id("a%7Cb%25", noon, "speed_over_limit"),
        ("Farm-1", 1): alert_id("Farm-1", "2026-01-01T00:00:01.000000Z", "speed_over_limit"),
    }


def test_of_readings_that_make_one_id_the_highest_score_counts_then_the_lowest_record(
    alert: Alert,
) -> None:
    alert.put(
        "wind",
        [
            wind(80, 3.5) | {"record_id": "c"},
            wind(81, 4.5) | {"record_id": "b"},
            wind(82, 4.5) | {"record_id": "a"},
        ],
    )
    alert()
    assert [(row["rule"], row["value"], row["score"]) for row in alert.rows()] == [
        ("score_over_threshold", 4.5, 4.5),
        ("speed_over_limit", 82.0, 4.5),
    ]


def test_numbers_are_compared_as_numbers_also_where_a_file_writes_them_as_text(
    alert: Alert, tmp_path: Path
) -> None:
    # As texts, '10.2' >= '3' is false: the worst anomaly was missed.
    alert.put("wind", [wind(20, 10.2), wind(9, 3.0, 1), wind(100, 2.9999, 2)])
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[score_over_threshold]\nnumbers = { least = "3" }\n'
        '[speed_over_limit]\nnumbers = { upper = "9" }\n'
    )
    alert("--rules", rules)
    assert [(row["rule"], row["value"]) for row in alert.rows()] == [
        ("score_over_threshold", 10.2),
        ("speed_over_limit", 20.0),
        ("score_over_threshold", 3.0),
        ("speed_over_limit", 100.0),
    ]


def test_vitals_alert_above_and_below_and_never_while_warming_up(alert: Alert) -> None:
    scores = [0.0, 0.0001, 0.4, 1.5, 1.5001]
    alert.put(
        "vitals",
        [
            {"device_id": f"device{n}", "score": score, "features": {"pulse": 60.0}}
            for n, score in enumerate(scores)
        ],
    )
    alert(source="vitals")
    found = [(row["device_id"], row["rule"]) for row in alert.rows()]
    assert sorted(found) == [("device1", "score_low"), ("device4", "score_high")]
    (high,) = [row for row in alert.rows() if row["rule"] == "score_high"]
    assert high["alert_id"] == alert_id("device4", "2026-01-01T00:00:00.000000Z", "score_high")
    assert high["message"].startswith("device4 at 2026-01-01T00:00:00.000000Z: pulse: 60.0; score")


def test_another_source_has_the_rules_that_a_file_gives_it(alert: Alert, tmp_path: Path) -> None:
    features = [{"a": 1.0, "b": 5.0}, {"a": 4.0, "b": 5.0}]
    alert.put("x", [{"model_key": "k|1", "score": 1.0, "features": each} for each in features])
    refused = alert.run(source="x").expect(2)
    assert "no rule looks at the source 'x'" in refused.stderr
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[both]\nsources = ["x"]\ncondition = "a + b >= sum_of_both AND score > 0"\nvalue = "a"\n'
        'threshold = "sum_of_both"\nnumbers = { sum_of_both = 9 }\n'
    )
    alert("--rules", rules, source="x")
    (row,) = alert.rows()
    assert (row["value"], row["threshold"], row["location"]) == (4.0, 9.0, None)
    assert row["alert_id"] == alert_id("x/k%7C1", "2026-01-01T00:00:00.000000Z", "both")
    assert row["message"].startswith("x/k|1 at ")


@pytest.mark.one_runtime
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('[speed_over_limit]\ncondition = "sped > upper"', "rule speed_over_limit: 'sped > upper'"),
        ('[speed_over_limit]\ncondition = "speed >"', "is no condition on these rows"),
        ('[speed_over_limit]\ncondition = "speed"', "'speed' is no condition on these rows"),
        ('[speed_over_limit]\nvalue = "sped"', "its value 'sped' is none of the columns"),
        ('[speed_over_limit]\nvalue = "location"', "none of the columns with numbers"),
        ('[speed_over_limit]\ncondition = "1 / (speed - 90) > upper"', "cannot be reckoned"),
        ("[speed_over_limit]\nnumbers = { score = 3 }", "'score' has the name of a column"),
        ("[speed_over_limit]\nnumbers = { upper = 'high' }", "upper is 'high', expected a number"),
    ],
)
def test_a_rule_that_cannot_be_held_against_the_scores_is_named(
    alert: Alert, tmp_path: Path, rule: str, said: str
) -> None:
    alert.put("wind", GUSTS)
    path = tmp_path / "rules.toml"
    path.write_text(rule)
    assert said in alert.run("--rules", path).expect(2).stderr
    assert alert.rows() == []


@pytest.mark.one_runtime
def test_a_stricter_rule_takes_alerts_away_and_other_days_stay(
    alert: Alert, tmp_path: Path
) -> None:
    alert.put("wind", [*GUSTS, wind(99, 9, 86_400)])
    alert()
    assert len(alert.rows()) == 8
    path = tmp_path / "rules.toml"
    path.write_text(
        "[score_over_threshold]\nenabled = false\n[speed_over_limit]\nnumbers = { upper = 200 }\n"
    )
    alert("--rules", path, "--start", "2026-01-01", "--end", "2026-01-02")
    assert [row["event_time"].day for row in alert.rows()] == [2, 2]


@pytest.mark.one_runtime
def test_a_day_without_scores_is_a_day_without_alerts(alert: Alert) -> None:
    alert.put("wind", [*GUSTS, wind(99, 9, 86_400)])
    alert()
    day = alert.lake / "anomaly_scores" / "source=wind" / "date=2026-01-02"
    (day / "x.parquet").unlink()
    quiet = alert("--start", "2026-01-02", "--end", "2026-01-04")
    assert (quiet["days"], quiet["scores"]) == (2, 0)
    assert quiet["alerts"] == {"score_over_threshold": 0, "speed_over_limit": 0}
    assert {row["event_time"].day for row in alert.rows()} == {1}


def test_names_that_differ_by_case_from_a_column_are_told_apart_or_refused(
    alert: Alert, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[high]\nsources = ["x"]\ncondition = "`a.b` > most"\nvalue = "a.b"\nthreshold = "most"\n'
        "numbers = { most = 3 }\n"
    )
    alert.put("x", [{"score": 1.0, "features": {"Score": 9.0, "Date": 1.0, "a.b": 4.0}}])
    alert("--rules", rules, source="x")
    assert [(row["value"], row["score"]) for row in alert.rows()] == [(4.0, 1.0)]
    alert.put("x", [{"score": 1.0, "features": {"Speed": 9.0, "speed": 1.0}}])
    refused = alert.run("--rules", rules, source="x").expect(2)
    assert "two differ in upper and lower case alone" in refused.stderr


def test_a_source_without_scores_is_refused_and_the_others_are_named(alert: Alert) -> None:
    alert.put("vitals", [{"device_id": "d", "score": 1.0}])
    refused = alert.run().expect(2)
    assert "holds no scores of 'wind', but of vitals" in refused.stderr


def test_a_night_tells_each_alert_once_and_over_the_limit_goes_to_the_next(
    alert: Alert, endpoint: str
) -> None:
    topic = Topic.make(endpoint, "nights")
    alert.put("wind", GUSTS)
    for claims in ("lake", f"dynamodb:{topic.table}"):
        telling = ("--topic", topic.arn, "--claims", claims, "--endpoint-url", endpoint)
        first = alert(*telling, "--max-messages", "4")
        assert first["told"] | {"published": 4, "left": 2} == first["told"]
        messages = topic.read()
        assert [each["Message"] for each in messages] == [
            row["message"]
            for row in sorted(alert.rows(), key=lambda r: (r["event_time"], r["alert_id"]))[:4]
        ]
        second = alert(*telling)
        assert (second["told"]["published"], second["told"]["already_told"]) == (2, 4)
        third = alert(*telling, "--run-id", f"night-3-{claims[:4]}")
        assert third["told"]["already_told"] == 6
        assert alert(*telling, "--run-id", f"night-3-{claims[:4]}") == third
        assert len(topic.read()) == 2


@pytest.mark.one_runtime
def test_more_than_a_megabyte_of_alerts_is_read_whole(alert: Alert) -> None:
    # The original read one page of a table scan, 1 MB.
    alert.put("wind", [wind(80, 0, n, "x" * 200) for n in range(5000)])
    assert alert()["alerts"]["speed_over_limit"] == 5000
    found = alert.rows()
    assert sum(len(row["message"]) for row in found) > 2**20
    assert len({row["alert_id"] for row in found}) == 5000


@pytest.mark.one_runtime
def test_a_dry_run_touches_nothing_and_wrong_options_are_refused(alert: Alert) -> None:
    alert.put("wind", GUSTS)
    said = alert.run("--dry-run").expect(0).stdout
    assert "would hold score_over_threshold, speed_over_limit against the scores of wind" in said
    assert "no topic's ARN" in alert.run("--topic", "wind").expect(2).stderr
    assert "expected lake, or dynamodb:TABLE" in alert.run("--claims", "s3").expect(2).stderr
    assert "go together" in alert.run("--start", "2026-01-01").expect(2).stderr
    assert sorted(path.name for path in alert.lake.iterdir()) == ["anomaly_scores"]


def test_the_frame_gives_the_same_on_spark_and_duckdb(spark: Any) -> None:
    assert problems(frame_text()) == []
    schema = arrow_schema(ALERTS).append(pa.field("record_id", pa.string()))
    table = pa.Table.from_pylist(
        [
            {
                **dict.fromkeys(schema.names, "x"),
                "date": DAY.date(),
                "event_time": DAY,
                "value": float(n),
                "threshold": None,
                "score": [1.0, 2.0, 2.0][n % 3],
                "alert_id": f"id{n // 3}",
                "record_id": f"r{9 - n}",
            }
            for n in range(9)
        ],
        schema=schema,
    )
    database = open_duckdb()
    database.register("rule_matches", table)
    theirs = sorted(comparable(rows(database.sql(frame_text()))))
    frame = spark.createDataFrame(table.to_pandas())
    frame.createOrReplaceTempView("rule_matches")
    ours = sorted(spark_rows(spark.sql(frame_text())))
    assert [row[7] for row in theirs] == [2.0, 5.0, 8.0]
    assert [row[2:8] for row in ours] == [row[2:8] for row in theirs]
