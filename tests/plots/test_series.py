"""A series as a picture: what is drawn, where, and what is said where there is nothing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from stormlake.cli import main
from stormlake.errors import RefusedInput
from stormlake.lake.folder import Folder
from stormlake.lake.tables import ALERTS, ANOMALY_SCORES
from stormlake.plots.series import MOST_PANELS, series_figure, thin
from stormlake.plots.series_reader import read_series
from tests.plots.conftest import write

START = dt.datetime(2026, 1, 1, 23, 59, tzinfo=dt.UTC)
SCORES = [0.0, 0.0, 0.8, 3.5, 0.9, 4.0]
SPEEDS = [30.0, 31.0, 29.5, 90.0, 30.0, 95.0]


def score_row(n: int, **changes: Any) -> dict[str, Any]:
    time = START + dt.timedelta(seconds=30 * n)
    return {
        "source": "wind",
        "date": time.date(),
        "model_key": "Farm-1",
        "record_id": f"{n:03d}",
        "event_time": time,
        "location": "Farm-1",
        "features": json.dumps({"speed": SPEEDS[n]}),
        "score": SCORES[n],
    } | changes


def alert_row(n: int, rule: str, value: float, threshold: float, **changes: Any) -> dict[str, Any]:
    time = START + dt.timedelta(seconds=30 * n)
    return {
        "source": "wind",
        "date": time.date(),
        "alert_id": f"{rule}{n}",
        "rule": rule,
        "location": "Farm-1",
        "event_time": time,
        "value": value,
        "score": SCORES[n],
        "threshold": threshold,
        "message": "m",
    } | changes


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Six records of Farm-1, over midnight and out of order; one of another farm, one device."""
    write(
        tmp_path,
        ANOMALY_SCORES,
        [
            *(score_row(n) for n in (5, 1, 0, 3, 2, 4)),
            score_row(3, location="B", model_key="B", record_id="x"),
            score_row(2, source="vitals", model_key="global", location=None, device_id="device7")
            | {"features": json.dumps(dict.fromkeys("abcde", 1.0))},
        ],
    )
    write(
        tmp_path,
        ALERTS,
        [
            alert_row(3, "speed_over_limit", 90.0, 70.0),
            alert_row(5, "speed_over_limit", 95.0, 70.0),
            alert_row(5, "score_over_threshold", 4.0, 3.0),
            alert_row(3, "speed_over_limit", 90.0, 70.0, location="B", alert_id="b"),
        ],
    )
    return Folder.local(tmp_path)


def lines(axis: Any) -> dict[str, Any]:
    return {str(line.get_gid()): line for line in axis.get_lines() if line.get_gid()}


def test_each_panel_has_its_line_its_threshold_and_its_alerts(folder: Folder) -> None:
    figure = series_figure(read_series(folder, "wind", "Farm-1", None, None))
    speed, score = figure.axes
    assert lines(speed)["speed"].get_ydata().tolist() == SPEEDS
    assert lines(score)["score"].get_ydata().tolist() == SCORES
    times = [
        np.datetime64(START.replace(tzinfo=None)) + np.timedelta64(30 * n, "s") for n in range(6)
    ]
    assert lines(score)["score"].get_xdata().tolist() == [
        t.astype("datetime64[us]").item() for t in times
    ]
    assert lines(speed)["speed_over_limit"].get_ydata().tolist() == [90.0, 95.0]
    assert lines(score)["speed_over_limit"].get_ydata().tolist() == [3.5, 4.0]
    assert lines(score)["score_over_threshold"].get_ydata().tolist() == [4.0]
    assert "score_over_threshold" not in lines(speed)
    assert lines(speed)["threshold of speed_over_limit"].get_ydata() == [70.0, 70.0]
    assert lines(score)["threshold of score_over_threshold"].get_ydata() == [3.0, 3.0]
    assert "threshold of speed_over_limit" not in lines(score)
    (legend,) = figure.legends
    assert sorted(text.get_text() for text in legend.get_texts()) == [
        "score_over_threshold: 1 alert",
        "speed_over_limit: 2 alerts",
    ]
    said = [text.get_text() for text in figure.texts]
    assert "wind  Farm-1" in said
    assert "2026-01-01 23:59:00 to 2026-01-02 00:01:30 UTC  ·  6 records" in said
    shaded = [patch for patch in speed.patches if patch.get_gid() == "warming up"]
    assert len(shaded) == 1


