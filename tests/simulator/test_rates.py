"""How often a merchant may call: the documented rates, held on request, on a clock that stands so that a second is one."""

from collections.abc import Iterator

import pytest

from tests.kit.standing_clock import Standing
from tests.simulator.merchant import Merchant, Response
from wechatpay_simulator import Credentials, Simulator

# Calls in a second (WeChat Pay APIv3, frequency limits of each call; for orders the handbook). Of refunds those that are
# accepted and those that are refused count apart.
DOCUMENTED = {
    ("jsapi", "all", 500),
    ("query", "all", 600),
    ("refund", "done", 150),
    ("refund", "refused", 6),
    ("refundQuery", "all", 300),
    ("abnormalRefund", "all", 150),
    ("fundFlowBill", "all", 3),
    ("certificates", "all", 1000),
}


@pytest.fixture
def merchant(credentials: Credentials) -> Iterator[Merchant]:
    clock = Standing()
    simulator = Simulator(credentials, clock=clock)
    merchant = Merchant(simulator.start(), credentials, clock)
    assert merchant.control("POST", "settings", {"rateLimits": True}).json["rateLimits"] is True
    yield merchant
    simulator.stop()


def is_too_often(response: Response, merchant: Merchant) -> bool:
    if response.status != 429:
        return False
    merchant.verify(response.headers, response.body)
    assert (response.code, response.error_number) == ("FREQUENCY_LIMITED", 268447840)
    return True


def refunded(merchant: Merchant, out_trade_no: str, refund: int = 1) -> Response:
    return merchant.refund(
        out_trade_no=out_trade_no, amount={"refund": refund, "total": 100, "currency": "CNY"}
    )


def test_six_refunds_that_are_refused_are_all_that_a_second_takes_and_good_ones_wait_too(
    merchant: Merchant,
) -> None:
    paid = merchant.paid()["out_trade_no"]
    assert [refunded(merchant, "NOBODY-KNOWS").status for _ in range(6)] == [404] * 6
    assert is_too_often(refunded(merchant, "NOBODY-KNOWS"), merchant)
    assert is_too_often(refunded(merchant, paid), merchant)
    assert merchant.query(paid).json["trade_state"] == "SUCCESS"  # what came too often was not done
    merchant.advance(0.9)
    assert is_too_often(refunded(merchant, paid), merchant)
    merchant.advance(0.1)
    assert refunded(merchant, paid).status == 200


def test_a_hundred_and_fifty_refunds_are_accepted_in_a_second(merchant: Merchant) -> None:
    paid = [merchant.paid()["out_trade_no"] for _ in range(4)]
    done = [refunded(merchant, paid[number // 40]).status for number in range(150)]
    assert done == [200] * 150
    assert is_too_often(refunded(merchant, paid[3]), merchant)
    assert merchant.query_refund("NOBODY-KNOWS").status == 404  # each call has a rate of its own


def test_the_fund_flow_is_asked_for_three_times_a_second(merchant: Merchant) -> None:
    def bill() -> Response:
        return merchant.call("GET", "/v3/bill/fundflowbill?bill_date=2020-01-01")

    assert [bill().status for _ in range(3)] == [400] * 3
    assert is_too_often(bill(), merchant)
    merchant.advance(1)
    assert bill().status == 400


def test_nothing_is_counted_unless_it_is_asked_for(shared_merchant: Merchant) -> None:
    assert shared_merchant.control("GET", "settings").json["rateLimits"] is False
    assert [refunded(shared_merchant, "NOBODY-KNOWS").status for _ in range(8)] == [404] * 8


def test_the_rates_are_those_of_the_documents_and_coverage_lists_them(shared_merchant: Merchant) -> None:
    listed = shared_merchant.control("GET", "coverage").json["rates"]
    assert {(each["name"], each["counts"], each["per_second"]) for each in listed} == DOCUMENTED
    assert len(listed) == len(DOCUMENTED)
