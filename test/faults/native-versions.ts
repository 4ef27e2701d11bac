import type { Keyed, Native } from './native-client.ts';
import { each, person, type Story } from './native-stories.ts';

/** A patient for each worker, made when he is first asked for. */
function patients(native: Native): { readonly of: (name: string) => Promise<string | undefined>; readonly ids: () => string[] } {
  const made = new Map<string, Keyed>();
  const idIn = ({ told }: Keyed): string | undefined => told?.json?.patient_id;
  let serial = 0;
  return {
    async of(name) {
      const ask = { method: 'POST', path: '/patients', body: person('Versions') };
      const keyed: Keyed = made.get(name) ?? { ask, key: `patient-${++serial}-${Math.random()}`, status: 201 };
      made.set(name, keyed);
      if (keyed.told === undefined) await native.once(keyed);
      return idIn(keyed);
    },
    ids: () => [...made.values()].flatMap((keyed) => idIn(keyed) ?? []),
  };
}

/** Replacements with If-Match, each saying which version it is over: what was acknowledged stays, and none is lost. */
export function updates(native: Native): Story {
  const { of, ids } = patients(native);
  const acknowledged: { readonly id: string; readonly marker: string; readonly version: number }[] = [];
  let turns = 0;
  return {
    async turn(worker, marker) {
      const id = await of(turns++ % 2 === 0 ? worker : 'shared');
      if (id === undefined) return false;
      const path = `/patients/${id}`;
      const read = await native.ask({ method: 'GET', path }, [200]);
      if (read?.status !== 200) return false;
      const body = { ...person('Versions'), address: { line1: `${marker} over ${read.json.version}`, city: 'London', country: 'GB' } };
      const headers = { 'if-match': read.headers.get('etag') ?? '' };
      const told = await native.ask({ method: 'PUT', path, body, headers }, [200, 412]);
      if (told?.status === 200) acknowledged.push({ id, marker, version: Number(/\d+/.exec(told.headers.get('etag') ?? '')?.[0]) });
      return told !== undefined;
    },
    async broken() {
      const histories = new Map<string, ReadonlyMap<number, string>>();
      const broken = await each(ids(), async (id) => {
        const rows = await native.rows(`/patients/${id}/history?`);
        const lines = new Map(rows.map(({ version, record }) => [version as number, (record?.address?.line1 as string | undefined) ?? '']));
        histories.set(id, lines);
        const wrong = rows.filter(({ version }, at) => version !== rows.length - at);
        const lost = [...lines].filter(([version, line]) => version > 1 && !line.endsWith(` over ${version - 1}`));
        return [
          ...wrong.map(({ version }) => `${id} has a gap at ${version}`),
          ...lost.map(([version, line]) => `version ${version} of ${id} is ${line}`),
        ];
      });
      for (const { id, marker, version } of acknowledged) {
        const line = histories.get(id)?.get(version);
        if (line?.startsWith(`${marker} `) !== true) broken.push(`${id} lost ${marker} in version ${version}, has ${line}`);
      }
      return broken;
    },
    acknowledged: () => acknowledged.length,
  };
}

/** Deletes, and restores under Idempotency-Keys. */
export function revivals(native: Native): Story {
  const { of, ids } = patients(native);
  /** What each was told to be last; undefined: not known. */
  const told = new Map<string, boolean | undefined>();
  const open = new Map<string, Keyed>();
  let revived = 0;
  return {
    async turn(worker, marker) {
      const id = await of(worker);
      if (id === undefined) return false;
      const path = `/patients/${id}`;
      const read = await native.ask({ method: 'GET', path }, [200, 410]);
      if (read === undefined) return false;
      if (read.status === 200) {
        if (told.get(id) === false) native.faults.push(`${id} was deleted and is back`);
        told.set(id, undefined);
        const removed = await native.ask({ method: 'DELETE', path, headers: { 'if-match': read.headers.get('etag') ?? '' } }, [204, 412]);
        if (removed?.status !== 204) return false;
      } else if (told.get(id) === true) native.faults.push(`${id} was restored and is gone`);
      told.set(id, false);
      const keyed: Keyed = { ask: { method: 'POST', path: `${path}:restore` }, key: marker, status: 200 };
      open.set(id, keyed);
      told.set(id, undefined);
      const back = await native.once(keyed);
      if (back?.status !== 200) return false;
      open.delete(id);
      told.set(id, true);
      revived++;
      return true;
    },
    broken: () =>
      each(ids(), async (id) => {
        // What got its answer only after the load has stopped counts as well.
        const keyed = open.get(id);
        if (keyed?.told?.status === 200) told.set(id, true);
        open.delete(id);
        const { status } = await native.look(`/patients/${id}`, [200, 410]);
        const expected = told.get(id);
        if (expected === undefined || (status === 200) === expected) return [];
        return [`${id} answers ${status}`];
      }),
    acknowledged: () => revived,
  };
}
