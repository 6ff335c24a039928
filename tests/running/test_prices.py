"""Price files: what they say, and what is refused."""

from __future__ import annotations

import datetime as dt
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.running.prices import PricesRefused, parse_prices, read_prices

WHOLE = """
region = "eu-central-1"
currency = "EUR"
date = 2026-11-01
[instances]
"m7i.xlarge" = { ec2 = 0.2, spot = 0.08, emr = 0.05 }
"r7i.xlarge" = { ec2 = 0.3, emr = 0.06 }
[serverless]
vcpu_hour = 0.05
memory_gb_hour = 0.006
storage_gb_hour = 0.0001
[s3]
put_1000 = 0.005
get_1000 = 0.0004
storage_gb_month = 0.023
"""


def test_an_hour_costs_what_ec2_and_emr_ask_together() -> None:
    prices = parse_prices(WHOLE, "mine.toml")
    assert prices.hour("m7i.xlarge", "ON_DEMAND") == pytest.approx(0.25)
    assert prices.hour("m7i.xlarge", "SPOT") == pytest.approx(0.13)
    assert prices.date == dt.date(2026, 11, 1)
    assert prices.label == "mine.toml: eu-central-1, EUR, of 2026-11-01"


def test_what_the_file_does_not_know_has_no_price_and_a_sentence() -> None:
    prices = parse_prices(WHOLE, "mine.toml")
    assert prices.hour("x9.large", "ON_DEMAND") is None
    said = "no price for x9.large in mine.toml: hours only"
    assert prices.missing("x9.large", "SPOT") == said
    assert prices.hour("r7i.xlarge", "SPOT") is None
    said = "no Spot price for r7i.xlarge in mine.toml: hours only"
    assert prices.missing("r7i.xlarge", "SPOT") == said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("date = 2026-11-01", "", "date: expected the day of the figures"),
        ("date = 2026-11-01", 'date = "2026-11-01"', "without quotes, not '2026-11-01'"),
        ("date = 2026-11-01", "date = 2026-11-01T00:00:00", "date: expected the day"),
        ('region = "eu-central-1"', "region = 1", "region: expected a text, not 1"),
        (", emr = 0.06", "", 'instances."r7i.xlarge".emr is missing'),
        ("emr = 0.06", 'emr = "0.06"', ".emr: expected a number, not '0.06'"),
        ("emr = 0.06", "emr = true", ".emr: expected a number, not True"),
        ("emr = 0.06", "emr = -1", ".emr: -1 is no price"),
        ("emr = 0.06", "emr = nan", ".emr: nan is no price"),
        ("vcpu_hour", "cpu_hour", "serverless.cpu_hour is unknown; known are memory_gb_hour"),
        ("[s3]", "[s4]", "mine.toml: s4 is unknown"),
        ("[instances]", "instances = [", "not a TOML file"),
        ('currency = "EUR"', 'currency = "EUR"\nexample = "yes"', "example: expected true or"),
    ],
)
def test_a_bad_file_is_refused_by_file_and_key(old: str, new: str, said: str) -> None:
    assert old in WHOLE
    with pytest.raises(PricesRefused) as caught:
        parse_prices(WHOLE.replace(old, new), "mine.toml")
    assert str(caught.value).startswith("mine.toml: ")
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PricesRefused, match=r"gone\.toml: No such file"):
        read_prices(tmp_path / "gone.toml")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(PricesRefused, match="not a TOML file"):
        read_prices(tmp_path / "bytes")


@given(st.text(string.printable, max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(PricesRefused, match=r"^x\.toml: "):
        parse_prices(text, "x.toml")  # no text this short is a whole file


def test_the_example_says_what_it_is() -> None:
    prices = read_prices()
    assert prices.example
    assert prices.label.endswith("EXAMPLE PRICES, give your own with --prices")
    for name, price in prices.instances.items():
        assert price.spot is not None
        assert price.spot == pytest.approx(0.4 * price.ec2, abs=1e-4), name
        assert price.emr == pytest.approx(0.25 * price.ec2, abs=1e-4), name
    assert prices.serverless is not None
    # A GB-hour costs about a tenth of a vCPU-hour.
    assert prices.serverless.vcpu_hour / prices.serverless.memory_gb_hour == pytest.approx(
        9.1, 0.01
    )
