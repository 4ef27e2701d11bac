import type { Random } from '../src/cli/sample/random.ts';
import { matches, moved } from './answers.ts';
import { type Client, must } from './client.ts';
import type { Corpus } from './corpus.ts';
import type { Moved } from './drive.ts';
import { LOINC } from './generate.ts';
import type { Workload } from './workload.ts';

/** Selective searches that join or pair, and unselective ones that must find their first page all the same. */
export const SEARCH_NAMES = ['chain', 'has', 'composite', 'newest', 'updated', 'estimate', 'accurate'] as const;
export type SearchName = (typeof SEARCH_NAMES)[number];

/** How many ask an unselective search at once: its latency counts, not how many fit into a second. */
const FEW = 2;

export function makeSearches(corpus: Corpus, random: Random, clients: number): Readonly<Record<SearchName, Workload>> {
  const coded = (code: string): string => encodeURIComponent(`${LOINC}|${code}`);
  const workload = (name: SearchName, workers: number, step: (client: Client) => Promise<Moved>): Workload => ({
    name,
    unit: 'requests',
    workers,
    prepare: (client) => Promise.resolve(() => step(client)),
  });
  const found = async (client: Client, name: SearchName, path: string, count: number): Promise<Moved> => {
    const answer = await client.request('GET', path);
    const list = matches(answer);
    must(list.length === count, `${name}: ${list.length} matches, wanted ${count} (${path})`);
    return moved(answer, list.length);
  };

  return {
    /** Observations of a code of the patient with a record number. */
    chain: workload('chain', clients, (client) => {
      const person = random.pick(corpus.readers);
      const code = random.pick(corpus.codes);
      const count = person.observations.filter((o) => o.code === code).length;
      const record = encodeURIComponent(`${person.record.system}|${person.record.value}`);
      return found(client, 'chain', `/Observation?subject:Patient.identifier=${record}&code=${coded(code)}&_count=10`, Math.min(10, count));
    }),
    /** Patients by the beginning of the family name who have an Observation of a code. */
    has: workload('has', clients, (client) => {
      const { prefix } = random.pick(corpus.prefixes);
      const code = random.pick(corpus.codes);
      const those = corpus.people.filter(
        ({ family, observations }) => family.startsWith(prefix) && observations.some((o) => o.code === code),
      );
      return found(
        client,
        'has',
        `/Patient?family=${prefix}&_has:Observation:patient:code=${coded(code)}&_count=20`,
        Math.min(20, those.length),
      );
    }),
    /** A patient's Observations of a code above a value. */
    composite: workload('composite', clients, (client) => {
      const person = random.pick(corpus.readers);
      const measured = person.observations.flatMap(({ code, value }) => (value === undefined ? [] : { code, value }));
      const { code, value } = random.pick(measured);
      const above = Math.floor(value) - 1;
      const count = measured.filter((o) => o.code === code && o.value > above).length;
      return found(client, 'composite', `/Observation?patient=${person.id}&code-value-quantity=${coded(code)}$gt${above}`, count);
    }),
    newest: workload('newest', FEW, (client) =>
      found(client, 'newest', `/Observation?code=${coded(random.pick(corpus.codes))}&_sort=-date&_count=10`, 10),
    ),
    updated: workload('updated', FEW, (client) => found(client, 'updated', '/Observation?_lastUpdated=ge2020-01-01&_count=10', 10)),
    estimate: workload('estimate', FEW, (client) => found(client, 'estimate', '/Observation?status=final&_total=estimate&_count=10', 10)),
    accurate: workload('accurate', FEW, (client) => found(client, 'accurate', '/Observation?status=final&_total=accurate&_count=10', 10)),
  };
}
