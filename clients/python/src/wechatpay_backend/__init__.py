"""Typed client of the WeChat Pay backend."""

from wechatpay_backend.client import Client
from wechatpay_backend.errors import PaymentsError
from wechatpay_backend.generated import types
from wechatpay_backend.webhooks import WebhookError, verify_event

__all__ = ["Client", "PaymentsError", "WebhookError", "types", "verify_event"]
