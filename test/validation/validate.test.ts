import { describe, expect, test } from 'vitest';
import type { Issue } from '../../src/fhir/error.ts';
import type { JsonObject } from '../../src/fhir/json.ts';
import type { ConstraintDef, Schema } from '../../src/fhir/schema.ts';
import type { CompileInvariant } from '../../src/fhirpath/invariant.ts';
import type { CodeChecker, CodeQuestion, CodeVerdict } from '../../src/terminology/verdict.ts';
import type { Profile, Profiles } from '../../src/validation/profile.ts';
import type { ValidationOptions } from '../../src/validation/rules.ts';
import { makeValidator } from '../../src/validation/validate.ts';
import { report } from '../../src/validation/walk.ts';
import { smallSchema } from './small-schema.ts';

const constraint = (key: string, more: Partial<ConstraintDef> = {}): ConstraintDef => {
  return { key, severity: 'error', human: `it is ${key}.`, expression: key, ...more };
};

/** Patient has an invariant of each kind; Coding.code is bound to one value set. */
const schema: Schema = (name) => {
  const type = smallSchema(name);
  if (type === undefined) return undefined;
  if (name === 'Patient') {
    const constraints = [constraint('kept'), constraint('broken'), constraint('best', { severity: 'warning', bestPractice: true })];
    return { ...type, constraints };
  }
  if (name !== 'Coding') return type;
  const elements = new Map(type.elements);
  const code = elements.get('code');
  if (code !== undefined) elements.set('code', { ...code, binding: { strength: 'required', valueSet: 'http://example.org/vs' } });
  return { ...type, elements };
};

/** An expression is the invariant's name: `broken` and `best` don't hold. */
const compileInvariant: CompileInvariant = (expression) => () => expression === 'kept';

const noProfiles: Profiles = { get: () => 'absent', load: () => Promise.resolve(), whyNot: () => undefined };
const allIn: CodeVerdict = { kind: 'in', displays: [] };
const noCodes: CodeChecker = { now: () => allIn, later: (questions) => Promise.resolve(questions.map(() => allIn)) };

type Parts = Partial<Parameters<typeof makeValidator>[0]> & { readonly settings?: Partial<ValidationOptions> };

function validatorOf({ settings, ...parts }: Parts = {}) {
  const options = { unknownProfiles: 'warning' as const, requiredProfiles: new Map(), ...settings };
  const rest = { schema, codes: noCodes, profiles: noProfiles, compileInvariant, prepareLibrary: () => Promise.resolve(), options };
  const { validate } = makeValidator({ ...rest, ...parts });
  return (value: JsonObject, asked?: Parameters<typeof validate>[1]) => validate({ value, decimals: new Map() }, asked);
}

const named = (issues: readonly Issue[]) => issues.map(({ severity, id, expression }) => `${severity} ${id} ${expression?.[0]}`);
const patient = (members: JsonObject = {}): JsonObject => ({ resourceType: 'Patient', ...members });
const coded = (code: string): JsonObject => ({ resourceType: 'Observation', status: 'final', code: { code } });

describe('without anything to load', () => {
  test('the verdict comes at once', () => {
    expect(validatorOf()(coded('a'))).toBeInstanceOf(Array);
  });

  test('an invariant that is broken is told with its key, and best practice by its setting', () => {
    const found = (bestPractice?: ValidationOptions['bestPractice']) => {
      const issues = validatorOf({ settings: bestPractice === undefined ? {} : { bestPractice } })(patient()) as readonly Issue[];
      return issues.map(({ severity, rule }) => `${severity} ${rule?.key}`);
    };
    expect(found()).toEqual(['information dom-6', 'error broken', 'warning best']);
    expect(found('error')).toEqual(['error dom-6', 'error broken', 'error best']);
    expect(found('ignore')).toEqual(['error broken']);
  });
});

