// Serves the page. Any server of files will do.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const { PORT, ISSUER = 'http://127.0.0.1:8080' } = process.env;
const files = {
  '/': ['index.html', 'text/html'],
  '/main.js': ['main.js', 'text/javascript'],
  '/oidc-client-ts.min.js': ['node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', 'text/javascript'],
};
createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  if (pathname === '/issuer') return response.end(ISSUER);
  if (!files[pathname]) return response.writeHead(404).end();
  const [file, type] = files[pathname];
  response.writeHead(200, { 'content-type': type }).end(await readFile(file));
}).listen(PORT, '127.0.0.1');
