-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one user and what that person likes, as the vendor's lab gives them.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."users" (
    "userid" INTEGER NOT NULL ENCODE raw,
    "username" CHAR(8) ENCODE zstd,
    "firstname" VARCHAR(30) ENCODE zstd,
    "lastname" VARCHAR(30) ENCODE zstd,
    "city" VARCHAR(30) ENCODE zstd,
    "state" CHAR(2) ENCODE zstd,
    "email" VARCHAR(100) ENCODE zstd,
    "phone" CHAR(14) ENCODE zstd,
    "likesports" BOOLEAN ENCODE zstd,
    "liketheatre" BOOLEAN ENCODE zstd,
    "likeconcerts" BOOLEAN ENCODE zstd,
    "likejazz" BOOLEAN ENCODE zstd,
    "likeclassical" BOOLEAN ENCODE zstd,
    "likeopera" BOOLEAN ENCODE zstd,
    "likerock" BOOLEAN ENCODE zstd,
    "likevegas" BOOLEAN ENCODE zstd,
    "likebroadway" BOOLEAN ENCODE zstd,
    "likemusicals" BOOLEAN ENCODE zstd
)
DISTSTYLE KEY DISTKEY ("userid")
SORTKEY ("userid");
COMMENT ON TABLE "public"."users" IS 'One user and what that person likes, as the vendor''s lab gives them.';
COMMENT ON COLUMN "public"."users"."userid" IS '[1] Number of the user.';
COMMENT ON COLUMN "public"."users"."username" IS 'Name to log in with.';
COMMENT ON COLUMN "public"."users"."firstname" IS 'First name.';
COMMENT ON COLUMN "public"."users"."lastname" IS 'Last name.';
COMMENT ON COLUMN "public"."users"."city" IS 'City.';
COMMENT ON COLUMN "public"."users"."state" IS 'State or province, two letters.';
COMMENT ON COLUMN "public"."users"."email" IS 'Address of electronic mail.';
COMMENT ON COLUMN "public"."users"."phone" IS 'Telephone number, `(664) 602-4412`.';
COMMENT ON COLUMN "public"."users"."likesports" IS 'Whether the person likes sports; NULL: not said.';
COMMENT ON COLUMN "public"."users"."liketheatre" IS 'Whether the person likes theatre; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likeconcerts" IS 'Whether the person likes concerts; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likejazz" IS 'Whether the person likes jazz; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likeclassical" IS 'Whether the person likes classical music; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likeopera" IS 'Whether the person likes opera; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likerock" IS 'Whether the person likes rock music; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likevegas" IS 'Whether the person likes shows as in Las Vegas; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likebroadway" IS 'Whether the person likes shows as on Broadway; NULL: not said.';
COMMENT ON COLUMN "public"."users"."likemusicals" IS 'Whether the person likes musicals; NULL: not said.';