describe('what a walk lacks', () => {
  test('the library of FHIRPath is loaded, and the invariant then compiled', async () => {
    let loaded = false;
    const validate = validatorOf({
      compileInvariant: (expression, ...rest) => (loaded ? compileInvariant(expression, ...rest) : undefined),
      prepareLibrary: () => {
        loaded = true;
        return Promise.resolve();
      },
    });
    expect(named(await validate(patient()))).toContain('error invariant-broken Patient');
  });

  test('all codes are asked for in one question, and those of memory in none', async () => {
    const asked: (readonly CodeQuestion[])[] = [];
    const codes: CodeChecker = {
      now: ({ code }) => (code === 'known' ? allIn : undefined),
      later: (questions) => {
        asked.push(questions);
        return Promise.resolve(questions.map(({ code }) => (code === 'bad' ? { kind: 'out', unknown: false } : allIn)));
      },
    };
    const bundle: JsonObject = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: ['good', 'bad', 'known', 'bad'].map((code, at) => ({ fullUrl: `urn:x:${at}`, resource: coded(code) })),
    };
    const issues = await validatorOf({ codes })(bundle);
    expect(asked.map((questions) => questions.map(({ code }) => code))).toEqual([['good', 'bad']]);
    expect(named(issues).filter((each) => each.startsWith('error'))).toEqual([
      'error binding-required Bundle.entry[1].resource.code.code',
      'error binding-required Bundle.entry[3].resource.code.code',
    ]);
  });

  test('a code that nobody can tell of is information, told once', async () => {
    const unchecked: CodeVerdict = { kind: 'unchecked', why: 'The code system http://example.org/cs is not here.' };
    const codes: CodeChecker = { now: () => unchecked, later: () => Promise.resolve([]) };
    const issues = await validatorOf({ codes })({ ...coded('a'), component: [{ code: { code: 'b' }, valueString: 'c' }] });
    expect(named(issues).filter((each) => each.includes('unchecked'))).toEqual(['information binding-unchecked Observation.code.code']);
  });

  test('a code that only groups others is none to be used, and one that is out of use is told of', () => {
    const verdict = (more: object) => ({ now: () => ({ ...allIn, ...more }), later: () => Promise.resolve([]) });
    const found = (more: object) =>
      named(validatorOf({ codes: verdict(more) })(coded('a')) as readonly Issue[]).filter((each) => !each.includes('dom-6'));
    const resource = { ...coded('a'), code: { system: 'http://example.org', code: 'a' } };
    expect(found({})).toEqual(['warning binding-system-missing Observation.code']);
    expect(found({ abstract: true })).toContain('error binding-abstract Observation.code.code');
    const inactive = validatorOf({ codes: verdict({ inactive: true }) })(resource) as readonly Issue[];
    expect(named(inactive)).toContain('warning binding-inactive Observation.code.code');
  });

  test('profiles load round by round, as one names the next, and each is then checked', async () => {
    const here = new Map<string, Profile>();
    const order: string[] = [];
    const chain = (at: number): Profile => ({
      url: `p${at}`,
      type: 'Patient',
      modifier: false,
      parts: [],
      mustSupport: [],
      definition: { url: `p${at}`, name: 'P', kind: 'resource', abstract: false },
      check(walk) {
        if (at === 3) return report(walk, 'invariant', 'profile-end', 'is the end.');
        const next = profiles.get(`p${at + 1}`);
        if (next === undefined) walk.needs.set(`p${at + 1}`, () => profiles.load(`p${at + 1}`));
        else if (next !== 'absent') next.check(walk, {}, {}, 'x');
      },
    });
    const profiles: Profiles = {
      get: (url) => here.get(url),
      load: (url) => {
        order.push(url);
        here.set(url, chain(Number(url.slice(1))));
        return Promise.resolve();
      },
      whyNot: () => undefined,
    };
    const issues = await validatorOf({ profiles })(patient({ meta: { profile: ['p1'] } }));
    expect(order).toEqual(['p1', 'p2', 'p3']);
    expect(named(issues)).toContain('error profile-end Patient');
  });

  test('definitions without end are given up, and that is said', async () => {
    let next = 0;
    const profiles: Profiles = {
      get: () => ({
        url: 'p',
        type: 'Patient',
        modifier: false,
        parts: [],
        mustSupport: [],
        definition: { url: 'p', name: 'P', kind: 'resource', abstract: false },
        check: (walk) => void walk.needs.set(`more ${next++}`, () => Promise.resolve()),
      }),
      load: () => Promise.resolve(),
      whyNot: () => undefined,
    };
    const issues = await validatorOf({ profiles })(patient(), { profiles: ['p'] });
    expect(named(issues).at(-1)).toMatch(/^information profile-unsettled/);
    expect(next).toBeLessThan(20);
  });
});

describe('a profile that no place has', () => {
  const absent = (asked?: readonly string[], settings: Partial<ValidationOptions> = {}, members: JsonObject = {}) =>
    named(validatorOf({ settings })(patient(members), asked === undefined ? {} : { profiles: asked }) as readonly Issue[]).filter((each) =>
      each.includes('profile-unknown'),
    );
  const claim = { meta: { profile: ['http://example.org/p'] } };

  test('is a warning where it is claimed, or an error by the setting', () => {
    expect(absent(undefined, {}, claim)).toEqual(['warning profile-unknown Patient.meta.profile[0]']);
    expect(absent(undefined, { unknownProfiles: 'error' }, claim)).toEqual(['error profile-unknown Patient.meta.profile[0]']);
  });

  test('is an error where it is asked for or required', () => {
    expect(absent(['http://example.org/p'])).toEqual(['error profile-unknown Patient']);
    expect(absent(undefined, { requiredProfiles: new Map([['Patient', ['http://example.org/p']]]) })).toEqual([
      'error profile-unknown Patient',
    ]);
    expect(absent(undefined, { requiredProfiles: new Map([['Observation', ['http://example.org/p']]]) })).toEqual([]);
    expect(absent(['http://example.org/p'], {}, claim)).toEqual(['error profile-unknown Patient.meta.profile[0]']);
  });

  test('is required of a resource by itself, not of what stands in another', () => {
    const settings = { requiredProfiles: new Map([['Patient', ['http://example.org/p']]]) };
    const entry = { fullUrl: 'http://example.org/Patient/1', resource: patient({ id: '1' }) };
    const issues = validatorOf({ settings })({ resourceType: 'Bundle', type: 'collection', entry: [entry] }) as readonly Issue[];
    expect(issues.filter(({ id }) => id === 'profile-unknown')).toEqual([]);
  });
});

describe('many findings', () => {
  test('warnings never keep faults from being told', () => {
    const codes: CodeChecker = {
      now: ({ code }) => (code === 'bad' ? { kind: 'out', unknown: false } : allIn),
      later: () => Promise.resolve([]),
    };
    const component: JsonObject[] = Array.from({ length: 200 }, () => ({ code: { code: 'a' }, valueString: 'b' }));
    const issues = validatorOf({ codes })({ ...coded('a'), component: [...component, { code: { code: 'bad' }, valueString: 'b' }] });
    const found = named(issues as readonly Issue[]);
    expect(found.filter((each) => each.startsWith('warning')).length).toBe(50);
    expect(found.at(-1)).toBe('error binding-required Observation.component[200].code.code');
  });

  test('of faults fifty are told, and that there are more', () => {
    const issues = validatorOf()(patient({ name: Array.from({ length: 200 }, () => ({ wrong: 'a' })) })) as readonly Issue[];
    expect(issues.filter(({ severity }) => severity === 'error')).toHaveLength(51);
    expect(issues.at(-1)?.id).toBe('shape-more');
  });
});
