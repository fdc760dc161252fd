"""Echoing: ask WeChat Pay for a test notification under each of its keys, and wait until each has reached our notify URL.

Silence proves nothing: a shop that sells nothing at night hears nothing either.
"""

from payments.core.errors import StorageUnavailableError
from payments.logs import logger
from payments.wiring import Wiring
from wechatpay.errors import RefusedError, UnknownOutcomeError, WeChatPayError
from wechatpay.sensitive_calls import echo as ask_echo

SEND_BUDGET_SECONDS = 12  # seconds for one echo to be asked for
ARRIVAL_SECONDS = 75  # seconds for it to arrive: WeChat Pay repeats a notification after 15, 30 and 60


def echo(wiring: Wiring) -> list[str]:
    """Ask for one echo under each verification key and wait for them; the serials that are not proven.

    During a change of keys there are several. WeChat Pay refuses one that it does not use yet, or no more: that is said in the
    log, and is no failure as long as another one is taken and the preferred one is not refused.
    """
    preferred, nonces = wiring.secrets.keys.preferred, dict[str, str]()
    missed, refused = list[str](), list[str]()
    for serial in wiring.secrets.keys.serials:
        nonce = wiring.nonce()
        try:
            _ask(nonce, serial, wiring)
        except RefusedError as problem:
            logger.warning("an echo is refused", extra={"serial": serial, "error": problem.code})
            (missed if serial == preferred else refused).append(serial)
        except UnknownOutcomeError as problem:
            # It may have been taken: if so it arrives, and WeChat Pay does reach us.
            logger.warning("an echo has no answer", extra={"serial": serial, "error": str(problem)})
            nonces[nonce] = serial
        except WeChatPayError as problem:
            logger.error("an echo is answered wrongly", extra={"serial": serial, "error": str(problem)})
            missed.append(serial)
        else:
            nonces[nonce] = serial
    if not nonces and not missed:
        missed = refused
    silent = _silent(list(nonces), wiring)
    for nonce in silent:
        logger.error("an echo has not arrived", extra={"serial": nonces[nonce], "seconds": ARRIVAL_SECONDS})
    return missed + [nonces[nonce] for nonce in silent]


def _ask(nonce: str, serial: str, wiring: Wiring) -> None:
    # Remembered first: its notification may be here before WeChat Pay's answer is.
    wiring.echoes.remember(nonce, serial=serial, now=int(wiring.now()))
    wiring.begin(SEND_BUDGET_SECONDS)
    ask_echo(wiring.wechat, nonce, serial=serial, notify_url=wiring.settings.notify_url)


def _silent(nonces: list[str], wiring: Wiring) -> list[str]:
    """Those of which nothing has been heard when the wait is over."""
    until = wiring.now() + ARRIVAL_SECONDS
    while True:
        nonces = [nonce for nonce in nonces if not _has_arrived(nonce, wiring)]
        if not nonces or wiring.now() >= until:
            return nonces
        wiring.pause(1)


def _has_arrived(nonce: str, wiring: Wiring) -> bool:
    try:
        return wiring.echoes.has_arrived(nonce)
    except StorageUnavailableError:
        return False  # asked again in a second
