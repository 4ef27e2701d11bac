import { setTimeout as delay } from 'node:timers/promises';
import { type Answers, exchange, insist, type Load, newAnswers, type Target } from './answers.ts';
import type { OwnServer } from './own-server.ts';

/** What one request of the load asked for, and what the server said of it. */
type Attempt = { readonly values: ReadonlyMap<string, string>; readonly acknowledged: ReadonlyMap<string, number> | undefined };

/** What was asked of the server, and what it promised. */
type Ledger = {
  readonly answers: Answers;
  /** Bundles of new resources: marker, resources in it, whether it was answered 200. */
  readonly bundles: { readonly marker: string; readonly ids: readonly string[]; readonly acknowledged: boolean }[];
  /** Creates under ids of the server's, one by one: the id it told. */
  readonly creates: { readonly id: string; readonly value: string }[];
  /** Every try to write a value to resources that live long, all of one try in one transaction. */
  readonly writes: Attempt[];
  readonly deleted: string[];
};

/** Transactions, writes and deletes of the FHIR API. */
export async function fhirLoad({ base, token }: Pick<OwnServer, 'base' | 'token'>): Promise<Load> {
  const target = { base, token: await token() };
  const ledger: Ledger = { answers: newAnswers(), bundles: [], creates: [], writes: [], deleted: [] };
  return {
    answers: ledger.answers,
    work: (worker, stopped) => work(target, ledger, worker, stopped),
    broken: () => brokenPromises(target, ledger),
    acknowledged: () => acknowledgedIn(ledger),
  };
}

function acknowledgedIn({ bundles, creates, deleted, writes }: Ledger): Record<string, number> {
  return {
    bundles: bundles.filter(({ acknowledged }) => acknowledged).length,
    creates: creates.length + deleted.length,
    writes: writes.filter(({ acknowledged }) => acknowledged !== undefined).length,
    deletes: deleted.length,
  };
}

const system = 'http://example.org/faults';

const basic = (id: string | undefined, code: string, value: string) => ({
  resourceType: 'Basic',
  ...(id === undefined ? {} : { id }),
  code: { coding: [{ system, code }], text: value },
});
const put = (id: string, code: string, value: string) => ({
  resource: basic(id, code, value),
  request: { method: 'PUT', url: `Basic/${id}` },
});

let serial = 0;

/** One worker of the load: transactions of new resources, updates alone and in pairs, creates and deletes, until it is told to stop. */
async function work(target: Target, ledger: Ledger, worker: number, stopped: () => boolean): Promise<void> {
  for (let turn = 0; !stopped(); turn++) {
    const answered = await turns[turn % turns.length]?.(target, ledger, `w${worker}`, `v${++serial}`);
    // A server that isn't there is asked again a little later.
    if (!answered) await delay(50);
  }
}

type Turn = (target: Target, ledger: Ledger, worker: string, value: string) => Promise<boolean>;

const bundleTurn: Turn = async (target, ledger, _worker, value) => {
  const ids = Array.from({ length: 12 }, (_, n) => `${value}-${n}`);
  const answer = await send(target, ledger.answers, 'POST', '', transactionOf(ids.map((id) => put(id, `bundle-${value}`, value))));
  ledger.bundles.push({ marker: value, ids, acknowledged: answer?.status === 200 });
  return answer !== undefined;
};

const createTurn: Turn = async (target, ledger, worker, value) => {
  const answer = await send(target, ledger.answers, 'POST', '/Basic', basic(undefined, `create-${worker}`, value));
  if (answer?.status === 201) ledger.creates.push({ id: answer.json.id, value });
  return answer !== undefined;
};

const updateTurn: Turn = async (target, ledger, worker, value) => {
  const id = `${worker}-single`;
  const answer = await send(target, ledger.answers, 'PUT', `/Basic/${id}`, basic(id, worker, value));
  const taken = answer !== undefined && answer.status < 300;
  ledger.writes.push({ values: new Map([[id, value]]), acknowledged: taken ? new Map([[id, versionOf(answer.etag)]]) : undefined });
  return answer !== undefined;
};

/** Two resources of this worker's own and one that all workers share. */
const pairTurn: Turn = async (target, ledger, worker, value) => {
  const ids = [`${worker}-left`, `${worker}-right`, 'shared'];
  const answer = await send(target, ledger.answers, 'POST', '', transactionOf(ids.map((id) => put(id, worker, value))));
  const acknowledged =
    answer?.status === 200 ? new Map(ids.map((id, at) => [id, versionOf(answer.json.entry[at]?.response.etag ?? '')])) : undefined;
  ledger.writes.push({ values: new Map(ids.map((id) => [id, value])), acknowledged });
  return answer !== undefined;
};

const deleteTurn: Turn = async (target, ledger) => {
  const victim = ledger.creates.shift();
  if (victim === undefined) return true;
  const answer = await send(target, ledger.answers, 'DELETE', `/Basic/${victim.id}`);
  if (answer?.status === 200) ledger.deleted.push(victim.id);
  return answer !== undefined;
};

