"""The checkout address: who may look, what is shown and what never is, and what it costs."""

import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest

from payments.api import tokens

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "functions/checkout/page"
GET = "dynamodb:GetItem"
WECHAT_BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.47"
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/125.0 Mobile Safari/537.36"
JSAPI = {"contentId": "content-1", "amount": "8.80", "subject": "A photograph", "openid": "oBuyer-1"}
XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><svg onload=alert(1)>",
    "{{7*7}}${7*7}$amount$$",
    "javascript:alert(1)//",
    "&lt;script&gt;",
    "--><script>alert(1)</script><!--",
)


WINDOWS_WECHAT = (
    "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 NetType/WIFI "
    "MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c33) XWEB/13639 Flue"
)
NEW_WINDOWS_WECHAT = WINDOWS_WECHAT.replace("WindowsWechat(0x63090c33)", "UnifiedPCWindowsWechat(0xf2541022)")
MAC_WECHAT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) MicroMessenger/6.8.0(0x16080000) "
    "NetType/WIFI MacWechat/3.8.8(0x13080812) XWEB/1216 Flue"
)


class Tags(HTMLParser):
    """Every element of a page with its attributes, and the text of those that have an id."""

    def __init__(self, page):
        super().__init__()
        self.found, self.texts, self._open = [], {}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.found.append((tag, attributes))
        if tag not in ("meta", "link", "img"):
            self._open.append(attributes.get("id"))

    def handle_endtag(self, tag):
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1]:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data

    def hidden(self, identifier):
        (attributes,) = [each for _, each in self.found if each.get("id") == identifier]
        return "hidden" in attributes

    @property
    def shape(self):
        return [(tag, sorted(attributes)) for tag, attributes in self.found]


@pytest.fixture
def buyer(shop):
    return Buyer(shop)


class Buyer:
    """Whoever has a checkout address."""

    def __init__(self, shop):
        self._shop = shop

    def page(self, url, **headers):
        """The answer that a browser gets."""
        return self._look(url, {"accept": "text/html,application/xhtml+xml", **headers})

    def view(self, url, **headers):
        """The public view as a program gets it."""
        return self._look(url, {"accept": "application/json", **headers})

    def _look(self, url, headers):
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self._shop.port.send("GET", path, headers=lines)


@pytest.fixture
def order(shop):
    return shop.order()


@pytest.fixture(scope="module")
def keys(shop):
    secret = shop.sandbox.aws.client("secretsmanager").get_secret_value(
        SecretId=shop.sandbox.deployed.refs["CheckoutSecret"]
    )
    return (json.loads(secret["SecretString"])["CHECKOUT_KEY"],)


def test_opening_an_order_tells_where_it_is_paid(shop, order):
    within_wechat = shop.post("jsapi", JSAPI).data

    for opened in (order, within_wechat):
        base, token = opened["checkoutUrl"].split("/checkout/")
        assert base == shop.wire.url  # where notifications go, for the API does not know its own address
        assert jwt.decode(token, options={"verify_signature": False})["sub"] == opened["outTradeNo"]


def test_an_open_order_shows_its_public_view_and_nothing_else(shop, buyer):
    order = shop.order(
        body="a secret body", metadata={"note": "secret"}, userId="secret-user", contentId="secret-content"
    )
    answer = buyer.view(order["checkoutUrl"])

    view = answer.json
    assert answer.status == 200
    assert set(view) == {
        *(
            "outTradeNo",
            "version",
            "status",
            "amount",
            "currency",
            "subject",
            "merchantName",
            "method",
            "now",
        ),
        *("expiresAt", "codeExpiresAt", "codeUrl", "qrCode", "live"),
    }
    assert (view["status"], view["amount"], view["method"]) == ("waiting", "19.99", "native")
    assert (view["codeUrl"], view["qrCode"]) == (order["codeUrl"], order["qrCode"])
    assert set(view["live"]) == {"url", "ticket"}
    assert "secret" not in answer.text
    assert "secret" not in buyer.page(order["checkoutUrl"]).text
    assert view["outTradeNo"] == order["outTradeNo"]


