"""template.yaml as a running stack: what AWS keeps is created there, what Lambda and API Gateway run comes back."""

from pathlib import Path
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.aws.stacks import described
from sandbox.cloudformation import lambda_resources, role_checks
from sandbox.cloudformation.api_resources import Apis
from sandbox.cloudformation.event_sources import EventSources
from sandbox.cloudformation.intrinsics import NO_VALUE, Resolver
from sandbox.cloudformation.named_resources import NAMED
from sandbox.cloudformation.resources import CREATORS, Created, only
from sandbox.cloudformation.template import TemplateError, checked, parameters_of, translate
from sandbox.deployed import Deployed, Function


def deploy(
    template_path: Path,
    *,
    aws: Aws,
    parameters: dict[str, str],
    stack_name: str = "wechatpay-sandbox",
    websocket_origin: str | None = None,
) -> Deployed:
    """Create every resource of the template, in the order that they refer to each other.

    `websocket_origin` is where the WebSocket API will be served, as ws://127.0.0.1:8000.
    Raises TemplateError for a bad parameter, a reference that leads nowhere or in a circle, and for any resource,
    property or function that the sandbox would otherwise pass over in silence.
    """
    return _Deployment(template_path, aws, parameters, stack_name, websocket_origin).run()


class _Deployment:
    def __init__(
        self, path: Path, aws: Aws, parameters: dict[str, str], stack: str, websocket_origin: str | None
    ) -> None:
        declared = parameters_of(path)
        values = self._values = checked(declared, parameters)
        self._hidden = [name for name, rules in declared.items() if rules.get("NoEcho") in (True, "true")]
        template, self._folders = translate(path, values)
        self._aws = aws
        self._stack = stack
        self._resources: dict[str, Any] = template["Resources"]
        self._outputs: dict[str, Any] = template.get("Outputs", {})
        self._stack_id = f"arn:aws:cloudformation:{aws.region}:{aws.account}:stack/{stack}/sandbox"
        self._resolver = Resolver(
            {
                **values,
                "AWS::Region": aws.region,
                "AWS::AccountId": aws.account,
                "AWS::Partition": "aws",
                "AWS::URLSuffix": "amazonaws.com",
                "AWS::StackName": stack,
                "AWS::StackId": self._stack_id,
            },
            conditions=template.get("Conditions", {}),
            mappings=template.get("Mappings", {}),
            ref=lambda name: self._made(name).ref,
            attribute=self._attribute,
        )
        self._done: dict[str, Created] = {}
        self._under_way: list[str] = []
        self._functions: dict[str, Function] = {}
        self._apis = Apis(aws.region, aws.account, self._functions, websocket_origin)
        self._sources = EventSources(aws, stack, self._functions)
        self._alarms: dict[str, dict[str, Any]] = {}
        self._permissions: list[dict[str, Any]] = []

    def run(self) -> Deployed:
        for logical_id, resource in self._resources.items():
            if self._wanted(resource):
                self._made(logical_id)
        role_checks.demand_permissions([*self._sources.invokers, *self._apis.invokers()], self._permissions)
        role_checks.demand_queue_policies(self._aws, self._sources.senders)
        outputs = {
            name: str(self._resolver.value(output["Value"]))
            for name, output in self._outputs.items()
            if self._wanted(output)
        }
        self._aws.describe(described(self._stack, self._stack_id, self._values, outputs, hidden=self._hidden))
        return Deployed(
            functions=self._functions,
            routes=self._apis.routes,
            cors=self._apis.cors,
            streams=tuple(self._sources.streams),
            refs={name: made.ref for name, made in self._done.items()},
            attributes={name: made.attributes for name, made in self._done.items()},
            outputs=outputs,
            queues=tuple(self._sources.queues),
            schedules=tuple(self._sources.schedules),
            rules=self._sources.rules,
            limits=self._apis.limits,
            websocket=self._apis.websocket,
            alarms=self._alarms,
        )

    def _wanted(self, part: dict[str, Any]) -> bool:
        return "Condition" not in part or self._resolver.condition(part["Condition"])

    def _attribute(self, logical_id: str, name: str) -> str:
        attributes = self._made(logical_id).attributes
        if name not in attributes:
            raise TemplateError(f"{logical_id} has no attribute {name} here")
        return attributes[name]

    def _made(self, logical_id: str) -> Created:
        if logical_id in self._done:
            return self._done[logical_id]
        resource = self._resources.get(logical_id)
        if resource is None or not self._wanted(resource):
            raise TemplateError(f"{logical_id} is referred to, but not a resource or parameter")
        if logical_id in self._under_way:
            circle = " -> ".join([*self._under_way[self._under_way.index(logical_id) :], logical_id])
            raise TemplateError(f"circular reference: {circle}")
        self._under_way.append(logical_id)
        first = resource.get("DependsOn", [])
        for other in first if isinstance(first, list) else [first]:
            self._made(other)
        properties = self._resolver.value(resource.get("Properties", {}))
        if properties is NO_VALUE:
            properties = {}
        self._done[logical_id] = self._make(logical_id, resource["Type"], properties)
        self._under_way.pop()
        return self._done[logical_id]

    def _make(self, logical_id: str, kind: str, properties: dict[str, Any]) -> Created:
        if kind == "AWS::CloudWatch::Alarm":
            self._alarms[logical_id] = properties
        if create := CREATORS.get(kind) or NAMED.get(kind):
            return create(self._aws, self._stack, logical_id, properties)
        local = {
            "AWS::Lambda::Function": self._function,
            "AWS::Lambda::LayerVersion": self._layer,
            "AWS::Lambda::Permission": self._permission,
            **self._sources.creators,
            **self._apis.creators,
        }
        if kind not in local:
            raise TemplateError(f"{logical_id}: the sandbox does not support {kind}")
        return local[kind](logical_id, properties)

    def _arn(self, rest: str) -> str:
        return f"arn:aws:lambda:{self._aws.region}:{self._aws.account}:{rest}"

    def _function(self, logical_id: str, properties: dict[str, Any]) -> Created:
        name = properties.get("FunctionName", f"{self._stack}-{logical_id}")
        arn = self._arn(f"function:{name}")
        if logical_id not in self._folders:
            raise TemplateError(f"{logical_id}: its code must be a local folder")
        role_checks.demand_trust(self._aws, logical_id, properties["Role"], "lambda.amazonaws.com")
        layer_ids = {made.ref: layer for layer, made in self._done.items() if layer in self._folders}
        layers = []
        for ref in properties.get("Layers", []):
            if ref not in layer_ids:
                raise TemplateError(f"{logical_id}: {ref} is not a layer of this template")
            if path := lambda_resources.layer_path(self._folders[layer_ids[ref]]):
                layers.append(path)
        self._functions[logical_id] = lambda_resources.function(
            logical_id, properties, name=name, arn=arn, code=self._folders[logical_id], layers=tuple(layers)
        )
        return Created(name, {"Arn": arn})

    def _layer(self, logical_id: str, properties: dict[str, Any]) -> Created:
        known = "Content LayerName Description CompatibleRuntimes CompatibleArchitectures LicenseInfo"
        only(logical_id, properties, known)
        arn = self._arn(f"layer:{properties.get('LayerName', logical_id)}:1")
        return Created(arn, {"LayerVersionArn": arn})

    def _permission(self, logical_id: str, properties: dict[str, Any]) -> Created:
        """Who may invoke; here only this stack's own API, streams, queues and schedules do."""
        only(logical_id, properties, "Action FunctionName Principal SourceArn SourceAccount")
        # An alias has permissions of its own in AWS; here it is the function.
        arn = lambda_resources.function_named(self._functions, logical_id, properties["FunctionName"]).arn
        self._permissions.append({**properties, "FunctionName": arn})
        return Created(logical_id)
