"""Our template becomes a stack: each resource is created or handed on, and what cannot be is an error."""

import secrets
from pathlib import Path

import pytest

from payments.settings import Settings
from sandbox.aws.aws import Aws
from sandbox.cloudformation.deployer import deploy
from sandbox.cloudformation.template import TemplateError, checked, parameters_of, translate
from sandbox.deployed import Cors, JwtAuthorizer, Limit

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
PARAMETERS = {
    "Stage": "test",
    "Release": "1",
    "WeChatAppId": "wx0123456789abcdef",
    "WeChatMchId": "1900000001",
    "WeChatNotifyUrl": "http://127.0.0.1:8000/api/v1/payments/wechat/notify",
    "JwtIssuer": "http://127.0.0.1:8000",
    "JwtAudience": "sandbox,other",
    "LogLevel": "DEBUG",
}

TINY = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Bus: {Type: String, Default: "yes"}}
Conditions: {WithBus: !Equals [!Ref Bus, "yes"]}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.lambda_handler
      CodeUri: one
      Role: !GetAtt OneRole.Arn
      Environment: {Variables: {BUS: !If [WithBus, !Ref Events, none]}}
  OneRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
        Version: "2012-10-17"
  Events:
    Type: AWS::Events::EventBus
    Condition: WithBus
    Properties: {Name: events}
