"""Every alarm of the template, over what a sandbox really measures: silent while all is well, and ringing in its drill."""

import threading
import time

import pytest

from sandbox.stack import NOTIFY_PATH, STACK_NAME
from tests.alarms.cloudwatch import rings
from tests.alarms.world import World
from tests.kit.console import refund_in_console

pytestmark = [pytest.mark.share(3, of_file=True), pytest.mark.in_turn]

STACK = {"service": STACK_NAME}


def failing(operation: str, status: int, code: str) -> dict[str, object]:
    return {"on": operation, "effect": "status", "status": status, "code": code}


def count(world: World, metric: str) -> float:
    """Of the drill's own metrics, added up over all periods."""
    dimensions = [{"Name": "service", "Value": STACK_NAME}]
    stat = {
        "Metric": {"Namespace": "WeChatPay", "MetricName": metric, "Dimensions": dimensions},
        "Period": 60,
        "Stat": "Sum",
    }
    return sum(world.metrics.series(stat).values())


def test_an_ordinary_quarter_of_an_hour_is_silent(world: World) -> None:
    for _ in range(3):
        number = world.paid()
        world.opened()
        world.look_at_queue("SettleDeadLetters")
        world.look_at_queue("PaidCheckoutsDeadLetters")
        world.later()
    assert world.refund(number).status_code == 200
    assert world.notify(number, 100, signature="WECHATPAY/SIGNTEST/AAAA") == 401  # WeChat Pay's own probe
    world.invoke("SweepFunction", {})
    world.put("WeChatPay", "KeyDaysLeftMin", STACK, 200)
    world.until(lambda: count(world, "RefundSucceeded") == 1)

    assert world.rung() == set()
    assert count(world, "PaymentCreated") == 6
    assert count(world, "PaymentSucceeded") == 3
    assert count(world, "ProbeRefused") == 1
    assert count(world, "NotificationFailed") == count(world, "OrderFailed") == 0


def test_orders_that_wechat_pay_refuses(world: World) -> None:
    world.faults(failing("native", 403, "NO_AUTH"))
    for _ in range(2):
        assert world.order().status_code == 503
        world.later()
    assert world.rung() == {"PaymentFailuresAlarm", "ApiErrorsAlarm"}


def test_a_single_bad_moment_wakes_nobody(world: World) -> None:
    world.faults(failing("native", 500, "SYSTEM_ERROR"))
    assert world.order().status_code == 503
    world.faults()
    for _ in range(2):
        world.later()
        world.opened()
    assert world.rung() == set()


def test_wechat_pay_does_not_answer(world: World) -> None:
    world.faults(*(failing(operation, 500, "SYSTEM_ERROR") for operation in ("native", "query", "close")))
    for _ in range(2):
        assert world.order().status_code == 503
        world.later()
    assert world.rung() == {"PaymentFailuresAlarm", "ApiErrorsAlarm", "WeChatUnknownAlarm"}


def test_notifications_that_cannot_be_taken(world: World) -> None:
    for _ in range(2):
        assert world.notify("WXNOBODYHASTHISORDER", 100) == 503
        world.later()
    assert world.rung() == {"NotificationFailuresAlarm", "QuarantineAlarm", "ApiErrorsAlarm"}


def test_notifications_that_prove_nothing(world: World) -> None:
    number = world.opened()
    for _ in range(3):
        assert world.notify(number, 100, signature="AAAA") == 401
    assert world.rung() == {"UnprovenNotificationsAlarm"}


def test_wechat_pays_own_probes_wake_nobody(world: World) -> None:
    number = world.opened()
    for _ in range(3):
        for _ in range(4):
            assert world.notify(number, 100, signature="WECHATPAY/SIGNTEST/AAAA") == 401
        world.later()
    assert count(world, "ProbeRefused") == 12
    assert world.rung() == set()


def test_a_flood_of_forgeries_that_are_marked_as_probes(world: World) -> None:
    world.put("WeChatPay", "ProbeRefused", STACK, 100)
    assert world.rung() == set()
    world.put("WeChatPay", "ProbeRefused", STACK, 1)
    assert world.rung() == {"ManyProbesAlarm"}


def test_evidence_that_contradicts(world: World) -> None:
    assert world.notify(world.opened(), 99) == 200
    world.wait_for("Quarantined")  # the log is read behind the answer
    assert world.rung() == {"QuarantineAlarm"}


def test_money_for_an_order_that_was_closed(world: World) -> None:
    number = world.opened()
    assert world.close(number).status_code == 200
    assert world.notify(number, 100) == 200
    world.wait_for("LatePaid")
    assert world.rung() == {"LatePaidAlarm"}


