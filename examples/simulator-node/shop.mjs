// One order from its code to its refund, and another that is closed: WeChat Pay by node:crypto and fetch, without an SDK.
//
// `node shop.mjs` talks to the simulator at WECHATPAY_URL with the credentials in the file WECHATPAY_CREDENTIALS.
import { createDecipheriv, createSign, createVerify, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

// region credentials
const wechatPay = process.env.WECHATPAY_URL ?? 'http://127.0.0.1:8181'
const mine = JSON.parse(readFileSync(process.env.WECHATPAY_CREDENTIALS ?? 'credentials.json', 'utf8'))
// endregion

class Refused extends Error {} // WeChat Pay says no
class Untrusted extends Error {} // nothing proves that WeChat Pay said it

// region call
/** WeChat Pay's answer, {} where it has no body. Throws Refused with status, code and message, or Untrusted. */
async function call(method, path, body) {
  const sent = body ? JSON.stringify(body) : '' // what is signed is what is sent, to the byte
  const timestamp = Math.floor(Date.now() / 1000)
  const nonce = randomBytes(16).toString('hex')
  const signature = createSign('RSA-SHA256')
    .update(`${method}\n${path}\n${timestamp}\n${nonce}\n${sent}\n`)
    .sign(mine.merchantPrivateKey, 'base64')
  const answer = await fetch(wechatPay + path, {
    method,
    body: sent || undefined,
    headers: {
      Authorization:
        `WECHATPAY2-SHA256-RSA2048 mchid="${mine.mchid}",nonce_str="${nonce}",timestamp="${timestamp}",` +
        `serial_no="${mine.merchantSerialNo}",signature="${signature}"`,
      'Wechatpay-Serial': mine.wechatPublicKeyId, // the key that the answer shall be signed with
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'User-Agent': 'shop/1.0',
    },
    signal: AbortSignal.timeout(10_000),
  })
  const bytes = Buffer.from(await answer.arrayBuffer())
  if (!answer.ok) {
    const { code, message } = refusal(bytes)
    throw new Refused(`${answer.status} ${code}: ${message}`)
  }
  verify((name) => answer.headers.get(name), bytes)
  return bytes.length ? JSON.parse(bytes) : {}
}

function refusal(bytes) {
  try {
    return JSON.parse(bytes)
  } catch {
    return { code: 'NOT_JSON', message: 'something in between has answered' }
  }
}
// endregion

// region verify
/** Throws Untrusted unless WeChat Pay has signed exactly these bytes within the last five minutes. */
function verify(header, body) {
  const signature = header('wechatpay-signature')
  const timestamp = header('wechatpay-timestamp')
  if (!signature) throw new Untrusted('there is no signature')
  if (header('wechatpay-serial') !== mine.wechatPublicKeyId) throw new Untrusted('signed with another key')
  const text = createVerify('RSA-SHA256').update(`${timestamp}\n${header('wechatpay-nonce')}\n`).update(body).update('\n')
  if (!text.verify(mine.wechatPublicKey, signature, 'base64')) throw new Untrusted('the signature does not hold')
  if (!(Math.abs(Date.now() / 1000 - timestamp) <= 300)) throw new Untrusted('signed too long ago')
}
// endregion

// region notification
/** What a notification tells: `ciphertext` holds it, by AES-256-GCM and the APIv3 key. Its last 16 bytes are the tag. */
function decrypted({ resource }) {
  const sealed = Buffer.from(resource.ciphertext, 'base64')
  const open = createDecipheriv('aes-256-gcm', mine.apiV3Key, resource.nonce, { authTagLength: 16 })
  open.setAuthTag(sealed.subarray(-16)).setAAD(Buffer.from(resource.associated_data ?? ''))
  return JSON.parse(Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]))
}

const arrived = []
const taken = new Set() // a real shop keeps what it has taken in its database

/** The notify_url: what WeChat Pay has signed is taken, once for each id; everything else is a 401. */
const shop = createServer(async (request, response) => {
  const answer = (status, said) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(said))
  try {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks) // the bytes as they came: no body parser before this
    verify((name) => request.headers[name], body)
    const notification = JSON.parse(body)
    const told = decrypted(notification)
    if (!taken.has(notification.id)) {
      taken.add(notification.id)
      arrived.push([notification.event_type, told])
      shop.emit('arrived')
    }
    answer(200, { code: 'SUCCESS', message: '' })
  } catch (problem) {
    answer(problem instanceof Untrusted ? 401 : 500, { code: 'FAIL', message: problem.message })
  }
})
// endregion

async function notification() {
  if (!arrived.length) await once(shop, 'arrived', { signal: AbortSignal.timeout(60_000) })
  return arrived.shift()
}

async function walk(notify_url) {
  const [number, another, refundNumber] = ['T', 'T', 'R'].map((letter) => letter + randomBytes(12).toString('hex'))

  // region order
  const order = {
    appid: mine.appid,
    mchid: mine.mchid,
    description: '一壶茶',
    out_trade_no: number,
    notify_url,
    amount: { total: 100, currency: 'CNY' }, // fen
  }
  const { code_url } = await call('POST', '/v3/pay/transactions/native', order)
  // endregion
  console.log('native:', code_url.startsWith('weixin://') ? 'a code_url' : code_url)
  // region query
  const asked = `/v3/pay/transactions/out-trade-no/${number}?mchid=${mine.mchid}`
  console.log('query:', (await call('GET', asked)).trade_state)
  // endregion

  // region pay
  const paid = await fetch(`${wechatPay}/_sandbox/pay`, { method: 'POST', body: JSON.stringify({ codeUrl: code_url }) })
  // endregion
  console.log('pay:', (await paid.json()).trade_state)
  const [kind, transaction] = await notification()
  console.log(`notification: ${kind} ${transaction.trade_state}, ${transaction.amount.total} fen`)
  console.log('query:', (await call('GET', asked)).trade_state)

  // region refund
  const amount = { refund: 40, total: 100, currency: 'CNY' }
  const wish = { out_trade_no: number, out_refund_no: refundNumber, notify_url, amount }
  const refund = await call('POST', '/v3/refund/domestic/refunds', wish)
  // endregion
  console.log(`refund: ${refund.status}, ${refund.amount.refund} fen`)
  const [kindOfRefund, refunded] = await notification()
  console.log(`notification: ${kindOfRefund} ${refunded.refund_status}, ${refunded.amount.refund} fen`)
  console.log('refund query:', (await call('GET', `/v3/refund/domestic/refunds/${refundNumber}`)).status)

  await call('POST', '/v3/pay/transactions/native', { ...order, out_trade_no: another })
  // region close
  const place = `/v3/pay/transactions/out-trade-no/${another}`
  await call('POST', `${place}/close`, { mchid: mine.mchid })
  console.log('close:', (await call('GET', `${place}?mchid=${mine.mchid}`)).trade_state)
  // endregion
  await call('GET', asked.replace(number, 'NOBODY-KNOWS')).catch((problem) => console.log('unknown order:', problem.message))
}

await once(shop.listen(0, '127.0.0.1'), 'listening')
try {
  await walk(`http://127.0.0.1:${shop.address().port}/notify`)
} catch (problem) {
  if (!(problem instanceof Refused || problem instanceof Untrusted)) throw problem
  console.error(`${problem.constructor.name.toLowerCase()}: ${problem.message}`)
  process.exitCode = 1
} finally {
  shop.close()
}
