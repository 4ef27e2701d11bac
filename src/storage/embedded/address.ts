import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Layout } from './folders.ts';
import type { Settings } from './settings.ts';

/** Where a cluster listens: `host` is its socket folder, or 127.0.0.1. */
export type Address = { readonly host: string; readonly port: number };

// sockaddr_un.sun_path without its closing NUL: 108 bytes on Linux, 104 on macOS.
const socketPathMax = process.platform === 'linux' ? 107 : 103;
const socketPort = 5432;

/** The cluster's socket folder if a socket's path fits the kernel's limit, else a TCP port of 127.0.0.1 that is free at this moment. */
export async function chooseAddress({ sockets }: Layout): Promise<Address> {
  const path = join(sockets, `.s.PGSQL.${socketPort}`);
  if (Buffer.byteLength(path) <= socketPathMax) return { host: sockets, port: socketPort };
  return { host: '127.0.0.1', port: await freePort() };
}

export function isSocket({ host }: Address): boolean {
  return host.startsWith('/');
}

export function listenSettings(address: Address): Settings {
  const port = String(address.port);
  if (!isSocket(address)) return { listen_addresses: address.host, port, unix_socket_directories: '' };
  // The setting is a list: quoted, a comma in the path stays part of it.
  const folder = `"${address.host.replaceAll('"', '""')}"`;
  return { listen_addresses: '', port, unix_socket_directories: folder, unix_socket_permissions: '0700' };
}

/** A connection URI that libpq, pg and MikroORM read alike: the socket folder stands percent-encoded in the place of the host. */
export function connectionUrl(
  address: Address,
  { user, password, database }: { user: string; password: string; database: string },
): string {
  const authority = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@${encodeURIComponent(address.host)}:${address.port}`;
  return `postgresql://${authority}/${encodeURIComponent(database)}`;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
