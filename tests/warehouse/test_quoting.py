"""Any name and any value comes back from the warehouse as it was sent; the rest is refused."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stormlake.errors import ExitCode, RefusedInput
from stormlake.lake.quoting import quote_identifier, quote_literal
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.warehouse.prepared import quick

POSTGRES_BYTES = 63
"""Longest name in PostgreSQL, where the stand-in keeps them; Redshift has 127."""

# Text without NUL and without halves of surrogate pairs, and the letters that SQL minds often.
LETTERS = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
TEXTS = st.text(st.one_of(LETTERS, st.sampled_from("'\"\\$%;-/*:? \n\r\t")), max_size=60)
NAMES = TEXTS.filter(lambda name: 0 < len(name.lower().encode()) <= POSTGRES_BYTES)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=NAMES, value=TEXTS)
@example(name='users"; drop table x', value="'; drop table x; --")
@example(name="\\", value="\\' || \\")
@example(name="%s :name $1", value="%(name)s :name $1 $$ E'\\n'")
@example(name="\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", value="\N{FACE WITH TEARS OF JOY}")
def test_any_name_and_any_value_comes_back_equal(
    warehouse: RedshiftStandIn, name: str, value: str
) -> None:
    column = quote_identifier(name)
    (row,) = quick(warehouse).query(
        f"SELECT s.{column} FROM (SELECT {quote_literal(value)} AS {column}) AS s"
    )
    assert row == {name.lower(): value}


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=TEXTS)
@example(value="\\' \\n \\\\")
def test_any_value_comes_back_equal_where_no_expression_may_stand(
    warehouse: RedshiftStandIn, value: str
) -> None:
    (row,) = quick(warehouse).query(f"SELECT {quote_literal(value, constant=True)} AS v")
    assert row == {"v": value}


@pytest.mark.parametrize("quote", [quote_identifier, quote_literal])
@pytest.mark.parametrize("text", ["a\0b", "a\udcffb"])
def test_what_is_no_text_is_refused(quote: object, text: str) -> None:
    with pytest.raises(RefusedInput, match=r"NUL|surrogate") as refused:
        quote(text)  # type: ignore[operator]
    assert refused.value.exit_code == ExitCode.REFUSED


def test_a_name_has_1_to_127_bytes_of_utf_8() -> None:
    assert quote_identifier("é" * 63) == '"' + "é" * 63 + '"'
    for name in ("", "é" * 64):
        with pytest.raises(RefusedInput, match="1 to 127 bytes"):
            quote_identifier(name)
