import { randomOf } from '../src/cli/sample/random.ts';
import { type Client, type Foreign, must, resourceOf } from './client.ts';
import type { Corpus, Known } from './corpus.ts';
import type { Moved, Step } from './drive.ts';
import { matches, moved } from './answers.ts';
import { postBundle } from './dataset.ts';
import { LOINC, patientBundle } from './generate.ts';
import type { Workload } from './workload.ts';
import { makeSearches, SEARCH_NAMES } from './searches.ts';

export type WorkloadOptions = { readonly corpus: Corpus; readonly seed: number; readonly clients: number; readonly loaders: number };

export const WORKLOAD_NAMES = [
  'load',
  'create',
  'read',
  'search-1',
  'search-2',
  'search-3',
  'search-4',
  ...SEARCH_NAMES,
  'update',
  'mixed',
] as const;
export type WorkloadName = (typeof WORKLOAD_NAMES)[number];
export const WRITING: ReadonlySet<WorkloadName> = new Set(['load', 'create', 'update', 'mixed']);

/** The workloads on data that is loaded; every answer is checked against what the data says it must be. */
export function makeWorkloads({ corpus, seed, clients, loaders }: WorkloadOptions): Readonly<Record<WorkloadName, Workload>> {
  const random = randomOf(seed, 7);
  let crowd = 0;
  const at = (name: string, prepare: Workload['prepare'], unit: Workload['unit'] = 'requests', workers = clients): Workload => ({
    name,
    unit,
    workers,
    prepare,
  });
  const simple = (name: string, step: (client: Client) => Promise<Moved>): Workload =>
    at(name, (client) => Promise.resolve(() => step(client)));

  const load = async (client: Client): Promise<Moved> => {
    const bundle = patientBundle(seed, crowd++, 'crowd');
    const { ids, answer } = await postBundle(
      client,
      JSON.stringify(bundle),
      bundle.entry.map((entry) => entry.resource.resourceType),
    );
    corpus.resources += ids.length;
    return moved(answer, ids.length);
  };
  const create = async (client: Client): Promise<Moved> => {
    const body = newObservation(random.pick(corpus.writers), random);
    const answer = await client.request('POST', '/Observation', JSON.stringify(body));
    const got = resourceOf(answer, 201);
    corpus.resources++;
    must(
      got.id !== undefined && got.resourceType === 'Observation' && got.valueQuantity.value === body.valueQuantity.value,
      'create: the answer is not what was sent',
    );
    return moved(answer, 1);
  };
  const read = async (client: Client): Promise<Moved> => {
    const person = random.pick(corpus.readers);
    const [type, id] = random.chance(0.5) ? ['Patient', person.id] : ['Observation', random.pick(person.observationIds)];
    const answer = await client.request('GET', `/${type}/${id}`);
    const got = resourceOf(answer, 200);
    must(got.resourceType === type && got.id === id, 'read: another resource');
    return moved(answer, 1);
  };
  /** The newest ten of a code of one patient. */
  const search1 = async (client: Client): Promise<Moved> => {
    const person = random.pick(corpus.readers);
    const code = random.pick(corpus.codes);
    const answer = await client.request(
      'GET',
      `/Observation?patient=${person.id}&code=${encodeURIComponent(`${LOINC}|${code}`)}&_sort=-date&_count=10`,
    );
    const list = matches(answer);
    const wanted = Math.min(10, person.observations.filter((o) => o.code === code).length);
    must(list.length === wanted, `search-1: ${list.length} matches, wanted ${wanted}`);
    for (const [i, found] of list.entries()) {
      must(
        found.code.coding[0].code === code && found.subject.reference.endsWith(`Patient/${person.id}`),
        'search-1: a match that is none',
      );
      must((list[i - 1] ?? found).effectiveDateTime >= found.effectiveDateTime, 'search-1: not newest first');
    }
    return moved(answer, list.length);
  };
  /** Patients by the beginning of the family name and by birth date. */
  const search2 = async (client: Client): Promise<Moved> => {
    const { prefix, count } = random.pick(corpus.prefixes);
    const answer = await client.request('GET', `/Patient?family=${prefix}&birthdate=ge1970-01-01&_count=20`);
    const list = matches(answer);
    must(list.length === Math.min(20, count), `search-2: ${list.length} matches, wanted ${Math.min(20, count)}`);
    for (const found of list) must(found.birthDate >= '1970' && found.name[0].family.startsWith(prefix), 'search-2: a match that is none');
    return moved(answer, list.length);
  };
  /** Observations of a code above a value since a day, of all patients. */
  const search3 = async (client: Client): Promise<Moved> => {
    const { code, above, from, count } = random.pick(corpus.ranges);
    const answer = await client.request(
      'GET',
      `/Observation?code=${encodeURIComponent(`${LOINC}|${code}`)}&value-quantity=gt${above}&date=ge${from}&_count=50`,
    );
    const list = matches(answer);
    must(
      list.length === Math.min(50, count),
      `search-3: ${list.length} matches, wanted ${Math.min(50, count)} (${code} gt${above} ge${from})`,
    );
    for (const found of list)
      must(
        found.code.coding[0].code === code && found.valueQuantity.value > above && found.effectiveDateTime >= from,
        'search-3: a match that is none',
      );
    return moved(answer, list.length);
  };
  /** A patient's encounters with the patient and all their observations. */
  const search4 = async (client: Client): Promise<Moved> => {
    const person = random.pick(corpus.readers);
    const answer = await client.request(
      'GET',
      `/Encounter?patient=${person.id}&_include=Encounter:patient&_revinclude=Observation:encounter`,
    );
    const list = matches(answer);
    const count = (type: string): number => list.filter((found) => found.resourceType === type).length;
    const found = `${count('Encounter')} Encounters, ${count('Patient')} Patients, ${count('Observation')} Observations`;
    must(found === '5 Encounters, 1 Patients, 40 Observations', `search-4: ${found}`);
    return moved(answer, list.length);
  };

  const update = async (client: Client): Promise<Step> => {
    const own = await versionsToUpdate(client, corpus.people, clients);
    return async (worker) => {
      const slot = random.pick(own[worker] ?? []);
      const phone = `555-${String(random.int(0, 9_999_999)).padStart(7, '0')}`;
      const body = structuredClone(slot.resource);
      body.telecom[0].value = phone;
      const answer = await client.request('PUT', `/Patient/${body.id}`, JSON.stringify(body), { 'if-match': slot.etag });
      const got = resourceOf(answer, 200);
      must(
        got.telecom[0].value === phone && got.meta.versionId !== slot.resource.meta.versionId,
        'update: the answer is not the new version',
      );
      Object.assign(slot, { resource: got, etag: answer.headers.etag ?? `W/"${got.meta.versionId}"` });
      return moved(answer, 1);
    };
  };
  const mixed = async (client: Client): Promise<Step> => {
    const updateStep = await update(client);
    // Four fifths reading, one fifth writing.
    const shares: readonly { readonly weight: number; readonly step: Step }[] = [
      { weight: 45, step: () => read(client) },
      { weight: 20, step: () => search1(client) },
      { weight: 8, step: () => search2(client) },
      { weight: 5, step: () => search3(client) },
      { weight: 2, step: () => search4(client) },
      { weight: 12, step: () => create(client) },
      { weight: 8, step: updateStep },
    ];
    return (worker, index) => random.weighted(shares).step(worker, index);
  };
  return {
    load: at('load', (client) => Promise.resolve(() => load(client)), 'resources', loaders),
    create: simple('create', create),
    read: simple('read', read),
    'search-1': simple('search-1', search1),
    'search-2': simple('search-2', search2),
    'search-3': simple('search-3', search3),
    'search-4': simple('search-4', search4),
    ...makeSearches(corpus, random, clients),
    update: at('update', update),
    mixed: at('mixed', mixed),
  };
}