"""


@pytest.fixture(scope="module")
def deployed(aws):
    return deploy(TEMPLATE, aws=aws, parameters=PARAMETERS)


@pytest.fixture
def deploy_tiny(tmp_path):
    started = []

    def run(*changes, **parameters):
        text = TINY
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "template.yaml"
        path.write_text(text)
        aws = Aws()
        aws.start()
        started.append(aws)
        return deploy(path, aws=aws, parameters=parameters)

    yield run
    for aws in started:
        aws.stop()


def test_every_resource_of_the_transformed_template_has_become_something(aws, deployed):
    template, _ = translate(TEMPLATE, checked(parameters_of(TEMPLATE), PARAMETERS))
    # What has a condition is asked for by a parameter that is empty here.
    assert set(deployed.refs) == {
        name for name, resource in template["Resources"].items() if "Condition" not in resource
    }
    found = {
        "AWS::DynamoDB::Table": aws.client("dynamodb").list_tables()["TableNames"],
        "AWS::SecretsManager::Secret": [
            s["ARN"] for s in aws.client("secretsmanager").list_secrets(MaxResults=100)["SecretList"]
        ],
        "AWS::Events::EventBus": [b["Name"] for b in aws.client("events").list_event_buses()["EventBuses"]],
        "AWS::Logs::LogGroup": [
            g["logGroupName"] for g in aws.client("logs").describe_log_groups()["logGroups"]
        ],
        "AWS::IAM::Role": [r["RoleName"] for r in aws.client("iam").list_roles()["Roles"]],
        "AWS::Lambda::Function": [f.name for f in deployed.functions.values()],
    }
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] in found:
            assert deployed.refs[logical_id] in found[resource["Type"]], logical_id
    operations = sum(
        len(path) for path in template["Resources"]["Api"]["Properties"]["Body"]["paths"].values()
    )
    assert len(deployed.routes) == operations
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    mappings = kinds.count("AWS::Lambda::EventSourceMapping")
    assert len(deployed.streams) + len(deployed.queues) == mappings
    rules = kinds.count("AWS::Scheduler::Schedule") + kinds.count("AWS::Events::Rule")
    assert len(deployed.schedules) + len(deployed.rules) == rules
    assert len(deployed.websocket.routes) == kinds.count("AWS::ApiGatewayV2::Route")


def test_the_payments_table_has_its_index_stream_recovery_and_protection(aws, deployed):
    name = deployed.refs["PaymentsTable"]
    table = aws.client("dynamodb").describe_table(TableName=name)["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["due"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["LatestStreamArn"] == deployed.attributes["PaymentsTable"]["StreamArn"]
    assert table["DeletionProtectionEnabled"]
    backups = aws.client("dynamodb").describe_continuous_backups(TableName=name)[
        "ContinuousBackupsDescription"
    ]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_functions_have_their_folder_layers_environment_and_role(deployed):
    native = deployed.functions["NativeFunction"]
    assert native.code == ROOT / "functions/native"
    assert native.handler == "app.lambda_handler"
    assert native.environment["PAYMENTS_TABLE"] == deployed.refs["PaymentsTable"]
    assert native.environment["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
    assert native.environment["AWS_ENDPOINT_URL"] == ""
    assert all(isinstance(value, str) for value in native.environment.values())
    assert ROOT / "layers/wechatpay" in native.layers
    assert ROOT / "layers/dependencies" not in native.layers
    assert native.role_arn == deployed.attributes["NativeRole"]["Arn"]
    assert (deployed.functions["NotifyFunction"].timeout, native.timeout) == (5, 15)


def test_routes_have_their_authorizer_and_scopes_and_notify_is_open(deployed):
    routes = {(route.method, route.path): route for route in deployed.routes}
    native = routes["POST", "/api/v1/payments/wechat/native"]
    assert native.function == "NativeFunction"
    assert native.authorizer == JwtAuthorizer("http://127.0.0.1:8000", ("sandbox", "other"))
    assert native.scopes == ("payments:pay", "payments:charge")
    notify = routes["POST", "/api/v1/payments/wechat/notify"]
    assert (notify.authorizer, notify.scopes) == (None, ())


def test_the_stream_mappings_are_as_the_template_says(deployed):
    mappings = [m for m in deployed.streams if m.function == "PublishFunction"]
    streams = [deployed.attributes[table]["StreamArn"] for table in ("PaymentsTable", "NotificationsTable")]
    assert [mapping.stream_arn for mapping in mappings] == streams
    for mapping in mappings:
        assert (mapping.batch_size, mapping.bisect, mapping.report_item_failures) == (100, True, True)


def test_a_secret_is_empty_until_something_is_put_into_it(aws, deployed):
    client = aws.client("secretsmanager")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_secret_value(SecretId=deployed.refs["SigningSecret"])
    client.put_secret_value(SecretId=deployed.refs["SigningSecret"], SecretString="{}")
    assert client.get_secret_value(SecretId=deployed.refs["SigningSecret"])["SecretString"] == "{}"


def test_outputs_are_resolved(deployed):
    assert deployed.outputs["ApiUrl"] == "https://api.execute-api.us-east-1.amazonaws.com"
    assert deployed.outputs["PaymentsTableName"] == deployed.refs["PaymentsTable"]


def test_a_bad_parameter_stops_the_deployment(aws):
    with pytest.raises(TemplateError, match="parameter WeChatMchId must match"):
        deploy(TEMPLATE, aws=aws, parameters={**PARAMETERS, "WeChatMchId": "19"})


def test_a_resource_whose_condition_fails_is_not_made(deploy_tiny):
    assert deploy_tiny().functions["One"].environment["BUS"] == "events"
    without = deploy_tiny(Bus="no")
    assert "Events" not in without.refs
    assert without.functions["One"].environment["BUS"] == "none"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Name: events", "Name: events, Policy: x"), "Events: the sandbox does not support Policy"),
        (("AWS::Events::EventBus", "AWS::EC2::VPC"), "does not support AWS::EC2::VPC"),
        (("Name: events", "Name: !GetAtt One.Arn"), "circular reference: .*Events"),
        (("!Ref Events", "!Ref Nowhere"), "Nowhere is referred to"),
        (("!Ref Events", "!GetAtt Events.Colour"), "Events has no attribute Colour"),
        (("!Ref Events", "!ImportValue x"), "Fn::ImportValue is not supported"),
        (("BUS:", "AWS_REGION:"), "Lambda reserves AWS_REGION"),
        (("none]", "none], BIG: " + "x" * 4096), "exceed 4096 bytes"),
        (("lambda.amazonaws.com", "ec2.amazonaws.com"), "lambda.amazonaws.com may not assume"),
        (("Handler:", "ReservedConcurrentExecutions: 1\n      Handler:"), "ReservedConcurrentExecutions"),
        (
            (
                '        Version: "2012-10-17"\n',
                '        Version: "2012-10-17"\n      ManagedPolicyArns: [arn:aws:iam::aws:policy/ReadOnlyAccess]\n',
            ),
            "ManagedPolicyArns",
        ),
    ],
)
def test_what_the_sandbox_would_pass_over_in_silence_is_an_error(deploy_tiny, change, message):
    with pytest.raises(TemplateError, match=message):
        deploy_tiny(change)


API = """
Transform: AWS::Serverless-2016-10-31
Parameters: {Origins: {Type: CommaDelimitedList, Default: ""}}
Conditions: {HasOrigins: !Not [!Equals [!Join ["", !Ref Origins], ""]]}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: $default
      CorsConfiguration: CORS
