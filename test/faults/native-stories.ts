import type { Ask, Keyed, Native, Row, Told } from './native-client.ts';

/** One thing that workers do over and over, with what came of it. */
export type Story = {
  /** @param marker  letters that are used once. @returns whether the server answered */
  readonly turn: (worker: string, marker: string) => Promise<boolean>;
  /** Once no more is asked: every word that wasn't kept. */
  readonly broken: () => Promise<string[]>;
  readonly acknowledged: () => number;
};

/** Who there is. */
export type House = {
  readonly patient: string;
  readonly doctor: string;
  readonly colleague: string;
  /** A token of the doctor's, who signs. */
  readonly signer: string;
  /** A token of a provider's who doesn't care for the patient. */
  readonly stranger: string;
  /** A program's, that reads patients. */
  readonly apiKey: string;
  readonly login: string;
  readonly password: string;
};

export const person = (family_name: string) => ({ given_name: 'Ada', family_name, date_of_birth: '1985-12-10' });

/** Does something for each, some at a time. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<readonly string[]>): Promise<string[]> {
  const found: string[] = [];
  for (let at = 0; at < items.length; at += 16) found.push(...(await Promise.all(items.slice(at, at + 16).map(work))).flat());
  return found;
}

/** How many living patients a search finds. */
export const countOf = async ({ look }: Native, query: string): Promise<number> =>
  (await look(`/patients?${query}&total=true&limit=1`)).json.meta.pagination.total as number;

const day = '2031-01-01T00:00:00Z';
const slotAt = (n: number): string => new Date(Date.parse(day) + n * 1_800_000).toISOString();

/** Creates of all kinds under Idempotency-Keys: one resource comes of each. */
export function creates(native: Native, { patient, doctor }: House): Story {
  const now = new Date().toISOString();
  const provider_id = doctor;
  let slot = 0;
  const kinds: readonly ((marker: string) => { readonly path: string; readonly body: object })[] = [
    (marker) => ({ path: '/patients', body: person(marker) }),
    (marker) => ({ path: '/patients', body: { ...person(marker), allergies: [marker], medical_history: [marker] } }),
    (text) => ({ path: `/patients/${patient}/records`, body: { kind: 'note', text, provider_id } }),
    (text) => ({ path: `/patients/${patient}/records`, body: { kind: 'document', text, attachment: textFile(text) } }),
    (notes) => ({ path: '/appointments', body: { patient_id: patient, provider_id, starts_at: slotAt(slot++), notes } }),
    (medication_name) => ({ path: '/medications', body: { patient_id: patient, medication_name } }),
    (body) => ({ path: '/messages', body: { patient_id: patient, provider_id, body } }),
    (note) => ({ path: '/interactions', body: { patient_id: patient, type: 'visit', started_at: now, note } }),
    (name) => ({ path: '/providers', body: { name, specialty: 'Cardiology' } }),
    (label) => ({ path: '/outcomes', body: { code: label.toLowerCase(), label, severity: 'high' } }),
    (test_name) => ({ path: '/lab-results', body: { patient_id: patient, test_name, collected_at: now, result_text: 'clear' } }),
  ];
  const lists = [
    `/patients/${patient}/records?`,
    '/providers?',
    '/outcomes?',
    ...['appointments', 'medications', 'messages', 'interactions', 'lab-results'].map((name) => `/${name}?patient_id=${patient}&`),
  ];
  const sent: { readonly keyed: Keyed; readonly marker: string }[] = [];
  return {
    async turn(_worker, marker) {
      const { path, body } = kinds[sent.length % kinds.length]?.(marker) ?? { path: '/patients', body: person(marker) };
      const keyed: Keyed = { ask: { method: 'POST', path, body }, key: marker, status: 201 };
      sent.push({ keyed, marker });
      const told = await native.once(keyed);
      // An answer that got lost behind the client is asked for again, too.
      if (told !== undefined && sent.length % 4 === 0) await native.once(keyed);
      return told !== undefined;
    },
    async broken() {
      const known = new Map<string, number>();
      for (const list of lists)
        for (const row of await native.rows(list))
          for (const [marker] of JSON.stringify(row).matchAll(/"Q[a-z]+x"/g)) known.set(marker, (known.get(marker) ?? 0) + 1);
      const broken = await each(sent, async ({ keyed: { ask, told }, marker }) => {
        const count = ask.path === '/patients' ? await countOf(native, `family_name=${marker}`) : (known.get(`"${marker}"`) ?? 0);
        return count === 1 ? [] : [`${count} of ${ask.path} ${marker}, ${told?.status}`];
      });
      // What was told then is told now.
      await each(sent.slice(-20), async ({ keyed }) => {
        await native.once(keyed);
        return [];
      });
      return broken;
    },
    acknowledged: () => sent.filter(({ keyed }) => keyed.told?.status === 201).length,
  };
}

const textFile = (text: string) => ({ content_type: 'text/plain', title: 'letter.txt', data: Buffer.from(text).toString('base64') });

type Contest = { readonly name: number; readonly won: { readonly id: string; isGone: boolean }[]; isReopened: boolean };

/** So many at once want the same. */
const rivals = 3;

