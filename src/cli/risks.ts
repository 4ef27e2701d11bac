import { isIP } from 'node:net';
import type { Config } from '../config.ts';

/** What an operator should know of how he runs the server in production: nothing that stops it. */
export function risksOf(
  config: Pick<Config, 'nodeEnv' | 'host' | 'baseUrl' | 'tlsCertFile' | 'trustedProxies'>,
  userId: number | undefined,
): string[] {
  if (config.nodeEnv !== 'production') return [];
  const isSecure = config.baseUrl.startsWith('https:');
  const risks: readonly (readonly [there: boolean, risk: string])[] = [
    [userId === 0, 'the server runs as root: run it as a user who owns nothing but its data and keys'],
    [
      !isSecure && !isLoopback(config.host),
      'tokens and patient data travel in clear: set TLS_CERT_FILE, or a proxy that speaks TLS and BASE_URL',
    ],
    [
      isSecure && config.tlsCertFile === undefined && config.trustedProxies.length === 0,
      'all clients seem to come from one address, that of the proxy, and share its rates: set TRUSTED_PROXIES',
    ],
  ];
  return risks.filter(([there]) => there).map(([, risk]) => risk);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
