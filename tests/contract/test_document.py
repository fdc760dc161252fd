"""docs/openapi.yaml says what the template routes, what the code takes and what the code may answer: no more, no less."""

import inspect
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from payments.api import request_bodies
from payments.api.books import exports as export_body
from payments.api.http import Request
from payments.api.json_body import load_members
from payments.api.openids import body as openid_body
from payments.api.orders import members
from payments.core import errors
from payments.core.errors import ApiError
from payments.core.money import AmountError, fen
from sandbox.cloudformation.template import transformed
from tests.contract.rules import fits, size_of_metadata
from tests.kit.document import DOCUMENT, PATH

ROOT = PATH.parents[1]
TEMPLATE = transformed(ROOT / "template.yaml")
ROUTES, PARAMETERS = TEMPLATE["Resources"]["Api"]["Properties"]["Body"]["paths"], TEMPLATE["Parameters"]
STRUCTS: dict[str, Any] = {
    "NewOrder": request_bodies.NewOrder,
    "NewJsapiOrder": request_bodies.NewJsapiOrder,
    "NewCheckout": request_bodies.NewCheckout,
    "OpenCheckout": request_bodies.OpenCheckout,
    "NewH5Order": request_bodies.NewH5Order,
    "NewRefund": request_bodies.NewRefund,
    "AbnormalRefundToCard": request_bodies.AbnormalRefundToCard,
    "AbnormalRefundToMerchant": request_bodies.AbnormalRefundToMerchant,
    "Close": request_bodies.Close,
    "NewExport": export_body.NewExport,
    "WantedOpenid": openid_body.WantedOpenid,
}
SCHEMAS = DOCUMENT.raw["components"]["schemas"]


def test_the_file_is_openapi() -> None:
    import schemathesis  # not for each process that only collects

    schemathesis.openapi.from_dict(DOCUMENT.raw).validate()


def test_no_name_stands_twice_in_an_object() -> None:
    """PyYAML takes the last one; generators of clients stop."""
    waiting: list[Any] = [yaml.compose(PATH.read_text(), yaml.SafeLoader)]
    twice = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            names = [name.value for name, _ in node.value]
            twice += [name for name in {*names} if names.count(name) > 1]
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    assert twice == []


def test_what_is_documented_is_what_the_template_routes() -> None:
    routed = {(method.upper(), path) for path, methods in ROUTES.items() for method in methods}
    assert set(DOCUMENT.operations) == routed


@pytest.mark.parametrize(("method", "path"), sorted(DOCUMENT.operations))
def test_a_route_takes_the_scopes_that_are_documented(method: str, path: str) -> None:
    routed = ROUTES[path][method.lower()].get("security", [])
    documented = DOCUMENT.operations[method, path]["security"]

    assert {scope for one in documented for scope in one["accessToken"]} == {
        PARAMETERS[scope["Ref"]]["Default"] for one in routed for scope in one["Jwt"]
    }
    # API Gateway takes any one of a route's scopes; in the file that is an alternative for each.
    assert all(len(one["accessToken"]) == 1 for one in documented)


@pytest.mark.parametrize(("method", "path"), sorted(DOCUMENT.operations))
def test_the_parameters_of_a_path_are_documented(method: str, path: str) -> None:
    parameters = [DOCUMENT.resolved(one) for one in DOCUMENT.operations[method, path].get("parameters", [])]
    in_path = {one["name"] for one in parameters if one["in"] == "path"}
    assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_every_refusal_of_the_code_is_documented_and_every_documented_one_exists() -> None:
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, ApiError)]
    assert DOCUMENT.codes() == {(one.status, one.code) for one in classes}


