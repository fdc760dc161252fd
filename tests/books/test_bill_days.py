"""The books over HTTP: days and their differences, page by page, for whoever sees to the books and nobody else."""

import json
from typing import Any

import pytest

from payments.api.http import endpoint
from payments.core.books.bill_day import DayStatus
from tests.books.days import DAY, Day, paid
from tests.books.reader import query_members
from tests.books.world import World
from tests.kit.dynamodb import MemoryDynamoDB
from tests.kit.functions import function

AFTERNOON = 1_795_939_200  # 2026-11-29 16:00 in Beijing


@pytest.fixture
def world(db: MemoryDynamoDB) -> World:
    made = World(db)
    made.wiring.time = AFTERNOON
    return made


def call(
    world: World,
    name: str,
    bill_date: str | None = None,
    *,
    scope: str = "payments:reconcile",
    **query: object,
) -> tuple[int, dict[str, Any]]:
    """One request; the answer's status, and its data or the refusal."""
    event: dict[str, Any] = {
        **query_members(query),
        "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "books", "scope": scope}}}},
    }
    if bill_date is not None:
        event["pathParameters"] = {"date": bill_date}
    app = function(name)
    status = 202 if name == "bill_again" else 200
    answer = endpoint(app.answer, world.wiring, status=status)(event, None)
    body = json.loads(answer["body"])
    return answer["statusCode"], body.get("data", body)


def test_a_compared_day_is_shown_with_both_sides_numbers(world: World) -> None:
    payments = [paid("WX0001"), paid("WX0002")]
    world.keep(*payments)
    day = Day()
    for payment in payments:
        day.add(payment)
    world.compare(day)
    status, data = call(world, "bill_days")
    assert status == 200
    assert data["days"] == [
        {
            "date": DAY,
            "status": "balanced",
            "updatedAt": "2026-11-29T08:00:00Z",
            "orders": 2,
            "amount": "20.00",
            "refunds": 0,
            "refundAmount": "0.00",
            "fee": "0.12",
            "ours": {"orders": 2, "amount": "20.00", "refunds": 0, "refundAmount": "0.00"},
            "income": "20.00",
            "expense": "0.12",
            "otherMovements": [],
            "differences": 0,
            "repaired": 0,
        }
    ]
    _, shown = call(world, "bill_day", DAY)
    assert shown["listed"] == []
    assert shown["links"] == {
        kind: f"https://bills.example/get_object/bills/1900000109/{kind}/{DAY}.csv.gz?seconds=300"
        for kind in ("trade", "fund")
    }


def test_differences_come_page_by_page_each_once(world: World) -> None:
    day = Day()
    for number in range(7):
        day.add(paid(f"WX{number:04}"))
    world.compare(day)
    seen, cursor = [], {}
    while True:
        _, page = call(world, "bill_day", DAY, limit="3", **cursor)
        seen += page["listed"]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert sorted(each["outTradeNo"] for each in seen) == [f"WX{number:04}" for number in range(7)]
    assert {key: value for key, value in seen[0].items() if key != "outTradeNo"} == {
        "kind": "unknown_here",
        "wechatNumber": "42WX0000",
        "line": 2,
        "bill": f"10.00 CNY at {DAY} 12:00:00",
        "repaired": False,
    }


def test_a_cursor_of_an_earlier_run_is_refused(world: World) -> None:
    day = Day()
    for number in range(3):
        day.add(paid(f"WX{number:04}"))
    world.compare(day)
    _, page = call(world, "bill_day", DAY, limit="1")
    world.wiring.bills.reopen(DAY, now=1)
    world.compare(day, run="run-2")
    status, refusal = call(world, "bill_day", DAY, cursor=page["nextCursor"])
    assert (status, refusal["details"]["field"]) == (400, "cursor")


def test_a_cursor_of_a_day_that_is_wanted_again_is_refused(world: World) -> None:
    day = Day()
    for number in range(3):
        day.add(paid(f"WX{number:04}"))
    world.compare(day)
    _, page = call(world, "bill_day", DAY, limit="1")
    assert call(world, "bill_again", DAY)[0] == 202
    # A page without `nextCursor` would look like the last one.
    status, refusal = call(world, "bill_day", DAY, cursor=page["nextCursor"])
    assert (status, refusal["details"]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("name", "bill_date", "query"),
    [("bill_days", None, {"from": [DAY, DAY]}), ("bill_day", DAY, {"limit": [1, 1]})],
)
def test_a_parameter_that_stands_twice_is_refused(
    world: World, name: str, bill_date: str | None, query: dict[str, Any]
) -> None:
    world.compare(Day())
    ((field, _),) = query.items()
    status, refusal = call(world, name, bill_date, **query)
    assert (status, refusal["details"]) == (400, {"field": field, "issue": "must not stand more than once"})


@pytest.mark.parametrize("cursor", ["", "x", "%%%", "é", "QQ", "cnVuLTE", "a" * 600])
def test_a_cursor_that_nobody_gave_is_refused(world: World, cursor: str) -> None:
    world.compare(Day())
    status, refusal = call(world, "bill_day", DAY, cursor=cursor)
    assert (status, refusal["details"]["field"]) == (400, "cursor")


