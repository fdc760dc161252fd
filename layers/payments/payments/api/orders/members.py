"""The members that an order may have: as callers write them, and in WeChat Pay's words.

Source of names and bounds: WeChat Pay APIv3, "Native order", "JSAPI order", "App order", "H5 order". Where it does not say
whether characters or bytes are counted, bytes are.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from payments.api.orders.texts import check_shown
from payments.core.errors import ParameterError
from payments.core.money import AmountError, fen

MAX_DETAIL_BYTES = 6144  # bytes of compact JSON
# Those that may change what is paid, or what is settled: of a buyer they count as far as the quote has them.
NAMES = ("attach", "goodsTag", "goods", "storeInfo", "fapiao", "profitSharing")

GoodsId = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z_-]+\Z")]
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
LongText = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Address = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class GoodsItem(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One kind of goods in an order; `unit_price` in yuan, what one of it costs after the merchant's own discount."""

    merchant_goods_id: GoodsId
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    unit_price: Any
    wechatpay_goods_id: GoodsId | None = None
    goods_name: LongText | None = None


class Goods(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What is sold, for coupons on single goods; `cost_price` in yuan, the price before it was split or discounted."""

    goods_detail: Annotated[list[GoodsItem], msgspec.Meta(min_length=1, max_length=100)] | None = None
    cost_price: Any = None
    invoice_id: ShortText | None = None

    @property
    def detail(self) -> dict[str, object]:
        """WeChat's `detail`, amounts in fen. Raises ParameterError, also where it is over 6144 bytes."""
        if self.invoice_id is not None:
            check_shown("goods.invoiceId", self.invoice_id, most=32)
        detail = _present(
            cost_price=None if self.cost_price is None else _fen("goods.costPrice", self.cost_price),
            invoice_id=self.invoice_id,
            goods_detail=None if self.goods_detail is None else _listed(self.goods_detail),
        )
        if not detail:
            raise ParameterError("goods", "must say something")
        if len(json.dumps(detail, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_DETAIL_BYTES:
            raise ParameterError(
                "goods", f"must not be over {MAX_DETAIL_BYTES} bytes, as WeChat Pay is sent it"
            )
        return detail


class StoreInfo(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """The merchant's shop in which an order is made, by the merchant's own number."""

    id: ShortText
    name: LongText | None = None
    area_code: ShortText | None = None
    address: Address | None = None

    @property
    def store_info(self) -> dict[str, object]:
        """WeChat's `scene_info.store_info`. Raises ParameterError."""
        bounds = {"id": 32, "name": 256, "area_code": 32, "address": 512}
        store = _present(id=self.id, name=self.name, area_code=self.area_code, address=self.address)
        for name, value in store.items():
            field = "areaCode" if name == "area_code" else name
            check_shown(f"storeInfo.{field}", str(value), most=bounds[name])
        return store


class OptionalMembers(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What every order may say: NAMES. All of it is frozen, and part of what an Idempotency-Key stands for."""

    attach: Text | None = None
    goods_tag: ShortText | None = None
    goods: Goods | None = None
    store_info: StoreInfo | None = None
    fapiao: bool | None = None
    profit_sharing: bool | None = None

    @property
    def in_wechats_words(self) -> dict[str, object]:
        """What is there of them, by WeChat Pay's names: `store_info` is to stand in `scene_info`. Raises ParameterError."""
        if self.attach is not None:
            check_shown("attach", self.attach, most=128)
        if self.goods_tag is not None:
            check_shown("goodsTag", self.goods_tag, most=32)
        return _present(
            attach=self.attach,
            goods_tag=self.goods_tag,
            support_fapiao=self.fapiao,
            detail=None if self.goods is None else self.goods.detail,
            settle_info=None if self.profit_sharing is None else {"profit_sharing": self.profit_sharing},
            store_info=None if self.store_info is None else self.store_info.store_info,
        )


def frozen_members(
    asked: Mapping[str, object], scene: Mapping[str, object] | None, *, source_ip: str
) -> dict[str, object]:
    """The members of the frozen request that `asked`, from `in_wechats_words`, makes, and the `scene` of an order that has one.

    WeChat Pay takes a shop only beside an address: the scene's own, else that of whoever opens the order, `source_ip`.
    """
    members = dict(asked)
    store = members.pop("store_info", None)
    if store is not None:
        members["scene_info"] = {"payer_client_ip": source_ip} | dict(scene or {}) | {"store_info": store}
    elif scene is not None:
        members["scene_info"] = dict(scene)
    return members


def _listed(items: Sequence[GoodsItem]) -> list[dict[str, object]]:
    told = []
    for index, item in enumerate(items):
        place = f"goods.goodsDetail[{index}]"
        if item.goods_name is not None:
            check_shown(f"{place}.goodsName", item.goods_name, most=256)
        told.append(
            _present(
                merchant_goods_id=item.merchant_goods_id,
                wechatpay_goods_id=item.wechatpay_goods_id,
                goods_name=item.goods_name,
                quantity=item.quantity,
                unit_price=_fen(f"{place}.unitPrice", item.unit_price),
            )
        )
    return told


def _fen(field: str, value: object) -> int:
    try:
        return fen(value)
    except AmountError as problem:
        raise ParameterError(field, str(problem)) from problem


def _present(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
