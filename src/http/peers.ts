import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Tells whose request it is: the address of the client, as the trusted proxies on its way tell it. */
export type AddressOf = (incoming: IncomingMessage) => string;

/** A longer way than this is nobody's. */
const hopsMax = 20;

/**
 * Reads the way of a request from its end: the peer of our connection, then what each proxy that is trusted says of the one before it.
 * What stands before the first who isn't trusted is his own word, and counts for nothing.
 *
 * @param trusted  addresses and networks: `10.0.0.0/8`
 * @see            https://developer.mozilla.org/docs/Web/HTTP/Headers/X-Forwarded-For#selecting_an_ip_address
 */
export function addressReader(trusted: readonly string[]): AddressOf {
  const proxies = new BlockList();
  for (const network of trusted) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(prefix), family);
  }
  const isProxy = (address: string): boolean => proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return ({ socket, headers }) => {
    let address = plain(socket.remoteAddress ?? '') ?? 'unknown';
    if (trusted.length === 0) return address;
    const way = String(headers['x-forwarded-for'] ?? '').split(',');
    for (let hop = 0; hop < hopsMax && address !== 'unknown' && isProxy(address); hop++) {
      const before = plain(way.pop()?.trim() ?? '');
      if (before === undefined) break;
      address = before;
    }
    return address;
  };
}

/** Without brackets and port, which some proxies write, and an IPv4 address as such; undefined if it is no address. */
function plain(written: string): string | undefined {
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(written)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(written)?.[1] ?? written;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return isIP(mapped) === 0 ? undefined : mapped;
}

/** What shares a budget: an IPv4 address, or the /64 network of an IPv6 address, which is the least that one subscriber has. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? first : [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