def test_a_day_is_cut_out(folder: Folder) -> None:
    day = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    series = read_series(folder, "wind", "Farm-1", day, day + dt.timedelta(days=1))
    assert series.scores.tolist() == SCORES[2:]
    assert [alerts.readings.tolist() for alerts in series.alerts] == [[3], [1, 3]]


def test_a_device_of_a_forest_of_all_is_found_and_many_features_are_cut(folder: Folder) -> None:
    series = read_series(folder, "vitals", "device7", None, None)
    figure = series_figure(series)
    assert len(figure.axes) == MOST_PANELS + 1
    said = "  ".join(text.get_text() for text in figure.texts)
    assert "no alerts were looked for" in said and "the first 4 of 5 features" in said


def test_records_of_one_time_stand_by_their_numbers(tmp_path: Path) -> None:
    one = {"event_time": START, "date": START.date()}
    write(tmp_path, ANOMALY_SCORES, [score_row(n, **one) for n in range(6)])
    figure = series_figure(read_series(Folder.local(tmp_path), "wind", "Farm-1", None, None))
    assert lines(figure.axes[0])["speed"].get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
    assert figure.axes[-1].get_xlabel() == "record"
    assert "all of 2026-01-01 23:59:00 UTC" in figure.texts[1].get_text()


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=400),
    st.integers(4, 60),
)
def test_a_long_line_keeps_its_peaks_its_ends_and_its_order(values: list[float], most: int) -> None:
    array = np.array(values)
    shown = thin(array, most)
    assert len(shown) <= max(most, 4) and (np.diff(shown) > 0).all()
    assert {0, len(values) - 1} <= set(shown.tolist())
    assert array[shown].max() == array.max() and array[shown].min() == array.min()
    if len(values) <= most:
        assert len(shown) == len(values)


def test_what_is_not_there_is_refused_and_what_is_there_is_named(
    folder: Folder, tmp_path: Path
) -> None:
    for source, key, said in (
        ("wind", "C", "wind has no scores of 'C'; its keys are B, Farm-1"),
        ("x", "C", "has no scores of source 'x'; it has vitals, wind"),
    ):
        with pytest.raises(RefusedInput) as refused:
            read_series(folder, source, key, None, None)
        assert said in str(refused.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RefusedInput, match="is no lake with scores"):
        read_series(Folder.local(tmp_path / "empty"), "wind", "B", None, None)


def test_the_command_writes_a_whole_png_and_nothing_where_it_fails(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "pictures"
    out.mkdir()
    monkeypatch.chdir(out)
    asked = ["show-series", "--lake", folder.path, "--source", "wind", "--key"]
    done = CliRunner().invoke(main, [*asked, "Farm-1", "--output", "json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told == {"picture": "wind_Farm-1.png", "records": 6, "alerts": 3}
    assert (out / "wind_Farm-1.png").read_bytes().startswith(b"\x89PNG\r\n")
    refused = CliRunner().invoke(main, [*asked, "../x"])
    assert refused.exit_code == 2 and "its keys are B, Farm-1" in refused.stderr
    missing = CliRunner().invoke(main, [*asked[:2], str(tmp_path / "no"), *asked[3:], "B"])
    assert missing.exit_code == 2 and "there is no lake at" in missing.stderr
    assert [path.name for path in out.iterdir()] == ["wind_Farm-1.png"]
