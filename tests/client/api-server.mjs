// Answers every request, and prints the token that it carries: what kubectl shows an API server, which it shows over TLS
// only.
//
//   node api-server.mjs PORT KEY CERTIFICATE

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [port, key, cert] = process.argv.slice(2);
createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
  console.log(`${request.url} ${request.headers.authorization}`);
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
}).listen(port, '127.0.0.1');
