import { canary, category, numbers, observation } from './matrix-world.ts';

/** Ids that stand for others in each row of the matrix, so that what is asked for there never was before. */
export const standIns = /\b(hh|pp|xx|ww|qq|yy)\b/g;

/** One request of the matrix. */
export type Asked = {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Its pages are read to the end. */
  readonly paged?: boolean;
  /** It tells nobody: whoever sees everything gets the same answer whether there is something or not. */
  readonly mute?: boolean;
  /** It is about all types: to who may see audit events it tells of the requests before it. */
  readonly ofAll?: boolean;
};

const get = (name: string, path: string, more: Partial<Asked> = {}): Asked => ({
  name: `${name}: GET ${path}`,
  method: 'GET',
  path,
  ...more,
});
const post = (name: string, path: string, body: unknown, more: Partial<Asked> = {}): Asked => ({
  name: `${name}: POST ${path}`,
  method: 'POST',
  path,
  body,
  ...more,
});
const bundle = (type: string, entry: readonly object[]) => ({ resourceType: 'Bundle', type, entry });
const reading = (url: string) => ({ request: { method: 'GET', url } });
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const parameters = (...parameter: readonly object[]) => ({ resourceType: 'Parameters', parameter });
const number = `${numbers}|hh-lab-${canary}`;

