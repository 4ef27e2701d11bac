import { token, type TokenKey } from '../encryption/token.ts';
import type { Extractor } from '../search/extract.ts';
import { tokensOf } from '../search/holds.ts';
import type { AuditedEvent, AuditKind } from './event.ts';
import { isKind, kindShapes } from './kinds.ts';
import type { AuditRecord, RecordedAgent } from './record.ts';
import { renderEvent } from './render/event.ts';
import { toldOf } from './render/told.ts';

/**
 * A row of ours doesn't hold a token for each thing it can be found by: most of that follows from what kind of event it is. It holds one
 * token for each of three facets instead, and a facet stands for all that every event with it says. What it stands for is found out by
 * rendering events and extracting from them what is extracted from any AuditEvent, so that both always agree.
 */
export type Facets = {
  /** The tokens of a record's facets but for that of who did it. */
  readonly ofEvent: (record: AuditRecord) => readonly bigint[];
  /** The token of the facet that tells of who did it: the same for all that he does. */
  readonly ofAgent: (record: AuditRecord) => bigint;
  /** The ordinary tokens that a row with these facets needn't hold. */
  readonly implied: (record: AuditRecord) => ReadonlySet<bigint>;
  /** For an ordinary token, the facets that stand for it: a row has it if it has the token itself or one of them. */
  readonly standingFor: () => ReadonlyMap<bigint, readonly bigint[]>;
};

type Facet = { readonly name: string; readonly samples: readonly AuditRecord[] };

/** A row has one facet of each family. */
type Family = {
  readonly nameOf: (record: AuditRecord) => string;
  /** All that there can be, each with events that have nothing else in common. */
  readonly all: () => readonly Facet[];
};

export function makeFacets({ key, base, extract }: { readonly key: TokenKey; readonly base: string; readonly extract: Extractor }): Facets {
  const known = new Map<string, { readonly token: bigint; readonly implied: ReadonlySet<bigint> }>();
  const made = new Map<Family, ReadonlyMap<string, Facet['samples']>>();
  let index: ReadonlyMap<bigint, readonly bigint[]> | undefined;

  function facetOf(family: Family, name: string): { readonly token: bigint; readonly implied: ReadonlySet<bigint> } {
    let facet = known.get(name);
    if (facet === undefined) {
      const samples = samplesOf(family).get(name);
      if (samples === undefined) throw new Error('an event has a facet that is not known');
      facet = { token: token(key, 'facet', name), implied: inAll(samples.map(saidBy)) };
      known.set(name, facet);
    }
    return facet;
  }

  function samplesOf(family: Family): ReadonlyMap<string, Facet['samples']> {
    const found = made.get(family) ?? new Map(family.all().map((each) => [each.name, each.samples]));
    made.set(family, found);
    return found;
  }

  function saidBy(record: AuditRecord): ReadonlySet<bigint> {
    const about = { base, patientId: (keyId: string) => keyId, query: Buffer.alloc(0) };
    const resource = JSON.parse(renderEvent(record, { id: 'facet', at: 0 }, about)) as Record<string, unknown>;
    return tokensOf(extract(resource, 'AuditEvent', 'facet').tokens);
  }

  function standingFor(): ReadonlyMap<bigint, readonly bigint[]> {
    if (index !== undefined) return index;
    const perFamily = families.map((family) => {
      const facets = [...samplesOf(family).keys()].map((name) => facetOf(family, name));
      const lists = new Map<bigint, bigint[]>();
      for (const facet of facets) for (const each of facet.implied) lists.set(each, [...(lists.get(each) ?? []), facet.token]);
      return { lists, size: facets.length };
    });
    const all = new Map<bigint, readonly bigint[]>();
    for (const each of new Set(perFamily.flatMap(({ lists }) => [...lists.keys()]))) {
      const lists = perFamily.map(({ lists, size }) => ({ list: lists.get(each) ?? [], size }));
      // What all events say, one family tells alone.
      const whole = lists.filter(({ list, size }) => list.length === size).sort((a, b) => a.size - b.size)[0];
      all.set(each, whole?.list ?? lists.flatMap(({ list }) => list));
    }
    index = all;
    return all;
  }

  const facetsOf = (record: AuditRecord) => families.map((family) => facetOf(family, family.nameOf(record)));
  const unions = new Map<string, ReadonlySet<bigint>>();
  return {
    ofEvent: (record) => [kindFamily, entitiesFamily].map((family) => facetOf(family, family.nameOf(record)).token),
    ofAgent: (record) => facetOf(agentFamily, agentFamily.nameOf(record)).token,
    implied(record) {
      const name = families.map(({ nameOf }) => nameOf(record)).join(' ');
      const union = unions.get(name) ?? new Set(facetsOf(record).flatMap(({ implied }) => [...implied]));
      unions.set(name, union);
      return union;
    },
    standingFor,
  };
}

function inAll([first = new Set(), ...others]: readonly ReadonlySet<bigint>[]): ReadonlySet<bigint> {
  return new Set([...first].filter((each) => others.every((other) => other.has(each))));
}

const outcomes: readonly AuditedEvent['outcome'][] = [0, 4, 8, 12];
const either = [false, true] as const;

