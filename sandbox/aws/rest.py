"""Which S3 operation a REST request is, for S3 says it by method, path and query (Amazon S3 API Reference)."""

from urllib.parse import parse_qs, unquote

_LISTING = {
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "encoding-type",
    "continuation-token",
    "start-after",
    "fetch-owner",
    "marker",
}
_PLAIN = {"x-id"}  # newer clients name the operation there


def s3_operation(method: str, path: str, query: str) -> tuple[str, dict[str, str]]:
    """Name and parameters of an operation on a path-style address.

    Of the others only the method is named, as in `PUT?acl`: the sandbox knows no permission for them.
    """
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    asked = set(parse_qs(query, keep_blank_values=True)) - _PLAIN
    where = {"Bucket": bucket, "Key": key} if key else {"Bucket": bucket}
    if key and not asked:
        named = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
        if method in named:
            return named[method], where
    elif bucket and not key:
        if method == "GET" and asked <= _LISTING:
            return "ListObjectsV2" if "list-type" in asked else "ListObjects", where
        if method == "HEAD" and not asked:
            return "HeadBucket", where
    return f"{method}?{'&'.join(sorted(asked))}", where
