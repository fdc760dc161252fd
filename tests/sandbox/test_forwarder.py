"""Events forwarded to a shop on this machine: signed as foreign libraries verify, in the documented order, on the documented ladder."""

import itertools
import json
import threading
import time

import pytest
import requests
import resend
from standardwebhooks import Webhook, WebhookVerificationError

from sandbox.loopback import receiver
from sandbox.triggers.forwarder import WAITS, EventForwarder
from sandbox.triggers.webhooks import key_of, new_secret
from tests.kit.running import Running
from tests.kit.serving import Answering, serving
from tests.kit.shop import Shop
from tests.sandbox.bus import Bus

pytestmark = pytest.mark.in_turn

HANGS = 1
"""In place of a status: there is no answer until the receiver is told to go on."""
DETAIL = '{"id":"WX7#2","version":2,"total":12345678901234567890.10,"subject":"古琴"}'


def event(detail=DETAIL, **changes):
    return {
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "source": "wechatpay.payments",
        "detail-type": "PaymentSucceeded",
        "detail": json.loads(detail),
        "detail_text": detail,
        "time": "2026-01-01T12:00:00Z",
        "bus": "payments",
        "resources": [],
        **changes,
    }


def numbered(number):
    return event(f'{{"id":"WX7#{number}"}}')


class Receiver:
    """A shop's web server: what arrived (path, headers, body), answered as the test wants."""

    def __init__(self):
        self.url = ""
        self.arrived = []
        self.at_once, self.most_at_once = 0, 0
        self.answers = itertools.repeat(204)
        self.go_on = threading.Event()
        self._lock = threading.Lock()

    @property
    def ids(self):
        return [headers["webhook-id"] for _, headers, _ in self.arrived]

    def handler(self):
        outer = self

        class Handler(Answering):
            def do_POST(self):
                with outer._lock:
                    outer.at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer.at_once)
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    outer.arrived.append((self.path, headers, self.body()))
                    status = next(outer.answers)
                time.sleep(0.002)
                if status == HANGS:
                    outer.go_on.wait(30)
                with outer._lock:
                    outer.at_once -= 1
                if status and status != HANGS:
                    self.answer(status, b"seen", {"location": "http://127.0.0.1:9/elsewhere"})
                else:
                    self.close_connection = True  # and no answer

        return Handler


@pytest.fixture
def shop():
    it = Receiver()
    with serving(it.handler()) as url:
        it.url = url
        yield it


@pytest.fixture
def bus():
    return Bus()


@pytest.fixture
def secret():
    return new_secret()


@pytest.fixture
def forwarder(bus, clock, running, shop, secret):
    return running(EventForwarder(bus, clock, url=f"{shop.url}/hooks?from=sandbox", secret=secret))


def of_standardwebhooks(secret, body, headers):
    return Webhook(secret).verify(body, headers)


def of_resend(secret, body, headers):
    """One that was written apart from the others: it takes the three headers by names of its own."""
    identity, timestamp, signature = (headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    return resend.Webhooks.verify(
        {
            "payload": body.decode(),
            "headers": {"id": identity, "timestamp": timestamp, "signature": signature},
            "webhook_secret": secret,
        }
    )


# A third one, of another language, stands in tests/node/test_webhooks.py.
FOREIGN = pytest.mark.parametrize("verified", [of_standardwebhooks, of_resend])


@FOREIGN
def test_an_event_arrives_signed_as_a_foreign_library_verifies(bus, forwarder, shop, secret, verified):
    bus.take(event())
    assert forwarder.drain(5)
    ((path, headers, body),) = shop.arrived
    assert path == "/hooks?from=sandbox"
    assert headers["content-type"] == "application/json"
    assert verified(secret, body, headers) == {
        "type": "PaymentSucceeded",
        "timestamp": "2026-01-01T12:00:00Z",
        "data": json.loads(DETAIL),
    }
    assert f'"data":{DETAIL}'.encode() in body, "to the letter"


@FOREIGN
@pytest.mark.parametrize("changed", ["body", "secret", "webhook-id", "webhook-timestamp"])
def test_a_foreign_library_takes_nothing_that_was_changed(bus, forwarder, shop, secret, verified, changed):
    bus.take(event())
    assert forwarder.drain(5)
    ((_, headers, body),) = shop.arrived
    match changed:
        case "body":
            body += b" "
        case "secret":
            secret = new_secret()
        case "webhook-id":
            headers[changed] += "0"
        case "webhook-timestamp":
            headers[changed] = str(int(headers[changed]) - 1)
    with pytest.raises((WebhookVerificationError, ValueError), match=r"(?i)no matching signature"):
        verified(secret, body, headers)


@pytest.mark.parametrize("text", [DETAIL, '{"id":"EV-2018022511223320873"}'])
def test_the_webhooks_id_is_the_events_own(bus, forwarder, shop, text):
    bus.take(event(text))
    assert forwarder.drain(5)
    assert shop.ids == [json.loads(text)["id"]]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '{"id":7}',
        '{"id":""}',
        '{"id":"a.b"}',
        '{"id":"a b"}',
        '{"id":"a\\r\\nx-y: z"}',
        '{"id":"微"}',
    ],
)
def test_where_there_is_none_that_a_header_can_carry_it_is_the_buss(bus, forwarder, shop, secret, text):
    bus.take(event(text))
    assert forwarder.drain(5)
    ((_, headers, body),) = shop.arrived
    assert headers["webhook-id"] == event()["id"]
    Webhook(secret).verify(body, headers)


