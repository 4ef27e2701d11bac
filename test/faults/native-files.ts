import { setTimeout as delay } from 'node:timers/promises';
import type { Keyed, Native, Told } from './native-client.ts';
import { countOf, each, type House, person, type Story } from './native-stories.ts';

type Sent = { readonly record: string; readonly bytes: Buffer; keyed?: Keyed; told: Told | undefined };

const isTaken = ({ keyed, told }: Sent): boolean => (keyed?.told ?? told)?.status === 200;

/** Files under documents, sent slowly so that some are cut: what was acknowledged is read whole, all else whole or not at all. */
export function documents(native: Native, { patient }: House): Story {
  const sent: Sent[] = [];
  return {
    async turn(_worker, marker) {
      const path = `/patients/${patient}/records`;
      const body = { kind: 'document', attachment: { content_type: 'text/plain', title: 'letter.txt' } };
      const made = await native.once({ ask: { method: 'POST', path, body }, key: `d-${marker}`, status: 201 });
      if (made?.status !== 201) return false;
      const record = made.json.record_id as string;
      const bytes = Buffer.from(`${marker} `.repeat(1_000 + ((sent.length * 7_919) % 50_000)));
      const ask = { method: 'POST', path: `${path}/${record}/attachment`, file: { type: 'text/plain', bytes, isSlow: true } };
      const file: Sent = { record, bytes, told: undefined };
      sent.push(file);
      const keyed: Keyed = { ask, key: `f-${marker}`, status: 200 };
      if (sent.length % 2 === 0) file.keyed = keyed;
      file.told = await (file.keyed === undefined ? native.ask(ask, [200]) : native.once(keyed));
      if (file.told?.status !== 200) return false;
      // What begins as whole ends as whole, or is seen to be broken off.
      const read = await native.peek({ method: 'GET', path: ask.path }, [200]);
      if (read?.status === 200 && !read.bytes.equals(bytes))
        native.faults.push(`the file of ${record} was sent as ${read.bytes.length} bytes`);
      return read !== undefined;
    },
    broken: () =>
      each(sent, async (file) => {
        const { record, bytes } = file;
        const told = await native.look(`/patients/${patient}/records/${record}/attachment`, [200, 404]);
        if (told.status === 404) return isTaken(file) ? [`the file of ${record} is gone`] : [];
        return told.bytes.equals(bytes) ? [] : [`the file of ${record} has ${told.bytes.length} of ${bytes.length} bytes, or others`];
      }),
    acknowledged: () => sent.filter(isTaken).length,
  };
}

/** Signatures of notes: one comes of each request, and it is valid. */
export function signatures(native: Native, { patient, signer, login, password }: House): Story {
  const sent: { readonly record: string; readonly keyed: Keyed }[] = [];
  return {
    async turn(_worker, marker) {
      const path = `/patients/${patient}/records`;
      const made = await native.once({
        ask: { method: 'POST', path, body: { kind: 'note', text: marker } },
        key: `n-${marker}`,
        status: 201,
      });
      if (made?.status !== 201) return false;
      const record = made.json.record_id as string;
      const body = { meaning: 'author', login, password };
      const keyed: Keyed = {
        ask: { method: 'POST', path: `/records/${record}/signatures`, body, token: signer },
        key: `s-${marker}`,
        status: 201,
      };
      sent.push({ record, keyed });
      return (await native.once(keyed)) !== undefined;
    },
    broken: () =>
      each(sent, async ({ record, keyed }) => {
        const { json } = await native.look(`/records/${record}/signatures`);
        const found = (json.data as { signature_id: string; status: string }[]).map(({ signature_id: id, status }) => `${id} ${status}`);
        return found.length === 1 && found[0] === `${keyed.told?.json?.signature_id} valid`
          ? []
          : [`${record} has ${found.join()}, was told ${keyed.told?.text}`];
      }),
    acknowledged: () => sent.filter(({ keyed }) => keyed.told?.status === 201).length,
  };
}

type Import = { readonly keyed: Keyed; readonly family: string; readonly wrong: number; seen: number; isDone: boolean };

const lineCount = 500;
/** Of the lines of each other import so many have a birth date that there is not; the others are written wholly or not at all. */
const wrongLines = 10;

/** Imports of patients, one after the other: each line becomes one patient, whatever cuts it, and what it tells only grows. */
export function imports(native: Native): Story {
  const begun: Import[] = [];
  let looking = false;

  async function look(each: Import): Promise<boolean> {
    const id = each.keyed.told?.json?.job_id as string;
    const told = await native.ask({ method: 'GET', path: `/import/${id}` }, [200]);
    if (told?.status !== 200) return told !== undefined;
    const { state, accepted, refused, percent } = told.json;
    if (percent < each.seen) native.faults.push(`the import ${id} went back from ${each.seen} % to ${percent} %`);
    each.seen = percent;
    each.isDone = state !== 'queued' && state !== 'running';
    const isRight = accepted === lineCount - each.wrong && refused === each.wrong && percent === 100;
    if (each.isDone && (state !== 'done' || !isRight)) native.faults.push(`the import ${id} ended as ${told.text}`);
    return true;
  }

  return {
    async turn(_worker, marker) {
      const last = begun.at(-1);
      if (looking) return true;
      looking = true;
      try {
        if (last?.keyed.told !== undefined && !last.isDone) return await look(last);
        const next: Import =
          last?.keyed.told === undefined && last !== undefined ? last : importOf(marker, (begun.length % 2) * wrongLines);
        if (next !== last) begun.push(next);
        return (await native.once(next.keyed)) !== undefined;
      } finally {
        looking = false;
      }
    },
    async broken() {
      const broken: string[] = [];
      const deadline = performance.now() + 90_000;
      for (const one of begun) {
        while (one.keyed.told?.status === 202 && !one.isDone && performance.now() < deadline) {
          await look(one);
          await delay(100);
        }
        if (!one.isDone) broken.push(`${one.keyed.told?.text} has not ended: ${one.seen} %`);
      }
      return [
        ...broken,
        ...(await each(begun, async ({ family, wrong }) => {
          const count = await countOf(native, `family_name=${family}`);
          return count === lineCount - wrong ? [] : [`${count} patients are of the import ${family}`];
        })),
      ];
    },
    acknowledged: () => begun.filter(({ isDone }) => isDone).length,
  };
}

function importOf(family: string, wrong: number): Import {
  const lines = Array.from({ length: lineCount }, (_, n) => ({
    ...person(family),
    email: `${family}-${n}@example.org`,
    ...(n % (lineCount / wrongLines) === 7 && wrong > 0 ? { date_of_birth: '1985-02-30' } : {}),
  }));
  const bytes = Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'));
  const path = `/import?mode=${wrong > 0 ? 'best_effort' : 'all_or_nothing'}`;
  const ask = { method: 'POST', path, file: { type: 'application/x-ndjson', bytes } };
  return { keyed: { ask, key: `i-${family}`, status: 202 }, family, wrong, seen: 0, isDone: false };
}
