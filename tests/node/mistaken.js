// A client of npm that is set up wrongly asks for an order: node mistaken.js CLIENT SIMULATOR CREDENTIALS MISTAKE VALUE
//
// MISTAKE is key (VALUE: a file), serial, mchid or clock (VALUE: seconds that it is ahead). Prints the answer as JSON.
'use strict';

const { readFileSync } = require('node:fs');
const clock = require('./clock.js');

const [name, simulator, credentialsFile, mistake, value] = process.argv.slice(2);
const mine = JSON.parse(readFileSync(credentialsFile, 'utf8'));
const CHANGES = {
  key: () => ({ privateKey: readFileSync(value) }),
  serial: () => ({ serial: value, serial_no: value }), // each package has a name of its own for it
  mchid: () => ({ mchid: value }),
  clock: () => ({}),
};

if (mistake === 'clock') clock.ahead(Number(value));
const { client } = require(`./${name}.js`);
const asked = client(simulator, mine, 'pubkey', CHANGES[mistake]());
// The answer is not signed, for the request was not authentic: a package that insists on a signature throws.
asked.query({ out_trade_no: 'NOBODY-KNOWS' }).then(
  (answer) => console.log(JSON.stringify(answer)),
  (problem) => console.log(JSON.stringify({ problem: problem.message })),
);