def test_they_arrive_one_at_a_time_in_the_order_of_the_bus(bus, forwarder, shop):
    for start in (0, 20):
        bus.take(*[numbered(start + number) for number in range(20)])
    assert forwarder.drain(10)
    assert shop.ids == [f"WX7#{number}" for number in range(40)]
    assert shop.most_at_once == 1


def test_one_that_is_not_taken_is_passed_by_and_comes_again(bus, forwarder, shop, clock):
    shop.answers = iter([500, 200, 200, 200])
    bus.take(numbered(1), numbered(2), numbered(3))
    assert forwarder.drain(5)
    assert shop.ids == ["WX7#1", "WX7#2", "WX7#3"]
    clock.advance(WAITS[0])
    assert forwarder.drain(5)
    assert shop.ids[3:] == ["WX7#1"]
    first, last = shop.arrived[0], shop.arrived[3]
    assert first[2] == last[2], "the same bytes"


@pytest.mark.parametrize("status", [300, 301, 302, 307, 400, 404, 410, 429, 500, 503])
def test_what_is_no_2xx_has_not_taken_it_and_no_redirect_is_followed(bus, forwarder, shop, clock, status):
    shop.answers = iter([status, 299])
    bus.take(event())
    assert forwarder.drain(5)
    assert (len(shop.arrived), forwarder.discarded) == (1, [])
    clock.advance(WAITS[0])
    assert forwarder.drain(5)
    assert len(shop.arrived) == 2


def test_a_lost_answer_makes_a_duplicate_under_the_same_id(bus, forwarder, shop, clock, secret):
    shop.answers = iter([None, 200])
    bus.take(event())
    assert forwarder.drain(5)
    clock.advance(WAITS[0])
    assert forwarder.drain(5)
    assert shop.ids == ["WX7#2", "WX7#2"]
    for _, headers, body in shop.arrived:
        Webhook(secret).verify(body, headers)


def test_the_ladder_is_climbed_by_the_sandboxs_clock_and_ends(bus, forwarder, shop, clock, caplog):
    shop.answers = itertools.repeat(500)
    bus.take(event())
    assert forwarder.drain(5)
    for tried, wait in enumerate(WAITS, 1):
        assert len(shop.arrived) == tried
        assert f"was not taken (answered 500); again in {wait:g} s" in caplog.messages[-1]
        clock.advance(wait - 1)
        assert forwarder.drain(5)
        assert len(shop.arrived) == tried
        clock.advance(1)
        assert forwarder.drain(5)
    assert len(shop.arrived) == len(WAITS) + 1
    assert [one["id"] for one in forwarder.discarded] == [event()["id"]]
    assert "PaymentSucceeded WX7#2 was not taken (answered 500); given up" in caplog.messages[-1]
    clock.advance(86400)
    assert forwarder.drain(5)
    assert len(shop.arrived) == len(WAITS) + 1