"""
WHOLE = "!If [HasOrigins, {AllowOrigins: !Ref Origins, AllowMethods: [GET], MaxAge: 600}, !Ref AWS::NoValue]"
ORIGINS_ONLY = "{AllowOrigins: !If [HasOrigins, !Ref Origins, !Ref AWS::NoValue], AllowMethods: [GET]}"


def deploy_api(tmp_path, aws, cors, origins):
    path = tmp_path / "template.yaml"
    path.write_text(API.replace("CORS", cors))
    return deploy(path, aws=aws, parameters={"Origins": origins})


def test_cors_is_there_when_origins_are_given_and_else_is_not(tmp_path, aws):
    given = deploy_api(tmp_path, aws, WHOLE, "https://a.example, https://b.example").cors
    assert given.allow_origins == ("https://a.example", "https://b.example")
    assert (given.allow_methods, given.max_age) == (("GET",), 600)
    assert deploy_api(tmp_path, aws, WHOLE, "").cors == Cors()


@pytest.mark.parametrize("comma", [",", ", ", " , ", ",  "])
def test_a_blank_beside_a_comma_switches_no_origin_and_no_audience_off(comma):
    lists = {
        "JwtAudience": f"first{comma}second",
        "AllowedOrigins": f"https://a.example{comma}http://localhost:5173",
        "ReturnOrigins": "https://a.example, https://b.example",
    }
    aws = Aws()
    aws.start()
    try:
        stack = deploy(TEMPLATE, aws=aws, parameters=PARAMETERS | lists)
    finally:
        aws.stop()

    assert stack.cors.allow_origins == ("https://a.example", "http://localhost:5173")
    assert {route.authorizer.audience for route in stack.routes if route.authorizer} == {("first", "second")}
    environment = stack.functions["NativeFunction"].environment
    assert Settings(environment).return_origins == {"https://a.example", "https://b.example"}
    allowed = environment["WECHAT_GATEWAYS_ALLOWED"].replace(",", comma)
    assert Settings({**environment, "WECHAT_GATEWAYS_ALLOWED": allowed}).gateways


@pytest.mark.parametrize(
    "given",
    [
        *({"JwtAudience": text} for text in ("", "a,", "a,,b", " ")),
        *(
            {"AllowedOrigins": text}
            for text in ("https://Shop.example", "https://a.example/", "a.example", "https://a b")
        ),
    ],
    ids=str,
)
def test_a_list_with_an_entry_that_could_never_match_is_refused(given):
    with pytest.raises(TemplateError, match=next(iter(given))):
        checked(parameters_of(TEMPLATE), PARAMETERS | given)


def test_cors_that_the_transform_mutilates_is_an_error(tmp_path, aws):
    with pytest.raises(TemplateError, match="make all of CorsConfiguration one Fn::If"):
        deploy_api(tmp_path, aws, ORIGINS_ONLY, "https://a.example")


# ---- the WebSocket API and rules of a bus ----

LIVE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: live
      RouteSelectionExpression: $request.body.action
      DefaultRouteSettings: {ThrottlingRateLimit: 5, ThrottlingBurstLimit: 7}
      Routes: {$connect: {FunctionArn: !GetAtt One.Arn}}
  One:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.lambda_handler
      CodeUri: one
      Role: !GetAtt OneRole.Arn
      Environment: {Variables: {URL: !Sub "${Api.ApiEndpoint}/live"}}
      Events:
        News:
          Type: EventBridgeRule
          Properties: {EventBusName: !Ref Bus, Pattern: {source: [toys], detail: {kind: [{prefix: a}, b]}}}
  OneRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
        Version: "2012-10-17"
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: toys}}
"""
REST = "\n  Bus: {"
PERMISSION = """
  Another:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: KEY, Target: !Sub "integrations/${Second}"}
  Second:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${One.Arn}/invocations"
"""
RULE = """
  Rule:
    Type: AWS::Events::Rule
    Properties: {EventBusName: !Ref Bus, EventPattern: {source: [x]}, Targets: [{Arn: !GetAtt One.Arn, Id: one}]}
"""
ONE = "!GetAtt One.Arn"
SERVED = "the sandbox hands events to functions and queues of this template alone"
CONDITION = '\n            Condition: {ArnEquals: {"aws:SourceArn": !GetAtt Rule.Arn}}'
QUEUED = """
  Kept: {Type: AWS::SQS::Queue}
  GivenUp: {Type: AWS::SQS::Queue}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [x]}
      Targets: [{Arn: !GetAtt Kept.Arn, Id: one, DeadLetterConfig: {Arn: !GetAtt GivenUp.Arn}}]
  MayBeSentTo:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Kept, !Ref GivenUp]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: events.amazonaws.com}
            Action: sqs:SendMessage
            Resource: [!GetAtt Kept.Arn, !GetAtt GivenUp.Arn]
            Condition: {ArnEquals: {"aws:SourceArn": !GetAtt Rule.Arn}}
"""
QUEUE = "arn:aws:sqs:us-east-1:123456789012:news"
FIFO = f"{QUEUE}.fifo, SqsParameters: {{MessageGroupId: one}}"
DESTINATION = "arn:aws:events:us-east-1:123456789012:api-destination/shop/1, RoleArn: !GetAtt OneRole.Arn"
OTHERS = "arn:aws:lambda:us-east-1:123456789012:function:others"


