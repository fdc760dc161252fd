// One purchase through the payment API: the shop's backend vouches for the price, the API opens the order and tells its state.
import { ask, Failure } from "/pages/ask.js";
import { begin, keep } from "/pages/purchases.js";

const API = "/api/v1/payments/wechat";

export class Payment {
  #productId;
  #token;

  constructor(productId) {
    this.#productId = productId;
  }

  // Opens the order, or finds the one that the same key has opened before.
  async open() {
    const purchase = begin(this.#productId);
    const { order, token } = await this.#vouched();
    this.#token = token;
    try {
      const { data } = await ask(`${API}/native`, {
        token,
        headers: { "Idempotency-Key": purchase.key },
        body: order,
      });
      this.outTradeNo = data.outTradeNo;
      keep(this.#productId, { ...purchase, outTradeNo: data.outTradeNo });
      return data;
    } catch (failure) {
      this.outTradeNo = failure.details?.outTradeNo ?? purchase.outTradeNo;
      throw failure;
    }
  }

  // Where the order stands, in WeChat Pay's words.
  async state() {
    try {
      return await this.#query();
    } catch (failure) {
      if (!(failure instanceof Failure) || failure.status !== 401) throw failure;
      this.#token = (await this.#vouched()).token; // it has expired: tokens live an hour, orders two
      return this.#query();
    }
  }

  #vouched() {
    return ask("/shop/order", { body: { productId: this.#productId } });
  }

  async #query() {
    const path = `${API}/query/${encodeURIComponent(this.outTradeNo)}`;
    return (await ask(path, { token: this.#token })).data;
  }
}
