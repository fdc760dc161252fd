"""What the template says of functions, their event sources and the HTTP API, as the dataclasses of `deployed.py`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.cloudformation.resources import only
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import (
    Cors,
    FailureBucket,
    Function,
    JwtAuthorizer,
    Limit,
    QueueMapping,
    Route,
    StreamMapping,
)

_RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|AWS_(DEFAULT_)?REGION|AWS_EXECUTION_ENV|AWS_LAMBDA_(FUNCTION|LOG|INITIALIZATION|RUNTIME)_.+"
    r"|AWS_ACCESS_KEY(_ID)?|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR"
)
"""Variables that Lambda sets itself and refuses to be given (Lambda Developer Guide, environment variables)."""
_ENVIRONMENT_LIMIT = 4096  # bytes, of all variables together (Lambda quotas)
_POLLERS = 5
"""Batches that Lambda works on at a time to begin with; here it stays at that unless the template bounds it."""
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


def function(
    logical_id: str,
    properties: Mapping[str, Any],
    *,
    name: str,
    arn: str,
    code: Path,
    layers: tuple[Path, ...],
) -> Function:
    """An AWS::Lambda::Function. Raises TemplateError for what Lambda would refuse or the sandbox cannot do."""
    # SnapStart has no effect here: every process starts anew.
    known = "Code Description Handler MemorySize Role Runtime Timeout Environment Tags Layers Architectures SnapStart"
    only(logical_id, properties, f"{known} LoggingConfig FunctionName PackageType EphemeralStorage")
    if not str(properties.get("Runtime", "")).startswith("python"):
        raise TemplateError(f"{logical_id}: the sandbox runs Python functions only")
    variables = properties.get("Environment", {}).get("Variables", {})
    environment = {key: _string(value, f"{logical_id}: {key}") for key, value in variables.items()}
    if reserved := sorted(filter(_RESERVED.fullmatch, environment)):
        raise TemplateError(f"{logical_id}: Lambda reserves {', '.join(reserved)}")
    if sum(len((k + v).encode()) for k, v in environment.items()) > _ENVIRONMENT_LIMIT:
        raise TemplateError(f"{logical_id}: environment variables exceed {_ENVIRONMENT_LIMIT} bytes")
    return Function(
        logical_id=logical_id,
        name=name,
        arn=arn,
        handler=properties["Handler"],
        code=code,
        layers=layers,
        environment=environment,
        timeout=int(properties.get("Timeout", 3)),
        memory=int(properties.get("MemorySize", 128)),
        role_arn=properties["Role"],
    )


def stream_mapping(
    logical_id: str, properties: Mapping[str, Any], function: Function, mapping_id: str
) -> StreamMapping:
    """An AWS::Lambda::EventSourceMapping from a DynamoDB stream.

    A new table's stream is empty, so both starting positions mean the same; a batching window is a longest wait,
    which delivering at once keeps. Batches are delivered one by one, whatever ParallelizationFactor allows: it keeps the order of each item.
    """
    known = "BatchSize EventSourceArn FunctionName BisectBatchOnFunctionError StartingPosition FunctionResponseTypes"
    known += " MaximumRetryAttempts MaximumRecordAgeInSeconds DestinationConfig MetricsConfig ParallelizationFactor"
    only(logical_id, properties, f"{known} Enabled MaximumBatchingWindowInSeconds Tags")
    _enabled(logical_id, properties)
    return StreamMapping(
        stream_arn=properties["EventSourceArn"],
        function=function.logical_id,
        batch_size=int(properties.get("BatchSize", 100)),
        bisect=properties.get("BisectBatchOnFunctionError") in (True, "true"),
        report_item_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        maximum_retries=int(properties.get("MaximumRetryAttempts", -1)),
        maximum_age=int(properties.get("MaximumRecordAgeInSeconds", -1)),
        on_failure=_failure_bucket(logical_id, properties, function, mapping_id),
    )


def _failure_bucket(
    logical_id: str, properties: Mapping[str, Any], function: Function, mapping_id: str
) -> FailureBucket | None:
    given = properties.get("DestinationConfig", {})
    only(logical_id, given, "OnFailure")
    if "OnFailure" not in given:
        return None
    only(logical_id, given["OnFailure"], "Destination")
    service, _, bucket = given["OnFailure"]["Destination"].rpartition(":::")
    if service != "arn:aws:s3":
        raise TemplateError(f"{logical_id}: the sandbox knows S3 buckets only as a destination of failures")
    return FailureBucket(bucket, mapping_id, function.arn)


def queue_mapping(
    logical_id: str, properties: Mapping[str, Any], function: Function, *, url: str, visibility_timeout: int
) -> QueueMapping:
    """An AWS::Lambda::EventSourceMapping from an SQS queue. Raises TemplateError for what Lambda would refuse.

    Its rules: Lambda Developer Guide, Lambda parameters for Amazon SQS event source mappings, and Configuring a queue
    to use with Lambda. A batching window is a longest wait, which delivering at once keeps.
    """
    known = "BatchSize EventSourceArn FunctionName FunctionResponseTypes MaximumBatchingWindowInSeconds ScalingConfig"
    only(logical_id, properties, f"{known} Enabled Tags")
    _enabled(logical_id, properties)
    arn = properties["EventSourceArn"]
    if arn.endswith(".fifo"):
        raise TemplateError(f"{logical_id}: the sandbox maps standard queues only")
    batch, window = (
        int(properties.get("BatchSize", 10)),
        int(properties.get("MaximumBatchingWindowInSeconds", 0)),
    )
    if batch > 10 and window < 1:
        raise TemplateError(
            f"{logical_id}: a BatchSize over 10 needs a MaximumBatchingWindowInSeconds of 1 or more"
        )
    if visibility_timeout < function.timeout:
        raise TemplateError(
            f"{logical_id}: the queue's visibility timeout of {visibility_timeout} s is less than the function's"
            f" timeout of {function.timeout} s"
        )
    scaling = properties.get("ScalingConfig", {})
    only(logical_id, scaling, "MaximumConcurrency")
    concurrency = int(scaling.get("MaximumConcurrency", _POLLERS))
    if not 2 <= concurrency <= 1000:
        raise TemplateError(f"{logical_id}: MaximumConcurrency must be 2 to 1000")
    return QueueMapping(
        queue_url=url,
        queue_arn=arn,
        function=function.logical_id,
        batch_size=batch,
        report_item_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
        maximum_concurrency=concurrency,
        batching_window=window,
    )


def _enabled(logical_id: str, properties: Mapping[str, Any]) -> None:
    if properties.get("Enabled") not in (None, True, "true"):
        raise TemplateError(f"{logical_id}: a disabled mapping is not supported")


def routes(
    logical_id: str, body: Mapping[str, Any], functions_by_arn: Mapping[str, str]
) -> tuple[Route, ...]:
    """Routes of an HTTP API's OpenAPI body, each with its function's logical id; no `security` means open."""
    found = []
    schemes = body.get("components", {}).get("securitySchemes", {})
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            if method not in _METHODS:
                raise TemplateError(f"{logical_id}: {method} {path} is not supported")
            integration = operation["x-amazon-apigateway-integration"]
            arn = integration["uri"].partition("/functions/")[2].removesuffix("/invocations")
            if integration.get("payloadFormatVersion") != "2.0" or arn not in functions_by_arn:
                raise TemplateError(f"{logical_id}: {method} {path} needs a function and payload format 2.0")
            authorizer, scopes = None, ()
            if security := operation.get("security"):
                if len(security) != 1 or len(security[0]) != 1:
                    raise TemplateError(f"{logical_id}: {method} {path} has more than one authorizer")
                ((name, wanted),) = security[0].items()
                authorizer, scopes = _authorizer(logical_id, schemes[name]), tuple(wanted)
            found.append(Route(method.upper(), path, functions_by_arn[arn], authorizer, scopes))
    return tuple(found)


def cors(logical_id: str, body: Mapping[str, Any]) -> Cors:
    """CORS of an HTTP API's OpenAPI body; all empty when it has none."""
    given = body.get("x-amazon-apigateway-cors", {})
    if not isinstance(given, dict):
        raise TemplateError(
            f"{logical_id}: the transform has made CORS of AllowOrigins alone, for it is an intrinsic function:"
            " make all of CorsConfiguration one Fn::If"
        )
    lists = {
        "allowOrigins": "allow_origins",
        "allowMethods": "allow_methods",
        "allowHeaders": "allow_headers",
        "exposeHeaders": "expose_headers",
    }
    only(f"{logical_id}.CorsConfiguration", given, " ".join([*lists, "maxAge"]))
    for key in lists:
        if not isinstance(given.get(key, []), list):
            raise TemplateError(f"{logical_id}.CorsConfiguration: {key} must be a list")
    parts = {ours: tuple(given.get(theirs, ())) for theirs, ours in lists.items()}
    return Cors(**parts, max_age=int(given["maxAge"]) if "maxAge" in given else None)


