import fc from 'fast-check';
import { type GraphType, type Question, shapes, type Vertex } from './graph-oracle.ts';

/** Random graphs of patients, organizations, visits and measurements, and random questions about them. */

const orgs = 3;
const patients = 4;
const encounters = 5;
const observations = 8;

const place = (set: string, type: GraphType, at: number): string => `${type}/${set}-${type.toLowerCase().slice(0, 3)}-${at}`;
/** One of `count`, often the first, or one that doesn't exist. */
const pick = (count: number) => fc.oneof(fc.constant(0), fc.integer({ min: 0, max: count }));

const families = fc.constantFrom('Aab', 'Aba', 'Baabababababab', 'Bab', 'Baabababababac');
const genders = fc.constantFrom('male', 'female');
const statuses = fc.constantFrom('final', 'amended');
const visitStatuses = fc.constantFrom('planned', 'finished');
const classes = fc.constantFrom('AMB', 'IMP');
const codes = fc.constantFrom('x', 'y', 'z');

/** A graph whose ids begin with the set's name, so that several may be stored side by side. */
export const graphs = (set: string): fc.Arbitrary<readonly Vertex[]> =>
  fc
    .tuple(
      fc.array(fc.record({ name: families, partof: fc.option(pick(orgs)) }), { minLength: orgs, maxLength: orgs }),
      fc.array(
        fc.record({ gender: fc.option(genders), family: families, organization: fc.option(pick(orgs)), link: fc.option(pick(patients)) }),
        { minLength: patients, maxLength: patients },
      ),
      fc.array(fc.record({ status: visitStatuses, class: classes, subject: pick(patients), provider: fc.option(pick(orgs)) }), {
        minLength: encounters,
        maxLength: encounters,
      }),
      fc.array(
        fc.record({
          status: statuses,
          code: codes,
          subject: fc.option(pick(patients)),
          encounter: fc.option(pick(encounters)),
          performers: fc.array(
            fc.oneof(
              pick(patients).map((at) => ['Patient', at] as const),
              pick(orgs).map((at) => ['Organization', at] as const),
            ),
            {
              maxLength: 2,
            },
          ),
          member: fc.option(pick(observations)),
        }),
        { minLength: observations, maxLength: observations },
      ),
    )
    .map(([organizations, persons, visits, measurements]) => {
      const to = (type: GraphType, at: number | null): string[] => (at === null ? [] : [place(set, type, at)]);
      const vertex = (type: GraphType, at: number, values: Vertex['values'], references: Vertex['references']): Vertex => ({
        type,
        id: place(set, type, at).slice(type.length + 1),
        values,
        references,
      });
      return [
        ...organizations.map(({ name, partof }, at) =>
          vertex('Organization', at, { name: [name] }, { partof: to('Organization', partof) }),
        ),
        ...persons.map(({ gender, family, organization, link }, at) =>
          vertex(
            'Patient',
            at,
            { gender: gender === null ? [] : [gender], family: [family], name: [family] },
            { organization: to('Organization', organization), link: to('Patient', link) },
          ),
        ),
        ...visits.map(({ status, class: kind, subject, provider }, at) => {
          const patient = to('Patient', subject);
          return vertex(
            'Encounter',
            at,
            { status: [status], class: [kind] },
            { patient, subject: patient, 'service-provider': to('Organization', provider) },
          );
        }),
        ...measurements.map(({ status, code, subject, encounter, performers, member }, at) => {
          const patient = to('Patient', subject);
          return vertex(
            'Observation',
            at,
            { status: [status], code: [code] },
            {
              patient,
              subject: patient,
              encounter: to('Encounter', encounter),
              performer: performers.map(([type, number]) => place(set, type, number)),
              'has-member': to('Observation', member),
            },
          );
        }),
      ];
    });

/** The vertex as a resource, tagged so that a search can be kept to its set. */
export function resourceOf({ type, id, values, references }: Vertex, set: string): Record<string, unknown> {
  const one = (param: string) => references[param]?.map((reference) => ({ reference }))[0];
  const all = (param: string) => references[param]?.map((reference) => ({ reference }));
  const [status] = values.status ?? [];
  const content: Readonly<Record<GraphType, object>> = {
    Organization: { name: values.name?.[0], partOf: one('partof') },
    Patient: {
      gender: values.gender?.[0],
      name: [{ family: values.family?.[0] }],
      managingOrganization: one('organization'),
      link: all('link')?.map((other) => ({ other, type: 'seealso' })),
    },
    Encounter: { status, class: { code: values.class?.[0] }, subject: one('subject'), serviceProvider: one('service-provider') },
    Observation: {
      status,
      code: { coding: [{ code: values.code?.[0] }] },
      subject: one('subject'),
      encounter: one('encounter'),
      performer: all('performer'),
      hasMember: all('has-member'),
    },
  };
  const resource: Record<string, unknown> = { resourceType: type, id, meta: { tag: [{ code: set }] }, ...content[type] };
  return Object.fromEntries(
    Object.entries(resource).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  );
}

/** What a token of one patient reaches: his compartment, and organizations, which belong to nobody. */
export function isVisible({ type, id, references }: Vertex, patient: string): boolean {
  const names = (param: string): boolean => references[param]?.includes(`Patient/${patient}`) === true;
  switch (type) {
    case 'Organization':
      return true;
    case 'Patient':
      return id === patient || names('link');
    case 'Encounter':
      return names('patient');
    case 'Observation':
      return names('subject') || names('performer');
  }
}

export const types = Object.keys(shapes) as readonly GraphType[];