EXAMPLES = {name: (schema, value) for name, schema, value in DOCUMENT.examples()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fits_its_schema(name: str) -> None:
    schema, value = EXAMPLES[name]
    DOCUMENT.validator(schema).validate(value)


def test_every_answer_has_an_example() -> None:
    for method, path in DOCUMENT.operations:
        for status, response in DOCUMENT.responses(method, path).items():
            for kind, media in response.get("content", {}).items():
                assert media.get("examples") or kind != "application/json", (method, path, status)


def test_an_answer_that_is_not_documented_is_seen() -> None:
    path, kind = "/api/v1/payments/wechat/payment/WX123456", {"content-type": "application/json"}
    unknown = b'{"error":"There is no such order.","code":"ORDER_NOT_FOUND","details":{}}'
    down = unknown.replace(b"ORDER_NOT_FOUND", b"SYSTEMERROR")

    def seen(status: int, body: bytes, headers: dict[str, str] = kind, method: str = "GET") -> str:
        return DOCUMENT.problem(method, path, status, headers, body)

    assert not seen(404, unknown)
    assert not seen(503, down, kind | {"retry-after": "2"})
    assert seen(503, down)  # does not say when to come again
    assert seen(409, unknown)
    assert seen(404, unknown, {"content-type": "text/html"})
    assert seen(404, unknown.replace(b"{}", b'{"owner":"user-1"}'))
    assert seen(404, unknown.replace(b"ORDER_NOT_FOUND", b"NO_ORDER"))
    assert seen(200, b'{"success":true,"data":{}}')
    assert seen(200, unknown, method="DELETE")


# ---- bodies ----


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema's bare rules: no words, references followed, what may be null written as a list of types."""
    schema = DOCUMENT.resolved(schema)
    if "anyOf" in schema:  # msgspec's form
        (rule, null) = schema["anyOf"]
        assert null == {"type": "null"}
        if "enum" in rule:
            schema = {"enum": [*rule["enum"], None]}
        else:
            schema = {**rule, "type": [rule["type"], "null"]}
    kept = {
        name: rule
        for name, rule in schema.items()
        if name not in ("title", "description", "default", "x-max-bytes")
        # as where nothing is said of others, or of any
        and (name, rule) not in (("additionalProperties", True), ("required", []))
    }
    if "pattern" in kept:
        kept["pattern"] = kept["pattern"].replace(r"\Z", "$")  # in JSON Schema `$` is the very end
    if "properties" in kept:
        kept["properties"] = {name: plain(member) for name, member in kept["properties"].items()}
    return kept


def test_every_body_that_is_documented_has_a_structure_and_every_structure_is_documented() -> None:
    schemas = [
        operation["requestBody"]["content"]["application/json"]["schema"]
        for operation in DOCUMENT.operations.values()
        if "requestBody" in operation
    ]
    documented = {
        one["$ref"].rpartition("/")[2] for schema in schemas for one in schema.get("oneOf", [schema])
    }
    structures = {
        one
        for module in (request_bodies, openid_body, export_body)
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, msgspec.Struct) and one.__module__ == module.__name__
    }
    assert documented - {"Notification"} == set(STRUCTS)  # WeChat Pay's own is read by the crypto layer
    assert structures == set(STRUCTS.values())


# What the structures leave to code; the properties below hold the file against that code.
BY_CODE = (
    *("contentId", "subject", "userId", "body", "refundReason", "realName", "from", "to"),
    *("attach", "goodsTag", "invoiceId", "goodsName", "id", "name", "areaCode", "address"),
)
AMOUNTS = ("amount", "refundAmount", "unitPrice", "costPrice")
BY_VALUE = {"quote": "Quote"}
WITHIN = {"goods": members.Goods, "storeInfo": members.StoreInfo, "goodsDetail": members.GoodsItem}


