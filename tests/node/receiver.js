// A merchant's server that takes notifications with a package of npm: node receiver.js CLIENT alone|completed SIMULATOR CREDENTIALS
//
// Prints its address, then what it believed, a line of JSON each. `completed` has the lines that docs/testing.md tells the
// package's users to add. CLIENT is a file beside this one.
'use strict';

const { createDecipheriv } = require('node:crypto');
const { readFileSync } = require('node:fs');
const http = require('node:http');

const [name, extent, simulator, credentialsFile] = process.argv.slice(2);
const mine = JSON.parse(readFileSync(credentialsFile, 'utf8'));
const client = require(`./${name}.js`).client(simulator, mine, 'pubkey');
const isCompleted = extent === 'completed';

function isFresh(headers) {
  return Math.abs(Date.now() / 1000 - Number(headers['wechatpay-timestamp'])) < 300;
}

function opened({ ciphertext, associated_data, nonce }) {
  const sealed = Buffer.from(ciphertext, 'base64');
  const opener = createDecipheriv('aes-256-gcm', mine.apiV3Key, nonce);
  opener.setAAD(Buffer.from(associated_data ?? '')).setAuthTag(sealed.subarray(-16));
  return JSON.parse(Buffer.concat([opener.update(sealed.subarray(0, -16)), opener.final()]));
}

async function believed({ headers, body }) {
  if (!(await client.verified({ headers, body }))) throw new Error('the signature does not hold');
  if (isCompleted && !isFresh(headers)) throw new Error('the timestamp is not of now');
  const { resource } = JSON.parse(body);
  return isCompleted ? opened(resource) : client.opened(resource);
}

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const facts = await believed({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
    console.log(JSON.stringify(facts));
    response.writeHead(204).end();
  } catch (problem) {
    response.writeHead(401, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ code: 'FAIL', message: String(problem.message) }));
  }
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/notify`));
