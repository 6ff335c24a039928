"""How records lie in an object: the shapes that producers and delivery streams leave."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final


class Shape(StrEnum):
    """Ways to put records into one object."""

    LINES = "lines"
    CONCATENATED = "concatenated"
    ARRAY = "array"
    WRAPPED = "wrapped"
    PRETTY = "pretty"


_FLAT: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_INDENTED: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=4)


def write_shape(
    records: Iterable[Mapping[str, Any]], shape: Shape | str, wrapper: str = "records"
) -> bytes:
    r"""Write records as the bytes of one object.

    Parameters
    ----------
    records : iterable of mapping
        What `json` can write.
    shape : Shape or str
        `lines`: a newline after each; `concatenated`: nothing between them; `array`: one array;
        `wrapped`: one object with the array under one key; `pretty`: each over several lines, the
        next one begins where the last one ends.
    wrapper : str
        The key of the wrapper object.

    Returns
    -------
    bytes
        UTF-8; letters outside ASCII are not escaped.

    Examples
    --------
    >>> write_shape([{"a": 1}, {"a": 2}], "concatenated")
    b'{"a": 1}{"a": 2}'
    >>> write_shape([{"a": 1}, {"a": 2}], "lines")
    b'{"a": 1}\n{"a": 2}\n'
    """
    shape = Shape(shape)
    encode = (_INDENTED if shape is Shape.PRETTY else _FLAT).encode
    texts = [encode(dict(record)) for record in records]
    if shape is Shape.LINES:
        return write_lines(texts)
    if shape is Shape.ARRAY:
        return f"[{','.join(texts)}]".encode()
    if shape is Shape.WRAPPED:
        return f"{{{encode(wrapper)}:[{','.join(texts)}]}}".encode()
    return "".join(texts).encode()


def write_lines(lines: Iterable[str]) -> bytes:
    """Write lines, each with a newline at its end."""
    return "".join(f"{line}\n" for line in lines).encode()