/** Two agents that have nothing in common but what is asked for. */
type Has = { readonly user: boolean; readonly token: boolean; readonly roles: boolean; readonly name: boolean; readonly address: boolean };

const bare: RecordedAgent = { purposes: [] };

function agentsWith(has: Has): readonly RecordedAgent[] {
  return ['3fz', '8qk'].map((text, at) => ({
    purposes: [],
    ...(has.user
      ? {
          user: {
            issuer: text,
            subject: text,
            roles: has.roles ? [text] : [],
            ...(has.name ? { name: text } : {}),
            ...(at === 0 ? {} : { fhirUser: 'Organization/8qk' }),
          },
        }
      : {}),
    ...(has.token ? { tokenId: text } : {}),
    ...(has.address ? { address: text } : {}),
    ...(at === 0 ? {} : { client: text }),
  }));
}

const hasOf = ({ user, tokenId, address }: RecordedAgent): Has => ({
  user: user !== undefined,
  token: tokenId !== undefined,
  roles: user !== undefined && user.roles.length > 0,
  name: user?.name !== undefined,
  address: address !== undefined,
});

const agentName = (has: Has): string =>
  `agent ${Object.entries(has)
    .flatMap(([name, is]) => (is ? [name] : []))
    .join(' ')}`;

const allHas = (): readonly Has[] =>
  either.flatMap((user) =>
    either.flatMap((token) =>
      either.flatMap((roles) =>
        either.flatMap((name) => either.map((address) => ({ user, token, roles: user && roles, name: user && name, address }))),
      ),
    ),
  );

/** Kind, whether a patient is concerned, and whether the kind's profile is met. */
const kindFamily: Family = {
  nameOf: (record) => `kind ${record.kind} ${record.patient !== undefined} ${meetsOwn(record)}`,
  all: () =>
    Object.keys(kindShapes)
      .filter(isKind)
      .flatMap((kind) => {
        const records = either.flatMap((patient) =>
          either.flatMap((success) =>
            [0, 1].map((at): AuditRecord => {
              // What a profile needs, and no more; then everything.
              const has = (part: 'data' | 'query'): boolean =>
                at === 1 || (success && kindShapes[kind].profile?.needs.includes(part) === true);
              return {
                kind,
                outcome: success ? 0 : at === 0 ? 4 : 8,
                requestId: `${at}`,
                agent: success
                  ? (agentsWith({ user: at === 1, token: false, roles: false, name: false, address: true })[at] ?? bare)
                  : bare,
                ...(has('data') ? { data: { type: at === 0 ? 'Basic' : 'Organization', id: `${at}` } } : {}),
                ...(has('query') ? { parameters: `${at}` } : {}),
                ...(patient ? { patient: `${at}` } : {}),
              };
            }),
          ),
        );
        return byName(kindFamily, records);
      }),
};

const meetsOwn = (record: AuditRecord): boolean => toldOf(record).profile !== undefined;

/** Outcome, and which entities there are. */
const entitiesFamily: Family = {
  nameOf(record) {
    const { data, query, queryAlone } = toldOf(record);
    return `entities ${record.outcome} ${data} ${query} ${queryAlone}`;
  },
  all: () =>
    byName(
      entitiesFamily,
      outcomes.flatMap((outcome) => either.flatMap((data) => either.flatMap((query) => entitySamples({ outcome, data, query })))),
    ),
};

function entitySamples({
  outcome,
  data,
  query,
}: {
  readonly outcome: AuditedEvent['outcome'];
  readonly data: boolean;
  readonly query: boolean;
}) {
  const sample = (kind: AuditKind, type: string, agent = bare): AuditRecord => ({
    kind,
    outcome,
    requestId: kind,
    agent,
    ...(data ? { data: { type, id: kind } } : {}),
    ...(query ? { parameters: kind } : {}),
  });
  const alone = agentsWith({ user: false, token: false, roles: false, name: false, address: true });
  return [
    sample('vread', 'Basic'),
    { ...sample('application-start', 'Organization'), patient: 'x' },
    ...alone.map((agent, at) => sample(at === 0 ? 'token-issued' : 'token-refused', 'Group', agent)),
  ];
}

/** What is known of who did it. */
const agentFamily: Family = {
  nameOf: ({ agent }) => agentName(hasOf(agent)),
  all: () =>
    byName(
      agentFamily,
      allHas().flatMap((has) => {
        const [one = bare, other = bare] = agentsWith(has);
        return [
          { kind: 'vread', outcome: 4, requestId: 'x', agent: one, patient: 'x' },
          { kind: 'application-start', outcome: 8, requestId: 'y', agent: other },
          { kind: 'token-issued', outcome: 0, requestId: 'z', agent: other, parameters: 'z' },
        ] satisfies AuditRecord[];
      }),
    ),
};

function byName({ nameOf }: Family, records: readonly AuditRecord[]): readonly Facet[] {
  return [...Map.groupBy(records, nameOf)].map(([name, samples]) => ({ name, samples }));
}

const families: readonly Family[] = [kindFamily, entitiesFamily, agentFamily];
