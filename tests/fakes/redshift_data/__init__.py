"""The stand-in for Redshift: its Data API over HTTP, COPY by the vendor's rules, PostgreSQL below.

    with RedshiftStandIn(s3, postgres) as stand_in:
        stand_in.create(RADAR_VOLUMES)
        api = DataApi(stand_in.aws(), stand_in.target)

A batch is one transaction on one connection of a real PostgreSQL 15. COPY is carried out here, from
manifests and objects of an S3 protocol server; CREATE TABLE is read in Redshift's own words; all
else goes to PostgreSQL after a look whether Redshift would take it. Requests and answers are
checked against AWS's own description of the service.

What it cannot show:

| of Redshift | here |
| --- | --- |
| encodings, distribution, sort order, slices | read and checked, without effect |
| speed, queueing, WLM, concurrency scaling | none |
| its planner and its own functions | PostgreSQL's; GETDATE and STRTOL (base 16) are imitated |
| serializable isolation (error 1023) | only when scripted; PostgreSQL's is READ COMMITTED |
| pre-signed URLs of COPY, bucket policies, KMS | objects are read plainly |
| what a role may do | a role is known or not |
| Parquet types that COPY converts by itself | refused: only those of our own table are taken |
| tokens forgotten after eight hours | never forgotten |
| CHAR padding in comparisons | PostgreSQL's, which is the same for equality |
| texts of errors | its own, but for the codes of load errors |
| SUPER, GEOMETRY, DECIMAL, time zones | not there |
"""
