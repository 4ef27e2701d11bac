import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { addressReader, networkOf } from '../../src/http/peers.ts';

const request = (peer: string | undefined, forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;

describe('the address of a client', () => {
  test.each([
    ['203.0.113.9', undefined, '203.0.113.9'],
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['::ffff:203.0.113.9', undefined, '203.0.113.9'],
    [undefined, '198.51.100.1', 'unknown'],
  ])('without trusted proxies is that of the peer: %s, which says %s, is %s', (peer, forwarded, address) => {
    expect(addressReader([])(request(peer, forwarded))).toBe(address);
  });

  test.each([
    ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['fd00::7', '2001:db8::5', '2001:db8::5'],
    // What the client wrote himself stands before what the proxy added.
    ['10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', '1.1.1.1, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1:4711', '198.51.100.1'],
    ['10.1.2.3', '[2001:db8::5]:4711', '2001:db8::5'],
    ['10.1.2.3', '1.1.1.1, evil', '10.1.2.3'],
    ['10.1.2.3', '1.1.1.1, ', '10.1.2.3'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', Array.from({ length: 5_000 }, () => '10.0.0.1').join(','), '10.0.0.1'],
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['192.0.2.1', '198.51.100.1', '198.51.100.1'],
    ['192.0.2.2', '198.51.100.1', '192.0.2.2'],
  ])('behind trusted ones is what the last of them tells: %s with %s is %s', (peer, forwarded, address) => {
    expect(addressReader(['10.0.0.0/8', '192.0.2.1', 'fd00::/8'])(request(peer, forwarded))).toBe(address);
  });
});

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002:ffff::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['unknown', 'unknown'],
])('%s shares the budget of %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