/** All that asks and changes nothing; `hh` is whom most may not know of, `pa` whom they may; `pp` is pa's and came later, `xx` nobody's. */
export const readings: readonly Asked[] = [
  ...[
    'Patient/hh',
    'Observation/hh-lab',
    'Observation/pp-vit',
    'Condition/pp-con',
    'Encounter/hh-enc',
    'Device/xx-dev',
    'Binary/xx-file',
    'Task/xx-task',
    'Group/xx-group',
    'ValueSet/xx-vs',
  ].flatMap((place) => [
    get('read', `/${place}`),
    get('head', `/${place}`, { method: 'HEAD' }),
    get('read', `/${place}?_summary=true`),
    get('read if none match', `/${place}`, { headers: { 'if-none-match': 'W/"1"' } }),
    get('read if modified', `/${place}`, { headers: { 'if-modified-since': 'Wed, 01 Jan 2098 00:00:00 GMT' } }),
    get('vread', `/${place}/_history/1`),
    get('vread', `/${place}/_history/2`, { mute: true }),
    get('history', `/${place}/_history`),
  ]),
  get('history', '/Observation/_history'),
  get('history', '/Observation/_history?_count=1', { paged: true }),
  get('history', '/Observation/_history?_summary=count'),
  get('history', '/Patient/_history?_since=2020-01-01'),
  get('history', '/_history?_count=500', { ofAll: true }),
  get('history', '/_history?_count=25', { paged: true, ofAll: true }),
  get('search', '/Observation'),
  get('search', '/Patient'),
  get('search', '/Observation?_count=1', { paged: true }),
  get('search', '/Observation?_count=2&_total=accurate', { paged: true }),
  get('search', '/?_type=Patient,Observation,Condition&_count=3', { paged: true }),
  get('search', '/?_lastUpdated=ge2020&_count=5', { paged: true, ofAll: true }),
  get('search', '/Patient/pa/Observation'),
  get('search', '/Patient/pa/*', { ofAll: true }),
  get('search', '/Patient/hh/Observation'),
  get('search', '/Patient/hh/*?_lastUpdated=ge2020', { ofAll: true }),
  get('search', '/Encounter/hh-enc/Observation'),
  get('search', '/Practitioner/other-doc/Observation'),
  post('search', '/Observation/_search', 'subject=Patient/hh', { headers: form }),
  post('search', '/Patient/_search', `name=${canary}`, { headers: form }),
  ...[
    'Patient?_id=hh',
    `Patient?identifier=${numbers}|hh-${canary}`,
    `Patient?family=${canary}`,
    `Patient?family:exact=${canary}`,
    `Patient?name:contains=hidde`,
    `Patient?phone=555-${canary}`,
    'Patient?birthdate=1970-05-06',
    'Patient?birthdate=lt1980',
    'Patient?general-practitioner=Practitioner/other-doc',
    'Observation?patient=hh',
    'Observation?patient=pa,hh',
    'Observation?subject=Patient/hh',
    `Observation?identifier=${number}`,
    `Observation?value-string=${canary}`,
    `Observation?code:text=${canary}`,
    `Observation?category=${category}|vital-signs`,
    'Observation?code:not=http://loinc.org|0000-0',
    'Observation?value-string:missing=false',
    'Observation?focus=Patient/pa',
    'Observation?has-member=Observation/pa-lab',
    'Observation?date=2021-05-06',
    `List?title=${canary}`,
    'Observation?_security=PSY',
    'Observation?_security:not=PSY',
    `MedicationAdministration?identifier=${numbers}|pp-adm-${canary}`,
    'MedicationAdministration?effective-time=2021-05-06&_sort=-effective-time',
    'Task?patient=pa',
    'Device?patient=hh',
    'Device?_lastUpdated=ge2020',
    'Binary?_lastUpdated=ge2020',
    'Group?member=Patient/pa',
  ].map((query) => get('search', `/${query}`)),
  ...[
    `Observation?subject.name=${canary}`,
    `Observation?subject:Patient.family=${canary}`,
    `Observation?patient.identifier=${numbers}|hh-${canary}`,
    `Observation?focus:Patient.name=${canary}`,
    `Observation?has-member:Observation.value-string=${canary}`,
    `Observation?encounter:Encounter.subject:Patient.name=${canary}`,
    `Observation?has-member:Observation.subject:Patient.name=${canary}`,
    `Encounter?subject:Patient.general-practitioner:Practitioner.name=Other`,
    `Observation?derived-from:Observation.performer:Practitioner.name=Other`,
  ].map((query) => get('chain', `/${query}`)),
  ...[
    `Patient?_has:Observation:patient:value-string=${canary}`,
    `Patient?_has:Observation:focus:status=final`,
    `Patient?_has:Condition:patient:code:text=${canary}`,
    `Observation?_has:Observation:has-member:value-string=${canary}`,
    `Observation?_has:Observation:derived-from:status=final`,
    `Practitioner?_has:Observation:performer:value-string=${canary}`,
    'Practitioner?_has:Encounter:participant:status=finished',
    'Practitioner?_has:Patient:general-practitioner:birthdate=1970-05-06',
    `Organization?_has:Observation:performer:_has:Observation:has-member:value-string=${canary}`,
    'Medication?_has:MedicationRequest:medication:subject=Patient/hh',
    'Location?_has:Encounter:location:subject=Patient/hh',
    'Patient?_has:Group:member:type=person',
    'Patient?_has:MedicationAdministration:patient:status=completed',
    'Medication?_has:MedicationAdministration:medication:effective-time=2021-05-06',
    'Patient?_list=hh-list',
    'Observation?_list=hh-list',
  ].map((query) => get('_has', `/${query}`)),
  ...[
    `Observation?_filter=value-string eq "${canary}"`,
    `Observation?_filter=subject.name eq "${canary}" or status eq preliminary`,
    `Observation?_filter=not (value-string eq Plainly)`,
    `Patient?_filter=family co "${canary}" or gender eq other`,
  ].map((query) => get('filter', `/${encodeURI(query)}`)),
  ...[
    'Observation?_id=pa-lab&_include=*',
    'Observation?_id=pa-lab&_include=Observation:focus',
    'Observation?_id=pa-lab&_include=Observation:has-member',
    'Observation?_id=pa-vit&_include=Observation:derived-from',
    'Observation?_include=Observation:subject&_include=Observation:encounter',
    'MedicationRequest?_include=MedicationRequest:*',
    'Observation?_id=pa-lab,pa-vit&_include:iterate=Observation:has-member&_include:iterate=Observation:derived-from&_include:iterate=Observation:focus',
  ].map((query) => get('include', `/${query}`)),
  ...[
    'Patient?_id=pa&_revinclude=Observation:focus',
    'Patient?_id=pa&_revinclude=MedicationAdministration:patient&_revinclude=Observation:*&_revinclude=Group:member&_revinclude=Task:patient',
    'Observation?_id=pa-lab&_revinclude=Observation:has-member&_revinclude=List:item',
    'Practitioner?_revinclude=Observation:performer&_revinclude=Encounter:participant',
    'Organization?_revinclude=Observation:performer',
    'Patient?_id=pa&_revinclude:iterate=Observation:focus&_revinclude:iterate=Observation:has-member&_include:iterate=Observation:subject',
  ].map((query) => get('revinclude', `/${query}`)),
  ...[
    'Observation?_sort=value-string',
    'Observation?_sort=-date,_id',
    'Observation?_sort=code,-_lastUpdated',
    'Observation?_sort=subject',
    'Patient?_sort=family',
    'Patient?_sort=-birthdate',
    'Patient?_sort=identifier',
    '?_type=Patient,Observation&_sort=_id',
  ].map((query) => get('sort', `/${query}&_count=2`, { paged: true })),
  ...[
    'Observation?_total=accurate&_count=1',
    'Observation?_total=estimate&_count=1',
    'Observation?_summary=count',
    'Observation?_count=0',
    'Observation?status=final&_summary=count&_total=estimate',
    'Patient?_summary=count',
    '?_type=Patient,Observation,Group&_summary=count',
    `Patient?name=Zq&_total=accurate&_count=1`,
  ].map((query) => get('total', `/${query}`)),
  ...['true', 'text', 'data'].map((mode) => get('summary', `/Observation?_summary=${mode}`)),
  get('summary', '/Patient?_elements=name,identifier'),
  get('contained', '/Medication?_contained=true'),
  get('contained', '/Medication?_contained=both&_containedType=contained'),
  post(
    'batch',
    '',
    bundle('batch', [
      ...[
        'Patient/hh',
        'Observation/hh-lab',
        'Observation/hh-lab/_history/1',
        'Observation/pp-vit',
        'Observation',
        'Patient?_id=hh',
        'Group',
      ].map(reading),
      reading(`Observation?subject.name=${canary}`),
    ]),
  ),
  post('transaction', '', bundle('transaction', [reading('Observation'), reading('Patient?_id=hh')])),
  post('transaction', '', bundle('transaction', [reading('Observation/pa-lab'), reading('Patient/hh')])),
  ...['Patient/hh', 'Patient/pa', 'Patient', 'Encounter/hh-enc', 'Encounter/pa-enc'].map((place) =>
    get('$everything', `/${place}/$everything`),
  ),
  get('$everything', '/Patient/pa/$everything?_count=2', { paged: true }),
  get('$everything', '/Patient/$everything?_count=3', { paged: true }),
  get('$everything', '/Patient/pa/$everything?_type=Observation&start=2020&_since=2020-01-01T00:00:00Z'),
  get('$validate', '/Patient/hh/$validate'),
  get('$validate', '/Observation/hh-lab/$validate'),
  get('$validate', '/Observation/pp-vit/$validate'),
  post(
    '$validate',
    '/Observation/$validate',
    observation('v', 'hh', 'laboratory', 'x', { hasMember: [{ reference: 'Observation/hh-lab' }] }),
    {
      mute: true,
    },
  ),
  post('$validate', '/Observation/hh-lab/$validate', observation('hh-lab', 'pa', 'laboratory', 'x')),
  get('$expand', '/ValueSet/$expand?url=urn:xx-vs'),
  get('$expand', '/ValueSet/xx-vs/$expand'),
  post('$expand', '/ValueSet/$expand', {
    resourceType: 'ValueSet',
    status: 'active',
    compose: { include: [{ valueSet: ['urn:xx-vs'] }, { system: 'urn:xx-cs' }] },
  }),
  get('$validate-code', '/ValueSet/$validate-code?url=urn:xx-vs&system=http://loinc.org&code=4548-4'),
  get('$validate-code', '/ValueSet/xx-vs/$validate-code?system=http://loinc.org&code=4548-4'),
  get('$validate-code', '/CodeSystem/$validate-code?url=urn:xx-cs&code=one'),
  get('$lookup', '/CodeSystem/$lookup?system=urn:xx-cs&code=one'),
  get('$subsumes', '/CodeSystem/$subsumes?system=urn:xx-cs&codeA=one&codeB=two'),
  get('$subsumes', '/CodeSystem/xx-cs/$subsumes?codeA=one&codeB=two'),
  get('$translate', '/ConceptMap/$translate?url=urn:xx-map&system=urn:xx-cs&code=one&source=urn:s&target=urn:t'),
  get('$translate', '/ConceptMap/xx-map/$translate?system=urn:xx-cs&code=one&source=urn:s&target=urn:t'),
  post('$lookup', '/CodeSystem/$lookup', parameters({ name: 'coding', valueCoding: { system: 'urn:xx-cs', code: 'one' } })),
  get('in', '/Observation?code:in=urn:xx-vs'),
  get('in', '/Observation?code:not-in=urn:xx-vs'),
];

