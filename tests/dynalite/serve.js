// dynalite in memory on a free loopback port, which is the first line of what it prints; its tables are there at once.
'use strict';

const server = require('dynalite')({ createTableMs: 0 });

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
