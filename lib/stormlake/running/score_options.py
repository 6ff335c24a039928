"""Options of `stormlake score`, and what they come to: how records are read, and the forests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from stormlake.lake.score_tables import FEATURES_BYTES, SOURCE_BYTES
from stormlake.running.options import Common, refuse_unless
from stormlake.running.sensor_options import ArchiveOptions, asked_options
from stormlake.scoring.forest import MOST_COLUMNS, ForestOptions
from stormlake.scoring.records import ScoredRecords
from stormlake.sensors.generic import GenericRecords
from stormlake.sensors.kinds import Kind
from stormlake.sensors.reader import Reader
from stormlake.sensors.registry import Device
from stormlake.sensors.vitals import VitalRecords
from stormlake.sensors.wind import WindRecords

F = TypeVar("F", bound=Callable[..., Any])

GENERIC: Final = "generic"
_NUMBER_BYTES: Final = 28
"""Longest double as JSON, with its colon, comma and blanks."""


@dataclass(frozen=True)
class ScoredKind:
    """What is scored of a kind of record where nobody says otherwise.

    Parameters
    ----------
    columns : tuple of str
        The numbers.
    place : str
        The column that tells whose a record is.
    scope : {"key", "global"}
        Whether each place has a forest of its own.
    """

    columns: tuple[str, ...]
    place: str
    scope: str


KINDS: Final[Mapping[str, ScoredKind]] = {
    "wind": ScoredKind(("speed",), "location", "key"),
    # A state of 1.7 MB a device would be gigabytes a day, and each needs its own warming up.
    "vitals": ScoredKind(("pulse", "systolic", "diastolic"), "device_id", "global"),
}
"""The kinds that are known; a generic source says all of it itself."""

FORMS: Final = ("json", "csv")
SCORES_FROM: Final = ("compute", "record")


@dataclass(frozen=True)
class ScoreOptions(ArchiveOptions):
    """What a person asked of a run that scores.

    Parameters
    ----------
    kind : {"wind", "vitals", "generic"}
    name : str or None
        Of a generic source.
    form : {"json", "csv"} or None
    fields : str
        Names of the fields of CSV without a header, separated by commas.
    columns : str
        Members that are scored, separated by commas.
    key, time, id : str or None
        Members of a generic record.
    forest_scope : {"key", "global"} or None
    trees, sample, time_decay, shingle, seed : int
        As in `ForestOptions`.
    score_from : {"compute", "record"}
    registry : str or None
        Address of the registry of devices.
    require_state : bool
    """

    kind: str
    name: str | None
    form: str | None
    fields: str
    columns: str
    key: str | None
    time: str | None
    id: str | None
    forest_scope: str | None
    trees: int
    sample: int
    time_decay: int
    shingle: int
    seed: int
    score_from: str
    registry: str | None
    require_state: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        self._refuse_foreign()
        if self.kind == GENERIC:
            self._check_generic()
        size = sum(len(json.dumps(name)) + _NUMBER_BYTES for name in self.scored)
        refuse_unless(
            size <= FEATURES_BYTES,
            f"--columns: the names of {len(self.scored)} columns are too long: with their numbers "
            f"they may take {FEATURES_BYTES} bytes",
        )
        _ = self.forest

    @property
    def source_name(self) -> str:
        """The value of `source` in the tables."""
        return self.name or self.kind

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of the scored numbers."""
        return _names(self.columns) if self.kind == GENERIC else KINDS[self.kind].columns

    @property
    def place(self) -> str | None:
        """The column of scores for a record's place; a generic key is `model_key` alone."""
        return None if self.kind == GENERIC else KINDS[self.kind].place

    @property
    def by_key(self) -> bool:
        """Whether each place has a forest of its own."""
        if self.kind == GENERIC:
            return (self.forest_scope or ("key" if self.key else "global")) == "key"
        return (self.forest_scope or KINDS[self.kind].scope) == "key"

    @property
    def computes(self) -> bool:
        """Whether forests make the scores."""
        return self.score_from == "compute"

    @property
    def forest(self) -> ForestOptions:
        """What each forest is made of."""
        return ForestOptions(self.trees, self.sample, self.time_decay, self.shingle, self.seed)

    @property
    def options_hash(self) -> str:
        """What saved states are marked with: all that decides a score but the records."""
        scope = "key" if self.by_key else "global"
        return self.forest.fingerprint(scope=scope, columns=self.scored)

    @property
    def numbers_records(self) -> bool:
        """Whether records have no id but their number in the one object that holds them."""
        return self.kind == GENERIC and self.id is None

    def reader(self, common: Common, registry: Mapping[str, Device] | None) -> Reader:
        """The reader of `scored_records`.

        Parameters
        ----------
        common : Common
        registry : mapping of str to Device or None
            Devices that are known; None: all are.
        """
        place = "key" if self.kind == GENERIC else KINDS[self.kind].place
        devices = None if registry is None else frozenset(registry)
        given = not self.computes
        return self.reader_of(
            ScoredRecords(self.zone, self._records(), self.scored, place, devices, given), common
        )

    def _records(self) -> Kind:
        if self.kind == "wind":
            return WindRecords(self.zone)
        if self.kind == "vitals":
            return VitalRecords(self.zone)
        return GenericRecords(
            self.zone,
            self.scored,
            self.key,
            self.time,
            self.id,
            is_csv=self.form == "csv",
            header=_names(self.fields),
        )

    def _refuse_foreign(self) -> None:
        belongs = {
            "--name": (self.name, GENERIC),
            "--form": (self.form, GENERIC),
            "--fields": (self.fields, GENERIC),
            "--columns": (self.columns, GENERIC),
            "--key": (self.key, GENERIC),
            "--time": (self.time, GENERIC),
            "--id": (self.id, GENERIC),
            "--registry": (self.registry, "vitals"),
            "--score-from record": (not self.computes, "wind"),
        }
        for option, (given, of) in belongs.items():
            refuse_unless(not given or self.kind == of, f"{option} belongs to `score {of}`")
        refuse_unless(
            self.computes or not self.require_state,
            "--require-state: --score-from record has no state",
        )

    def _check_generic(self) -> None:
        refuse_unless(bool(self.name), "score generic needs --name SOURCE, what the tables call it")
        refuse_unless(
            re.fullmatch(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{SOURCE_BYTES - 1}}}", str(self.name))
            is not None
            and self.name not in (*KINDS, GENERIC),
            f"--name {self.name}: expected letters, digits, '.', '_' and '-', at most "
            f"{SOURCE_BYTES}, and none of {', '.join((*KINDS, GENERIC))}",
        )
        refuse_unless(bool(self.scored), "score generic needs --columns A,B,…, what is scored")
        refuse_unless(
            len(self.scored) <= MOST_COLUMNS,
            f"--columns names {len(self.scored)}; a forest takes {MOST_COLUMNS}",
        )
        refuse_unless(len(set(self.scored)) == len(self.scored), "--columns names one twice")
        header = _names(self.fields)
        refuse_unless(not header or self.form == "csv", "--fields belongs to --form csv")
        refuse_unless(len(set(header)) == len(header), "--fields names one twice")
        for option, wanted in {
            "--columns": self.scored,
            "--key": (self.key,),
            "--time": (self.time,),
            "--id": (self.id,),
        }.items():
            for each in wanted:
                refuse_unless(
                    not header or each is None or each in header,
                    f"{option} {each} is none of --fields {','.join(header)}",
                )
        refuse_unless(
            self.forest_scope != "key" or self.key is not None,
            "--scope key needs --key COLUMN, which tells the series apart",
        )
        refuse_unless(
            self.time is not None or self.start is None,
            "--start and --end need --time COLUMN: without one all records are of 1970-01-01",
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


_FOREST: Final = ForestOptions()
_OPTIONS: Final = (
    click.option("--name", metavar="SOURCE", help="generic: what the tables call the source."),
    click.option(
        "--form",
        type=click.Choice(FORMS),
        help="generic: how the archive lies; json finds lines, arrays and so on itself.  "
        "[default: json]",
    ),
    click.option(
        "--fields",
        default="",
        metavar="A,B,…",
        help="generic: names of the fields of CSV without a header.",
    ),
    click.option(
        "--columns", default="", metavar="A,B,…", help="generic: the numbers that are scored."
    ),
    click.option(
        "--key", metavar="COLUMN", help="generic: what tells one series from another."
    ),
    click.option(
        "--time",
        metavar="COLUMN",
        help="generic: the time, ISO 8601 or seconds or milliseconds since 1970.  [default: all "
        "records are of 1970-01-01T00:00:00Z]",
    ),
    click.option(
        "--id",
        metavar="COLUMN",
        help="generic: which record it is.  [default: its number in the one object, from 0]",
    ),
    click.option(
        "--scope",
        "forest_scope",
        type=click.Choice(["key", "global"]),
        help="One forest for each location, device or key, or one for all, which is the work of "
        "one core.  [default: key for wind and for generic with --key, else global]",
    ),
    click.option(
        "--trees", type=int, default=_FOREST.trees, show_default=True, metavar="N",
        help="numberOfTrees, 1 to 1000.",
    ),
    click.option(
        "--sample", type=int, default=_FOREST.sample, show_default=True, metavar="N",
        help="subSampleSize, 10 to 1000: points that a tree keeps; so many score 0 at first.",
    ),
    click.option(
        "--time-decay", type=int, default=_FOREST.time_decay, show_default=True, metavar="N",
        help="timeDecay: points after which an old one counts less.",
    ),
    click.option(
        "--shingle", type=int, default=_FOREST.shingle, show_default=True, metavar="N",
        help="shingleSize, 1 to 30: consecutive points that are looked at as one.",
    ),
    click.option(
        "--seed", type=int, default=_FOREST.seed, show_default=True, metavar="N",
        help="Base of the random numbers.",
    ),
    click.option(
        "--score-from", type=click.Choice(SCORES_FROM), default=SCORES_FROM[0], show_default=True,
        help="record: wind records carry their score, no forest is made.",
    ),
    click.option(
        "--registry", metavar="URI",
        help="vitals: device_id, manufacturer and model as JSON Lines or CSV; readings of other "
        "devices are rejected.",
    ),
    click.option(
        "--require-state", is_flag=True,
        help="Refuse to begin with forests that know nothing.",
    ),
)  # fmt: skip


def score_options(function: F) -> F:
    """Give a command the options of a run that scores, as its argument `asked`."""
    return asked_options(ScoreOptions, (_KIND, *_OPTIONS))(function)


_KIND: Final = click.argument("kind", type=click.Choice([*KINDS, GENERIC]))
