import { expect, test } from 'vitest';
import { openHospital } from '../support/native.ts';

const { v1 } = await openHospital('system');

test.each(['0x10', '1e1', '+1', '%201', '1.0', '', '1_0', '٣', '99999999999999999999'])(
  'a number is written in digits: limit=%s is refused',
  async (limit) => {
    const { status, json } = await v1('GET', `/patients?limit=${limit}`);
    expect([status, json.details]).toEqual([400, [expect.objectContaining({ field: 'limit', code: 'type' })]]);
  },
);

test.each(['1', '007', '100'])('limit=%s is one', async (limit) => {
  expect((await v1('GET', `/patients?limit=${limit}`)).status).toBe(200);
});
