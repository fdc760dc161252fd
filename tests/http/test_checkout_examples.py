"""docs/checkout.md: every call that it shows is made, exactly as it stands there."""

import re
from pathlib import Path
from urllib.parse import urlsplit

DOCUMENT = (Path(__file__).parents[2] / "docs" / "checkout.md").read_text()
CALLS = re.findall(r"```http\n(.+?)```", DOCUMENT, re.DOTALL)


def test_every_call_in_the_document_is_answered_as_it_says(shop):
    values = {"$TOKEN": shop.backend, "$RETURN": f"{shop.sandbox.api}/success?order=789"}
    opened = []
    for shown in CALLS:
        call = shown
        for name, value in values.items():
            call = call.replace(name, value)
        head, _, body = call.strip().partition("\n\n")
        request, *lines = head.splitlines()
        method, path = request.split()
        assert "$" not in call
        answer = shop.port.send(method, path, body.encode(), [tuple(line.split(": ", 1)) for line in lines])
        assert answer.status == 200, (call, answer.text)
        if method == "POST":
            opened.append(answer.data)
            values["$OUT_TRADE_NO"] = answer.data["outTradeNo"]
            if "checkoutUrl" in answer.data:  # an app has no use for the page
                values["$CHECKOUT_PATH"] = urlsplit(answer.data["checkoutUrl"]).path

    assert len(CALLS) == 7
    assert [set(one) & {"codeUrl", "paymentParams", "h5Url"} for one in opened] == [
        *({"codeUrl"}, {"paymentParams"}, {"h5Url"}, {"paymentParams"}, {"paymentParams"})
    ]
    assert len({one["outTradeNo"] for one in opened}) == 5


def test_every_member_of_the_view_is_in_the_document(shop):
    schema = re.findall(r"^\| (.+?) \|", DOCUMENT.partition("## A page of your own")[2], re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(schema)))
    order = shop.order(returnUrl=f"{shop.sandbox.api}/success")
    path = urlsplit(order["checkoutUrl"]).path
    view = shop.port.send("GET", path, headers=[("Accept", "application/json")]).json

    assert set(view) - named == set()
    assert named - set(view) == {"refundedAmount", "paymentParams", "h5Url"}