@pytest.mark.parametrize(
    ("name", "structure"), [*STRUCTS.items(), *((one.__name__, one) for one in WITHIN.values())]
)
def test_a_bodys_members_types_and_lengths_are_those_of_the_structure_that_reads_it(
    name: str, structure: type[msgspec.Struct]
) -> None:
    _, components = msgspec.json.schema_components([structure])
    told, read = dict(DOCUMENT.resolved(SCHEMAS[name])), dict(components[name])
    told["properties"], read["properties"] = dict(told["properties"]), dict(read["properties"])
    for member in WITHIN.keys() & told["properties"].keys():  # a structure of its own, looked at by itself
        shown = told["properties"].pop(member)
        kind = DOCUMENT.resolved(shown)
        rule, _ = read["properties"].pop(member)["anyOf"]  # the other is null
        assert "null" in kind["type"]
        for bound in ("minItems", "maxItems"):
            assert kind.get(bound) == rule.get(bound)
        names = {
            one.get("items", one)["$ref"].rpartition("/")[2]
            for one in (rule, kind if "items" in kind else shown)
        }
        assert names == {WITHIN[member].__name__}
    for member in AMOUNTS:
        if member in told["properties"]:
            amount = told["properties"].pop(member)
            assert {"$ref": "#/components/schemas/Amount"} in (amount, *amount.get("anyOf", ()))
            assert ("anyOf" in amount) == (member not in told["required"] if "required" in told else True)
            assert read["properties"].pop(member).get("default") is None
    documented, read = plain(told), plain(read)
    for member, rules in documented["properties"].items():
        if member in BY_CODE and "pattern" in rules:
            assert "pattern" not in read["properties"][member]
            rules.pop("pattern")
        if member in BY_VALUE:
            assert SCHEMAS[name]["properties"][member] == {"$ref": f"#/components/schemas/{BY_VALUE[member]}"}
            assert read["properties"].pop(member) == {}
            read["properties"][member] = rules
    documented.pop("minProperties", None)  # of goods, by code
    documented.setdefault("required", [])
    read.setdefault("required", [])
    assert documented | {"type": "object"} == read