@pytest.fixture
def deploy_live(tmp_path, aws):
    def run(*changes, **settings):
        text = LIVE
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "template.yaml"
        stack = f"live-{secrets.token_hex(4)}"
        path.write_text(text.replace("Name: toys", f"Name: {stack}"))
        return deploy(path, aws=aws, parameters={}, stack_name=stack, **settings)

    return run


def test_a_websocket_api_has_its_stage_routes_limits_and_address(deploy_live):
    made = deploy_live(websocket_origin="ws://127.0.0.1:8000")
    assert (made.websocket.stage, made.websocket.routes) == ("live", {"$connect": "One"})
    assert made.websocket.limits.of("$connect") == Limit(5, 7)
    assert made.functions["One"].environment["URL"] == "ws://127.0.0.1:8000/live"
    in_the_cloud = deploy_live()
    url = in_the_cloud.functions["One"].environment["URL"]
    assert url == "wss://websocket.execute-api.us-east-1.amazonaws.com/live"


def test_a_rule_with_a_pattern_has_its_bus_and_function_and_lambdas_two_retries(deploy_live):
    (rule,) = deploy_live().rules
    assert (rule.function, rule.retries) == ("One", 2)
    assert rule.arn.endswith(f":rule/{rule.bus}/{rule.bus}-OneNews")
    assert rule.pattern == {"source": ["toys"], "detail": {"kind": [{"prefix": "a"}, "b"]}}
    role = "Role: !GetAtt OneRole.Arn"
    (never,) = deploy_live((role, f"{role}\n      EventInvokeConfig: {{MaximumRetryAttempts: 0}}")).rules
    assert never.retries == 0


def test_a_rule_may_fill_a_queue_that_lets_it_in(deploy_live):
    made = deploy_live((REST, QUEUED + REST))
    (rule,) = [rule for rule in made.rules if rule.logical_id == "Rule"]
    assert (rule.function, rule.queue_url) == (None, made.refs["Kept"])
    (anybody,) = [
        rule
        for rule in deploy_live((REST, QUEUED.replace(CONDITION, "") + REST)).rules
        if rule.logical_id == "Rule"
    ]
    assert anybody.queue_url


