"""What came of template.yaml: the plain facts that the sandbox's Lambda, API Gateway and stream pump run by."""

from dataclasses import dataclass, field
from pathlib import Path


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
class StreamMapping:
    """One event source mapping from a table's stream to a function."""

    stream_arn: str
    function: str  # logical id
    batch_size: int
    bisect: bool
    report_item_failures: bool
    maximum_retries: int  # -1: until the record expires


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