def test_the_page_shows_the_orders_number_for_support_and_none_where_there_is_no_order(shop, buyer, order):
    shown = Tags(buyer.page(order["checkoutUrl"], accept_language="zh").text)
    assert shown.texts["number"].strip() == "商户订单号"
    assert shown.texts["order"] == order["outTradeNo"]
    assert not shown.hidden("number")

    shop.post("close", {"outTradeNo": order["outTradeNo"]})
    assert Tags(buyer.page(order["checkoutUrl"]).text).texts["order"] == order["outTradeNo"]

    missing = Tags(buyer.page(f"{order['checkoutUrl']}x").text)
    assert missing.hidden("number")
    assert "order" not in missing.texts


def test_looking_costs_one_read_and_asks_nobody(shop, buyer, order):
    buyer.view(order["checkoutUrl"])
    for look in (buyer.view, buyer.page):
        with shop.spending("CheckoutFunction") as spent:
            assert look(order["checkoutUrl"]).status == 200
        assert (spent.aws, spent.outbound) == ([GET], [])


def test_the_view_follows_the_order_from_payment_to_refund(shop, buyer, order):
    shop.pay(order["outTradeNo"])
    paid = buyer.view(order["checkoutUrl"]).json
    assert paid["status"] == "paid"
    assert not {"codeUrl", "qrCode", "refundedAmount"} & set(paid)

    for amount, status, together in (("5", "partially_refunded", "5.00"), ("14.99", "refunded", "19.99")):
        refund = {"outTradeNo": order["outTradeNo"], "refundAmount": amount}
        refunded = shop.post("refund", refund, token=shop.office).data
        shop.control("POST", "refund", {"outRefundNo": refunded["outRefundNo"], "status": "SUCCESS"})
        view = _until(
            lambda: buyer.view(order["checkoutUrl"]).json, lambda view, want=status: view["status"] == want
        )
        assert view["refundedAmount"] == together
        assert view["version"] > paid["version"]
    assert "live" not in view


def test_a_closed_order_shows_its_end_and_no_code(shop, buyer, order):
    shop.post("close", {"outTradeNo": order["outTradeNo"]})
    view = buyer.view(order["checkoutUrl"]).json

    assert view["status"] == "closed"
    assert "codeUrl" not in view
    assert "live" in view  # money may still come late


def test_an_order_for_within_wechat_opens_the_cashier_there_and_shows_its_own_address_elsewhere(shop, buyer):
    order = shop.post("jsapi", JSAPI).data
    there = buyer.view(order["checkoutUrl"], user_agent=WECHAT_BROWSER).json
    elsewhere = buyer.view(order["checkoutUrl"]).json

    assert there["paymentParams"]["package"] == f"prepay_id={order['prepayId']}"
    assert set(there["paymentParams"]) == set(order["paymentParams"])
    assert "qrCode" not in there
    assert "paymentParams" not in elsewhere
    assert elsewhere["qrCode"].startswith("data:image/png;base64,")


@pytest.mark.parametrize("agent", [WINDOWS_WECHAT, NEW_WINDOWS_WECHAT, MAC_WECHAT])
def test_in_wechat_on_a_computer_an_order_for_within_wechat_is_opened_by_the_phone(shop, buyer, agent):
    url = shop.post("jsapi", JSAPI).data["checkoutUrl"]
    tags = Tags(buyer.page(url, user_agent=agent).text)

    assert tags.texts["title"] == "Open in WeChat"
    assert not tags.hidden("code")
    assert tags.hidden("pay")
    assert "paymentParams" not in buyer.view(url, user_agent=agent).json


