import { lookup, type LookupAddress } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export type FetchLimits = {
  /** Hosts of the own network, too, and without TLS: for an address that the operator named. */
  readonly anywhere: boolean;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
};

/**
 * Gets what somebody else has named, by one connection to an address that was looked at: no redirects, no proxies, no compression, and
 * nobody inside, whatever a name resolves to.
 *
 * @throws Error where it can't be had, or not like this
 */
export async function fetchOutside(url: URL, headers: Headers, { anywhere, bytesMax, signal }: FetchLimits): Promise<Response> {
  const options = {
    agent: false,
    headers: { ...Object.fromEntries(headers), 'accept-encoding': 'identity' },
    signal,
    ...(anywhere ? {} : { lookup: lookupOutside }),
  };
  if (!anywhere && url.protocol !== 'https:') throw new Error('only https goes outside');
  // A literal address is never looked up.
  if (!anywhere && isIP(url.hostname.replaceAll(/[[\]]/g, '')) !== 0) throw new Error('an address is no name');
  const incoming = await answerOf(url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options));
  try {
    if (incoming.statusCode !== 200) throw new Error('the answer is not 200');
    const bytes = await bytesOf(incoming, bytesMax);
    const { 'cache-control': cacheControl } = incoming.headers;
    return new Response(bytes, { status: 200, headers: cacheControl === undefined ? {} : { 'cache-control': cacheControl } });
  } finally {
    incoming.destroy();
  }
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
    request.end();
  });
}

async function bytesOf(incoming: IncomingMessage, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, bytes));
}

/** Resolves a name once, for the connection that follows: all of its addresses have to be outside. */
const lookupOutside: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
    const [first] = found ?? [];
    if (error !== null) callback(error, '', 0);
    else if (first === undefined || !found.every(({ address }) => isOutside(address)))
      callback(new Error('the name is one of the own network'), '', 0);
    else if (options.all === true) callback(null, found);
    else callback(null, first.address, first.family);
  });
};

/** Special purposes of IPv4, and of the part of IPv6 that is routed. @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const special = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const)
  special.addSubnet(network, prefix, 'ipv6');
const routed = new BlockList();
routed.addSubnet('2000::', 3, 'ipv6');

/** Whether it is an address that all of the world may reach. IPv4 written as IPv6 is not. */
export function isOutside(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  return family === 6 && routed.check(address, 'ipv6') && !special.check(address, 'ipv6');
}
