import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answer, bundleOf, type Client, must } from './client.ts';
import { drive, type Measured, type Step } from './drive.ts';
import { type Group, patientBundle } from './generate.ts';

/** What a database is filled with: patients that the searches find, and a crowd until there are `size` resources. */
export type Dataset = { readonly seed: number; readonly patients: number; readonly size: number };

/** For each patient that the searches find the id of each entry, as the server gave them. */
export type Ids = readonly (readonly string[])[];

export const RESOURCES_PER_PATIENT = 50;

const fileIn = (folder: string): string => join(folder, 'dataset.json');

/** The ids of a dataset that the folder's database was filled with before; undefined if it wasn't, or not to the end. */
export async function knownIds(folder: string, dataset: Dataset): Promise<Ids | undefined> {
  const text = await readFile(fileIn(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { ids, ...known } = JSON.parse(text) as Dataset & { ids: Ids };
  must(JSON.stringify(known) === JSON.stringify(dataset), `${folder} holds another dataset: ${JSON.stringify(known)}`);
  return ids;
}

export type LoadOptions = {
  readonly loaders: number;
  readonly serverPid: number | undefined;
  /** Where the dataset is noted once it is complete. */
  readonly kept: string | undefined;
  readonly told: (measured: Measured) => void;
};

/** Fills an empty database; all of it must be taken. */
export async function load(client: Client, dataset: Dataset, { loaders, serverPid, kept, told }: LoadOptions): Promise<Ids> {
  const ids: (readonly string[])[] = [];
  const fill = async (group: Group, patients: number, found: (index: number, ids: readonly string[]) => void): Promise<void> => {
    const step: Step = async (_worker, index) => {
      const bundle = patientBundle(dataset.seed, index, group);
      const types = bundle.entry.map((entry) => entry.resource.resourceType);
      const posted = await postBundle(client, JSON.stringify(bundle), types);
      found(index, posted.ids);
      return { resources: posted.ids.length, bytes: posted.answer.text.length };
    };
    const measured = await drive(step, { workers: loaders, until: { steps: patients }, serverPid });
    if (measured.errors > 0) throw new Error(`loading failed: ${JSON.stringify(measured.errorKinds)}`);
    told(measured);
  };
  // The crowd comes first, so that the patients searched for are spread no better than new ones would be.
  const crowd = Math.max(0, Math.ceil(dataset.size / RESOURCES_PER_PATIENT) - dataset.patients);
  if (crowd > 0) await fill('crowd', crowd, () => {});
  await fill('searched', dataset.patients, (index, given) => {
    ids[index] = given;
  });
  if (kept !== undefined) await writeFile(fileIn(kept), JSON.stringify({ ...dataset, ids }));
  return ids;
}

/** Posts a transaction of creates; returns the ids that the server gave, in the entries' order. */
export async function postBundle(
  client: Client,
  body: string,
  types: readonly string[],
): Promise<{ readonly ids: readonly string[]; readonly answer: Answer }> {
  const answer = await client.request('POST', '', body);
  const bundle = bundleOf(answer, 200);
  must(
    bundle.type === 'transaction-response' && bundle.entry?.length === types.length,
    `load: a ${bundle.type} with ${bundle.entry?.length} entries`,
  );
  const ids = types.map((type, i) => {
    const { response, resource } = bundle.entry?.[i] ?? {};
    must(String(response?.status).startsWith('201'), `load: entry ${i} has status ${response?.status}`);
    const id = new RegExp(`(?:^|/)${type}/([A-Za-z0-9.-]{1,64})(?:/_history/|$)`).exec(response?.location ?? '')?.[1] ?? resource?.id;
    must(id !== undefined, `load: entry ${i} has no id`);
    return id;
  });
  return { ids, answer };
}
