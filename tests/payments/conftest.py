"""A table behind a wiring object, from template.yaml: moto's DynamoDB over HTTP in a thorough run.

Unless the run is thorough the tables are those of tests/kit, without HTTP: ten times as fast.
"""

import json
from collections.abc import Callable, Iterator

import pytest

from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.wiring import Wiring
from sandbox.aws.access_control import ADMIN_ACCESS_KEY
from sandbox.aws.aws import Aws, Use
from sandbox.cloudformation.deployer import deploy
from sandbox.deployed import Deployed
from tests.kit.aws_line import new_line
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.kit.environment import local_aws
from tests.kit.parameters import PARAMETERS, TEMPLATE
from tests.kit.payments import put
from tests.payments.calls import QUOTE_KEY, Calls
from tests.payments.stage import Stage, StagedWiring
from tests.thorough import TABLES


@pytest.fixture(scope="session")
def deployed() -> Iterator[tuple[Aws, Deployed]]:
    """AWS on loopback, with the template's tables and roles in it."""
    with local_aws() as aws:
        yield aws, deploy(TEMPLATE, aws=aws, parameters=PARAMETERS)


@pytest.fixture(scope="session")
def memory(deployed: tuple[Aws, Deployed]) -> MemoryDynamoDB:
    """Tables in this process, under the names of those that are deployed."""
    aws, stack = deployed
    db = MemoryDynamoDB.from_template(names=stack.refs)

    def noted(operation: Operation, run: Run) -> Answer:
        aws.used([Use("tests", f"dynamodb:{operation.name}", operation.table, allowed=True)])
        return run()

    db.around = noted
    return db


@pytest.fixture
def over_http() -> None:
    """For tests that look at the requests themselves."""


@pytest.fixture
def in_memory() -> None:
    """For tests that count what an operator asks of the tables: the local AWS notes what roles ask, and nobody else."""


@pytest.fixture
def tables(memory: MemoryDynamoDB, request: pytest.FixtureRequest) -> Iterator[MemoryDynamoDB | None]:
    """The tables in memory, where this test works on those."""
    if "over_http" in request.fixturenames or (
        TABLES != "memory" and "in_memory" not in request.fixturenames
    ):
        yield None
        return
    with memory:
        yield memory


@pytest.fixture
def wiring(
    deployed: tuple[Aws, Deployed], tables: MemoryDynamoDB | None, monkeypatch: pytest.MonkeyPatch
) -> Wiring:
    """What native would have: its environment and its role."""
    aws, stack = deployed
    native = stack.functions["NativeFunction"]
    for name, value in aws.session_credentials(native.role_arn).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_REGION", aws.region)
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws.region)
    return Wiring(native.environment)


@pytest.fixture
def quarantined(
    deployed: tuple[Aws, Deployed], tables: MemoryDynamoDB | None
) -> Callable[[str], list[dict[str, str]]]:
    """The evidence that was kept about one order number: reason, source, facts."""
    aws, stack = deployed

    def kept(out_trade_no: str) -> list[dict[str, str]]:
        rows: list[dict[str, dict[str, str]]]
        if tables is not None:
            rows = tables.items("QuarantineTable")
        else:
            rows = aws.client("dynamodb").scan(TableName=stack.refs["QuarantineTable"])["Items"]
        items = [{name: next(iter(value.values())) for name, value in row.items()} for row in rows]
        return [item for item in items if item.get("out_trade_no") == out_trade_no]

    return kept


@pytest.fixture
def new_payment(wiring: Wiring) -> Callable[..., Payment]:
    """Puts a payment of 1000 fen into the table, moved to the status that is asked for."""

    def make(status: Status = Status.CREATING, *, amount: int = 1000) -> Payment:
        return put(wiring, status, amount=amount)

    return make


# ---- functions, called as Lambda calls them, within this process ----


@pytest.fixture(scope="session")
def verification_secret(deployed: tuple[Aws, Deployed]) -> None:
    """What an operator puts there, as far as a price quote needs it."""
    aws, stack = deployed
    content = {"WECHAT_API_V3_KEY": "k" * 32, "WECHAT_QUOTE_KEY": QUOTE_KEY}
    aws.client("secretsmanager").put_secret_value(
        SecretId=stack.refs["VerificationSecret"], SecretString=json.dumps(content)
    )


@pytest.fixture
def calls(wiring: Wiring, deployed: tuple[Aws, Deployed], verification_secret: None) -> Calls:
    return Calls(wiring, deployed[0])


@pytest.fixture
def stage(
    wiring: Wiring, deployed: tuple[Aws, Deployed], verification_secret: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """Every handler, with an operator's rights: pynamodb knows one caller at a time."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMIN_ACCESS_KEY)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    environment: dict[str, str] = {}
    for function in ("Settle", "Sweep", "Checkout", "Refund", "Native"):
        environment |= deployed[1].functions[f"{function}Function"].environment
    with new_line():
        yield Stage(Calls(StagedWiring(environment), deployed[0]))