function newObservation(person: Known, random: ReturnType<typeof randomOf>) {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
    // A code that the other data doesn't have: the searches go on finding what they found.
    code: { coding: [{ system: LOINC, code: '59408-5', display: 'Oxygen saturation in Arterial blood by Pulse oximetry' }], text: 'SpO2' },
    subject: { reference: `Patient/${person.id}` },
    encounter: { reference: `Encounter/${random.pick(person.encounterIds)}` },
    effectiveDateTime: new Date(1_700_000_000_000 + random.int(0, 10_000_000) * 1000).toISOString(),
    valueQuantity: { value: random.int(88, 99), unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
  };
}

type Slot = { readonly resource: Foreign; readonly etag: string };
const SLOTS_PER_WORKER = 12;

/** For each worker patients of its own with their versions, so that If-Match never meets a neighbour's write. */
async function versionsToUpdate(client: Client, people: readonly Known[], workers: number): Promise<readonly (readonly Slot[])[]> {
  const own: Slot[][] = Array.from({ length: workers }, () => []);
  for (const [i, person] of people.slice(0, workers * SLOTS_PER_WORKER).entries()) {
    const answer = await client.request('GET', `/Patient/${person.id}`);
    const resource = resourceOf(answer, 200);
    own[i % workers]?.push({ resource, etag: answer.headers.etag ?? `W/"${resource.meta.versionId}"` });
  }
  return own;
}
