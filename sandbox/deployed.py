"""What came of template.yaml: the plain facts that the sandbox's Lambda, API Gateway and pumps run by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Function:
    """One AWS::Lambda::Function: where its code lies and what AWS would give its process."""

    logical_id: str  # NativeFunction
    name: str
    arn: str
    handler: str  # app.lambda_handler
    code: Path  # functions/native
    layers: tuple[
        Path, ...
    ]  # folders to put on the import path; a layer that only lists requirements has none
    environment: dict[str, str]
    timeout: int  # seconds
    memory: int  # MB
    role_arn: str


@dataclass(frozen=True)
class JwtAuthorizer:
    """A JWT authorizer of the HTTP API."""

    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """One route of the HTTP API; `authorizer` is None where it is open, `scopes` are any-of."""

    method: str  # GET
    path: str  # /api/v1/payments/wechat/query/{outTradeNo}
    function: str  # logical id
    authorizer: JwtAuthorizer | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Cors:
    """CORS of the HTTP API, as `CorsConfiguration` says."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: int | None = None


@dataclass(frozen=True)
class Limit:
    """`rate` requests a second in the long run, `burst` at once."""

    rate: float
    burst: int


@dataclass(frozen=True)
class Limits:
    """The stage's limits: for routes by key (`POST /path`), and for every other route."""

    default: Limit | None = None
    routes: dict[str, Limit] = field(default_factory=dict)

    def of(self, route_key: str) -> Limit | None:
        """The limit of one route, or None."""
        return self.routes.get(route_key, self.default)


@dataclass(frozen=True)
class WebSocketApi:
    """The WebSocket API and its one stage."""

    api_id: str
    stage: str  # live
    routes: dict[str, str]  # route key, as $connect → function, logical id
    limits: Limits = Limits()


@dataclass(frozen=True)
class FailureBucket:
    """Where a stream mapping leaves what it gives up on, and what Lambda writes into its name and text."""

    bucket: str
    mapping_id: str  # the mapping's UUID
    function_arn: str


@dataclass(frozen=True)
class StreamMapping:
    """One event source mapping from a table's stream to a function."""

    stream_arn: str
    function: str  # logical id
    batch_size: int
    bisect: bool
    report_item_failures: bool
    maximum_retries: int  # -1: until the record expires
    maximum_age: int = -1  # seconds; -1: until the record expires
    on_failure: FailureBucket | None = None


@dataclass(frozen=True)
class QueueMapping:
    """One event source mapping from a queue to a function."""

    queue_url: str
    queue_arn: str
    function: str  # logical id
    batch_size: int
    report_item_failures: bool
    maximum_concurrency: int
    batching_window: int = (
        0  # seconds, the longest that Lambda may wait for a batch to fill; here nobody waits
    )


@dataclass(frozen=True)
class Schedule:
    """One schedule that invokes a function at a fixed rate or at moments of each day: EventBridge Scheduler's, or a rule's."""

    logical_id: str  # SweepFunctionMinute
    arn: str
    function: str  # logical id
    rate: int  # seconds; 0 where it goes by moments
    source: str  # aws.scheduler, or aws.events for a rule
    input: Any = None  # the whole event, where the template gives one
    moments: tuple[int, ...] = ()  # seconds since midnight, UTC, in order


@dataclass(frozen=True)
class Rule:
    """One rule of an event bus that hands the events of a pattern to a function, or to a queue."""

    logical_id: str  # LivePushFunctionNews
    arn: str
    function: str | None  # logical id; None where they go to a queue
    bus: str  # its name
    pattern: dict[str, Any]
    retries: int  # of an invocation that failed
    queue_url: str | None = None


@dataclass(frozen=True)
class DeployedStack:
    """The stack as CloudFormation tells of it; `created` in epoch seconds, parameters as text."""

    name: str
    stack_id: str
    created: float
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Deployed:
    """All of it, plus every logical id's physical name (`Ref`) and attributes (`GetAtt`)."""

    functions: dict[str, Function]
    routes: tuple[Route, ...]
    cors: Cors
    streams: tuple[StreamMapping, ...]
    refs: dict[str, str]
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    queues: tuple[QueueMapping, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    rules: tuple[Rule, ...] = ()
    limits: Limits = Limits()
    websocket: WebSocketApi | None = None
    alarms: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # properties; whoever measures may judge them
