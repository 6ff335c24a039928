"""The stand-in for Athena and the Glue catalog: queries run on DuckDB, over objects in moto's S3.

    with AthenaStandIn(s3) as stand_in:
        athena = Athena(stand_in.aws(), stand_in.place)

CREATE EXTERNAL TABLE, CREATE DATABASE, CREATE VIEW and SELECT are carried out; requests and answers
are checked against AWS's own description of the two services. A table's partitions come from its
projection or from the catalog, and are pruned by what the query says of the partition columns;
bytes scanned are those of the column chunks that it reads.

What it cannot show:

| of Athena | here |
| --- | --- |
| Trino's planner, functions and errors | DuckDB's, after sqlglot has translated the dialect |
| pruning through views and joins, or within a file | what stands beside the table in WHERE |
| milliseconds: Athena shows a TIMESTAMP with three digits | the same, by a format of the answer |
| queueing, engine time, concurrency | numbers without meaning |
| where results are written, Lake Formation, IAM, KMS | none |
| projection by `integer` and `enum` with ranges | `date`, `enum` and `injected` alone |
"""
