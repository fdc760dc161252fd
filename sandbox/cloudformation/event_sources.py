"""What invokes the functions of a template: event source mappings, schedules and rules, as `deployed.py` has them."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sandbox.aws.aws import Aws
from sandbox.aws.iam import Need
from sandbox.cloudformation import lambda_resources, role_checks, rule_resources, schedule_resources
from sandbox.cloudformation.lambda_resources import function_named
from sandbox.cloudformation.resources import Created, only
from sandbox.cloudformation.template import TemplateError
from sandbox.deployed import Function, QueueMapping, Rule, Schedule, StreamMapping


class EventSources:
    """Takes the resources one by one, in any order that their references allow; `functions` fills up meanwhile."""

    def __init__(self, aws: Aws, stack: str, functions: Mapping[str, Function]) -> None:
        self._aws, self._stack, self._functions = aws, stack, functions
        self.streams: list[StreamMapping] = []
        self.queues: list[QueueMapping] = []
        self.schedules: list[Schedule] = []
        self.invokers: list[role_checks.Invoker] = []
        """The rules that invoke, each of which needs a permission."""
        self.senders: list[role_checks.Sender] = []
        """The rules that fill queues, each of which the queue's policy has to let in."""
        self._rules: list[Rule] = []
        self._unrepeated: set[str] = set()  # functions whose asynchronous invocations are not tried again
        self.creators: dict[str, Callable[[str, dict[str, Any]], Created]] = {
            "AWS::Lambda::EventSourceMapping": self._mapping,
            "AWS::Lambda::EventInvokeConfig": self._invoke_config,
            "AWS::Scheduler::Schedule": self._schedule,
            "AWS::Events::Rule": self._rule,
        }

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules with a pattern, once all resources are there."""
        return tuple(
            replace(rule, retries=0) if rule.function in self._unrepeated else rule for rule in self._rules
        )

    def _mapping(self, logical_id: str, properties: dict[str, Any]) -> Created:
        function = function_named(self._functions, logical_id, properties["FunctionName"])
        mapping_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._stack}/{logical_id}"))
        source = properties["EventSourceArn"]
        if source.startswith("arn:aws:sqs:"):
            role_checks.demand_for_queue(self._aws, logical_id, function.role_arn, source)
            client = self._aws.client("sqs")
            url = client.get_queue_url(QueueName=source.rsplit(":", 1)[-1])["QueueUrl"]
            asked = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
            timeout = int(asked["Attributes"]["VisibilityTimeout"])
            self.queues.append(
                lambda_resources.queue_mapping(
                    logical_id, properties, function, url=url, visibility_timeout=timeout
                )
            )
        elif "/stream/" in source:
            mapping = lambda_resources.stream_mapping(logical_id, properties, function, mapping_id)
            if mapping.on_failure is not None:
                bucket = mapping.on_failure.bucket
                role_checks.demand_for_failures(self._aws, logical_id, function.role_arn, bucket, mapping_id)
            self.streams.append(mapping)
        else:
            raise TemplateError(f"{logical_id}: the sandbox maps DynamoDB streams and SQS queues only")
        return Created(mapping_id, {"Id": mapping_id})

    def _invoke_config(self, logical_id: str, properties: dict[str, Any]) -> Created:
        """Either none, or no retries: schedules invoke asynchronously, and the sandbox repeats nothing that they do."""
        known = "FunctionName Qualifier MaximumRetryAttempts MaximumEventAgeInSeconds DestinationConfig"
        only(logical_id, properties, known)
        only(logical_id, properties.get("DestinationConfig", {}), "")  # SAM writes an empty one
        if int(properties.get("MaximumRetryAttempts", 2)) != 0:
            raise TemplateError(f"{logical_id}: the sandbox supports no other MaximumRetryAttempts than 0")
        self._unrepeated.add(
            function_named(self._functions, logical_id, properties["FunctionName"]).logical_id
        )
        return Created(logical_id)

    def _schedule(self, logical_id: str, properties: dict[str, Any]) -> Created:
        function = function_named(self._functions, logical_id, properties["Target"]["Arn"])
        role = properties["Target"]["RoleArn"]
        role_checks.demand_trust(self._aws, logical_id, role, "scheduler.amazonaws.com")
        role_checks.demand(self._aws, logical_id, role, Need("lambda:InvokeFunction", function.arn))
        name = properties.get("Name", f"{self._stack}-{logical_id}")
        arn = f"arn:aws:scheduler:{self._aws.region}:{self._aws.account}:schedule/default/{name}"
        self.schedules.append(schedule_resources.schedule(logical_id, properties, function, arn))
        return Created(name, {"Arn": arn})

    def _rule(self, logical_id: str, properties: dict[str, Any]) -> Created:
        name = properties.get("Name", f"{self._stack}-{logical_id}")
        bus = rule_resources.bus_of(properties)
        path = name if bus == "default" else f"{bus}/{name}"
        arn = f"arn:aws:events:{self._aws.region}:{self._aws.account}:rule/{path}"
        target = rule_resources.target_of(logical_id, properties)
        if rule_resources.is_queue(target) and "EventPattern" in properties:
            url = self._queue_url(logical_id, target["Arn"])
            queues = [target["Arn"], *target.get("DeadLetterConfig", {}).values()]
            self.senders += [
                role_checks.Sender(logical_id, "events.amazonaws.com", arn, one) for one in queues
            ]
            self._rules.append(rule_resources.rule(logical_id, properties, queue_url=url, arn=arn))
            return Created(name, {"Arn": arn})
        function = rule_resources.function_of(logical_id, target["Arn"], self._functions)
        self.invokers.append(role_checks.Invoker(logical_id, "events.amazonaws.com", arn, function))
        if "EventPattern" in properties:
            self._rules.append(rule_resources.rule(logical_id, properties, function=function, arn=arn))
        else:
            self.schedules.append(schedule_resources.rule(logical_id, properties, function, arn=arn))
        return Created(name, {"Arn": arn})

    def _queue_url(self, logical_id: str, arn: str) -> str:
        client = self._aws.client("sqs")
        try:
            url: str = client.get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]
        except client.exceptions.QueueDoesNotExist:
            raise rule_resources.not_ours(logical_id, arn) from None
        return url
