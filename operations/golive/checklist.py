"""The rows: WeChat Pay's own list of what a merchant checks before going live, and what else has to stand by then.

Source: WeChat Pay's integration guides of each product, "Before going live" (上线前检查).
"""

from operations.checks.concurrency import check_concurrency
from operations.golive.alarms import check_alarms
from operations.golive.bills import check_bills, check_compared
from operations.golive.callbacks import check_pace, check_probe
from operations.golive.live import (
    arrival,
    configuration,
    deployed,
    granted_by_use,
    nothing_waits,
    protected,
    signatures,
    talking,
    version,
)
from operations.golive.products import check_product
from operations.golive.rows import Row

CHECKLIST = (
    Row("Keys, numbers and names are of one merchant", live=configuration),
    Row(
        "Requests are signed, and every answer is verified",
        (
            "tests/wechatpay/test_unproven_answers.py::test_an_answer_with_a_fault_in_its_signature_is_an_unknown_outcome",
            "tests/wechatpay/test_judging.py::test_a_no_whose_signature_does_not_fit_is_no_refusal",
        ),
        signatures,
    ),
    Row(
        "Amounts are integers of fen",
        (
            "tests/http/test_amounts.py::test_an_amount_of_at_most_two_decimals_is_kept_as_exact_fen",
            "tests/refunding/test_requests.py::test_every_way_to_write_an_amount_means_the_same_fen",
        ),
    ),
    Row(
        "Order numbers are unique, and a retry sends the same number and the same bytes",
        (
            "tests/flows/test_unknown_outcomes.py::test_the_retry_with_the_same_key_gets_the_same_order",
            "tests/http/test_idempotency.py::test_when_wechat_pay_says_nothing_the_order_waits_and_the_same_bytes_go_out_again",
        ),
    ),
    Row(
        "Refund numbers likewise",
        (
            "tests/refunding/test_sending.py::test_what_is_sent_again_is_the_same_to_the_letter",
            "tests/flows/test_refund_storms.py::test_a_key_is_one_refund_and_another_amount_under_it_is_refused",
        ),
    ),
    Row(
        "An order is refunded fifty times at most, and never more than was paid",
        (
            "tests/refunding/test_sending.py::test_an_order_takes_fifty_refunds_and_says_so_at_the_next",
            "tests/payments/test_refunds.py::test_fifty_parallel_refunds_never_exceed_what_was_paid",
        ),
    ),
    Row(
        "Abnormal refunds are handled",
        (
            "tests/refunding/test_abnormal.py::test_a_refund_is_sent_on_to_a_card_that_only_wechat_pay_can_read",
            "tests/payments/test_refunds.py::test_an_abnormal_refund_keeps_its_money_set_aside_and_may_still_succeed",
        ),
    ),
    Row(
        "Orders that nobody pays are closed",
        (
            "tests/flows/test_renewal.py::test_it_is_closed_when_its_own_time_is_over",
            "tests/payments/test_looks.py::test_an_order_is_closed_a_minute_past_its_last_moment",
        ),
    ),
    Row(
        "A payment is found although its callback is lost",
        (
            "tests/flows/test_settling.py::test_a_payment_that_nobody_tells_us_of_is_found_by_the_look_after_a_minute",
        ),
    ),
    Row(
        "Callbacks are verified, and WeChat Pay's probes are no special case",
        (
            "tests/http/test_notify.py::test_no_header_of_the_signature_may_be_altered",
            "tests/refunding/test_notices.py::test_a_probe_is_refused_and_wakes_nobody",
        ),
        deployed(lambda target: check_probe(target.configuration)),
    ),
    Row(
        "A callback is compared with our own record: number, amount, currency, merchant, app",
        ("tests/http/test_notify.py::test_money_that_does_not_fit_the_order_is_set_aside_and_not_credited",),
    ),
    Row(
        "Callbacks may come twice, and count once",
        (
            "tests/http/test_notify.py::test_a_second_delivery_is_thanked_for_and_changes_nothing_more",
            "tests/http/test_notify.py::test_many_copies_at_once_pay_exactly_once",
        ),
    ),
    Row(
        "Callbacks arrive, past firewall, CDN and login, and the APIv3 key opens them",
        ("tests/http/test_notify.py::test_what_cannot_be_decrypted_is_asked_for_again",),
        deployed(talking(arrival)),
    ),
    Row(
        "Callbacks are answered in five seconds, and none slowly",
        live=deployed(lambda target: check_pace(target.configuration)),
    ),
    Row(
        "Native: the code is renewed before its two hours are over",
        (
            "tests/flows/test_renewal.py::test_a_code_that_lives_is_handed_out_again_and_one_that_ends_is_renewed",
            "tests/payments/test_opening.py::test_a_code_is_handed_out_until_five_minutes_before_its_end",
        ),
        talking(lambda target: check_product(target.configuration, "native")),
        "native",
    ),
    Row(
        "JSAPI: called up with the order's own key and appid, and the result is asked for",
        (
            "tests/flows/test_specification.py::test_jsapi_and_its_signature",
            "tests/flows/test_within_wechat.py::test_a_buyer_within_wechat_pays_without_saying_who_they_are",
        ),
        granted_by_use,
        "jsapi",
    ),
    Row(
        "Mini program: likewise, with the mini program's own appid",
        ("tests/http/test_app.py::test_a_mini_program_pays_for_an_order_of_its_own",),
        granted_by_use,
        "mini",
    ),
    Row(
        "H5: with the buyer's own address, for five minutes, never within WeChat",
        (
            "tests/http/test_h5.py::test_the_link_is_paid_from_the_address_that_the_backend_named_and_from_no_other",
            "tests/flows/test_renewal.py::test_a_link_for_a_phones_browser_is_renewed_before_its_last_minute_for_the_same_address",
            "tests/http/test_h5_checkout.py::test_nobody_else_is_given_the_link",
        ),
        talking(lambda target: check_product(target.configuration, "h5")),
        "h5",
    ),
    Row(
        "APP: signed as the app hands it to WeChat",
        (
            "tests/http/test_app.py::test_the_cashier_opens_for_what_the_app_was_given",
            "tests/http/test_app.py::test_the_orders_own_app_is_what_is_signed_for_checked_and_paid",
        ),
        talking(lambda target: check_product(target.configuration, "app")),
        "app",
    ),
    Row(
        "The trade bill and the fund-flow bill are fetched, proven and read",
        live=talking(lambda target: check_bills(target.configuration)),
    ),
    Row(
        "Yesterday's bill is compared with our own records",
        live=lambda target: check_compared(target.deployed),
    ),
    Row("Alarms wake somebody", live=lambda target: check_alarms(target.deployed)),
    Row("The tables are protected, and refunds are not held back", live=protected),
    Row("There is room for buyers and callbacks", live=lambda target: check_concurrency(target.deployed)),
    Row("Nothing waits for a person", live=nothing_waits),
    Row("What is deployed is not older than the tests that are named here", live=version),
)
