-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one operating system, as logged and as family, and UTC day with requests.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."requests_by_os" (
    "os" VARCHAR(1024) ENCODE zstd,
    "os_family" VARCHAR(16) ENCODE zstd,
    "requests" BIGINT NOT NULL ENCODE az64,
    "date" DATE NOT NULL ENCODE raw
)
DISTSTYLE EVEN
SORTKEY ("date");
COMMENT ON TABLE "public"."requests_by_os" IS 'One operating system, as logged and as family, and UTC day with requests.';
COMMENT ON COLUMN "public"."requests_by_os"."os" IS 'First token in the user agent''s parenthesis; NULL when it has no parenthesis.';
COMMENT ON COLUMN "public"."requests_by_os"."os_family" IS 'iOS, Android, macOS, Windows, ChromeOS, Linux or Other, by the whole parenthesis.';
COMMENT ON COLUMN "public"."requests_by_os"."requests" IS '[1] Requests; log lines are never counted as duplicates of each other.';
COMMENT ON COLUMN "public"."requests_by_os"."date" IS 'UTC day of the requests.';
