// Calls our npm package as it is told on standard input: caller.py says how.
import { text } from 'node:stream/consumers';
import { createClient, PaymentsError, verifyEvent } from 'wechatpay-backend';

const { baseUrl, calls, ...options } = JSON.parse(await text(process.stdin));

function refusal(error) {
  if (!(error instanceof PaymentsError)) return `${error.name}: ${error.message}`;
  const { name, message, operation, status, code, details, retryAfter, idempotencyKey, requestId, outcomeUnknown } = error;
  return { name, message, operation, status, code, details, retryAfter, idempotencyKey, requestId, outcomeUnknown };
}

async function made({ name, input, token, key, verify }) {
  if (verify) return verifyEvent(verify.body, verify.headers, verify.secret);
  const client = createClient({ baseUrl, accessToken: () => token ?? '', ...options });
  return client[name](input, key === undefined ? {} : { idempotencyKey: key });
}

const told = [];
for (const call of calls) told.push(await made(call).then((answer) => ({ answer }), (error) => ({ refusal: refusal(error) })));
console.log(JSON.stringify(told));
