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
_UPLOADS = {
    ("POST", ("uploads",)): "CreateMultipartUpload",
    ("PUT", ("partNumber", "uploadId")): "UploadPart",
    ("POST", ("uploadId",)): "CompleteMultipartUpload",
    ("DELETE", ("uploadId",)): "AbortMultipartUpload",
}


def s3_operation(method: str, path: str, query: str) -> tuple[str, dict[str, str]]:
    """Name and parameters of an operation on a path-style address.

    Of the others only the method is named, as in `PUT?acl`: the sandbox knows no permission for them.
    """
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    asked = {name for name in parse_qs(query, keep_blank_values=True) if not _is_plain(name)}
    where = {"Bucket": bucket, "Key": key} if key else {"Bucket": bucket}
    if key and not asked:
        named = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
        if method in named:
            return named[method], where
    elif key and (method, tuple(sorted(asked))) in _UPLOADS:
        return _UPLOADS[method, tuple(sorted(asked))], where
    elif bucket and not key:
        if method == "GET" and asked <= _LISTING:
            return "ListObjectsV2" if "list-type" in asked else "ListObjects", where
        if method == "HEAD" and not asked:
            return "HeadBucket", where
    return f"{method}?{'&'.join(sorted(asked))}", where


def _is_plain(name: str) -> bool:
    """Whether a parameter says nothing about the operation: a presigned address's own, and headers that an answer is to have."""
    return name in _PLAIN or name.startswith(("X-Amz-", "response-"))
