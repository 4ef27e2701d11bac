import { readFile, rm } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { described, type DescribedOperation } from '../support/contract.ts';

/** A write that lost against its neighbours too often is 409: of single operations nobody brings it about; test/storage does. */
const isLostRace = ({ method }: DescribedOperation, status: string): boolean => status === '409' && method !== 'POST';

const file = process.env.CONTRACT_SEEN ?? '';
afterAll(() => rm(file, { force: true }));

test('every answer that openapi.yaml tells was given by a server in this run', async () => {
  const seen = new Set((await readFile(file, 'utf8').catch(() => '')).split('\n'));
  const { operations } = await described();
  const told = operations.flatMap((operation) =>
    Object.keys(operation.responses)
      .filter((status) => !isLostRace(operation, status))
      .map((status) => `${operation.id} ${status}`),
  );
  expect(told.filter((each) => !seen.has(each))).toEqual([]);
});
