import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Just enough of a FHIR server, in memory, to drive the benchmark against; `spoil` may change any answer before it is sent. */
export type SmallServer = {
  readonly base: string;
  spoil: (answer: any, request: { method: string; path: string }) => any;
  stop(): Promise<void>;
};

export async function startSmallServer(): Promise<SmallServer> {
  const stored = new Map<string, any>();
  let ids = 0;
  const store = (resource: any): any => {
    const id = resource.id ?? `i${++ids}`;
    const version = Number(stored.get(`${resource.resourceType}/${id}`)?.meta.versionId ?? 0) + 1;
    const kept = { ...resource, id, meta: { versionId: String(version) } };
    stored.set(`${resource.resourceType}/${id}`, kept);
    return kept;
  };
  const all = (type: string): any[] => [...stored.values()].filter((resource) => resource.resourceType === type);
  const bundle = (list: readonly any[]) => ({
    resourceType: 'Bundle',
    type: 'searchset',
    entry: list.map((resource) => ({ resource, search: { mode: 'match' } })),
  });

  const transaction = (entries: any[]): any => {
    const urls = new Map(entries.map((entry) => [entry.fullUrl, `${entry.resource.resourceType}/i${++ids}`]));
    const entry = entries.map(({ fullUrl, resource }) => {
      const linked = JSON.parse(JSON.stringify(resource), (key, value) => (key === 'reference' ? (urls.get(value) ?? value) : value));
      const kept = store({ ...linked, id: urls.get(fullUrl)?.split('/')[1] });
      return { response: { status: '201 Created', location: `${kept.resourceType}/${kept.id}/_history/1` } };
    });
    return { resourceType: 'Bundle', type: 'transaction-response', entry };
  };
  const search = (type: string, query: URLSearchParams): any => {
    const code = query.get('code')?.split('|')[1];
    const above = Number(query.get('value-quantity')?.slice(2) ?? Number.NaN);
    const of = (resource: any): string => (resource.subject?.reference ?? '').split('/')[1];
    const found = all(type).filter(
      (resource) =>
        (!query.has('patient') || of(resource) === query.get('patient')) &&
        (code === undefined || resource.code.coding[0].code === code) &&
        (!query.has('value-quantity') || resource.valueQuantity?.value > above) &&
        (!query.has('date') || resource.effectiveDateTime >= query.get('date')!.slice(2)) &&
        (!query.has('family') || resource.name[0].family.startsWith(query.get('family'))) &&
        (!query.has('birthdate') || resource.birthDate >= query.get('birthdate')!.slice(2)),
    );
    if (query.get('_sort') === '-date') found.sort((a, b) => (a.effectiveDateTime < b.effectiveDateTime ? 1 : -1));
    const page = found.slice(0, Number(query.get('_count') ?? 50));
    if (!query.has('_revinclude')) return bundle(page);
    const encounters = new Set(page.map((resource) => `Encounter/${resource.id}`));
    return bundle([
      ...page,
      stored.get(`Patient/${query.get('patient')}`),
      ...all('Observation').filter((resource) => encounters.has(resource.encounter.reference)),
    ]);
  };
  const answerTo = (method: string, url: URL, body: any, ifMatch: string | undefined): [number, any] => {
    const [type = '', id] = url.pathname.replace('/fhir/R4', '').split('/').filter(Boolean);
    if (method === 'POST') return type === '' ? [200, transaction(body.entry)] : [201, store(body)];
    if (method === 'PUT') return ifMatch === `W/"${stored.get(`${type}/${id}`)?.meta.versionId}"` ? [200, store(body)] : [412, {}];
    return id === undefined
      ? [200, search(type, url.searchParams)]
      : [stored.has(`${type}/${id}`) ? 200 : 404, stored.get(`${type}/${id}`) ?? {}];
  };

  const server = http.createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8');
    const url = new URL(request.url ?? '/', 'http://small');
    const [status, answer] = answerTo(request.method ?? '', url, body === '' ? undefined : JSON.parse(body), request.headers['if-match']);
    const spoilt = small.spoil(structuredClone(answer), { method: request.method ?? '', path: url.pathname });
    const etag = answer.meta === undefined ? {} : { etag: `W/"${answer.meta.versionId}"` };
    response.writeHead(status, { 'content-type': 'application/fhir+json', ...etag }).end(JSON.stringify(spoilt));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const small: SmallServer = {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir/R4`,
    spoil: (answer) => answer,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return small;
}
