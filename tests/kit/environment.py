"""The local AWS, and this process's environment while code of the product runs here against it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws


@contextmanager
def local_aws(**given: Any) -> Iterator[Aws]:
    """AWS on loopback, with nothing in it."""
    aws = Aws(**given)
    aws.start()
    try:
        yield aws
    finally:
        aws.stop()


@contextmanager
def operator_of(aws: Aws) -> Iterator[None]:
    """An operator's environment: what each role may do is another test's matter."""
    before = dict(os.environ)
    os.environ.pop("AWS_SESSION_TOKEN", None)
    os.environ.update(
        AWS_ACCESS_KEY_ID=ADMIN_ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY="sandbox",
        AWS_ENDPOINT_URL=aws.url,
        AWS_REGION=aws.region,
        AWS_DEFAULT_REGION=aws.region,
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
