"""The echo: asked for under each key, heard only if it is one of ours, and never about a payment."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from payments.core.events import entries_of
from payments.core.lifecycle import Status
from payments.use_cases.echoing import ARRIVAL_SECONDS, echo
from tests.kit.keys import stranger
from tests.kit.office import Office
from tests.kit.script import order_object
from tests.notifications.kinds import ECHO
from wechatpay.answers import Answer
from wechatpay.errors import DecryptionError, RefusedError, UnknownOutcomeError
from wechatpay.sensitive import decrypt_sensitive, encrypt_sensitive
from wechatpay.signing import MerchantSigner

NONCE = "0123456789abcdef" * 2
REFUSED = RefusedError(code="PARAM_ERROR", message="", http_status=400, request_id=None)


def notification(office: Office, message: object, **inside: object) -> int:
    """WeChat Pay's notification of an echo; the status that it is answered."""
    members = {"echo_message": message, "encrypt_echo_message": "AAAA", **inside}
    body = office.wechat.envelope(members, event_type=ECHO[0], original_type=ECHO[1])
    return office.post(body, office.wechat.headers(body)).status


def rows(office: Office) -> list[dict[str, Any]]:
    return list(office.db.items("NotificationsTable"))


KEY = stranger()


class Weixin:
    """The line to WeChat Pay, which takes an echo under some keys and then does with it what a test says.

    It has one key, whatever the serial, and so has the merchant.
    """

    def __init__(self, office: Office, then: Callable[[str], object] = lambda _: None) -> None:
        self.office = office
        self.then = then
        self.answers: dict[str, Exception] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.keys = self

    def find(self, _serial: str) -> rsa.RSAPublicKey:
        return KEY.public_key()

    def signer(self) -> MerchantSigner:
        return MerchantSigner(mchid="1900000109", serial_no="A" * 40, private_key=KEY)

    def request(self, _operation: str, _method: str, path: str, body: bytes, serial: str) -> Answer:
        assert path == "/v3/security/echo"
        said = json.loads(body)
        message = said["echo_message"]
        assert decrypt_sensitive(said["encrypted_echo_message"], KEY) == message
        self.asked.append((message, serial, said.get("notify_url")))
        if serial in self.answers:
            raise self.answers[serial]
        self.then(message)
        sealed = encrypt_sensitive(message, KEY.public_key())
        return Answer(200, {"echo_message": message, "encrypted_echo_message": sealed}, None)


class Ring:
    """Verification keys by their serials alone."""

    def __init__(self, office: Office, *serials: str, preferred: str | None) -> None:
        self._keys = office.wiring.secrets.keys
        self.serials, self.preferred = serials, preferred

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keys, name)


def with_keys(office: Office, *serials: str, preferred: str | None = None) -> None:
    office.wiring.secrets.__dict__["keys"] = Ring(office, *serials, preferred=preferred)


@pytest.fixture
def weixin(office: Office) -> Weixin:
    """WeChat Pay that notifies at once."""
    made = Weixin(office, lambda message: notification(office, message))
    office.wiring.__dict__["wechat"] = made
    return made


def test_an_echo_goes_to_our_notify_url_and_is_heard(office: Office, weixin: Weixin) -> None:
    began = office.time()
    assert echo(office.wiring) == []
    ((message, serial, url),) = weixin.asked
    assert (serial, url) == (office.wiring.secrets.keys.preferred, office.wiring.settings.notify_url)
    (row,) = rows(office)
    assert row["notification_id"]["S"] == f"echo#{message}"
    assert (row["serial"]["S"], int(row["arrived_at"]["N"])) == (serial, int(began))
    assert int(row["expires_at"]["N"]) > began
    assert office.time() == began  # nobody waited


def test_an_echo_that_does_not_arrive_is_waited_for_and_then_missed(office: Office, weixin: Weixin) -> None:
    weixin.then = lambda _: None
    began = office.time()
    assert echo(office.wiring) == [office.wiring.secrets.keys.preferred]
    assert ARRIVAL_SECONDS <= office.time() - began <= ARRIVAL_SECONDS + 1


def test_an_echo_that_takes_a_minute_is_heard(office: Office, weixin: Weixin) -> None:
    weixin.then = lambda _: None
    began, pause = office.time(), office.wiring.pause

    def waiting(seconds: float) -> None:
        pause(seconds)
        if office.time() == began + 60:
            notification(office, weixin.asked[0][0])

    office.wiring.__dict__["pause"] = waiting
    assert echo(office.wiring) == []
    assert office.time() == began + 60


def test_an_echo_whose_answer_is_lost_is_heard_all_the_same(office: Office, weixin: Weixin) -> None:
    """The alarm says that WeChat Pay cannot reach us, and it just has."""

    def answer_lost(message: str) -> None:
        notification(office, message)
        raise UnknownOutcomeError("ReadTimeout")

    weixin.then = answer_lost
    assert echo(office.wiring) == []


