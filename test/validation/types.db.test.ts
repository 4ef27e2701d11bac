import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/fhir/json.ts';
import { openTestValidator, type TestValidator } from '../support/validation.ts';

// What the standard says of single types; the cases of test/cases/validation have what more than one type meets.
let validator: TestValidator;
beforeAll(async () => {
  validator = await openTestValidator();
}, 60_000);

const issuesOf = (resource: JsonObject) => validator.validate(JSON.stringify(resource));
const found = async (resource: JsonObject) =>
  (await issuesOf(resource))
    .filter(({ severity }) => severity !== 'information')
    .map(({ severity, id, expression }) => `${severity} ${id} ${expression?.join(' ')}`);

const patient = (members: JsonObject): JsonObject => ({ resourceType: 'Patient', ...members });
const observation = (members: JsonObject): JsonObject => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'a' },
  ...members,
});

describe('URIs', () => {
  test.each<[string, JsonObject, string[]]>([
    ['an OID as URN', patient({ identifier: [{ system: 'urn:oid:1.2.36.146', value: 'a' }] }), []],
    [
      'an OID that is none',
      patient({ identifier: [{ system: 'urn:oid:1.x', value: 'a' }] }),
      ['error uri-oid Patient.identifier[0].system'],
    ],
    ['an OID without urn:', patient({ implicitRules: 'oid:1.2.3' }), ['error uri-scheme Patient.implicitRules']],
    ['a UUID in capitals', patient({ implicitRules: 'urn:uuid:7F9B1E5E-5C0C-4B5E-9A55-2F7B7B1D3C11' }), []],
    ['a UUID cut short', patient({ implicitRules: 'urn:uuid:7f9b1e5e' }), ['error uri-uuid Patient.implicitRules']],
    ['a URN of another kind', patient({ implicitRules: 'urn:iso:std:iso:11073:10101' }), []],
    [
      'a relative canonical',
      { resourceType: 'QuestionnaireResponse', status: 'completed', questionnaire: 'Questionnaire/a' },
      ['warning uri-canonical QuestionnaireResponse.questionnaire'],
    ],
    [
      'a relative system',
      patient({ identifier: [{ system: 'mrn', value: 'a' }] }),
      ['error identifier-system Patient.identifier[0].system'],
    ],
    [
      'a value that is no URI where the system says so',
      patient({ identifier: [{ system: 'urn:ietf:rfc:3986', value: 'a' }] }),
      ['error identifier-uri Patient.identifier[0].value'],
    ],
    ['a value that is one', patient({ identifier: [{ system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2' }] }), []],
  ])('%s', async (_, resource, expected) => {
    expect(await found(resource)).toEqual(expected);
  });
});

describe('ids of elements', () => {
  const names = (...ids: string[]) => ids.map((id) => ({ id, family: 'a' }));

  test('are unique within a resource', async () => {
    expect(await found(patient({ name: names('a', 'b') }))).toEqual([]);
    expect(await found(patient({ name: names('a', 'a') }))).toEqual(['error id-duplicate Patient.name[1].id']);
    expect(await found(patient({ name: names('a'), birthDate: '1970', _birthDate: { id: 'a' } }))).toEqual([
      'error id-duplicate Patient.birthDate.id',
    ]);
  });

  test('a contained resource and an entry have ids of their own', async () => {
    const contained = patient({ id: 'c', name: names('a') });
    const outer = patient({ name: names('a'), contained: [contained], link: [{ other: { reference: '#c' }, type: 'seealso' }] });
    expect(await found(outer)).toEqual([]);
    const entry = ['1', '2'].map((id) => ({ fullUrl: `http://example.org/Patient/${id}`, resource: patient({ id, name: names('a') }) }));
    expect(await found({ resourceType: 'Bundle', type: 'collection', entry })).toEqual([]);
  });
});

describe('attachments', () => {
  const data = Buffer.from('some bytes').toString('base64');
  const hash = createHash('sha1').update('some bytes').digest('base64');
  const photo = (members: JsonObject) => patient({ photo: [{ contentType: 'image/png', ...members }] });

  test('size and hash are those of the data', async () => {
    expect(await found(photo({ data, size: 10, hash }))).toEqual([]);
    expect(await found(photo({ data, size: 16 }))).toEqual(['error attachment-size Patient.photo[0].size']);
    expect(await found(photo({ data, hash: data }))).toEqual(['error attachment-hash Patient.photo[0].hash']);
  });

  test('without data nothing can be told', async () => {
    expect(await found(photo({ url: 'http://example.org/a.png', size: 16, hash: data }))).toEqual([]);
  });
});

describe('codes', () => {
  const GENDER = 'http://hl7.org/fhir/administrative-gender';
  const coding = (members: JsonObject) => observation({ code: { coding: [members] } });

  test('a code that its system, which is here in whole, does not have is an error without any binding', async () => {
    expect(await found(coding({ system: GENDER, code: 'male' }))).toEqual([]);
    expect(await found(coding({ system: GENDER, code: 'femal' }))).toEqual(['error binding-code-unknown Observation.code.coding[0].code']);
    const [issue] = (await issuesOf(coding({ system: GENDER, code: 'femal' }))).filter(({ severity }) => severity === 'error');
    expect(issue?.text).toContain('Did you mean "female" (Female)?');
  });

  test('a display is one of its code, in any case', async () => {
    expect(await found(coding({ system: GENDER, code: 'male', display: 'MALE' }))).toEqual([]);
    expect(await found(coding({ system: GENDER, code: 'male', display: 'Female' }))).toEqual([
      'warning binding-display Observation.code.coding[0]',
    ]);
  });

  test('a system is absolute, and no value set', async () => {
    expect(await found(coding({ system: 'gender', code: 'male' }))).toEqual([
      'error binding-system-relative Observation.code.coding[0].system',
    ]);
    expect(await found(coding({ system: 'http://hl7.org/fhir/ValueSet/administrative-gender', code: 'male' }))).toEqual([
      'error binding-system-value-set Observation.code.coding[0].system',
    ]);
    expect(await found(coding({ code: 'male' }))).toEqual(['warning binding-system-missing Observation.code.coding[0]']);
  });
});

describe('documents', () => {
  const composition: JsonObject = {
    resourceType: 'Composition',
    id: 'c',
    status: 'final',
    type: { text: 'a' },
    date: '2020',
    author: [{ reference: 'Practitioner/1' }],
    title: 'a',
  };
  const document = (...others: JsonObject[]): JsonObject => ({
    resourceType: 'Bundle',
    type: 'document',
    identifier: { system: 'http://example.org', value: 'a' },
    timestamp: '2020-01-01T00:00:00Z',
    entry: [composition, ...others].map((resource, at) => ({
      fullUrl: `http://example.org/${at === 0 ? 'Composition/c' : 'Practitioner/1'}`,
      resource,
    })),
  });

  test('have in them what they refer to', async () => {
    expect(await found(document({ resourceType: 'Practitioner', id: '1', active: true }))).toEqual([]);
    expect(await found(document())).toEqual(['error reference-bundled Bundle.entry[0].resource.author[0].reference']);
  });

  test('a URN is of an entry of its Bundle, whatever the Bundle is', async () => {
    const reference = 'urn:uuid:7f9b1e5e-5c0c-4b5e-9a55-2f7b7b1d3c11';
    const about = { fullUrl: 'http://example.org/Observation/1', resource: observation({ id: '1', subject: { reference } }) };
    const bundle = (...entry: JsonObject[]): JsonObject => ({ resourceType: 'Bundle', type: 'collection', entry });
    expect(await found(bundle(about))).toEqual(['warning reference-bundled Bundle.entry[0].resource.subject.reference']);
    expect(await found(bundle(about, { fullUrl: reference, resource: patient({ active: true }) }))).toEqual([]);
    expect(await found(bundle(about, { fullUrl: reference, resource: { resourceType: 'Bundle', type: 'collection' } }))).toEqual([
      'error reference-target Bundle.entry[0].resource.subject',
    ]);
  });
});

test('no issue tells names, texts, dates, numbers, ids or references of the resource', async () => {
  const secret = 'Qzxvbwkj';
  const resource = patient({
    id: secret,
    meta: { versionId: secret, lastUpdated: `1970-${secret}` },
    text: { status: 'final', div: `<div xmlns="http://www.w3.org/1999/xhtml"><${secret}>${secret}<a href="javascript:${secret}"/></div>` },
    [`${secret} ${secret}`]: secret,
    contained: [{ resourceType: 'Organization', id: secret, name: secret }, { resourceType: secret }],
    identifier: [
      { system: secret, value: secret },
      { system: 'urn:ietf:rfc:3986', value: secret, period: { start: '2020', end: '1987' } },
    ],
    name: [{ use: `${secret} ${secret}`, family: [secret], given: secret, period: { start: secret } }],
    telecom: [{ value: secret, rank: 1987 }],
    birthDate: `1987-${secret}`,
    deceasedBoolean: secret,
    deceasedDateTime: secret,
    multipleBirthInteger: 1987.5,
    maritalStatus: { coding: [{ system: 'http://example.org/codes', code: `${secret} ${secret}`, display: secret }], text: secret },
    photo: [{ data: secret, size: 1987, hash: secret, contentType: `${secret} ${secret}` }],
    generalPractitioner: [{ reference: `Patient/${secret}`, display: secret }, { reference: `#${secret}x` }, { reference: secret }],
    managingOrganization: { reference: `Organization/${secret}?${secret}`, type: `${secret} ${secret}` },
    link: [{ other: { reference: `Observation/${secret}` }, type: 'seealso' }],
  });
  const issues = await issuesOf(resource);
  expect(issues.filter(({ severity }) => severity === 'error').length).toBeGreaterThan(15);
  expect(issues.filter((issue) => JSON.stringify(issue).includes(secret) || JSON.stringify(issue).includes('1987'))).toEqual([]);
});
