"""The lines that a forged notification must get past, each with what it looks like when it is switched off."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from tests.kit.parameters import ROOT
from tests.resilience.fuzz.world import APP

_PACKAGES = ("payments", "wechatpay")
_LAYERS = {name: ROOT / "layers" / name / name for name in _PACKAGES}


@dataclass(frozen=True)
class Switch:
    """In `file`, `line` becomes `off`; a case of `corpus` whose kind and label hold `about` must then come out wrong."""

    file: str
    line: str
    off: str
    corpus: str
    about: str = ""

    @property
    def path(self) -> Path:
        """Where the file is."""
        package, _, name = self.file.partition("/")
        return APP if package == "notify" else _LAYERS[package] / name

    def source(self) -> str:
        """The file with the line switched off. AssertionError unless the line is there exactly once."""
        source = self.path.read_text()
        assert source.count(self.line) == 1, f"{self.file} has {source.count(self.line)} times: {self.line}"
        return source.replace(self.line, self.off)


VERIFICATION = "wechatpay/verification.py"
NOTIFICATION = "wechatpay/notification.py"
KINDS = "payments/use_cases/notification_kinds.py"
DECRYPTION = "wechatpay/decryption.py"
FACTS = "payments/core/facts.py"
EVIDENCE = "payments/use_cases/evidence.py"
REFUND_EVIDENCE = "payments/use_cases/refunds/refund_evidence.py"
STORE = "payments/storage/payments.py"
NOTIFY = "notify/app.py"

SWITCHES = (
    Switch(VERIFICATION, "if not lowered.get(name):", "if False:", "subsets"),
    Switch(VERIFICATION, "if not form.fullmatch(lowered[name]):", "if False:", "lines"),
    Switch(VERIFICATION, 'if lowered.get("wechatpay-signature-type", SCHEME) != SCHEME:', "if False:", "grammar", "SM2"),
    Switch(VERIFICATION, "if abs(now - int(timestamp)) >= MAX_CLOCK_SKEW_SECONDS:", "if False:", "replays"),
    Switch(VERIFICATION, "abs(now - int(timestamp)) >=", "now - int(timestamp) >=", "replays"),
    Switch(VERIFICATION, "abs(now - int(timestamp)) >=", "int(timestamp) - now >=", "replays"),
    Switch(VERIFICATION, "abs(now - int(timestamp)) >=", "abs(now - int(timestamp)) >", "replays"),
    Switch(VERIFICATION, "if key is None:", "if False:", "keys"),
    Switch(VERIFICATION, "key.verify(raw,", "(lambda *_: None)(raw,", "keys"),
    Switch(VERIFICATION, "except (ValueError, InvalidSignature)", "except ValueError", "keys", "stranger's under the public"),
    Switch(VERIFICATION, "except (ValueError, InvalidSignature)", "except InvalidSignature", "signatures"),
    Switch(VERIFICATION, '{timestamp}\\n{nonce}\\n".encode() + body', '{timestamp}\\n{nonce}\\n".encode()', "believed"),
    Switch(VERIFICATION, "if base64.b64encode(raw).decode() != signature:", "if False:", "signatures", "last letter"),
    Switch("wechatpay/keys.py", "return self._keys.get(serial)", "return next(iter(self._keys.values()))", "keys"),
    Switch("payments/storage/secrets.py", "if key is None and self._reread():", "if key is None:", "floods"),
    Switch("payments/storage/secrets.py", "if self._clock() < self._early:", "if False:", "floods"),
    Switch("payments/api/http.py", "base64.b64decode(body, validate=True)", "base64.b64decode(body)", "encodings", "base64"),
    Switch(NOTIFICATION, "    verify(headers, body, keys=keys, now=now)\n", "", "keys"),
    Switch(NOTIFICATION, "not isinstance(resource, dict) or ", "", "envelopes", "resource"),
    Switch(NOTIFICATION, 'or envelope.get("resource_type") != "encrypt-resource"', "", "envelopes", "resource_type"),
    Switch(KINDS, "if any(name in members for name in _OTHER_ORDERS):", "if False:", "envelopes", "combine_out_trade_no"),
    Switch(KINDS, "else sealed.original_type == original_type", "else True", "envelopes", "original_type"),
    Switch(KINDS, '(Kind.OTHER, None, "")', '(Kind.PAYMENT, "transaction", "")', "envelopes", "event_type"),
    Switch(KINDS, "else sealed.original_type == original_type", "else True", "envelopes", "REFUND."),
    Switch(NOTIFICATION, 'if resource.get("algorithm") != "AEAD_AES_256_GCM":', "if False:", "envelopes", "algorithm"),
    Switch(NOTIFICATION, "if not isinstance(value, str) or not value:", "if False:", "envelopes", "'id'"),
    Switch(NOTIFICATION, "if not isinstance(value, dict):", "if False:", "answers", "[]"),
    Switch(NOTIFICATION, "except (ValueError, RecursionError)", "except ValueError", "answers", "deep"),
    Switch(DECRYPTION, "base64.b64decode(ciphertext, validate=True)", "base64.b64decode(ciphertext)", "resources", "ciphertext"),
    Switch(DECRYPTION, "if len(nonce.encode()) != 12:", "if False:", "resources", "nonce"),
    Switch(DECRYPTION, "raw, associated_data.encode())", 'raw, b"transaction")', "resources", "associated_data"),
    Switch(DECRYPTION, "for key in keys:", "for key in keys[:1]:", "believed"),
    Switch(DECRYPTION, 'raise DecryptionError("no APIv3 key fits")', 'return b"{}"', "resources", "APIv3 key"),
    Switch(NOTIFY, "if len(request.body) > MAX_BODY_BYTES:", "if False:", "sizes", "byte"),
    Switch(NOTIFY, 'if facts.trade_state != "SUCCESS":', "if False:", "states", "CLOSED"),
    Switch(NOTIFY, 'if sealed.event_type != f"REFUND.{refund.status}":', "if False:", "states", "REFUND."),
    Switch(NOTIFY, "if kind is Kind.PAYMENT:", 'if "trade_state" in members:', "states", "REFUND."),
    Switch(NOTIFY, 'set_aside("unusable"', '(lambda *_, **__: None)("unusable"', "members", "mchid"),
    Switch(NOTIFY, "if applied in RETRIED:", "if False:", "refunds", "refund"),
    Switch(EVIDENCE, "facts.transaction_id and facts.total is not None and", "facts.total is not None and", "payments", "transaction"),
    Switch(EVIDENCE, "facts.transaction_id and facts.total is not None and", "facts.transaction_id and", "payments", "total '"),
    Switch(EVIDENCE, "facts.total is not None and facts.currency)", "facts.total is not None)", "payments", "{'total': 1000}"),
    Switch(EVIDENCE, "if facts.mchid != seen.mchid:", "if False:", "payments", "another merchant"),
    Switch(EVIDENCE, "if facts.appid != seen.appid:", "if False:", "payments", "another app"),
    Switch(EVIDENCE, "facts.total != seen.amount or", "", "payments", "total 999"),
    Switch(EVIDENCE, "or facts.currency != seen.currency", "", "payments", "currency USD"),
    Switch(EVIDENCE, "if seen.transaction_id is not None and facts.transaction_id != seen.transaction_id:", "if False:", "payments", "second payment: paid"),
    Switch(FACTS, "return value if type(value) is int else None", "return value if isinstance(value, int) else None", "payments", "True"),
    Switch(FACTS, "if not isinstance(value, str) or not value:", "if False:", "members", "mchid"),
    Switch(FACTS, "if not isinstance(value, str) or not value:", "if value is None:", "members", "mchid"),
    Switch(STORE, "(P.mchid == facts.mchid)", "P.mchid.exists()", "payments", "another merchant"),
    Switch(STORE, "(P.appid == facts.appid)", "P.appid.exists()", "payments", "another app"),
    Switch(STORE, "(P.amount == total)", "P.amount.exists()", "payments", "total 999"),
    Switch(STORE, "(P.currency == facts.currency)", "P.currency.exists()", "payments", "currency USD"),
    Switch(STORE, "            & P.transaction_id.does_not_exist()\n", "", "payments", "second payment: torn"),
    Switch(STORE, "allowed if condition is None else allowed & condition", "allowed if condition is None else condition", "believed"),
    Switch("payments/storage/items.py", "_EXISTS & condition", "condition | _EXISTS", "payments", "total 999"),
    Switch(REFUND_EVIDENCE, "if facts.mchid is not None and facts.mchid != seen.mchid:", "if False:", "refunds", "merchant"),
    Switch(REFUND_EVIDENCE, "facts.transaction_id != seen.transaction_id or", "", "refunds", "another transaction"),
    Switch(REFUND_EVIDENCE, "or facts.total != seen.amount", "", "refunds", "another total"),
    Switch(REFUND_EVIDENCE, "return None if room else", "return None if True else", "refunds", "elsewhere"),
    Switch(REFUND_EVIDENCE, "if refund.amount != facts.amount:", "if False:", "refunds", "fen"),
    Switch(REFUND_EVIDENCE, "refund.refund_id is not None and refund.refund_id != facts.refund_id", "False", "refunds", "another id"),
    Switch(REFUND_EVIDENCE, 'return "contradiction_after_final"', "return None", "refunds", "after"),
    Switch(REFUND_EVIDENCE, "if seen.status.rank < Status.PAID.rank:", "if False:", "refunds", "pending"),
)  # fmt: skip


class _Altered(importlib.abc.MetaPathFinder):
    """Finds one module with another source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=_Loader(fullname, self._path, self._source)
        )


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: Path, source: str) -> None:
        super().__init__(name, str(path))
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec")


@contextmanager
def function_with(switch: Switch | None) -> Iterator[ModuleType]:
    """The notify function on a copy of the product of its own, with this line switched off (None: with none)."""
    finders: list[importlib.abc.MetaPathFinder] = []
    if switch is not None and switch.path != APP:
        finders = [_Altered(switch.file.removesuffix(".py").replace("/", "."), switch.path, switch.source())]
    source = switch.source() if switch is not None and switch.path == APP else APP.read_text()
    own = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in _PACKAGES}
    sys.meta_path[:0] = finders
    try:
        spec = importlib.util.spec_from_file_location(
            "switched_notify", APP, loader=_Loader("switched_notify", APP, source)
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module  # what it imports on its first call must be the copy's too
    finally:
        for finder in finders:
            sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] in _PACKAGES]:
            del sys.modules[name]
        sys.modules.update(own)
