import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { clientOptions } from '../../log/io/kafka-client.ts';
import { KafkaReader } from '../../log/io/kafka-reader.ts';
import { make, makeAuthority } from '../support/certificates.ts';

test.each([
  [['kafka1.example.com:9093', 'kafka2.example.com:9093'], true],
  [['192.0.2.1:9093'], false],
  [['[2001:db8::1]:9093'], false],
  [['kafka1.example.com:9093', '192.0.2.1:9093'], false],
])('%j are asked for by name: %s', (brokers, isNamed) => {
  expect(clientOptions({ clientId: 'test', prefix: '', brokers, tls: {} }).tlsServerName).toBe(isNamed);
  expect(clientOptions({ clientId: 'test', prefix: '', brokers }).tlsServerName).toBeUndefined();
});

test.each([
  ['localhost', 'localhost'],
  ['127.0.0.1', false],
])('a broker at %s learns that %s is asked for, and nobody is warned', async (host, name) => {
  const warnings: string[] = [];
  const warn = ({ message }: Error): unknown => warnings.push(message);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const authority = await makeAuthority('CA');
  const { certificate: cert, key } = await make(['localhost', '127.0.0.1'], 300, authority);
  const names: unknown[] = [];
  const server = createServer({ cert, key }, (socket: TLSSocket & { servername?: unknown }) => {
    names.push(socket.servername);
    socket.destroy();
  }).listen(0, host);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const brokers = [`${host}:${(server.address() as AddressInfo).port}`];
  const reader = new KafkaReader({ clientId: 'test', prefix: '', brokers, tls: { ca: authority.certificate } });
  await expect(reader.bounds({ stream: 'postern.events', partition: 0 })).rejects.toThrow();
  await reader[Symbol.asyncDispose]();
  expect(new Set(names)).toEqual(new Set([name]));
  expect(warnings).toEqual([]);
});