def layer_path(folder: Path) -> Path | None:
    """The folder to put on the import path; None for a layer that has no package of its own, and only lists requirements."""
    return folder if any(folder.glob("*/__init__.py")) else None


def _authorizer(logical_id: str, scheme: Mapping[str, Any]) -> JwtAuthorizer:
    given = scheme["x-amazon-apigateway-authorizer"]
    if given.get("type") != "jwt" or given.get("identitySource") != "$request.header.Authorization":
        raise TemplateError(f"{logical_id}: only JWT authorizers on the Authorization header are supported")
    configuration = given["jwtConfiguration"]
    if not isinstance(configuration["audience"], list):
        raise TemplateError(f"{logical_id}: a JWT authorizer's audience must be a list")
    return JwtAuthorizer(configuration["issuer"], tuple(configuration["audience"]))


def _string(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"{where} must be a string")


def limit(logical_id: str, settings: dict[str, Any]) -> Limit | None:
    """Throttling as a stage's route settings say it, or None where they say nothing of it."""
    only(logical_id, settings, "ThrottlingRateLimit ThrottlingBurstLimit")
    if not settings:
        return None
    return Limit(float(settings["ThrottlingRateLimit"]), int(settings["ThrottlingBurstLimit"]))


def function_named(functions: Mapping[str, Function], logical_id: str, name: str) -> Function:
    """By its name or ARN, or by those of its alias or version. Raises TemplateError, which names `logical_id`."""
    for found in functions.values():
        if name in (found.name, found.arn) or name.startswith(f"{found.arn}:"):
            return found
    raise TemplateError(f"{logical_id}: {name} is not a function of this template")
