import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A resource, or any answer, as this server and the tests look at it. */
export type Kept = {
  readonly resourceType: string;
  readonly id?: string;
  readonly meta?: { readonly versionId: string };
  readonly code?: { readonly coding: readonly [{ readonly code: string }] };
  readonly subject?: { readonly reference: string };
  readonly encounter?: { readonly reference: string };
  readonly valueQuantity?: { readonly value: number };
  readonly effectiveDateTime?: string;
  readonly birthDate?: string;
  readonly identifier?: readonly [{ readonly value: string }];
  readonly name?: readonly [{ readonly family: string }];
  readonly telecom?: readonly [{ readonly value: string }];
  readonly entry?: readonly Entry[];
};
type Entry = {
  readonly fullUrl?: string;
  readonly resource?: Kept;
  readonly response?: { readonly status: string; readonly location?: string };
};

/** Just enough of a FHIR server, in memory, to drive the benchmark against; `spoil` may change any answer before it is sent. */
export type SmallServer = { readonly base: string; spoil: (answer: Kept, method: string) => Kept; stop(): Promise<void> };

export async function startSmallServer(): Promise<SmallServer> {
  const store = makeStore();
  const respond = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const text = Buffer.concat((await request.toArray()) as Buffer[]).toString('utf8');
    const method = request.method ?? '';
    const body = text === '' ? undefined : (JSON.parse(text) as Kept);
    const [status, answer] = store.answer(method, new URL(request.url ?? '/', 'http://small'), body, request.headers['if-match']);
    const etag = answer.meta === undefined ? {} : { etag: `W/"${answer.meta.versionId}"` };
    response.writeHead(status, { 'content-type': 'application/fhir+json', ...etag }).end(JSON.stringify(small.spoil(answer, method)));
  };
  const server = http.createServer((request, response) => void respond(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const small: SmallServer = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir/R4`,
    spoil: (answer) => answer,
    stop: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return small;
}

function makeStore() {
  const stored = new Map<string, Kept>();
  let ids = 0;
  const keep = (resource: Kept, id = resource.id ?? `i${++ids}`): Kept => {
    const key = `${resource.resourceType}/${id}`;
    const kept = { ...resource, id, meta: { versionId: String(Number(stored.get(key)?.meta?.versionId ?? 0) + 1) } };
    stored.set(key, kept);
    return kept;
  };
  const all = (type: string): Kept[] => [...stored.values()].filter((resource) => resource.resourceType === type);

  const transaction = (entries: readonly Entry[]): Kept => {
    const urls = new Map(entries.map((entry) => [entry.fullUrl ?? '', `${entry.resource?.resourceType}/i${++ids}`]));
    const linked = (resource: Kept | undefined): Kept =>
      JSON.parse(JSON.stringify(resource), (key, value: unknown) =>
        key === 'reference' ? (urls.get(String(value)) ?? value) : value,
      ) as Kept;
    const entry = entries.map(({ fullUrl, resource }) => {
      const kept = keep(linked(resource), urls.get(fullUrl ?? '')?.split('/')[1]);
      return { response: { status: '201 Created', location: `${kept.resourceType}/${kept.id}/_history/1` } };
    });
    return { resourceType: 'Bundle', ...{ type: 'transaction-response' }, entry };
  };

  const isOf = (resource: Kept, is: (patient: Kept) => boolean): boolean =>
    all('Patient').some((patient) => resource.subject?.reference === `Patient/${patient.id}` && is(patient));

  const search = (type: string, query: URLSearchParams): Kept => {
    const holds = (name: string, check: (wanted: string) => boolean): boolean => !query.has(name) || check(query.get(name) ?? '');
    const found = all(type).filter(
      (resource) =>
        holds('patient', (id) => resource.subject?.reference === `Patient/${id}`) &&
        holds('code', (token) => resource.code?.coding[0].code === token.split('|')[1]) &&
        holds('value-quantity', (gt) => (resource.valueQuantity?.value ?? -1) > Number(gt.slice(2))) &&
        holds('date', (ge) => (resource.effectiveDateTime ?? '') >= ge.slice(2)) &&
        holds('family', (start) => resource.name?.[0].family.startsWith(start) ?? false) &&
        holds('subject:Patient.identifier', (token) =>
          isOf(resource, (patient) => patient.identifier?.[0].value === token.split('|')[1]),
        ) &&
        holds('_has:Observation:patient:code', (token) =>
          all('Observation').some(
            (one) => one.subject?.reference === `Patient/${resource.id}` && one.code?.coding[0].code === token.split('|')[1],
          ),
        ) &&
        holds('code-value-quantity', (pair) => {
          const [code, gt] = pair.slice(pair.indexOf('|') + 1).split('$gt');
          return resource.code?.coding[0].code === code && (resource.valueQuantity?.value ?? -1) > Number(gt);
        }) &&
        holds('birthdate', (ge) => (resource.birthDate ?? '') >= ge.slice(2)),
    );
    if (query.get('_sort') === '-date') found.sort((a, b) => ((a.effectiveDateTime ?? '') < (b.effectiveDateTime ?? '') ? 1 : -1));
    const page = found.slice(0, Number(query.get('_count') ?? 50));
    const encounters = new Set(page.map((resource) => `Encounter/${resource.id}`));
    const added = query.has('_revinclude')
      ? [...all('Patient'), ...all('Observation')].filter(
          (one) => `Patient/${one.id}` === page[0]?.subject?.reference || encounters.has(one.encounter?.reference ?? ''),
        )
      : [];
    return { resourceType: 'Bundle', ...{ type: 'searchset' }, entry: [...page, ...added].map((resource) => ({ resource })) };
  };

  const answer = (method: string, url: URL, body: Kept | undefined, ifMatch: string | undefined): readonly [number, Kept] => {
    const [type = '', id] = url.pathname.replace('/fhir/R4', '').split('/').filter(Boolean);
    const nothing = { resourceType: 'OperationOutcome' };
    const current = stored.get(`${type}/${id}`);
    if (body === undefined)
      return id === undefined ? [200, search(type, url.searchParams)] : [current === undefined ? 404 : 200, current ?? nothing];
    if (method === 'PUT') return ifMatch === `W/"${current?.meta?.versionId}"` ? [200, keep(body)] : [412, nothing];
    return type === '' ? [200, transaction(body.entry ?? [])] : [201, keep(body)];
  };
  return { answer };
}