const valuesOf: Readonly<Record<string, fc.Arbitrary<string>>> = {
  gender: genders,
  family: fc.constantFrom('a', 'ba', 'aab', 'baabababababab', 'baabababababa'),
  name: fc.constantFrom('a', 'ba', 'aab', 'baabababababab', 'baabababababa'),
  code: codes,
  class: classes,
};

function leaves(set: string, type: GraphType): fc.Arbitrary<Question> {
  return fc.constantFrom(...shapes[type].values).chain((param): fc.Arbitrary<Question> => {
    if (param === '_id') {
      return fc.integer({ min: 0, max: 3 }).map((at) => ({ kind: 'leaf', param, values: [place(set, type, at).slice(type.length + 1)] }));
    }
    const value = param === 'status' ? (type === 'Encounter' ? visitStatuses : statuses) : (valuesOf[param] ?? codes);
    const plain = fc.array(value, { minLength: 1, maxLength: 2 }).map((values): Question => ({ kind: 'leaf', param, values }));
    const missing = fc.boolean().map((yes): Question => ({ kind: 'leaf', param, modifier: 'missing', values: [String(yes)] }));
    const modifier = param === 'family' || param === 'name' ? 'contains' : 'not';
    const modified = fc
      .array(modifier === 'contains' ? fc.constantFrom('aba', 'bab', 'ab') : value, { minLength: 1, maxLength: 2 })
      .map((values): Question => ({ kind: 'leaf', param, modifier, values }));
    return fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: missing }, { weight: 2, arbitrary: modified });
  });
}

/** Chains and `_has` of at most so many hops about a type: what a parameter's name can say. */
export function paths(set: string, type: GraphType, hops: number): fc.Arbitrary<Question> {
  const leaf = leaves(set, type);
  if (hops === 0) return leaf;
  const chain = fc.constantFrom(...Object.entries(shapes[type].references)).chain(([param, targets]) =>
    fc.constantFrom(...targets).chain((target) =>
      // Without a type only where one of these types alone may be meant.
      fc
        .tuple(targets.length === 1 && param !== 'has-member' ? fc.boolean() : fc.constant(true), paths(set, target, hops - 1))
        .map(([typed, of]): Question => ({ kind: 'chain', param, of, ...(typed ? { type: target } : {}) })),
    ),
  );
  const pointing = types.flatMap((from) =>
    Object.entries(shapes[from].references).flatMap(([param, targets]) => (targets.includes(type) ? [{ from, param }] : [])),
  );
  const has = fc
    .constantFrom(...pointing)
    .chain(({ from, param }) => paths(set, from, hops - 1).map((of): Question => ({ kind: 'has', type: from, param, of })));
  return fc.oneof(leaf, chain, has);
}

/** What `_filter` can say of them. */
export function filters(set: string, type: GraphType, hops: number): fc.Arbitrary<Question> {
  const path = paths(set, type, hops);
  const pair = fc.array(path, { minLength: 2, maxLength: 3 });
  return fc.oneof(
    fc.tuple(fc.constantFrom('and', 'or'), pair).map(([kind, of]): Question => ({ kind, of })),
    path.map((of): Question => ({ kind: 'not', of })),
    fc.tuple(path, pair).map(
      ([one, two]): Question => ({
        kind: 'or',
        of: [
          { kind: 'not', of: one },
          { kind: 'and', of: two },
        ],
      }),
    ),
  );
}

/** A path as a parameter: `subject:Patient.name=a`. */
export function parameterOf(question: Question): string {
  const [name, value] = nameAndValue(question);
  return `${name}=${encodeURIComponent(value)}`;
}

function nameAndValue(question: Question): [string, string] {
  switch (question.kind) {
    case 'leaf':
      return [`${question.param}${question.modifier === undefined ? '' : `:${question.modifier}`}`, question.values.join(',')];
    case 'chain': {
      const [name, value] = nameAndValue(question.of);
      return [`${question.param}${question.type === undefined ? '' : `:${question.type}`}.${name}`, value];
    }
    case 'has': {
      const [name, value] = nameAndValue(question.of);
      return [`_has:${question.type}:${question.param}:${name}`, value];
    }
    default:
      throw new Error('only _filter combines');
  }
}

/** The same as a `_filter`, with all parentheses. */
export function filterOf(question: Question): string {
  switch (question.kind) {
    case 'not':
      return `not (${filterOf(question.of)})`;
    case 'and':
    case 'or':
      return question.of.map((part) => `(${filterOf(part)})`).join(` ${question.kind} `);
    default:
      return `(${comparison(question, '')})`;
  }
}

function comparison(question: Question, before: string): string {
  if (question.kind === 'chain') {
    return comparison(question.of, `${before}${question.param}${question.type === undefined ? '' : `:${question.type}`}.`);
  }
  if (question.kind === 'has') return comparison(question.of, `${before}_has:${question.type}:${question.param}:`);
  if (question.kind !== 'leaf') throw new Error('a path ends with a comparison');
  const { param, modifier, values } = question;
  const [value = ''] = values;
  if (modifier === 'missing') return `${before}${param} pr ${value === 'true' ? 'false' : 'true'}`;
  const operator = modifier === 'contains' ? 'co' : param === 'family' || param === 'name' ? 'sw' : 'eq';
  return `${before}${param} ${operator} "${value}"`;
}

/** What `filterOf` says of a question: comparisons with the first value alone, and no `:not`. */
export function asFiltered(question: Question): Question {
  switch (question.kind) {
    case 'leaf': {
      const { param, modifier, values } = question;
      return { kind: 'leaf', param, ...(modifier === undefined || modifier === 'not' ? {} : { modifier }), values: values.slice(0, 1) };
    }
    case 'and':
    case 'or':
      return { ...question, of: question.of.map(asFiltered) };
    default:
      return { ...question, of: asFiltered(question.of) };
  }
}