def test_money_that_went_back_by_another_hand(world: World) -> None:
    world.faults({"on": "notification", "effect": "drop"})
    number = world.opened()
    world.control("pay", {"outTradeNo": number})
    refund_in_console(world.sandbox, number, f"CONSOLE-{number}", 50)
    world.later()
    world.wait_for("RefundedElsewhere")
    assert world.rung() == {"RefundedElsewhereAlarm"}


def test_more_refunds_than_usual(world: World) -> None:
    for number in [world.paid() for _ in range(5)]:
        assert world.refund(number).status_code == 200
    world.until(lambda: count(world, "RefundRequested") == 5)
    assert world.rung() == {"UnusualRefundsAlarm"}


def test_a_refund_that_does_not_arrive(world: World) -> None:
    world.faults({"on": "refund", "effect": "result", "result": "ABNORMAL"})
    assert world.refund(world.paid()).status_code == 200
    world.until(lambda: count(world, "RefundAbnormal") == 1)
    assert world.rung() == {"AbnormalRefundsAlarm"}


def test_payments_that_wait_for_a_look(world: World) -> None:
    world.opened()
    world.sandbox.clock.advance(1200)
    world.sweep()
    assert count(world, "OldestDueSeconds") > 900
    assert "OldestDueAlarm" in world.rung()


def test_a_backlog_that_is_handed_out_again_and_again_and_finds_nothing(world: World) -> None:
    world.opened()
    world.faults(failing("query", 500, "SYSTEM_ERROR"))
    asked = count(world, "WeChatUnknown")
    for _ in range(24):  # minutes
        world.later(60)
    assert count(world, "WeChatUnknown") - asked >= 5
    assert 900 < world.oldest() <= 24 * 60
    assert world.rung() == {"OldestDueAlarm", "WeChatUnknownAlarm"}
    world.faults()
    for _ in range(16):
        world.later(60)
    assert world.oldest() < 60


def test_a_sweep_that_stands_still(world: World) -> None:
    world.sandbox.clock.advance(400)
    assert world.rung() == {"OldestDueAlarm"}


@pytest.mark.parametrize("queue", ["SettleDeadLetters", "BooksDeadLetters", "ExportsDeadLetters"])
def test_dead_letters(world: World, queue: str) -> None:
    queues, dead = world.sandbox.aws.client("sqs"), world.sandbox.deployed.refs[queue]
    queues.send_message(QueueUrl=dead, MessageBody='{"out_trade_no": "WXGIVENUP"}')
    world.look_at_queue(queue)
    assert world.rung() == {f"{queue}Alarm"}
    queues.purge_queue(QueueUrl=dead)


def test_a_paid_checkout_that_was_given_up(world: World) -> None:
    queues, dead = world.sandbox.aws.client("sqs"), world.sandbox.deployed.refs["PaidCheckoutsDeadLetters"]
    queues.send_message(QueueUrl=dead, MessageBody='{"detail": {}}')
    world.look_at_queue("PaidCheckoutsDeadLetters")
    assert world.rung() == {"PaidCheckoutsDeadLettersAlarm"}
    queues.purge_queue(QueueUrl=dead)


@pytest.mark.parametrize("queue", ["SettleQueue", "SendsQueue", "PaidCheckoutsQueue"])
def test_a_queue_of_which_nothing_is_taken(world: World, queue: str) -> None:
    name = {"QueueName": world.sandbox.deployed.attributes[queue]["QueueName"]}
    world.put("AWS/SQS", "ApproximateAgeOfOldestMessage", name, 901)
    assert world.rung() == {"SettleQueueAgeAlarm"}


def test_functions_without_a_caller_that_raise(world: World) -> None:
    for _ in range(3):
        world.invoke("SettleFunction", {"Records": [{"messageId": "1", "body": "not JSON"}]})
    assert world.rung() == {"BackgroundErrorsAlarm"}


def test_numbers_that_only_aws_can_count(world: World) -> None:
    known = world.sandbox.deployed
    mapping = {"EventSourceMappingUUID": known.refs["PublishFunctionStream"]}
    queue = {"QueueName": known.attributes["SettleQueue"]["QueueName"]}
    publish = {"FunctionName": known.functions["PublishFunction"].name}
    world.put("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", mapping, 1)
    world.put("AWS/SQS", "ApproximateAgeOfOldestMessage", queue, 901)
    world.put("AWS/Lambda", "IteratorAge", publish, 300_001)
    journal = {"FunctionName": known.functions["JournalFunction"].name}
    world.put("AWS/Lambda", "IteratorAge", journal, 900_001)
    world.put("WeChatPay", "Unjournalled", STACK, 1)
    world.put("WeChatPay", "KeyDaysLeftMin", STACK, 29)
    world.put("WeChatPay", "PlatformCertificateRefused", STACK, 1)
    world.put("WeChatPay", "AppRefused", STACK, 1)
    assert world.rung() == {
        "AppRefusedAlarm",
        "UnpublishedAlarm",
        "SettleQueueAgeAlarm",
        "PublishAgeAlarm",
        "JournalAgeAlarm",
        "UnjournalledAlarm",
        "KeyEndsAlarm",
        "CertificateRefusedAlarm",
    }


