"""What to do about S3's refusals; said the same whether boto3 or Spark's S3A met them."""

from __future__ import annotations

from typing import Final

NO_CREDENTIALS: Final = (
    "there are no AWS credentials: name a profile (--aws-profile), or set AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)
NO_BUCKET: Final = "there is no such bucket: check the address and --endpoint-url"
NO_RIGHT: Final = (
    "access denied: these credentials may not do it; a lake needs s3:ListBucket, s3:GetObject, "
    "s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload"
)
BAD_KEYS: Final = "S3 does not take the credentials: check --aws-profile"
EXPIRED: Final = "the temporary credentials have expired: log in again and run again"
NO_ANSWER: Final = "S3 gives no answer: check the network and --endpoint-url, then run again"
OTHER_REGION: Final = "the bucket is in another region: name it with --region"

BY_CODE: Final = {
    "NoSuchBucket": NO_BUCKET,
    "AccessDenied": NO_RIGHT,
    "403": NO_RIGHT,  # the answer to HEAD has no body to say more
    "InvalidAccessKeyId": BAD_KEYS,
    "SignatureDoesNotMatch": BAD_KEYS,
    "InvalidToken": BAD_KEYS,
    "ExpiredToken": EXPIRED,
    "PermanentRedirect": OTHER_REGION,
    "AuthorizationHeaderMalformed": OTHER_REGION,
}
"""By the error code of S3's answer."""
