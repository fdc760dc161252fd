// One order from its code to its refund, and another that is closed: by the package wechatpay-axios-plugin.
//
// `node with-wechatpay-axios-plugin.cjs` talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS.
'use strict'

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { createServer } = require('node:http')
const { Wechatpay, Aes, Formatter, Rsa } = require('wechatpay-axios-plugin')

// region client
const wechatPay = process.env.WECHATPAY_URL ?? 'http://127.0.0.1:8181'
const mine = JSON.parse(readFileSync(process.env.WECHATPAY_CREDENTIALS ?? 'credentials.json', 'utf8'))
const certs = {
  [mine.wechatPublicKeyId]: mine.wechatPublicKey,
  [mine.platformSerialNo]: mine.platformCertificate, // for the modes with certificates
}
const wxpay = new Wechatpay({
  baseURL: `${wechatPay}/`,
  mchid: mine.mchid,
  serial: mine.merchantSerialNo,
  privateKey: mine.merchantPrivateKey,
  certs,
  headers: { 'Wechatpay-Serial': mine.wechatPublicKeyId }, // the key that the answers shall be signed with
})
// endregion

// region notification
/** What a notification tells; throws where WeChat Pay has not signed it within the last five minutes. */
function verified(headers, body) {
  const { 'wechatpay-serial': serial, 'wechatpay-timestamp': timestamp, 'wechatpay-signature': signature } = headers
  const text = Formatter.response(timestamp, headers['wechatpay-nonce'], body)
  if (!signature || !Object.hasOwn(certs, serial)) throw new Error('untrusted: no signature, or by another key')
  if (!Rsa.verify(text, signature, certs[serial])) throw new Error('untrusted: the signature does not hold')
  if (!(Math.abs(Formatter.timestamp() - timestamp) <= 300)) throw new Error('untrusted: signed too long ago')
  const { id, event_type, resource } = JSON.parse(body)
  const { ciphertext, nonce, associated_data } = resource
  return { id, event_type, told: JSON.parse(Aes.AesGcm.decrypt(ciphertext, mine.apiV3Key, nonce, associated_data)) }
}

const arrived = []
const taken = new Set() // a real shop keeps what it has taken in its database

/** The notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401. */
const shop = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  try {
    const notification = verified(request.headers, Buffer.concat(chunks).toString())
    if (!taken.has(notification.id)) {
      taken.add(notification.id)
      arrived.push(notification)
      shop.emit('arrived')
    }
    response.writeHead(204).end()
  } catch (problem) {
    response.writeHead(401).end(JSON.stringify({ code: 'FAIL', message: problem.message }))
  }
})
// endregion

async function notification() {
  if (!arrived.length) await once(shop, 'arrived', { signal: AbortSignal.timeout(60_000) })
  return arrived.shift()
}

async function walk(notify_url) {
  const [number, another, refundNumber] = ['T', 'T', 'R'].map((letter) => letter + randomBytes(12).toString('hex'))
  const { mchid, appid } = mine

  // region calls
  const byNumber = wxpay.v3.pay.transactions.outTradeNo
  const query = async (out_trade_no) => {
    const { data } = await byNumber.$out_trade_no$.get({ params: { mchid }, out_trade_no })
    return data
  }
  const amount = { total: 100, currency: 'CNY' } // fen
  const order = { appid, mchid, description: '一壶茶', out_trade_no: number, notify_url, amount }
  const { data: placed } = await wxpay.v3.pay.transactions.native.post(order)
  // endregion
  console.log('native:', placed.code_url.startsWith('weixin://') ? 'a code_url' : placed.code_url)
  console.log('query:', (await query(number)).trade_state)

  const control = { method: 'POST', body: JSON.stringify({ codeUrl: placed.code_url }) }
  const paid = await fetch(`${wechatPay}/_sandbox/pay`, control)
  console.log('pay:', (await paid.json()).trade_state)
  const { event_type: kind, told: transaction } = await notification()
  console.log(`notification: ${kind} ${transaction.trade_state}, ${transaction.amount.total} fen`)
  console.log('query:', (await query(number)).trade_state)

  // region refund
  const wish = { out_trade_no: number, out_refund_no: refundNumber, notify_url, amount: { refund: 40, ...amount } }
  const { data: refund } = await wxpay.v3.refund.domestic.refunds.post(wish)
  // endregion
  console.log(`refund: ${refund.status}, ${refund.amount.refund} fen`)
  const { event_type: kindOfRefund, told: refunded } = await notification()
  console.log(`notification: ${kindOfRefund} ${refunded.refund_status}, ${refunded.amount.refund} fen`)
  const { data: asked } = await wxpay.v3.refund.domestic.refunds.$out_refund_no$.get({ out_refund_no: refundNumber })
  console.log('refund query:', asked.status)

  await wxpay.v3.pay.transactions.native.post({ ...order, out_trade_no: another })
  // region close
  await byNumber.$out_trade_no$.close.post({ mchid }, { out_trade_no: another })
  console.log('close:', (await query(another)).trade_state)
  // endregion
  await query('NOBODY-KNOWS').catch((problem) => console.log('unknown order:', refusal(problem)))
}

// region errors
/** Status, code and message of WeChat Pay's refusal; `problem` itself where it is none. */
function refusal(problem) {
  const { status, data } = problem.response ?? {}
  if (!status || status < 300) throw problem
  const { code, message } = data?.code ? data : { code: 'NOT_JSON', message: 'something in between has answered' }
  return `${status} ${code}: ${message}`
}
// endregion

async function main() {
  await once(shop.listen(0, '127.0.0.1'), 'listening')
  try {
    await walk(`http://127.0.0.1:${shop.address().port}/notify`)
  } finally {
    shop.close()
  }
}

main().catch((problem) => {
  // The package refuses an answer that it cannot verify with a code of its own, EV3_RES_…
  const untrusted = String(problem.code).startsWith('EV3_RES_')
  console.error(untrusted ? `untrusted: ${problem.message}` : `refused: ${refusal(problem)}`)
  process.exitCode = 1
})
