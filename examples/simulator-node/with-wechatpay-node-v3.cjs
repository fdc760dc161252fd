// One order from its code to its refund, and another that is closed: by the package wechatpay-node-v3.
//
// `node with-wechatpay-node-v3.cjs` talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS.
'use strict'

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { readFileSync } = require('node:fs')
const { createServer } = require('node:http')
const WxPay = require('wechatpay-node-v3')

// region client
const wechatPay = process.env.WECHATPAY_URL ?? 'http://127.0.0.1:8181'
const mine = JSON.parse(readFileSync(process.env.WECHATPAY_CREDENTIALS ?? 'credentials.json', 'utf8'))
const pay = new WxPay({
  appid: mine.appid,
  mchid: mine.mchid,
  publicKey: Buffer.from(mine.merchantCertificate), // of the merchant, for its serial number
  privateKey: Buffer.from(mine.merchantPrivateKey),
  key: mine.apiV3Key,
})
// The package knows WeChat Pay's certificates alone, which it downloads; the public key goes where it keeps them.
WxPay.certificates[mine.wechatPublicKeyId] = mine.wechatPublicKey

/** Throws where WeChat Pay has not signed it within the last five minutes. `header` gives one by its name. */
async function verify(header, body) {
  const [timestamp, nonce, serial, signature] = ['timestamp', 'nonce', 'serial', 'signature'].map((name) => header(`wechatpay-${name}`))
  if (!signature) throw new Error('untrusted: there is no signature')
  if (serial !== mine.wechatPublicKeyId) throw new Error('untrusted: signed with another key')
  if (!(await pay.verifySign({ timestamp, nonce, serial, signature, body }))) throw new Error('untrusted: the signature does not hold')
  if (!(Math.abs(Date.now() / 1000 - timestamp) <= 300)) throw new Error('untrusted: signed too long ago')
}

// Its own transport has WeChat Pay's host in every call, and drops the headers by which an answer is verified.
async function through(method, url, headers, parameters) {
  const body = parameters && JSON.stringify(parameters) // as the package signs them
  const address = url.replace('https://api.mch.weixin.qq.com', wechatPay)
  const answer = await fetch(address, { method, headers: { ...headers, 'Wechatpay-Serial': mine.wechatPublicKeyId }, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`refused: ${answer.status} ${refusal(text)}`)
  await verify((name) => answer.headers.get(name), text)
  return { status: answer.status, data: text && JSON.parse(text) }
}
pay.createHttp({
  get: (url, headers) => through('GET', url, headers),
  post: (url, parameters, headers) => through('POST', url, headers, parameters),
})
// endregion

function refusal(text) {
  try {
    const { code, message } = JSON.parse(text)
    return `${code}: ${message}`
  } catch {
    return 'NOT_JSON: something in between has answered'
  }
}

// region notification
const arrived = []
const taken = new Set() // a real shop keeps what it has taken in its database

/** The notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401. */
const shop = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks).toString()
  try {
    await verify((name) => request.headers[name], body)
    const { id, event_type, resource } = JSON.parse(body)
    const told = pay.decipher_gcm(resource.ciphertext, resource.associated_data, resource.nonce)
    if (!taken.has(id)) {
      taken.add(id)
      arrived.push([event_type, told])
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

  // region calls
  const amount = { total: 100, currency: 'CNY' } // fen
  const order = { description: '一壶茶', out_trade_no: number, notify_url, amount }
  const { data: placed } = await pay.transactions_native(order)
  const query = async (out_trade_no) => (await pay.query({ out_trade_no })).data.trade_state
  // endregion
  console.log('native:', placed.code_url.startsWith('weixin://') ? 'a code_url' : placed.code_url)
  console.log('query:', await query(number))

  const control = { method: 'POST', body: JSON.stringify({ codeUrl: placed.code_url }) }
  const paid = await fetch(`${wechatPay}/_sandbox/pay`, control)
  console.log('pay:', (await paid.json()).trade_state)
  const [kind, transaction] = await notification()
  console.log(`notification: ${kind} ${transaction.trade_state}, ${transaction.amount.total} fen`)
  console.log('query:', await query(number))

  // region refund
  const wish = { out_trade_no: number, out_refund_no: refundNumber, notify_url, amount: { refund: 40, ...amount } }
  const { data: refund } = await pay.refunds(wish)
  // endregion
  console.log(`refund: ${refund.status}, ${refund.amount.refund} fen`)
  const [kindOfRefund, refunded] = await notification()
  console.log(`notification: ${kindOfRefund} ${refunded.refund_status}, ${refunded.amount.refund} fen`)
  console.log('refund query:', (await pay.find_refunds(refundNumber)).data.status)

  await pay.transactions_native({ ...order, out_trade_no: another })
  // region close
  await pay.close(another)
  console.log('close:', await query(another))
  // endregion
  await query('NOBODY-KNOWS').catch((problem) => console.log('unknown order:', problem.message.replace('refused: ', '')))
}

async function main() {
  await once(shop.listen(0, '127.0.0.1'), 'listening')
  try {
    await walk(`http://127.0.0.1:${shop.address().port}/notify`)
  } finally {
    shop.close()
  }
}

main().catch((problem) => {
  console.error(problem.message)
  process.exitCode = 1
})