/** What changes nothing: a read, one in vain, a search, a history, and a read that nobody may. */
const lookTurn: Turn = async (target, ledger, worker) => {
  const paths = [`/Basic/${worker}-single`, '/Basic/nobody', `/Basic?code=${system}|${worker}`, `/Basic/${worker}-single/_history`];
  const answers = await Promise.all([
    ...paths.map((path) => send(target, ledger.answers, 'GET', path)),
    send({ ...target, token: 'none' }, ledger.answers, 'GET', '/Basic/shared'),
  ]);
  return answers.every((answer) => answer !== undefined);
};

const turns: readonly Turn[] = [
  bundleTurn,
  lookTurn,
  updateTurn,
  pairTurn,
  createTurn,
  lookTurn,
  createTurn,
  updateTurn,
  pairTurn,
  deleteTurn,
];

const transactionOf = (entry: readonly object[]) => ({ resourceType: 'Bundle', type: 'transaction', entry });

const versionOf = (etag: string | null): number => Number(/\d+/.exec(etag ?? '')?.[0]);

/** As much of an answer as is looked at; which of it there is follows from what was asked. */
type Body = {
  readonly id: string;
  readonly total: number;
  readonly code?: { readonly text: string };
  readonly entry: readonly {
    readonly response: { readonly etag: string };
    readonly resource: { readonly meta: { readonly versionId: string }; readonly code: { readonly text: string } };
  }[];
  readonly link: readonly { readonly relation: string; readonly url: string }[];
};

export type Sent = { readonly status: number; readonly etag: string | null; readonly json: Body };

export async function send(target: Target, answers: Answers, method: string, path: string, body?: object): Promise<Sent | undefined> {
  const headers = { authorization: `Bearer ${target.token}`, 'content-type': 'application/fhir+json' };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const received = await exchange(answers, `${target.base}${path}`, init);
  if (received === undefined) return undefined;
  const { status, headers: told, bytes } = received;
  return { status, etag: told.get('etag'), json: JSON.parse(bytes.toString() || '{}') as Body };
}

async function brokenPromises(target: Target, ledger: Ledger): Promise<string[]> {
  const asked = newAnswers();
  const broken: string[] = [];
  const get = async (path: string): Promise<Sent> => {
    const answer = await insist(`GET ${path}`, () => send(target, asked, 'GET', path));
    if (![200, 404, 410].includes(answer.status)) broken.push(`GET ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  for (const { marker, ids, acknowledged } of ledger.bundles) {
    const found = (await get(`/Basic?code=${system}|bundle-${marker}&_summary=count`)).json.total;
    const read = (await Promise.all(ids.map((id) => get(`/Basic/${id}`)))).filter((answer) => answer.json.code?.text === marker).length;
    if (found !== read) broken.push(`bundle ${marker}: ${read} resources are read but ${found} found`);
    if (read !== ids.length && (acknowledged || read !== 0))
      broken.push(`bundle ${marker}: ${read} of ${ids.length}, acknowledged: ${acknowledged}`);
  }
  for (const { id, value } of ledger.creates) {
    const { status, json } = await get(`/Basic/${id}`);
    if (status !== 200 || json.code?.text !== value) broken.push(`create ${value}: ${status}`);
  }
  for (const id of ledger.deleted) if ((await get(`/Basic/${id}`)).status !== 410) broken.push(`${id} was deleted and is back`);
  return [...broken, ...(await brokenHistories(get, ledger))];
}

async function brokenHistories(get: (path: string) => Promise<Sent>, { writes }: Ledger): Promise<string[]> {
  const broken: string[] = [];
  const histories = new Map<string, Map<string, number>>();
  for (const id of new Set(writes.flatMap(({ values }) => [...values.keys()]))) {
    const versions = await historyOf(get, id);
    const numbers = versions.map(({ version }) => version);
    const gapless = numbers.every((version, at) => version === numbers.length - at);
    if (!gapless) broken.push(`${id} has the versions ${numbers.join()}`);
    histories.set(id, new Map(versions.map(({ value, version }) => [value, version])));
    if (histories.get(id)?.size !== versions.length) broken.push(`${id} has a value in two versions`);
  }
  for (const { values, acknowledged } of writes) {
    const written = [...values].filter(([id, value]) => histories.get(id)?.has(value));
    const [[name = '', value = ''] = []] = values;
    if (written.length !== 0 && written.length !== values.size)
      broken.push(`${name} ${value}: ${written.length} of ${values.size} written`);
    for (const [id, version] of acknowledged ?? []) {
      if (histories.get(id)?.get(values.get(id) ?? '') !== version) broken.push(`${id} lost its version ${version}`);
    }
  }
  return broken;
}

async function historyOf(get: (path: string) => Promise<Sent>, id: string): Promise<{ version: number; value: string }[]> {
  const versions: { version: number; value: string }[] = [];
  let path: string | undefined = `/Basic/${id}/_history?_count=1000`;
  while (path !== undefined) {
    const { json, status }: Sent = await get(path);
    if (status === 404) return versions;
    for (const { resource } of json.entry) versions.push({ version: Number(resource.meta.versionId), value: resource.code.text });
    const next: { url: string } | undefined = json.link.find(({ relation }) => relation === 'next');
    path = next?.url.slice(next.url.indexOf('/Basic/'));
  }
  return versions;
}