def taken(name: str, body: dict[str, Any]) -> bool:
    """Whether the code that reads such bodies takes this one."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    try:
        if name == "NewRefund":
            request_bodies.load_refund(raw)
        elif name.startswith("AbnormalRefund"):
            request_bodies.load_abnormal_refund(raw)
        else:
            request_bodies.order_of_members(load_members(raw), STRUCTS[name])
    except (errors.ParameterError, errors.InvalidRequestError):
        return False
    return True


GOOD: dict[str, dict[str, Any]] = {
    "NewOrder": {"contentId": "content-1", "amount": "1.00", "subject": "A photograph"},
    "NewJsapiOrder": {"contentId": "content-1", "amount": 1, "subject": "A photograph", "openid": "oBuyer"},
    "NewRefund": {"outTradeNo": "WX123456", "refundAmount": 1},
    "AbnormalRefundToMerchant": {
        "type": "MERCHANT_BANK_CARD",
        "outTradeNo": "WX123456",
        "outRefundNo": "RF1",
    },
    "AbnormalRefundToCard": {
        "type": "USER_BANK_CARD",
        "outTradeNo": "WX123456",
        "outRefundNo": "RF1",
        "bankType": "ICBC_DEBIT",
        "bankAccount": "62220202",
        "realName": "照",
    },
}
EDGES = " \t\n\r\x00\x1b\x1f\x7f\x80\x85\x9f\xa0\u1680\u2003\u2028\u3000\ufeff\u00ad\u202e\u2800\u3164\ufe0f\ud7ff\ue000\uffff\U00010000\U0010ffff"
letters = st.characters(exclude_categories=["Cs"])
texts = st.one_of(
    st.text(letters, max_size=6),
    st.text(st.sampled_from(EDGES + "a"), max_size=4),
    st.text(st.sampled_from("a照"), max_size=3).flatmap(
        lambda word: st.sampled_from(
            [word * count for count in (1, 9, 27, 41, 43, 64, 80, 81, 127, 129, 257)]
        )
    ),
)
values = st.one_of(
    texts, st.none(), st.booleans(), st.integers(), st.lists(texts, max_size=2), st.dictionaries(texts, texts)
)
places = st.sampled_from([(name, member) for name in GOOD for member in SCHEMAS[name]["properties"]])


@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(places, values)
@example(("NewOrder", "subject"), "\ufeff")
@example(("NewRefund", "refundReason"), "照" * 27)
@example(("NewRefund", "refundReason"), "照" * 26)
@example(("NewOrder", "metadata"), {"k": "x" * 4088})
@example(("NewOrder", "metadata"), {"k": "x" * 4089})
@example(("NewOrder", "quote"), None)
@example(("NewOrder", "attach"), "照" * 43)
@example(("NewOrder", "goodsTag"), "照" * 10)
@example(("NewOrder", "goods"), {"costPrice": "1.00", "invoiceId": "照" * 11})
@example(("NewOrder", "goods"), {"goodsDetail": [{"merchantGoodsId": "a", "quantity": 1, "unitPrice": 1}]})
@example(("NewOrder", "storeInfo"), {"id": "1", "name": "照" * 86})
@example(("NewOrder", "storeInfo"), {"id": "1", "name": "照" * 85, "areaCode": None})
def test_the_code_takes_a_member_exactly_when_the_file_allows_it(where: tuple[str, str], value: Any) -> None:
    name, member = where
    body = GOOD[name] | {member: value}
    assert taken(name, body) == fits(name, body), (name, member, value)


@settings(max_examples=400, deadline=None, database=None, derandomize=True)
@given(
    st.one_of(
        st.decimals(-1, 2_000_000, places=2),
        st.decimals(0, 2, places=3),
        st.integers(-1, 1_000_001).map(Decimal),
        st.sampled_from(["1000000.00", "1000000.01", "0.00", "0.01", "0.1", "0.10"]).map(Decimal),
    ),
    st.booleans(),
)
def test_an_amount_is_good_exactly_when_the_file_allows_it(amount: Decimal, as_text: bool) -> None:
    text = f"{amount:f}"
    documented = DOCUMENT.validator(SCHEMAS["Amount"]).is_valid(text if as_text else json.loads(text))
    # A number is judged by its value here, and by how it is written in the code: 1.000 is 1 to a JSON parser.
    written = Decimal(text) if "." in text else int(text)
    try:
        fen(text if as_text else written)
    except AmountError:
        assert not documented or (not as_text and len(text.partition(".")[2]) > 2)
    else:
        assert documented


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.one_of(st.text(st.sampled_from("WX09az_-|* \n~é"), max_size=34), texts))
def test_an_order_number_in_a_path_is_good_exactly_when_the_file_allows_it(number: str) -> None:
    try:
        _ = Request({}, b"", {"outTradeNo": number}, {}).out_trade_no
    except errors.ParameterError:
        good = False
    else:
        good = True
    assert good == DOCUMENT.validator(SCHEMAS["OrderNumber"]).is_valid(number)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.one_of(st.text(st.sampled_from("a!~ \x7f\n"), max_size=5), texts))
@example("k" * 255)
@example("k" * 256)
def test_an_idempotency_key_is_good_exactly_when_the_file_allows_it(key: str) -> None:
    schema = DOCUMENT.raw["components"]["parameters"]["IdempotencyKey"]["schema"]
    try:
        request_bodies.idempotency_key({"idempotency-key": key})
    except errors.ParameterError:
        good = False
    else:
        good = True
    assert good == DOCUMENT.validator(schema).is_valid(key)


def test_the_bounds_in_bytes_are_the_codes() -> None:
    assert SCHEMAS["Metadata"]["x-max-bytes"] == request_bodies.MAX_METADATA_BYTES
    assert (
        SCHEMAS["NewRefund"]["properties"]["refundReason"]["x-max-bytes"] == request_bodies.MAX_REASON_BYTES
    )
    assert size_of_metadata({"k": "照", "n": 1.5}) == len('{"k":"照","n":1.5}'.encode())
