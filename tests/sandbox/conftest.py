"""The local AWS, one for each file of tests that asks for it."""

from collections.abc import Iterator

import pytest

from sandbox.aws.aws import Aws
from tests.kit.environment import local_aws


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with local_aws() as aws:
        yield aws