@pytest.mark.parametrize(
    ("before", "after", "queue"),
    [
        ("Queues: [!Ref Kept, !Ref GivenUp]", "Queues: [!Ref GivenUp]", "Kept"),
        ("Queues: [!Ref Kept, !Ref GivenUp]", "Queues: [!Ref Kept]", "GivenUp"),
        ("Resource: [!GetAtt Kept.Arn, !GetAtt GivenUp.Arn]", "Resource: !GetAtt GivenUp.Arn", "Kept"),
        ("Service: events.amazonaws.com", "Service: sns.amazonaws.com", "Kept"),
        ("sqs:SendMessage", "sqs:ReceiveMessage", "Kept"),
        ("!GetAtt Rule.Arn}", "!GetAtt Bus.Arn}", "Kept"),
        ("ArnEquals", "ArnNotEquals", "Kept"),
        ('"aws:SourceArn": !GetAtt Rule.Arn', '"aws:SourceAccount": "123456789012"', "Kept"),
    ],
)
def test_a_rule_that_a_queue_does_not_let_in_would_lose_its_events(deploy_live, before, after, queue):
    assert before in QUEUED
    with pytest.raises(TemplateError, match=f"Rule: no policy lets it send to .*-{queue}"):
        deploy_live((REST, QUEUED.replace(before, after) + REST))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            (REST, PERMISSION.replace("KEY", "$disconnect") + REST),
            r"disconnect: no permission lets it invoke One",
        ),
        ((REST, PERMISSION.replace("KEY", "order") + REST), r"routes \$connect and \$disconnect only"),
        ((REST, PERMISSION.replace("KEY", "$connect") + REST), r"a route \$connect already"),
        ((REST, RULE + REST), "Rule: no permission lets it invoke One"),
        ((REST, RULE.replace(ONE, QUEUE) + REST), f"Rule: {SERVED}, and {QUEUE} is none"),
        ((REST, RULE.replace(ONE, FIFO) + REST), "Rule: the sandbox does not support SqsParameters"),
        ((REST, RULE.replace(ONE, DESTINATION) + REST), "Rule: the sandbox does not support RoleArn"),
        ((REST, RULE.replace(ONE, "!GetAtt Bus.Arn") + REST), f"Rule: {SERVED}"),
        ((REST, RULE.replace(ONE, OTHERS) + REST), f"Rule: {SERVED}, and {OTHERS} is none"),
        (
            (REST, RULE.replace(f"[{{Arn: {ONE}, Id: one}}]", "[]") + REST),
            "Rule: the sandbox supports one target",
        ),
        (
            (REST, RULE.replace(f", Targets: [{{Arn: {ONE}, Id: one}}]", "") + REST),
            "Rule: the sandbox supports one",
        ),
        (
            (REST, RULE.replace(f"Arn: {ONE}, ", "") + REST),
            "Rule: the sandbox supports one target of a rule, with",
        ),
        (
            (REST, RULE.replace("Id: one}", f"Id: one}}, {{Arn: {QUEUE}, Id: two}}") + REST),
            "supports one target",
        ),
        (("{prefix: a}", "{suffix: a}"), r"OneNews: EventPattern.detail.kind: the sandbox knows no suffix"),
        (("{source: [toys],", "{source: toys,"), "OneNews: EventPattern.source must be a list"),
        (("Pattern:", "State: DISABLED, Pattern:"), "OneNews: a disabled rule"),
        (("Pattern:", "Input: '{}', Pattern:"), "OneNews: the sandbox does not support Input"),
        (
            ("Pattern:", "RetryPolicy: {MaximumEventAgeInSeconds: 1}, Pattern:"),
            "MaximumEventAgeInSeconds must be",
        ),
        (
            ("StageName: live", "StageName: live\n      StageVariables: {a: b}"),
            "does not support StageVariables",
        ),
        (
            ("$connect: {FunctionArn", "$connect: {IntegrationTimeout: 1000, FunctionArn"),
            "does not support TimeoutInMillis",
        ),
    ],
)
def test_a_websocket_api_or_rule_that_would_not_work_is_an_error(deploy_live, change, message):
    with pytest.raises(TemplateError, match=message):
        deploy_live(change)
