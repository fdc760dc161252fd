"""One merchant for all tests here, a simulator and tables for each."""

from collections.abc import Iterator

import pytest

from tests.kit.aws_line import new_line
from tests.kit.dynamodb import MemoryDynamoDB
from tests.openids.login import Login
from tests.openids.visitor import Street
from wechatpay_simulator import Credentials


@pytest.fixture(scope="session")
def login_tables() -> MemoryDynamoDB:
    return MemoryDynamoDB.from_template()


@pytest.fixture(scope="session")
def login_credentials() -> Credentials:
    return Credentials.create()


@pytest.fixture
def login(login_tables: MemoryDynamoDB, login_credentials: Credentials) -> Iterator[Login]:
    with new_line(), login_tables as db:
        db.clear()
        login = Login(db, login_credentials)
        yield login
        login.close()
        db.around = None


@pytest.fixture
def street(login: Login) -> Street:
    """A checkout's functions beside it."""
    return Street(login)
