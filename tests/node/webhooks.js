// A shop's web server that takes forwarded events with the npm package standardwebhooks: node webhooks.js SECRET_FILE
//
// Prints its address, then a line of JSON for each request: what the package made of it, and of the same with a changed body.
'use strict';

const { readFileSync } = require('node:fs');
const http = require('node:http');
const { Webhook } = require('standardwebhooks');

const [secretFile] = process.argv.slice(2);

function verified(body, headers) {
  try {
    return new Webhook(readFileSync(secretFile, 'utf8')).verify(body, headers);
  } catch (error) {
    return { refused: error.message };
  }
}

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  const message = verified(body, request.headers);
  const changed = verified(body.replace('{', '{ '), request.headers);
  console.log(JSON.stringify({ id: request.headers['webhook-id'], message, changed }));
  response.writeHead(message.refused ? 400 : 204).end();
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/webhook`));
