import { connect, createServer, type Socket } from 'node:net';

/**
 * The yardstick: a relay that only pipes octets and looks at none of them.
 * Usage: node bench/support/bare-relay.ts PORT UPSTREAM_PORT
 */
const [port, upstreamPort] = process.argv.slice(2).map(Number);

function join(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
}

createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const upstream = connect({ port: upstreamPort ?? 0, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  join(client, upstream);
  join(upstream, client);
}).listen(port, '127.0.0.1', 4096, () => process.send?.('ready'));