def test_an_echo_that_has_no_answer_is_waited_for_and_then_missed(office: Office, weixin: Weixin) -> None:
    weixin.answers = {str(office.wiring.secrets.keys.preferred): UnknownOutcomeError("ReadTimeout")}
    began = office.time()
    assert echo(office.wiring) == [office.wiring.secrets.keys.preferred]
    assert ARRIVAL_SECONDS <= office.time() - began <= ARRIVAL_SECONDS + 1


@pytest.mark.parametrize("problem", [REFUSED, DecryptionError("not for us")], ids=str)
def test_an_echo_that_the_only_key_cannot_have_is_missed_at_once(
    office: Office, weixin: Weixin, problem: Exception
) -> None:
    weixin.answers = {str(office.wiring.secrets.keys.preferred): problem}
    began = office.time()
    assert echo(office.wiring) == [office.wiring.secrets.keys.preferred]
    assert office.time() == began


def test_during_a_change_of_keys_each_has_an_echo_of_its_own(office: Office, weixin: Weixin) -> None:
    with_keys(office, "PUB_KEY_ID_1", "A" * 40, preferred="PUB_KEY_ID_1")
    assert echo(office.wiring) == []
    assert [serial for _, serial, _ in weixin.asked] == ["PUB_KEY_ID_1", "A" * 40]
    assert len({message for message, *_ in weixin.asked}) == 2


def test_a_key_that_wechat_pay_does_not_use_yet_or_any_more_is_no_failure_beside_one_that_it_does(
    office: Office, weixin: Weixin
) -> None:
    with_keys(office, "PUB_KEY_ID_1", "A" * 40, preferred="PUB_KEY_ID_1")
    weixin.answers = {"A" * 40: REFUSED}
    assert echo(office.wiring) == []
    weixin.answers = {"PUB_KEY_ID_1": REFUSED}  # the one that every request of ours names
    assert echo(office.wiring) == ["PUB_KEY_ID_1"]
    with_keys(office, "A" * 40, "B" * 40)
    weixin.answers = {"A" * 40: REFUSED}
    assert echo(office.wiring) == []
    weixin.answers = {"A" * 40: REFUSED, "B" * 40: REFUSED}
    assert echo(office.wiring) == ["A" * 40, "B" * 40]


def test_an_echo_of_which_one_key_has_no_answer_is_missed_whatever_the_others_say(
    office: Office, weixin: Weixin
) -> None:
    with_keys(office, "A" * 40, "B" * 40)
    weixin.answers = {"A" * 40: UnknownOutcomeError("HTTP 500")}
    assert echo(office.wiring) == ["A" * 40]


@pytest.mark.parametrize(
    "message", [NONCE, "hello", "", 1, None, ["x"], NONCE.upper(), f"{NONCE}#", "x" * 4000]
)
def test_an_echo_that_we_did_not_ask_for_is_kept_as_another_kind(office: Office, message: object) -> None:
    assert notification(office, message) == 200
    (row,) = rows(office)
    assert row["event_type"]["S"] == ECHO[0]
    assert office.counted("NotificationOther") == 1


def test_an_echo_of_ours_is_thanked_for_as_often_as_it_comes_and_keeps_its_first_moment(
    office: Office, weixin: Weixin
) -> None:
    echo(office.wiring)
    before = rows(office)
    office.wait(3600)
    for _ in range(3):
        assert notification(office, weixin.asked[0][0]) == 200
    assert rows(office) == before
    assert [name for name, *_ in office.wiring.measured] == []


def test_an_echo_that_cannot_be_noted_is_asked_for_again(office: Office, weixin: Weixin) -> None:
    weixin.then = lambda _: None
    echo(office.wiring)
    office.silent_table(lambda operation: operation.table == "NotificationsTable")
    assert notification(office, weixin.asked[0][0]) == 503
    assert office.counted("NotificationFailed") == 1


def test_an_echo_that_is_forged_is_not_heard(office: Office, weixin: Weixin) -> None:
    weixin.then = lambda _: None
    echo(office.wiring)
    body = office.wechat.envelope(
        {"echo_message": weixin.asked[0][0]}, event_type=ECHO[0], original_type=ECHO[1]
    )
    headers = office.wechat.headers(body) | {"Wechatpay-Signature": "A" * 344}
    assert office.post(body, headers).status == 401
    assert not office.wiring.echoes.has_arrived(weixin.asked[0][0])


def test_an_echo_never_touches_a_payment_whatever_it_says(office: Office, weixin: Weixin) -> None:
    number = office.unpaid()
    weixin.then = lambda message: notification(office, message, **order_object("SUCCESS")(number))
    assert echo(office.wiring) == []
    assert notification(office, number, **order_object("SUCCESS")(number)) == 200
    assert office.stored(number).status is Status.PENDING
    assert office.db.items("QuarantineTable") == []


def test_no_event_is_told_of_an_echo(office: Office, weixin: Weixin) -> None:
    office.db.records.clear()
    echo(office.wiring)
    records = [record["dynamodb"] for record in office.db.records]
    assert len(records) >= 2
    told = [entry for r in records for entry in entries_of(r.get("OldImage"), r["NewImage"], bus="bus")]
    assert told == []