def test_a_notification_that_the_bus_never_heard_of(world: World) -> None:
    mapping = {"EventSourceMappingUUID": world.sandbox.deployed.refs["PublishFunctionNotifications"]}
    world.put("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", mapping, 1)
    assert world.rung() == {"UnpublishedAlarm"}


def test_a_payment_that_the_books_never_heard_of(world: World) -> None:
    mapping = {"EventSourceMappingUUID": world.sandbox.deployed.refs["JournalFunctionStream"]}
    world.put("AWS/Lambda", "OnFailureDestinationDeliveredEventCount", mapping, 1)
    assert world.rung() == {"UnjournalledAlarm"}


def test_a_day_whose_bills_cannot_be_had(world: World) -> None:
    """It rings in the evening, and until somebody has seen to it."""
    refused = failing("tradeBill", 403, "NO_AUTH")
    evening = (20 - 8) * 3600 + 35 * 60  # Beijing's, in UTC
    world.sandbox.clock.advance((evening - world.now()) % 86400)
    world.begin()
    world.faults(refused)
    world.invoke("BillsFunction", {})
    assert world.rung() == {"BillMissingAlarm"}
    told = [event for event in world.sandbox.events() if event["detail-type"] == "BillMissing"]
    assert told[-1]["detail"]["status"] == "pending"  # nobody had looked yet; why it is so follows

    world.begin()
    world.invoke("BillsFunction", {})
    world.until(lambda: not bill_rings(world))


def bill_rings(world: World) -> bool:
    """Looked at once more: the alarm ends with the first look that finds every day done."""
    world.later()
    world.invoke("BillsFunction", {})
    return rings(world.sandbox.deployed.alarms["BillMissingAlarm"], world.metrics, now=world.now())


def test_complaints_wake_nobody(world: World) -> None:
    url = f"{world.sandbox.api}{NOTIFY_PATH}"
    for number in range(3):
        world.control(
            "notify",
            {"eventType": "COMPLAINT.CREATE", "plaintext": {"complaint_id": str(number)}, "url": url},
        )
    world.until(lambda: count(world, "NotificationOther") == 3)
    assert count(world, "NotificationFailed") == 0
    assert world.rung() == set()


def echo(world: World) -> None:
    """What EventBridge does each day."""
    world.sandbox.schedules["EchoFunctionRegularly"].run_now()
    world.sandbox.lambdas.logs("EchoFunction")


def test_an_echo_that_arrives_wakes_nobody(world: World) -> None:
    echo(world)
    world.wait_for("EchoMissed")
    assert count(world, "EchoMissed") == 0
    assert count(world, "NotificationFailed") == 0
    assert world.rung() == set()


def test_wechat_pay_cannot_reach_us(world: World) -> None:
    world.faults({"on": "notification", "effect": "drop"})
    waiting = threading.Thread(target=echo, args=(world,))
    waiting.start()
    while waiting.is_alive():  # an echo is waited for by the clock
        time.sleep(2)
        world.later(40)
    waiting.join()
    world.wait_for("EchoMissed")
    assert world.rung() == {"UnreachableAlarm"}

    world.faults()
    world.later()
    echo(world)
    world.until(
        lambda: not rings(world.sandbox.deployed.alarms["UnreachableAlarm"], world.metrics, now=world.now())
    )


def test_wechat_pay_takes_no_echo(world: World) -> None:
    world.faults(failing("echo", 403, "NO_AUTH"))
    echo(world)
    world.wait_for("EchoMissed")
    assert world.rung() == {"UnreachableAlarm"}


def test_an_item_that_nobody_can_read(world: World) -> None:
    table = world.sandbox.deployed.refs["PaymentsTable"]
    item = {"out_trade_no": {"S": "WXUNREADABLE"}, "due_shard": {"S": "0"}, "due_at": {"N": "1"}}
    tables = world.sandbox.aws.client("dynamodb")
    tables.put_item(TableName=table, Item=item)
    world.sweep()
    tables.delete_item(TableName=table, Key={"out_trade_no": item["out_trade_no"]})
    assert "UnreadablePaymentsAlarm" in world.rung()


def test_a_record_that_can_never_be_an_event(world: World) -> None:
    world.put("WeChatPay", "Unpublished", STACK, 1)
    assert world.rung() == {"UnpublishedAlarm"}