const jsonPatch = { 'content-type': 'application/json-patch+json' };
const operation = [{ op: 'replace', path: '/status', value: 'amended' }];
const fhirPathPatch = parameters({
  name: 'operation',
  part: [
    { name: 'type', valueCode: 'replace' },
    { name: 'path', valueString: 'Observation.status' },
    { name: 'value', valueCode: 'amended' },
  ],
});
const mine = (id: string | undefined): object => {
  const { id: _, ...rest } = observation('x', 'pa', 'laboratory', 'mine');
  return id === undefined ? rest : { ...rest, id };
};
const writing = (name: string, method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Asked => ({
  name: `${name}: ${method} ${path}${headers === undefined ? '' : ` ${JSON.stringify(headers)}`}`,
  method,
  path,
  ...(body === undefined ? {} : { body }),
  ...(headers === undefined ? {} : { headers }),
});
const entryOf = (method: string, url: string, resource?: unknown, more: object = {}) => ({
  ...(resource === undefined ? {} : { resource }),
  request: { method, url, ...more },
});

/** All that would change something; `ww` is whom callers may not know of, `qq` is pa's, `yy` nobody's. What is made by them is deleted after each. */
export const writings: readonly Asked[] = [
  ...['ww-lab', 'qq-vit'].flatMap((id) => [
    writing('update', 'PUT', `/Observation/${id}`, mine(id)),
    ...['W/"1"', 'W/"99"'].flatMap((etag) => [
      writing('update', 'PUT', `/Observation/${id}`, mine(id), { 'if-match': etag }),
      writing('patch', 'PATCH', `/Observation/${id}`, operation, { ...jsonPatch, 'if-match': etag }),
      writing('delete', 'DELETE', `/Observation/${id}`, undefined, { 'if-match': etag }),
    ]),
    writing('update', 'PUT', `/Observation/${id}`, mine(id), { 'if-none-match': '*' }),
    writing('patch', 'PATCH', `/Observation/${id}`, operation, jsonPatch),
    writing('patch', 'PATCH', `/Observation/${id}`, [{ op: 'test', path: '/status', value: 'final' }], jsonPatch),
    writing('patch', 'PATCH', `/Observation/${id}`, fhirPathPatch),
    writing('delete', 'DELETE', `/Observation/${id}`),
  ]),
  writing('delete', 'DELETE', '/Patient/ww'),
  writing('delete', 'DELETE', '/Encounter/ww-enc'),
  writing('update', 'PUT', '/Patient/ww', { resourceType: 'Patient', id: 'ww' }),
  writing('update', 'PUT', '/Group/yy-group', { resourceType: 'Group', id: 'yy-group', type: 'person', actual: true }),
  writing('create', 'POST', '/Observation', { ...mine(undefined), subject: { reference: 'Patient/ww' } }),
  writing('create', 'POST', '/Observation', { ...mine(undefined), hasMember: [{ reference: 'Observation/ww-lab' }] }),
  ...[
    `identifier=${numbers}|ww-lab-${canary}`,
    `value-string=${canary}`,
    'subject=Patient/ww',
    `subject.name=${canary}`,
    '_id=qq-vit',
  ].flatMap((criteria) => [
    writing('conditional create', 'POST', '/Observation', mine(undefined), { 'if-none-exist': criteria }),
    writing('conditional update', 'PUT', `/Observation?${criteria}`, mine(undefined)),
    writing('conditional patch', 'PATCH', `/Observation?${criteria}`, operation, jsonPatch),
    writing('conditional delete', 'DELETE', `/Observation?${criteria}`),
    writing('conditional delete', 'DELETE', `/Observation?${criteria}&_count=10`),
  ]),
  writing('conditional create', 'POST', '/Patient', { resourceType: 'Patient' }, { 'if-none-exist': `identifier=${numbers}|ww-${canary}` }),
  writing('conditional update', 'PUT', `/Patient?identifier=${numbers}|ww-${canary}`, { resourceType: 'Patient' }),
  writing('conditional delete', 'DELETE', `/Patient?identifier=${numbers}|ww-${canary}`),
  writing('conditional delete', 'DELETE', `/Condition?code:text=${canary}`),
  ...['batch', 'transaction'].flatMap((type) => [
    ...[
      entryOf('PUT', 'Observation/ww-lab', mine('ww-lab')),
      entryOf('PUT', 'Observation/qq-vit', mine('qq-vit'), { ifMatch: 'W/"1"' }),
      entryOf('DELETE', 'Observation/ww-lab'),
      entryOf('DELETE', 'Patient/ww'),
      entryOf('POST', 'Observation', mine(undefined), { ifNoneExist: `identifier=${numbers}|ww-lab-${canary}` }),
      entryOf('PUT', `Observation?identifier=${numbers}|ww-lab-${canary}`, mine(undefined)),
      entryOf('DELETE', `Observation?value-string=${canary}`),
      entryOf('POST', 'Observation', {
        ...mine(undefined),
        hasMember: [{ reference: `Observation?identifier=${numbers}|ww-lab-${canary}` }],
      }),
      entryOf('POST', 'Observation', { ...mine(undefined), subject: { reference: `Patient?identifier=${numbers}|ww-${canary}` } }),
    ].map((entry) => writing(`${type} of ${entry.request.method} ${entry.request.url}`, 'POST', '', bundle(type, [entry]))),
  ]),
];
