"""The stand-in for Athena and the Glue catalog: queries run on DuckDB, over objects in moto's S3.

    with AthenaStandIn(s3) as stand_in:
        athena = Athena(stand_in.aws(), stand_in.place)

CREATE EXTERNAL TABLE, CREATE DATABASE, CREATE VIEW and SELECT are carried out; requests and answers
are checked against AWS's own description of the two services. A table's files are those in the
folders that its projection names (values, range and template), or else the catalog; their types
must be the table's. DuckDB reads them through a file system that notes what it reads, so bytes
scanned are those of the column chunks that it wanted, of the partitions that it did not leave out.

What it cannot show:

| of Athena | here |
| --- | --- |
| Trino's planner, functions and errors | DuckDB's, after sqlglot has translated the dialect |
| which filters reach the partitions through views, windows and joins | DuckDB's planner decides |
| how an injected column's value must be given | an equality with a literal, in any WHERE |
| bytes: Trino also reads footers, and none for COUNT(*) | whole column chunks; one for COUNT(*) |
| milliseconds: Athena reads a TIMESTAMP with three digits | reads six, shows three |
| queueing, engine time, concurrency | numbers without meaning |
| where results are written, Lake Formation, IAM, KMS | none |
| projection by `integer` and `enum` with ranges | `date`, `enum` and `injected` alone |
"""
