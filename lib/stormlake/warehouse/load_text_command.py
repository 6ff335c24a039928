"""`stormlake warehouse load-text`: a vendor's delimited files into a table, exactly once."""

from __future__ import annotations

from typing import Any, Final

import click

from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, tell
from stormlake.warehouse.copy_text import TextFormat
from stormlake.warehouse.data_api import DataApi, batch_call
from stormlake.warehouse.definitions import text_table_named
from stormlake.warehouse.exporting import manifest_path, open_unload
from stormlake.warehouse.load_options import load_options
from stormlake.warehouse.loading import load, pending
from stormlake.warehouse.manifest import Manifest, ManifestFile
from stormlake.warehouse.scope import LoadScope
from stormlake.warehouse.statements import How, MergeStrategy, load_statements
from stormlake.warehouse.target import target_of, target_options
from stormlake.warehouse.text_files import (
    check_header,
    find_text_files,
    refuse_changed,
    scope_of_files,
    write_text_manifest,
)

_FORM: Final = (
    click.option(
        "--delimiter", default="|", show_default=True, metavar="C", help="Between fields."
    ),
    click.option(
        "--ignore-header",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        metavar="N",
        help="Lines to leave out at the start of each file.",
    ),
    click.option("--null-as", metavar="TEXT", help="Text that means NULL."),
    click.option(
        "--empty-as-null", is_flag=True, help="An empty text is NULL, as in all other types."
    ),
    click.option("--date-format", metavar="FORMAT", help="Such as YYYY-MM-DD, or auto."),
    click.option("--time-format", metavar="FORMAT", help="Such as YYYY-MM-DD HH:MI:SS, or auto."),
    click.option("--trim-blanks", is_flag=True, help="Drop white space at the end of a text."),
    click.option(
        "--accept-inv-chars",
        metavar="C",
        help="Put this in the place of bytes that are no UTF-8; without it they are errors.",
    ),
    click.option("--gzip", is_flag=True, help="The files are gzipped."),
    click.option(
        "--escape", is_flag=True, help="A backslash makes the next character a plain one."
    ),
)


def _form_options(function: Any) -> Any:
    for option in reversed(_FORM):
        function = option(function)
    return function


@click.command("load-text", cls=StormlakeCommand)
@click.argument("table", metavar="users|FILE.toml")
@click.option(
    "--source", required=True, metavar="URI", help="s3://BUCKET/KEY, or a folder with a slash."
)
@click.option(
    "--unload", required=True, metavar="URI", help="s3://BUCKET/PREFIX where the manifest goes."
)
@load_options
@_form_options
@target_options
@common_options
def main(
    common: Common,
    table: str,
    source: str,
    unload: str,
    iam_role: str,
    merge_strategy: MergeStrategy,
    timeout: float,
    delimiter: str,
    ignore_header: int,
    null_as: str | None,
    empty_as_null: bool,
    date_format: str | None,
    time_format: str | None,
    trim_blanks: bool,
    accept_inv_chars: str | None,
    gzip: bool,
    escape: bool,
    **target: Any,
) -> None:
    """Load a vendor's delimited files into users, or into the table that FILE.toml defines.

    The same files in the same version are loaded once, however often this is run. The table must be
    there: `stormlake ddl --engine redshift --apply` makes it.
    """
    form = TextFormat(
        delimiter=delimiter,
        ignore_header=ignore_header,
        null_as=null_as,
        empty_as_null=empty_as_null,
        date_format=date_format,
        time_format=time_format,
        trim_blanks=trim_blanks,
        accept_inv_chars=accept_inv_chars,
        gzip=gzip,
        escape=escape,
    )
    defined = text_table_named(table)
    place = open_unload(unload, common)
    aws = Aws.of(common)
    api = DataApi(aws, target_of(**target), timeout=timeout)
    how = How(iam_role, form, merge_strategy)
    files = find_text_files(aws, source)
    scope = scope_of_files(defined, files)
    check_header(aws, defined, files, form)
    if common.dry_run:
        entries = tuple(ManifestFile(each.url, each.size) for each in files)
        planned = Manifest(f"{place.uri}/{manifest_path(scope)}", "ETAG", entries)
        _print_plan(api, scope, planned, how)
        return
    facts = {"table": defined.name, "run": scope.run_id, "files": len(files)}
    if pending(api, scope) is None:
        tell(common, **facts, outcome="already loaded")
        return
    manifest = write_text_manifest(place, scope, files)
    loaded = load(api, scope, manifest, how)
    refuse_changed(aws, files)
    tell(common, **facts, rows=loaded.rows, outcome=loaded.outcome.replace("_", " "))


def _print_plan(api: DataApi, scope: LoadScope, manifest: Manifest, how: How) -> None:
    statements = load_statements(scope, manifest, api.target.schema, how, "ATTEMPT")
    print_calls([batch_call(api.target, statements, "TOKEN")])