/** What is given once, asked for by several. @returns whether all were answered */
async function contest({ ask }: Native, { won }: Contest, wanted: Ask, idIn: (row: Row) => string): Promise<boolean> {
  const told = await Promise.all(Array.from({ length: rivals }, () => ask(wanted, [201, 409])));
  won.push(...told.flatMap((each) => (each?.status === 201 ? [{ id: idIn(each.json), isGone: false }] : [])));
  return told.every((each) => each !== undefined);
}

/** Patients with the same e-mail: at most one lives, also where one who had it is deleted and comes back. */
export function contacts(native: Native): Story {
  const contests: Contest[] = [];
  const emailOf = ({ name }: Contest): string => `shared-${name}@example.org`;
  return {
    async turn(_worker, marker) {
      const one: Contest = { name: contests.length, won: [], isReopened: false };
      contests.push(one);
      const post = { method: 'POST', path: '/patients', body: { ...person(marker), email: emailOf(one) } };
      const answered = await contest(native, one, post, ({ patient_id: id }) => id as string);
      const [winner] = one.won;
      if (winner === undefined || one.name % 2 === 0) return answered;
      one.isReopened = true;
      const path = `/patients/${winner.id}`;
      await native.ask({ method: 'DELETE', path, headers: { 'if-match': 'W/"1"' } }, [204]);
      const told = await Promise.all([native.ask(post, [201, 409]), native.ask({ method: 'POST', path: `${path}:restore` }, [200, 409])]);
      return answered && told.every((each) => each !== undefined);
    },
    broken: () =>
      each(contests, async (one) => {
        const living = await countOf(native, `email=${emailOf(one)}`);
        const isRight = living <= 1 && (one.isReopened || one.won.length === living || one.won.length === 0);
        return isRight ? [] : [`${one.won.length} were told to have ${emailOf(one)}, ${living} have it`];
      }),
    acknowledged: () => contests.reduce((count, { won }) => count + won.length, 0),
  };
}

/** Appointments with the same provider at the same time: at most one takes it. */
export function slots(native: Native, { patient, colleague }: House): Story {
  const contests: Contest[] = [];
  return {
    async turn() {
      const one: Contest = { name: contests.length, won: [], isReopened: false };
      contests.push(one);
      const body = { patient_id: patient, provider_id: colleague, starts_at: slotAt(one.name) };
      const answered = await contest(
        native,
        one,
        { method: 'POST', path: '/appointments', body },
        ({ appointment_id: id }) => id as string,
      );
      const [winner] = one.won;
      if (winner === undefined || one.name % 3 !== 0) return answered;
      one.isReopened = true;
      const cancelled = await native.ask({ method: 'DELETE', path: `/appointments/${winner.id}` }, [204]);
      winner.isGone = cancelled?.status === 204;
      return answered && cancelled !== undefined;
    },
    async broken() {
      const rows = await native.rows(`/appointments?provider_id=${colleague}&`);
      const statuses = new Map(rows.map(({ appointment_id: id, status }) => [id as string, status as string]));
      return contests.flatMap(({ name, won, isReopened }) => {
        const at = slotAt(name);
        const taken = rows.filter((row) => Date.parse(row.starts_at) === Date.parse(at) && row.status !== 'cancelled');
        const wrong = won.filter(({ id, isGone }) => {
          const status = statuses.get(id);
          return isGone ? status !== 'cancelled' : status !== 'scheduled' && !(isReopened && status === 'cancelled');
        });
        return [
          ...(taken.length > 1 ? [`${taken.length} at ${at}`] : []),
          ...wrong.map(({ id, isGone }) => `${id} at ${at} is ${statuses.get(id)}, was told to be ${isGone ? 'cancelled' : 'scheduled'}`),
        ];
      });
    },
    acknowledged: () => contests.reduce((count, { won }) => count + won.length, 0),
  };
}

/** What changes nothing: reads, lists, some in vain, by who may and who may not. */
export function lookings({ ask, peek }: Native, { patient, signer, stranger, apiKey }: House): Story {
  let answered = 0;
  return {
    async turn() {
      const looks: readonly Promise<Told | undefined>[] = [
        ask({ method: 'GET', path: `/patients/${patient}` }, [200]),
        ask({ method: 'GET', path: `/patients/${patient}/records` }, [200]),
        ask({ method: 'GET', path: '/patients?family_name=Nobody' }, [200]),
        ask({ method: 'GET', path: '/appointments/none' }, [404]),
        ask({ method: 'GET', path: '/nothing' }, [404]),
        ask({ method: 'POST', path: '/patients', body: {} }, [422, 400]),
        // Whatever is away: rights are neither lost nor gained.
        ask({ method: 'GET', path: `/patients/${patient}`, token: 'none' }, [401]),
        ask({ method: 'GET', path: `/patients/${patient}`, token: signer }, [200]),
        ask({ method: 'GET', path: `/patients/${patient}`, token: stranger }, [404]),
        ask({ method: 'GET', path: `/patients/${patient}`, token: '', headers: { 'x-api-key': apiKey } }, [200]),
        peek({ method: 'GET', path: '/health' }, [200]),
      ];
      const told = (await Promise.all(looks)).filter((each) => each !== undefined);
      answered += told.length;
      return told.length === looks.length;
    },
    broken: () => Promise.resolve([]),
    acknowledged: () => answered,
  };
}
