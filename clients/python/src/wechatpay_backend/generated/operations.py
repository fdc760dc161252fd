"""One method for each operation. Generated from docs/openapi.yaml by `make generated`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from wechatpay_backend.generated import types


class Operations(ABC):
    """Every operation of docs/openapi.yaml that a shop may call."""

    @abstractmethod
    def _call(
        self,
        name: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None],
        body: Mapping[str, Any] | None,
        key: str | None,
        takes_key: bool,
        token: bool,
        json: bool,
    ) -> Any: ...

    def open_native_payment(self, body: types.NewOrder, *, idempotency_key: str | None = None) -> types.NativeOpenedData:
        """Open a payment that the buyer pays by scanning a QR code."""
        answer: types.NativeOpenedData = self._call(
            'openNativePayment',
            'POST',
            '/api/v1/payments/wechat/native',
            query={},
            body=body,
            key=idempotency_key,
            takes_key=True,
            token=True,
            json=True,
        )
        return answer

    def open_jsapi_payment(self, body: types.NewJsapiOrder, *, idempotency_key: str | None = None) -> types.JsapiOpenedData:
        """Open a payment within WeChat, on a page or in a mini program."""
        answer: types.JsapiOpenedData = self._call(
            'openJsapiPayment',
            'POST',
            '/api/v1/payments/wechat/jsapi',
            query={},
            body=body,
            key=idempotency_key,
            takes_key=True,
            token=True,
            json=True,
        )
        return answer

    def open_app_payment(self, body: types.NewOrder, *, idempotency_key: str | None = None) -> types.AppOpenedData:
        """Open a payment that the merchant's own mobile app hands to WeChat."""
        answer: types.AppOpenedData = self._call(
            'openAppPayment',
            'POST',
            '/api/v1/payments/wechat/app',
            query={},
            body=body,
            key=idempotency_key,
            takes_key=True,
            token=True,
            json=True,
        )
        return answer

    def open_h5_payment(self, body: types.NewH5Order, *, idempotency_key: str | None = None) -> types.H5OpenedData:
        """Open a payment that a phone's browser outside WeChat pays."""
        answer: types.H5OpenedData = self._call(
            'openH5Payment',
            'POST',
            '/api/v1/payments/wechat/h5',
            query={},
            body=body,
            key=idempotency_key,
            takes_key=True,
            token=True,
            json=True,
        )
        return answer

    def keep_checkout(self, body: types.NewCheckout, *, idempotency_key: str | None = None) -> types.CheckoutKeptData:
        """Keep what is to be paid, and get one address that pays on every device."""
        answer: types.CheckoutKeptData = self._call(
            'keepCheckout',
            'POST',
            '/api/v1/payments/wechat/checkout',
            query={},
            body=body,
            key=idempotency_key,
            takes_key=True,
            token=True,
            json=True,
        )
        return answer

    def exchange_code(self, body: types.WantedOpenid) -> types.ExchangedData:
        """Exchange a code of WeChat's for the buyer's openid."""
        answer: types.ExchangedData = self._call(
            'exchangeCode',
            'POST',
            '/api/v1/payments/wechat/openid',
            query={},
            body=body,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def query_payment(self, out_trade_no: str) -> types.QueriedData:
        """Where an order stands; asked of WeChat Pay unless its end is known, or it was asked in the last two seconds."""
        answer: types.QueriedData = self._call(
            'queryPayment',
            'GET',
            self._path('/api/v1/payments/wechat/query/{out_trade_no}', out_trade_no=out_trade_no),
            query={},
            body=None,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def get_payment(self, out_trade_no: str) -> types.DetailsData:
        """The payment and its refunds, as the table has them."""
        answer: types.DetailsData = self._call(
            'getPayment',
            'GET',
            self._path('/api/v1/payments/wechat/payment/{out_trade_no}', out_trade_no=out_trade_no),
            query={},
            body=None,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def close_payment(self, body: types.Close) -> types.ClosedData:
        """End an unpaid order."""
        answer: types.ClosedData = self._call(
            'closePayment',
            'POST',
            '/api/v1/payments/wechat/close',
            query={},
            body=body,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def refund_payment(self, body: types.NewRefund, *, idempotency_key: str | None = None) -> types.RefundedData:
        """Give money back, all of it or a part."""
        answer: types.RefundedData = self._call(
            'refundPayment',
            'POST',
            '/api/v1/payments/wechat/refund',
            query={},
            body=body,
            key=idempotency_key,
            takes_key=True,
            token=True,
            json=True,
        )
        return answer

    def send_abnormal_refund_on(self, body: types.AbnormalRefundToCard | types.AbnormalRefundToMerchant) -> types.SentOnData:
        """Send on a refund that the bank did not take."""
        answer: types.SentOnData = self._call(
            'sendAbnormalRefundOn',
            'POST',
            '/api/v1/payments/wechat/refund/abnormal',
            query={},
            body=body,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def list_bill_days(self, *, from_: str | None = None, to: str | None = None) -> types.BillDaysData:
        """Days that were compared with WeChat Pay's bills, the newest first."""
        answer: types.BillDaysData = self._call(
            'listBillDays',
            'GET',
            '/api/v1/payments/wechat/bills',
            query={'from': from_, 'to': to},
            body=None,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def get_bill_day(self, date: str, *, cursor: str | None = None, limit: str | None = None) -> types.BillDayData:
        """What a day's bills and the payments differ in, and links to both bills."""
        answer: types.BillDayData = self._call(
            'getBillDay',
            'GET',
            self._path('/api/v1/payments/wechat/bills/{date}', date=date),
            query={'cursor': cursor, 'limit': limit},
            body=None,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def list_orders(self, *, day: str | None = None, from_: str | None = None, to: str | None = None, status: str | None = None, method: str | None = None, user_id: str | None = None, content_id: str | None = None, cursor: str | None = None, limit: str | None = None) -> types.OrderListData:
        """Orders of a day, of days, of a user or of a content, the newest first."""
        answer: types.OrderListData = self._call(
            'listOrders',
            'GET',
            '/api/v1/payments/wechat/orders',
            query={'day': day, 'from': from_, 'to': to, 'status': status, 'method': method, 'userId': user_id, 'contentId': content_id, 'cursor': cursor, 'limit': limit},
            body=None,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def get_export(self, export_id: str) -> types.ExportData:
        """Where an export stands, and once it is done a link to its file."""
        answer: types.ExportData = self._call(
            'getExport',
            'GET',
            self._path('/api/v1/payments/wechat/exports/{export_id}', export_id=export_id),
            query={},
            body=None,
            key=None,
            takes_key=False,
            token=True,
            json=True,
        )
        return answer

    def show_checkout(self, token: str, *, lang: str | None = None, returned: str | None = None, asked: str | None = None, kind: str | None = None) -> types.CheckoutView | types.DeviceView:
        """The page on which an order is paid, or what it shows as JSON."""
        answer: types.CheckoutView | types.DeviceView = self._call(
            'showCheckout',
            'GET',
            self._path('/checkout/{token}', token=token),
            query={'lang': lang, 'returned': returned, 'asked': asked, 'kind': kind},
            body=None,
            key=None,
            takes_key=False,
            token=False,
            json=True,
        )
        return answer

    def open_checkout(self, token: str, body: types.OpenCheckout) -> types.DeviceView:
        """Have an order of a checkout open for the device that asks."""
        answer: types.DeviceView = self._call(
            'openCheckout',
            'POST',
            self._path('/checkout/{token}/open', token=token),
            query={},
            body=body,
            key=None,
            takes_key=False,
            token=False,
            json=True,
        )
        return answer

    def get_checkout_file(self, name: str) -> str:
        """A file of an earlier version's page; today's page holds all that it needs."""
        answer: str = self._call(
            'getCheckoutFile',
            'GET',
            self._path('/checkout/assets/{name}', name=name),
            query={},
            body=None,
            key=None,
            takes_key=False,
            token=False,
            json=False,
        )
        return answer

    @staticmethod
    @abstractmethod
    def _path(path: str, **parameters: str) -> str: ...
