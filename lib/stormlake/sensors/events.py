"""The event archive of the collection lesson: `{"<uuid>": "test-YYYY-MM-DD HH:MM:SS"}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc

from stormlake.lake.types import Column, arrow_fields
from stormlake.sensors import fields
from stormlake.sensors.fields import Unusable
from stormlake.sensors.kinds import Kind, Row
from stormlake.sensors.outcomes import Reason
from stormlake.sensors.times import BadTime, parse_time, quick_times
from stormlake.sensors.views import EVENT_RECORDS

_TIME: Final = len("YYYY-MM-DD HH:MM:SS")


@dataclass(frozen=True)
class EventRecords(Kind):
    """Events; the key of an object's one member is the datum."""

    view: ClassVar[str] = "event_records"
    columns: ClassVar[tuple[Column, ...]] = EVENT_RECORDS
    time_column: ClassVar[str] = "event_time"
    members: ClassVar[pa.Schema] = pa.schema([("key", pa.string()), ("value", pa.string())])

    def row(self, record: dict[str, Any]) -> Row:
        """The row of an event."""
        if not record:
            raise Unusable(Reason.MISSING_FIELD, "no member")
        if len(record) > 1:
            raise Unusable(Reason.BAD_TYPE, f"{len(record)} members, expected one")
        ((key, value),) = record.items()
        prefix, time = self._parts(fields.text(value, "the value"))
        return key, time, prefix

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """A record of another form tells no time."""
        return None

    def prepare(self, block: bytes) -> bytes | None:
        """`{"a": "b"}` becomes `{"key":"a","value":"b"}`, a form that a schema can name.

        Without a backslash every quote begins or ends a text, so that what is rewritten wrongly
        (blanks elsewhere, several members) is no JSON any more.
        """
        if any(strange in block for strange in (b"\\", b'"key"', b'"value"')):
            return None
        rewritten = block.replace(b'": "', b'":"').replace(b'":"', b'","value":"')
        return rewritten.replace(b'{"', b'{"key":"')

    def quick(self, table: pa.Table) -> pa.RecordBatch | None:
        """Rows of a parsed table."""
        keys, values = (table.column(name).combine_chunks() for name in ("key", "value"))
        if keys.null_count or values.null_count:
            return None
        if pc.min(pc.binary_length(values)).as_py() <= _TIME + 1:
            return None
        hyphens = pc.utf8_slice_codeunits(values, -_TIME - 1, -_TIME)
        micros = quick_times(pc.utf8_slice_codeunits(values, -_TIME), _TIME, self.zone)
        if micros is None or not pc.all(pc.equal(hyphens, "-")).as_py():
            return None
        prefixes = pc.utf8_slice_codeunits(values, 0, -_TIME - 1)
        return pa.RecordBatch.from_arrays(
            [keys, micros, prefixes], schema=arrow_fields(self.columns)
        )

    def _parts(self, value: str) -> tuple[str, int]:
        prefix, time = value[: -_TIME - 1], value[-_TIME:]
        if len(value) <= _TIME + 1 or value[-_TIME - 1] != "-":
            raise Unusable(Reason.BAD_TIME, "expected a word, a hyphen and yyyy-MM-dd HH:mm:ss")
        try:
            return prefix, parse_time(time, self.zone)
        except BadTime as error:
            raise Unusable(Reason.BAD_TIME, str(error)) from None