def test_every_wrong_token_gets_the_same_bytes(shop, buyer, order, keys):
    token = order["checkoutUrl"].rpartition("/")[2]
    head, claims, _ = token.split(".")
    number, now = order["outTradeNo"], shop.sandbox.clock.time()
    wrong = [
        token[:-4] + "AAAA",
        token + "x",
        "x" * 2000,
        "a.b.c",
        "%00",
        f"{head}.{claims}.",
        jwt.encode({"aud": "checkout", "sub": number, "exp": int(now) + 60}, "", algorithm="none"),
        tokens.checkout_token(out_trade_no=number, time_expire=int(now), keys=("k" * 64,)),
        tokens.checkout_token(
            out_trade_no=number, time_expire=int(now) - tokens.SHOWN_AFTER_END_SECONDS - 1, keys=keys
        ),
        tokens.checkout_token(out_trade_no="WXNOBODY", time_expire=int(now), keys=keys),
        tokens.live_ticket(out_trade_no=number, ticket_id="1", keys=keys, now=now),
    ]
    views = {(answer.status, answer.body) for each in wrong for answer in [buyer.view(f"/checkout/{each}")]}
    pages = {(answer.status, answer.body) for each in wrong for answer in [buyer.page(f"/checkout/{each}")]}

    assert buyer.view(f"/checkout/{token}").status == 200
    ((status, view),) = views
    assert (status, json.loads(view)["code"]) == (404, "ORDER_NOT_FOUND")
    ((status, page),) = pages
    assert status == 404
    assert number.encode() not in page


def own(page, element):
    """The page's one script or style, as it stands there."""
    (content,) = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
    return content


def hash_of(content):
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


@pytest.mark.parametrize("kind", ["page", "refused page"])
def test_the_page_runs_nothing_but_its_own_script_sits_in_no_frame_and_is_not_kept(shop, buyer, order, kind):
    url = order["checkoutUrl"] + ("x" if kind == "refused page" else "")
    answer = buyer.page(url)
    directives = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )

    live = "" if kind == "refused page" else " ws://" + shop.sandbox.api.removeprefix("http://")
    script, style = own(answer.text, "script"), own(answer.text, "style")
    assert (script, style) == tuple((PAGE / name).read_text() for name in ("checkout.js", "checkout.css"))
    assert directives == {
        "default-src": "'none'",
        "script-src": hash_of(script),
        "style-src": hash_of(style),
        "img-src": "data:",
        "connect-src": f"'self'{live}",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    for tag, attributes in Tags(answer.text).found:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag


@pytest.mark.parametrize("kind", ["page", "refused page"])
def test_the_page_needs_no_second_request_which_another_version_might_answer(buyer, order, kind):
    """While a new version takes a tenth of the calls, what one version names the other may not have."""
    answer = buyer.page(order["checkoutUrl"] + ("x" if kind == "refused page" else ""))

    for tag, attributes in Tags(answer.text).found:
        assert "src" not in attributes or attributes["src"].startswith("data:") or not attributes["src"], tag
        assert tag != "link" or attributes["href"].startswith("data:")
    assert not re.search(r"@import|url\(", own(answer.text, "style"))
    assert len(answer.body) < 50_000
    script = own(answer.text, "script")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://", script)


def test_a_page_of_an_earlier_version_still_gets_the_files_that_have_not_changed(buyer):
    for file in sorted(PAGE.iterdir()):
        if file.suffix in (".js", ".css", ".svg"):
            name = f"{file.stem}.{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}{file.suffix}"
            answer = buyer.page(f"/checkout/assets/{name}")
            assert (answer.status, answer.text) == (200, file.read_text())
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["app.py", "words.json", "checkout.html", "checkout.js", "..%2fapp.py", "x"])
def test_nothing_else_of_the_function_can_be_had(buyer, name):
    answer = buyer.page(f"/checkout/assets/{name}")

    assert (answer.status, answer.json["code"]) == (404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize(
    ("asked", "accepted", "language", "title"),
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "微信扫码支付"),
        ("", "de,en-GB;q=0.9,zh;q=0.1", "en", "Scan to pay"),
        ("", "", "en", "Scan to pay"),
        ("?lang=zh", "en", "zh-Hans", "微信扫码支付"),
        ("?lang=en", "zh", "en", "Scan to pay"),
        ("?lang=%22%3E", "zh-TW", "zh-Hans", "微信扫码支付"),
    ],
)
def test_the_first_paint_speaks_the_buyers_language(buyer, order, asked, accepted, language, title):
    tags = Tags(buyer.page(order["checkoutUrl"] + asked, accept_language=accepted).text)

    assert tags.found[0] == ("html", {"lang": language})
    assert tags.texts["title"] == title