def test_a_day_that_is_wanted_again_waits_and_shows_no_old_numbers(world: World) -> None:
    world.keep(paid())
    world.compare(Day())
    status, data = call(world, "bill_again", DAY)
    assert (status, data["status"], "orders" in data) == (202, "pending", False)
    assert world.queue.waiting == [{"billDate": DAY, "run": "", "stage": "fetch", "part": 0}]
    _, shown = call(world, "bill_day", DAY)
    assert (shown["status"], "listed" in shown) == ("pending", False)


def test_a_day_that_is_wanted_again_does_not_tell_why_it_failed_before(world: World) -> None:
    bills, now = world.wiring.bills, int(world.wiring.now())
    bills.claim(DAY, "run-1", now=now)
    bills.put_off(DAY, "run-1", DayStatus.FAILED, "WeChat Pay refuses the bill", now=now)
    assert call(world, "bill_day", DAY)[1]["reason"] == "WeChat Pay refuses the bill"
    _, data = call(world, "bill_again", DAY)
    assert (data["status"], "reason" in data) == ("pending", False)
    assert "reason" not in call(world, "bill_day", DAY)[1]


def test_a_day_that_is_being_compared_cannot_be_begun_again(world: World) -> None:
    world.begin(world.fetched(Day()))
    world.wiring.time = world.day().leased_until
    status, refusal = call(world, "bill_again", DAY)
    assert (status, refusal["code"], refusal["details"]) == (409, "BILL_RUNNING", {"status": "running"})
    world.wiring.time += 1  # whoever had it has died
    assert call(world, "bill_again", DAY)[0] == 202


def test_a_day_for_which_nobody_could_be_sent_is_found_waiting(world: World) -> None:
    def broken(**_: Any) -> dict[str, Any]:
        return {"Failed": [{"Id": "0"}]}

    world.queue.send_message_batch = broken  # type: ignore[method-assign]
    assert call(world, "bill_again", DAY)[0] == 503
    day = world.day()
    assert (day.status, day.is_due(int(world.wiring.now()))) == (DayStatus.PENDING, True)


@pytest.mark.parametrize(
    ("bill_date", "issue"),
    [
        ("2026-11-29", "must be a day that is over, in Beijing"),
        ("2027-01-01", "must be a day that is over, in Beijing"),
        ("2026-08-28", "must not be over three months ago: WeChat Pay has no bills of it any more"),
        ("2026-02-30", "must be a day like 2026-11-28 (Beijing's)"),
        ("20261128", "must be a day like 2026-11-28 (Beijing's)"),
        ("", "must be a day like 2026-11-28 (Beijing's)"),
    ],
)
def test_days_that_cannot_be_compared_are_refused(world: World, bill_date: str, issue: str) -> None:
    status, refusal = call(world, "bill_again", bill_date)
    assert (status, refusal["details"]) == (400, {"field": "date", "issue": issue})
    assert world.queue.waiting == []


def test_the_oldest_day_that_wechat_pay_keeps_can_still_be_compared(world: World) -> None:
    assert call(world, "bill_again", "2026-08-29")[0] == 202


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-03", "to": "2026-11-02"}, "to"),
        ({"from": "2026-01-01", "to": "2026-11-02"}, "from"),
        ({"day": DAY}, "day"),
    ],
)
def test_a_list_of_no_days_or_of_too_many_is_refused(world: World, query: dict[str, str], field: str) -> None:
    status, refusal = call(world, "bill_days", **query)
    assert (status, refusal["details"]["field"]) == (400, field)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"limit": "many"}, {"page": "2"}])
def test_a_page_of_a_day_is_asked_for_by_its_rules(world: World, query: dict[str, str]) -> None:
    world.compare(Day())
    assert call(world, "bill_day", DAY, **query)[0] == 400


def test_days_of_which_nothing_is_known_are_left_out_or_not_found(world: World) -> None:
    assert call(world, "bill_days") == (200, {"days": []})
    status, refusal = call(world, "bill_day", DAY)
    assert (status, refusal["code"]) == (404, "BILL_NOT_FOUND")


@pytest.mark.parametrize("name", ["bill_days", "bill_day", "bill_again"])
@pytest.mark.parametrize("scope", ["payments:pay payments:charge payments:refund payments:read", ""])
def test_nobody_else_sees_the_books(world: World, name: str, scope: str) -> None:
    world.compare(Day())
    status, refusal = call(world, name, None if name == "bill_days" else DAY, scope=scope)
    assert (status, refusal["code"]) == (403, "NOAUTH")


def test_a_failed_day_says_why(world: World) -> None:
    world.fetched(Day())
    world.wiring.bills.put_off(DAY, "run-1", DayStatus.FAILED, "WeChat Pay refuses the trade bill", now=1)
    _, data = call(world, "bill_days", **{"from": DAY, "to": DAY})
    assert data["days"][0]["reason"] == "WeChat Pay refuses the trade bill"
    assert data["days"][0]["status"] == "failed"