def test_a_shop_that_fails_for_a_minute_hears_all(bus, forwarder, shop, clock):
    shop.answers = itertools.repeat(503)
    for second in range(60):
        bus.take(numbered(second))
        clock.advance(1)
        assert forwarder.drain(5)
    refused = set(shop.ids)
    assert refused == {f"WX7#{number}" for number in range(60)}
    shop.answers = itertools.repeat(200)
    before = len(shop.arrived)
    clock.advance(WAITS[0] + WAITS[1] + WAITS[2])
    assert forwarder.drain(10)
    assert sorted(shop.ids[before:]) == sorted(refused), "each once"
    assert forwarder.discarded == []


def test_a_shop_that_is_not_there_yet_is_waited_for(bus, clock, running, secret):
    with serving(Receiver().handler()) as url:
        pass
    forwarder = running(EventForwarder(bus, clock, url=url, secret=secret))
    bus.take(event())
    assert forwarder.drain(5)
    assert (forwarder.invocations, forwarder.discarded) == (1, [])


def test_it_is_signed_by_this_machines_time_wherever_the_sandboxs_clock_stands(
    bus, forwarder, shop, clock, secret
):
    clock.advance(30 * 86400)
    bus.take(event())
    assert forwarder.drain(5)
    ((_, headers, body),) = shop.arrived
    Webhook(secret).verify(body, headers)  # which refuses what is five minutes off


def test_an_answer_that_takes_too_long_is_none(bus, clock, running, shop, secret):
    forwarder = running(EventForwarder(bus, clock, url=shop.url, secret=secret, timeout=0.2))
    shop.answers = iter([HANGS, 200])
    bus.take(event())
    assert forwarder.drain(5)
    clock.advance(WAITS[0])
    assert forwarder.drain(5)
    assert shop.ids == ["WX7#2", "WX7#2"]
    shop.go_on.set()


def test_a_shop_that_hangs_does_not_keep_the_sandbox_from_ending(bus, forwarder, shop, caplog):
    shop.answers = itertools.repeat(HANGS)
    bus.take(event())
    for _ in range(500):
        if shop.arrived:
            break
        time.sleep(0.01)
    begin = time.monotonic()
    forwarder.stop()
    assert time.monotonic() - begin < 5
    assert caplog.messages == [], "it was no failure of the shop's"
    shop.go_on.set()


def test_a_shop_is_found_by_the_other_name_of_this_machine(bus, clock, running, shop, secret):
    url = shop.url.replace("127.0.0.1", "localhost")
    forwarder = running(EventForwarder(bus, clock, url=receiver(url), secret=secret))
    bus.take(event())
    assert forwarder.drain(5)
    assert shop.ids == ["WX7#2"]


def test_no_proxy_of_the_environment_takes_it_elsewhere(bus, forwarder, shop, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    bus.take(event())
    assert forwarder.drain(5)
    assert len(shop.arrived) == 1


# ---- where, and signed by what ----


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:3000/webhook",
        "http://localhost",
        "http://localhost:5000?x=1",
        "http://[::1]:8080/a//b?c=http://shop.example",
    ],
)
def test_a_web_server_of_this_machine_is_a_receiver(url):
    assert receiver(url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must begin with http://"),
        ("localhost:3000", "must begin with http://"),
        ("https://localhost:3000/webhook", "must begin with http://"),
        ("file:///etc/passwd", "must begin with http://"),
        ("HTTP://localhost/", "must begin with http://"),
        ("http://shop.example/webhook", "to this machine alone"),
        ("http://localhost.shop.example/", "to this machine alone"),
        ("http://localhost@shop.example/", "to this machine alone"),
        ("http://user:word@localhost/", "to this machine alone"),
        ("http://127.0.0.1.nip.io/", "to this machine alone"),
        ("http://127.1/", "to this machine alone"),
        ("http://2130706433/", "to this machine alone"),
        ("http://0.0.0.0:3000/", "to this machine alone"),
        ("http://169.254.169.254/latest", "to this machine alone"),
        ("http://192.168.0.7/", "to this machine alone"),
        ("http://[::ffff:10.0.0.1]/", "to this machine alone"),
        ("http://localhost:0/", "to this machine alone"),
        ("http://localhost:65536/", "to this machine alone"),
        ("http://localhost:3000x/", "to this machine alone"),
        ("http://localhost:3000/a b", "to this machine alone"),
        ("http://localhost:3000/\r\nx: y", "to this machine alone"),
        ("http://localhost\\@shop.example/", "to this machine alone"),
        ("http://localhost/#x", "neither # nor a backslash"),
        ("http://localhost/\\shop.example", "neither # nor a backslash"),
    ],
)
def test_anything_else_is_refused_with_the_reason(url, reason):
    with pytest.raises(ValueError, match=reason):
        receiver(url)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "c2VjcmV0" * 6, "whsec_" + "A" * 100, "whsec_ö" * 9]
)
def test_a_secret_of_another_form_is_refused_and_not_repeated(secret):
    with pytest.raises(ValueError, match="a secret is whsec_ and 24 to 64 bytes in base64") as refused:
        key_of(secret)
    assert not secret or secret == "whsec_" or secret not in str(refused.value)