def test_without_script_the_page_shows_the_code_and_comes_again_by_itself(buyer, order):
    tags = Tags(buyer.page(order["checkoutUrl"]).text)

    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in tags.found
    (code,) = [attributes for _, attributes in tags.found if attributes.get("id") == "code"]
    assert code["src"] == order["qrCode"]
    assert code["alt"]
    assert tags.texts["amount"] == "19.99"
    assert re.fullmatch(r"1:59:\d\d|2:00:00", tags.texts["countdown"])
    assert not tags.hidden("left")
    assert tags.hidden("back")  # nowhere to go back to


def test_without_script_a_paid_order_goes_on_to_the_return_address(shop, buyer):
    address = f"{shop.sandbox.api}/done?order=7&from=checkout"
    order = shop.order(returnUrl=address)
    assert buyer.view(order["checkoutUrl"]).json["returnUrl"] == address
    shop.pay(order["outTradeNo"])
    tags = Tags(buyer.page(order["checkoutUrl"]).text)

    assert ("meta", {"http-equiv": "refresh", "content": f"2;url={address}"}) in tags.found
    (back,) = [attributes for _, attributes in tags.found if attributes.get("id") == "back"]
    assert back["href"] == address
    assert not tags.hidden("back")


@pytest.mark.parametrize("text", XSS)
def test_text_is_only_ever_text(shop, buyer, order, text):
    plain = Tags(buyer.page(order["checkoutUrl"]).text)
    order = shop.order(subject=text, body=text, metadata={text: text}, userId=text, contentId=text)
    tags = Tags(buyer.page(order["checkoutUrl"]).text)

    assert tags.shape == plain.shape
    assert tags.texts["subject"] == text


@pytest.mark.parametrize(
    ("agent", "scene"),
    [
        (WECHAT_BROWSER, "wechat"),
        (PHONE, "phone"),
        ("curl/8", "desktop"),
        *((agent, "desktop") for agent in (WINDOWS_WECHAT, NEW_WINDOWS_WECHAT, MAC_WECHAT)),
    ],
)
def test_who_cannot_scan_their_own_screen_is_told_what_to_do(buyer, order, agent, scene):
    page = buyer.page(order["checkoutUrl"], user_agent=agent)
    (main,) = [attributes for tag, attributes in Tags(page.text).found if tag == "main"]

    assert (main["data-scene"], main["data-state"]) == (scene, "scan" if scene == "desktop" else scene)


def test_the_log_names_the_order_and_never_the_token(shop, buyer, order):
    buyer.page(order["checkoutUrl"])
    token = order["checkoutUrl"].rpartition("/")[2]
    ticket = buyer.view(order["checkoutUrl"]).json["live"]["ticket"]
    log = shop.sandbox.lambdas.logs("CheckoutFunction")

    assert order["outTradeNo"] in log
    assert token not in log
    assert ticket not in log


def test_a_return_address_elsewhere_is_refused_and_opens_nothing(shop, nothing_created):
    order = {
        "contentId": "content-1",
        "amount": 5,
        "subject": "A photograph",
        "returnUrl": "https://evil.example/",
    }
    answer = shop.native(order)

    assert answer.refusal == (400, "PARAM_ERROR", "returnUrl")
    assert shop.post("jsapi", {**JSAPI, "returnUrl": "//evil.example"}).refusal[0] == 400


def test_another_return_address_under_the_same_key_is_another_request(shop):
    body = {"contentId": "content-1", "amount": 5, "subject": "A photograph"}
    back = {"returnUrl": shop.sandbox.api + "/done"}
    first = shop.native(body | back, key="with-return").data

    assert shop.native(body | back, key="with-return").data == first
    assert shop.native(body, key="with-return").status == 422


def _until(read, holds, seconds=15):
    deadline = time.monotonic() + seconds
    while not holds(value := read()):
        assert time.monotonic() < deadline, value
        time.sleep(0.1)
    return value


def test_a_body_that_a_request_for_a_page_brings_along_is_not_even_looked_at(shop):
    event = json.loads((ROOT / "events" / "checkout.json").read_text())
    event |= {"body": "no base64", "isBase64Encoded": True}

    answer = shop.sandbox.lambdas.invoke("CheckoutFunction", event)

    assert answer["statusCode"] == 404
    assert answer["headers"]["content-type"].startswith("text/html")
