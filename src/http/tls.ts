import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Log } from '../telemetry/log.ts';

export type TlsFiles = { readonly certFile: string; readonly keyFile: string };

/** What a TLS server is made from, and made anew. */
type TlsContext = { readonly cert: Buffer; readonly key: Buffer; readonly minVersion: 'TLSv1.2'; readonly honorCipherOrder: true };

/**
 * Reads certificate and key.
 *
 * @throws Error that names the file, and never what it holds
 */
export async function readTls({ certFile, keyFile }: TlsFiles): Promise<TlsContext> {
  const read = (name: string, file: string): Promise<Buffer> =>
    readFile(file).catch((cause: unknown) => {
      throw new Error(`${name}: ${file} can't be read`, { cause });
    });
  const [cert, key] = await Promise.all([read('TLS_CERT_FILE', certFile), read('TLS_KEY_FILE', keyFile)]);
  const context = { cert, key, minVersion: 'TLSv1.2', honorCipherOrder: true } as const;
  const leaf = attempt(`TLS_CERT_FILE: ${certFile} holds no certificate in PEM`, () => new X509Certificate(cert));
  const secret = attempt(`TLS_KEY_FILE: ${keyFile} holds no private key in PEM`, () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret)) throw new Error('TLS_KEY_FILE is not the key of the certificate in TLS_CERT_FILE');
  attempt('TLS_CERT_FILE and TLS_KEY_FILE make no TLS server', () => createSecureContext(context));
  return context;
}

function attempt<T>(fault: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new Error(fault, { cause });
  }
}

const watchMs = 5_000;

/**
 * Takes a new certificate when a file changes, and on SIGHUP; one that can't be used is told of, and the old one stays. Connections go on
 * with what they began with.
 *
 * @returns ends it
 */
export function renewTls(server: Server, files: TlsFiles, log: Log): () => void {
  let running = Promise.resolve();
  const renew = (): void => {
    running = running.then(async () => {
      try {
        server.setSecureContext(await readTls(files));
        log.info({}, 'the TLS certificate was read anew');
      } catch (error) {
        log.error({}, 'the new TLS certificate can not be used; the one before stays', error);
      }
    });
  };
  // By looking, not by events: they don't come from mounted secrets, whose links are turned elsewhere.
  for (const file of [files.certFile, files.keyFile]) watchFile(file, { interval: watchMs, persistent: false }, renew);
  process.on('SIGHUP', renew);
  return () => {
    for (const file of [files.certFile, files.keyFile]) unwatchFile(file, renew);
    process.off('SIGHUP', renew);
  };
}
