"""`stormlake simulate …`: archives to try things on, from a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from stormlake.radar.stations import Station
from stormlake.running.options import Common, StormlakeCommand, UtcTime, common_options, tell
from stormlake.running.radar_options import station_file_option
from stormlake.simulate.archives import (
    LOG_RECORDS,
    PLANTED,
    REGISTRY,
    START,
    STREAMS,
    Feed,
    Made,
    simulate_log,
    simulate_records,
)
from stormlake.simulate.log_lines import REALTIME_FIELDS, LogFormat
from stormlake.simulate.output import Output, open_output
from stormlake.simulate.shapes import Shape

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def simulate() -> None:
    """Make archives to try things on, from a seed."""


@simulate.command("radar", cls=StormlakeCommand)
@click.option("--station", required=True, metavar="ID", help="Station such as KTLX.")
@click.option(
    "--start",
    required=True,
    type=UtcTime(),
    metavar="T",
    help="UTC time of the first volume, such as 2026-05-01T21:00.",
)
@click.option(
    "--volumes",
    type=int,
    default=12,
    show_default=True,
    metavar="N",
    help="How many volumes, one every 5 minutes.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="S",
    help="Which storm; the same seed gives the same bytes.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the volumes, in the archive's layout, and the truth, _truth.json.",
)
@station_file_option
@common_options
def simulate_radar(
    common: Common,
    station: str,
    start: datetime,
    volumes: int,
    seed: int,
    out: Path,
    stations_known: Mapping[str, Station] | None,
) -> None:
    """Write Level II volumes of a storm whose cells, motion and growth are known."""
    from stormlake.simulate.radar import TRUTH, simulate_storm

    if common.dry_run:
        tell(common, would=f"write {volumes} volumes of {station} from {start} to {out}")
        return
    made = simulate_storm(station, start, volumes, seed, out, stations=stations_known)
    size = sum(path.stat().st_size for path in made)
    tell(common, volumes=len(made), bytes=size, truth=str(out / TRUTH))


def _feed_options(records: int, lasts: str, shape: Shape) -> Callable[[F], F]:
    """Give a command `--records --shape --out --seed --start --gzip`."""

    def decorate(function: F) -> F:
        for option in reversed(
            (
                click.option(
                    "--records",
                    type=click.IntRange(1),
                    default=records,
                    show_default=True,
                    metavar="N",
                    help=f"How many different records; the default lasts {lasts}.",
                ),
                click.option(
                    "--shape",
                    type=click.Choice([each.value for each in Shape]),
                    default=shape.value,
                    show_default=True,
                    help="How the records lie in an object.",
                ),
                click.option(
                    "--out",
                    required=True,
                    metavar="URI",
                    help="A local folder or s3://BUCKET[/PREFIX]; objects of the same name are "
                    "replaced, others stay.",
                ),
                click.option(
                    "--seed",
                    type=click.IntRange(0),
                    default=1,
                    show_default=True,
                    metavar="S",
                    help="The same seed and arguments give the same bytes.",
                ),
                click.option(
                    "--start",
                    type=UtcTime(),
                    default=f"{START:%Y-%m-%dT%H:%M}",
                    show_default=True,
                    metavar="T",
                    help="UTC time of the first record.",
                ),
                click.option("--gzip", "gz", is_flag=True, help="Compress the objects."),
            )
        ):
            function = option(function)
        return function

    return decorate


def _share_options(function: F) -> F:
    """Give a command `--duplicates` and `--late`."""
    function = click.option(
        "--late",
        type=click.FloatRange(0, 1),
        default=0.01,
        show_default=True,
        metavar="SHARE",
        help="Share of the records that come 30 to 180 s late.",
    )(function)
    return click.option(
        "--duplicates",
        type=click.FloatRange(0, 1),
        default=0.01,
        show_default=True,
        metavar="SHARE",
        help="Share of the records that come a second time.",
    )(function)


@simulate.command("unicorns", cls=StormlakeCommand)
@_feed_options(STREAMS["unicorns"].records, "an hour", STREAMS["unicorns"].shape)
@_share_options
@common_options
def simulate_unicorns(common: Common, **given: Any) -> None:
    """Write readings of four unicorns on a ride, one a second from each."""
    _simulate_stream("unicorns", common, given)


@simulate.command("wind", cls=StormlakeCommand)
@_feed_options(STREAMS["wind"].records, "an hour", STREAMS["wind"].shape)
@_share_options
@common_options
def simulate_wind(common: Common, **given: Any) -> None:
    """Write wind speeds of three farms, one a second from each, and plant gusts.

    The gusts are told in _planted.json in --out; none comes in a farm's first 300 records.
    """
    _simulate_stream("wind", common, given)


@simulate.command("vitals", cls=StormlakeCommand)
@_feed_options(STREAMS["vitals"].records, "10 minutes", STREAMS["vitals"].shape)
@_share_options
@common_options
def simulate_vitals(common: Common, **given: Any) -> None:
    """Write vital signs from 4,500 devices, 2,000 a minute, and plant low pulses.

    Every 1,000th record has a pulse of 0 to 40, told in _planted.json in --out; _registry.csv
    there names maker and model of the devices. The people are invented.
    """
    _simulate_stream("vitals", common, given)


@simulate.command("events", cls=StormlakeCommand)
@_feed_options(STREAMS["events"].records, "an hour", STREAMS["events"].shape)
@_share_options
@common_options
def simulate_events(common: Common, **given: Any) -> None:
    """Write events of 68 bytes, a UUID and a time, ten a second."""
    _simulate_stream("events", common, given)


@simulate.command("cloudfront", cls=StormlakeCommand)
@click.option(
    "--format",
    "log",
    type=click.Choice([each.value for each in LogFormat]),
    default=LogFormat.LEGACY.value,
    show_default=True,
    help="legacy: the Hive tutorial's 11 fields; web: a standard log of 33, always compressed; "
    "realtime: 40 fields without a header.",
)
@_feed_options(LOG_RECORDS, "an hour", Shape.LINES)
@common_options
def simulate_cloudfront(common: Common, log: str, **given: Any) -> None:
    """Write CloudFront logs, one request a second; --shape can only be lines.

    What it prints as `os` counts the requests by the first word in the user agent's parenthesis.
    """
    output = _output(given.pop("out"), common)
    feed = _feed(given)
    if common.dry_run:
        _tell_plan(common, feed, f"lines of a {log} log", output)
        return
    made = simulate_log(LogFormat(log), feed, output)
    fields = {"fields": REALTIME_FIELDS} if log == LogFormat.REALTIME else {}
    tell(
        common,
        records=made.records,
        objects=made.objects,
        bytes=made.bytes,
        os=made.counts,
        **fields,
    )


def _simulate_stream(stream: str, common: Common, given: dict[str, Any]) -> None:
    output = _output(given.pop("out"), common)
    feed = _feed(given)
    if common.dry_run:
        _tell_plan(common, feed, f"records of {stream}", output)
        return
    tell(common, **_facts(stream, simulate_records(stream, feed, output), output))


def _feed(given: dict[str, Any]) -> Feed:
    return Feed(**given | {"shape": Shape(given["shape"])})


def _facts(stream: str, made: Made, output: Output) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "records": made.records,
        "objects": made.objects,
        "bytes": made.bytes,
        "duplicates": made.duplicates,
        "late": made.late,
    }
    if STREAMS[stream].plants:
        facts |= {"planted": len(made.planted), "truth": output.place(PLANTED)}
    if stream == "vitals":
        facts |= {"registry": output.place(REGISTRY)}
    return facts


def _tell_plan(common: Common, feed: Feed, what: str, output: Output) -> None:
    tell(common, would=f"write {feed.records} {what} from {feed.start} to {output.place('')}")


def _output(uri: str, common: Common) -> Output:
    def new_client() -> Any:
        from stormlake.archive.s3 import PROBE, make_client, make_session

        session = make_session(common.region, common.aws_profile)
        return make_client(
            session, endpoint_url=common.endpoint_url, unsigned=False, patience=PROBE
        )

    return open_output(uri, new_client)
