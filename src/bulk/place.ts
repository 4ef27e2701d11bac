import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The folder of the files of imports and exports, a folder for each job. Jobs are run by the processes that have their folder. */
export type Place = {
  /** Tells this folder from those of other machines. */
  readonly id: string;
  readonly fileOf: (job: string, name: string) => string;
  readonly make: (job: string) => Promise<void>;
  readonly remove: (job: string) => Promise<void>;
  /** Removes the folders of jobs that aren't among these, unless they are young: their job may be about to be added. */
  readonly removeOthers: (jobs: ReadonlySet<string>) => Promise<void>;
  /** What all files take, in bytes. */
  readonly used: () => Promise<number>;
};

const youngMs = 3_600_000;
const isJob = (name: string): boolean => /^[0-9a-f-]{36}$/.test(name);

export async function openPlace(folder: string): Promise<Place> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const id = await placeId(join(folder, 'place'));
  const folderOf = (job: string): string => {
    if (!isJob(job)) throw new RangeError('a job is named by a UUID');
    return join(folder, job);
  };
  const jobs = async (): Promise<string[]> => (await readdir(folder)).filter(isJob);
  return {
    id,
    fileOf: (job, name) => join(folderOf(job), name),
    async make(job) {
      await mkdir(folderOf(job), { recursive: true, mode: 0o700 });
    },
    remove: (job) => rm(folderOf(job), { recursive: true, force: true }),
    async removeOthers(known) {
      for (const job of await jobs()) {
        if (known.has(job)) continue;
        const found = await stat(folderOf(job)).catch(() => undefined);
        if (found !== undefined && Date.now() - found.mtimeMs > youngMs) await rm(folderOf(job), { recursive: true, force: true });
      }
    },
    async used() {
      let bytes = 0;
      for (const job of await jobs()) {
        for (const name of await readdir(folderOf(job)).catch(() => [])) {
          const found = await stat(join(folderOf(job), name)).catch(() => undefined);
          bytes += found?.size ?? 0;
        }
      }
      return bytes;
    },
  };
}

/** Of two processes that make it at once, one does. */
async function placeId(file: string): Promise<string> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(randomUUID());
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
  }
  const id = (await readFile(file, 'utf8')).trim();
  if (!isJob(id)) throw new Error(`${file} holds no UUID. Delete it: unfinished imports and exports are then not gone on with.`);
  return id;
}
