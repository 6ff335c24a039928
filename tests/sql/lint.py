"""What a .sql file may be made of, so that every engine gives the same: an allow-list of nodes.

The file is parsed as Spark's SQL. Some functions become a harmless node on the way (NVL becomes
COALESCE), so the words of the text are held against a list too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

NODES = {
    # the query
    *(exp.Select, exp.With, exp.CTE, exp.From, exp.Where, exp.Group, exp.Order, exp.Ordered),
    *(exp.Join, exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Distinct),
    # values
    *(exp.Literal, exp.Placeholder, exp.Interval, exp.Var, exp.Null, exp.Star, exp.DataType),
    # what is reckoned and compared
    *(exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Paren),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is),
    *(exp.And, exp.Or, exp.Not, exp.Case, exp.If),
    # functions
    *(exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Round, exp.Coalesce),
    *(exp.TimestampTrunc, exp.Cast, exp.Window, exp.RowNumber, exp.Lag),
}
FUNCTIONS = {
    *("count", "sum", "min", "max", "avg", "round", "coalesce"),
    *("date_trunc", "date", "row_number", "lag"),
}
"""Functions by the names that all engines know."""
NOT_FUNCTIONS = {
    *("as", "in", "over", "and", "or", "not", "on", "where", "when", "then", "else"),
    *("by", "select", "between"),
}
"""Words that may stand before a parenthesis."""
UNITS = {"SECOND", "MINUTE", "HOUR", "DAY"}
JOINS = {("", ""), ("", "INNER"), ("LEFT", "")}
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)
TIME = re.compile(r"(^|_)(date|time|start|end)$")


def problems(text: str) -> list[str]:
    """Everything in a query that engines may disagree about; empty for a clean file."""
    try:
        trees = sqlglot.parse(text, read="spark")
        tokens = sqlglot.tokenize(text, read="spark")
    except SqlglotError as error:
        return [f"cannot be parsed: {error}"]
    if len(trees) != 1 or not isinstance(trees[0], exp.Select):
        return ["must be one SELECT"]
    found = [*_words(tokens), *_nodes(trees[0])]
    # The parser fills Spark's default in; only the words tell what the file says.
    said = " ".join(token.text.upper() for token in tokens).count("NULLS LAST")
    if said != len(list(trees[0].find_all(exp.Ordered))):
        found.append("ORDER BY without NULLS LAST")
    return found


def _words(tokens: list[sqlglot.Token]) -> Iterator[str]:
    for token, following in pairwise(tokens):
        word = token.text.lower()
        if following.text == "(" and word.isidentifier() and word not in FUNCTIONS | NOT_FUNCTIONS:
            yield f"function {word}"
        if token.text in ("::", "<=>") or token.text.startswith("/*+"):
            yield f"{token.text}: one engine's own"


def _nodes(tree: exp.Select) -> Iterator[str]:
    for node in tree.walk():
        if type(node) not in NODES:
            yield f"{type(node).__name__}: {node.sql('spark')}"
        elif isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            yield "SELECT *: columns are named"
        elif isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            yield "SELECT t.*: columns are named"
        elif isinstance(node, exp.Cast) and not node.is_type("date"):
            yield f"{node.sql('spark')}: types come from the tables"
        elif isinstance(node, exp.If) and not isinstance(node.parent, exp.Case):
            yield "IF(): CASE WHEN"
        elif isinstance(node, exp.Interval | exp.TimestampTrunc):
            if node.text("unit").upper() not in UNITS:
                yield f"{node.sql('spark')}: units are {', '.join(sorted(UNITS))}"
        elif isinstance(node, exp.Round) and node.args.get("decimals") is None:
            yield "ROUND without a number of decimals"
        elif isinstance(node, exp.Join) and (node.side, node.kind) not in JOINS:
            yield f"{node.side} {node.kind} JOIN"
        elif isinstance(node, exp.RowNumber | exp.Lag):
            window = node.parent
            if not isinstance(window, exp.Window) or not window.args.get("order"):
                yield f"{node.sql('spark')} without an order"
        elif isinstance(node, exp.Group):
            yield from _group(node)
        elif isinstance(node, COMPARISONS):
            yield from _comparison(node)
        elif isinstance(node, exp.Ordered) and isinstance(node.this, exp.Literal):
            yield "ORDER BY a number"


def _group(group: exp.Group) -> Iterator[str]:
    if any(value for name, value in group.args.items() if name != "expressions"):
        yield f"{group.sql('spark').strip()}: only a list of expressions"
    for each in group.expressions:
        # Trino knows no alias there; what names its table is no alias.
        if isinstance(each, exp.Literal) or (isinstance(each, exp.Column) and not each.table):
            yield f"GROUP BY {each.sql('spark')}: neither a number nor an alias"


def _comparison(node: exp.Expression) -> Iterator[str]:
    """A date or time is compared with a bound value, not with text."""
    sides = list(node.iter_expressions())
    times = [s for s in sides if isinstance(s, exp.Column) and TIME.search(s.name)]
    if times and any(isinstance(s, exp.Literal) and s.is_string for s in sides):
        yield f"{node.sql('spark')}: a time beside a text"