# ---- of a whole sandbox ----


def test_a_payment_is_heard_of_and_the_ready_file_tells_the_secret(shop):
    with Running(schedules=False, forward_events=f"{shop.url}/webhook") as sandbox:
        told = requests.get(f"{sandbox.api}/_sandbox/info", timeout=5).json()["webhook"]
        assert told["url"] == f"{shop.url}/webhook"
        buyers = Shop(sandbox)
        number = buyers.native().json()["data"]["outTradeNo"]
        assert buyers.control("pay", {"outTradeNo": number}).ok
        sandbox.wait_until(lambda: sandbox.drain() and len(shop.arrived) == 2)
        heard = [Webhook(told["secret"]).verify(body, headers) for _, headers, body in shop.arrived]
        assert [message["type"] for message in heard] == ["PaymentCreated", "PaymentSucceeded"]
        published = requests.get(f"{sandbox.api}/_sandbox/events", timeout=5).json()["events"]
        assert [message["data"] for message in heard] == [each["detail"] for each in published]
        assert shop.ids == [message["data"]["id"] for message in heard]


def test_a_shop_that_fails_for_a_minute_ends_with_every_order_as_it_stands(shop):
    """It does what docs/events.md says: acts once on each id, keeps the status of the highest version."""
    shop.answers = itertools.repeat(503)
    with Running(schedules=False, forward_events=f"{shop.url}/webhook") as sandbox:
        buyers, numbers = Shop(sandbox), []
        for _ in range(3):
            number = buyers.native().json()["data"]["outTradeNo"]
            assert buyers.control("pay", {"outTradeNo": number}).ok
            numbers.append(number)
            sandbox.wait_until(lambda: sandbox.drain() and f"{numbers[-1]}#3" in shop.ids)
            sandbox.clock.advance(20)
        refused = len(shop.arrived)
        shop.answers = itertools.chain([None], itertools.repeat(204))  # the first answer is lost
        for wait in WAITS:
            sandbox.clock.advance(wait)
            assert sandbox.drain()
        published = [event["detail"] for event in sandbox.events()]
        assert sandbox.webhook is not None
        webhook = Webhook(sandbox.webhook["secret"])
        heard = [webhook.verify(body, headers)["data"] for _, headers, body in shop.arrived]
    begun = list(dict.fromkeys(shop.ids))
    assert begun == [detail["id"] for detail in published], "begun as the bus took them"
    taken = shop.ids[refused + 1 :]  # all but the one whose answer was lost
    assert sorted(taken) == sorted(begun), "each once, and none is missing"
    assert shop.ids[refused] in taken, "a lost answer is a duplicate, under the same id"
    assert len({(headers["webhook-id"], body) for _, headers, body in shop.arrived}) == len(begun)
    kept = {}
    for detail in heard:
        if detail["version"] >= kept.get(detail["outTradeNo"], {"version": 0})["version"]:
            kept[detail["outTradeNo"]] = detail
    assert {number: kept[number]["status"] for number in numbers} == dict.fromkeys(numbers, "succeeded")


def test_each_sandbox_has_a_secret_of_its_own_unless_it_is_given_one(secret):
    url = "http://127.0.0.1:9/"
    made = [
        Running(forward_events=url),
        Running(forward_events=url),
        Running(forward_events=url, webhook_secret=secret),
    ]
    told = [sandbox.webhook["secret"] for sandbox in made if sandbox.webhook]
    for sandbox in made:
        sandbox.stop()
    assert told[0] != told[1]
    assert told[2] == secret
