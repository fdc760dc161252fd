"""The APIs of a template, the HTTP one and the WebSocket one, as the dataclasses of `deployed.py`."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.cloudformation import lambda_resources
from sandbox.cloudformation.resources import Created, only
from sandbox.cloudformation.role_checks import Invoker
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Cors, Function, Limits, Route, WebSocketApi

HTTP_ID, WEBSOCKET_ID = "api", "websocket"
LIVE = "live"  # the alias that the template publishes to


class Apis:
    """Takes the resources one by one, in any order that their references allow; `functions` fills up meanwhile.

    `websocket_origin` is where the WebSocket API is served, as ws://127.0.0.1:8000; by default its host in the cloud.
    """

    def __init__(
        self, region: str, account: str, functions: Mapping[str, Function], websocket_origin: str | None
    ) -> None:
        self._region, self._account, self._functions = region, account, functions
        self._websocket_origin = websocket_origin or f"wss://{self._host(WEBSOCKET_ID)}"
        self.routes: tuple[Route, ...] = ()
        self.cors = Cors()
        self.limits = Limits()
        self._has_websocket = False
        self._integrations: dict[str, Function] = {}
        self._websocket_routes: dict[str, str] = {}  # key → integration
        self._websocket_stage: tuple[str, Limits] | None = None
        self.creators: dict[str, Callable[[str, dict[str, Any]], Created]] = {
            "AWS::ApiGatewayV2::Api": self._api,
            "AWS::ApiGatewayV2::Stage": self._stage,
            "AWS::ApiGatewayV2::Route": self._route,
            "AWS::ApiGatewayV2::Integration": self._integration,
        }

    @property
    def websocket(self) -> WebSocketApi | None:
        """The WebSocket API, once all resources are there."""
        if self._websocket_stage is None:
            return None
        stage, limits = self._websocket_stage
        routes = {key: self._integrations[found].logical_id for key, found in self._websocket_routes.items()}
        if unknown := sorted(set(limits.routes) - set(routes)):
            raise TemplateError(f"the WebSocket API has no route {', '.join(unknown)}")
        return WebSocketApi(WEBSOCKET_ID, stage, routes, limits)

    def invokers(self) -> list[Invoker]:
        """The routes of the WebSocket API, each of which needs a permission."""
        api = self.websocket
        if api is None:
            return []
        arn = f"arn:aws:execute-api:{self._region}:{self._account}:{api.api_id}/{api.stage}"
        return [
            Invoker(f"{api.api_id} {key}", "apigateway.amazonaws.com", f"{arn}/{key}", self._functions[name])
            for key, name in api.routes.items()
        ]

    def _host(self, api_id: str) -> str:
        return f"{api_id}.execute-api.{self._region}.amazonaws.com"

    def _api(self, logical_id: str, properties: dict[str, Any]) -> Created:
        if properties.get("ProtocolType") == "WEBSOCKET":
            return self._websocket_api(logical_id, properties)
        only(logical_id, properties, "Body FailOnWarnings Name Description Tags DisableExecuteApiEndpoint")
        if self.routes:
            raise TemplateError(f"{logical_id}: the sandbox serves one HTTP API")
        by_arn = {
            arn: found.logical_id
            for found in self._functions.values()
            for arn in (found.arn, f"{found.arn}:{LIVE}")
        }
        self.routes = lambda_resources.routes(logical_id, properties["Body"], by_arn)
        self.cors = lambda_resources.cors(logical_id, properties["Body"])
        return Created(HTTP_ID, {"ApiId": HTTP_ID, "ApiEndpoint": f"https://{self._host(HTTP_ID)}"})

    def _websocket_api(self, logical_id: str, properties: dict[str, Any]) -> Created:
        """The selection expression is for messages, and a message finds no other route here than $default."""
        only(logical_id, properties, "Name Description ProtocolType RouteSelectionExpression Tags")
        if self._has_websocket:
            raise TemplateError(f"{logical_id}: the sandbox serves one WebSocket API")
        self._has_websocket = True
        return Created(WEBSOCKET_ID, {"ApiId": WEBSOCKET_ID, "ApiEndpoint": self._websocket_origin})

    def _integration(self, logical_id: str, properties: dict[str, Any]) -> Created:
        only(logical_id, properties, "ApiId Description IntegrationType IntegrationUri IntegrationMethod")
        arn = str(properties["IntegrationUri"]).partition("/functions/")[2].removesuffix("/invocations")
        of_alias = arn.removesuffix(f":{LIVE}")
        found = next((function for function in self._functions.values() if function.arn == of_alias), None)
        if properties["IntegrationType"] != "AWS_PROXY" or found is None:
            raise TemplateError(
                f"{logical_id}: the sandbox integrates functions of this template by AWS_PROXY"
            )
        self._integrations[logical_id] = found
        return Created(logical_id)

    def _route(self, logical_id: str, properties: dict[str, Any]) -> Created:
        only(logical_id, properties, "ApiId RouteKey Target AuthorizationType OperationName")
        key, integration = properties["RouteKey"], str(properties["Target"]).removeprefix("integrations/")
        if properties.get("AuthorizationType", "NONE") != "NONE":
            raise TemplateError(f"{logical_id}: the sandbox knows no authorizer of a WebSocket API")
        if key not in ("$connect", "$disconnect"):
            raise TemplateError(f"{logical_id}: the sandbox routes $connect and $disconnect only")
        if key in self._websocket_routes:
            raise TemplateError(f"{logical_id}: there is a route {key} already")
        if integration not in self._integrations:
            raise TemplateError(f"{logical_id}: {integration} is not an integration of this template")
        self._websocket_routes[key] = integration
        return Created(logical_id)

    def _stage(self, logical_id: str, properties: dict[str, Any]) -> Created:
        """Access logs are accepted and not written: they only tell."""
        known = "ApiId StageName AutoDeploy Tags DefaultRouteSettings RouteSettings AccessLogSettings"
        only(logical_id, properties, known)
        default = lambda_resources.limit(logical_id, properties.get("DefaultRouteSettings", {}))
        own = {
            key: lambda_resources.limit(f"{logical_id} {key}", settings) or default
            for key, settings in properties.get("RouteSettings", {}).items()
        }
        limits = Limits(default, {key: found for key, found in own.items() if found is not None})
        name = properties["StageName"]
        if properties["ApiId"] == WEBSOCKET_ID:
            self._websocket_stage = self._websocket_stage_named(logical_id, properties, limits)
            return Created(name)
        if name != "$default":
            raise TemplateError(f"{logical_id}: only the stage $default is supported")
        keys = {f"{route.method} {route.path}" for route in self.routes}
        if unknown := sorted(set(own) - keys):
            raise TemplateError(f"{logical_id}: there is no route {', '.join(unknown)}")
        self.limits = limits
        return Created(name)

    def _websocket_stage_named(
        self, logical_id: str, properties: dict[str, Any], limits: Limits
    ) -> tuple[str, Limits]:
        if self._websocket_stage is not None:
            raise TemplateError(f"{logical_id}: the sandbox serves one stage of a WebSocket API")
        if properties.get("AutoDeploy") not in (True, "true"):
            raise TemplateError(f"{logical_id}: a stage without AutoDeploy is not supported")
        return properties["StageName"], limits
