import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { category, expectNope, expectRefusal, type Fixture, idsIn, loinc, mrn, observation, startFixture } from './attack-fixture.ts';

let server: Fixture;
beforeAll(async () => {
  server = await startFixture();
});
afterAll(() => server?.stop());

const mine = ['Observation/oa-lab', 'Observation/oa-vit', 'Observation/oa-cross'];
const get = (path: string, token = server.TP) => server.request('GET', path, { token });
const totalOf = async (path: string, token = server.TP): Promise<number> => (await get(path, token)).json.total;

/** Nothing of pb's in the answer, in any entry. */
async function expectNothingOfPb(path: string, token = server.TP): Promise<string[]> {
  const answer = await get(path, token);
  expect(answer.status, answer.text).toBe(200);
  const ids = idsIn(answer);
  for (const hidden of ['Patient/pb', 'Observation/ob', 'Observation/ob-cross', 'EpisodeOfCare/eb']) expect(ids).not.toContain(hidden);
  expect(answer.text).not.toMatch(/Bergstrom|mrn-pb/);
  return ids;
}

describe('one resource', () => {
  test('C29, C30, C31 read or asked for its head is what never was', async () => {
    for (const method of ['GET', 'HEAD']) {
      await expectNope(server, method, '/Patient/pb', '/Patient/nobody', { token: server.TP });
      await expectNope(server, method, '/Observation/ob', '/Observation/nothing', { token: server.TP });
    }
  });

  test('C45, C47 has no history and no versions', async () => {
    await expectNope(server, 'GET', '/Observation/ob/_history', '/Observation/nothing/_history', { token: server.TP });
    await expectNope(server, 'GET', '/Observation/ob/_history/1', '/Observation/nothing/_history/1', { token: server.TP });
    // A version of what is mine now that was another's then.
    await server.request('PUT', '/Observation/moved', { body: observation('moved', 'pb') });
    await server.request('PUT', '/Observation/moved', { body: observation('moved', 'pa') });
    expect((await get('/Observation/moved/_history/2')).status).toBe(200);
    await expectNope(server, 'GET', '/Observation/moved/_history/1', '/Observation/moved/_history/99', { token: server.TP });
    expect((await get('/Observation/moved/_history')).json.entry).toHaveLength(1);
    await server.request('DELETE', '/Observation/moved');
  });

  test('C49 has no compartment', async () => {
    await expectNope(server, 'GET', '/Patient/pb/Observation', '/Patient/nobody/Observation', { token: server.TP });
    await expectNope(server, 'GET', '/Patient/pb/*', '/Patient/nobody/*', { token: server.TP });
  });

  test('C60, C61 tells no version by a condition', async () => {
    const body = observation('ob', 'pa');
    const other = observation('nothing', 'pa');
    for (const version of ['W/"1"', 'W/"99"']) {
      const headers = { 'if-match': version };
      const refused = [
        await server.request('PUT', '/Observation/ob', { token: server.TP, headers, body }),
        await server.request('PUT', '/Observation/nothing', { token: server.TP, headers, body: other }),
      ];
      expect(refused.map(({ status }) => status)).toEqual([404, 404]);
      expect(refused[0]?.text).toBe(refused[1]?.text);
      await expectNope(server, 'DELETE', '/Observation/ob', '/Observation/nothing', { token: server.TP, headers });
      const patch = { token: server.TP, headers: { ...headers, 'content-type': 'application/json-patch+json' }, body: [] };
      await expectNope(server, 'PATCH', '/Observation/ob', '/Observation/nothing', patch);
      await expectNope(server, 'GET', '/Observation/ob', '/Observation/nothing', {
        token: server.TP,
        headers: { 'if-none-match': version },
      });
    }
    expect((await server.request('GET', '/Observation/ob')).json.meta.versionId).toBe('1');
  });

  test('C66 outside the category of the scope is what never was: read, versions, history, includes, batch, $everything', async () => {
    const options = { token: server.TL };
    // The record is the patient's, whom the scope doesn't permit to read; with him, it is the record without what is outside the category.
    expectRefusal(await get('/Patient/pa/$everything', server.TL), 403);
    const scope = `patient/Patient.rs patient/Observation.rs?category=${category}|laboratory`;
    const record = await get('/Patient/pa/$everything', await server.token({ scope, patient: 'pa' }));
    expect(idsIn(record).sort()).toEqual(['Observation/oa-cross', 'Observation/oa-lab', 'Patient/pa']);
    await expectNope(server, 'GET', '/Observation/oa-vit', '/Observation/nothing', options);
    await expectNope(server, 'GET', '/Observation/oa-vit/_history/1', '/Observation/nothing/_history/1', options);
    await expectNope(server, 'GET', '/Observation/oa-vit/_history', '/Observation/nothing/_history', options);
    await server.request('PUT', '/Observation/panel', {
      body: observation('panel', 'pa', 'laboratory', { hasMember: [{ reference: 'Observation/oa-vit' }] }),
    });
    const panel = await get('/Observation?_id=panel&_include=Observation:has-member&_revinclude=Observation:has-member', server.TL);
    expect(idsIn(panel)).toEqual(['Observation/panel']);
    await server.request('DELETE', '/Observation/panel');
    const entry = ['oa-vit', 'nothing'].map((id) => ({ request: { method: 'GET', url: `Observation/${id}` } }));
    const batch = await server.request('POST', '', { token: server.TL, body: { resourceType: 'Bundle', type: 'batch', entry } });
    expect(batch.json.entry.map(({ response }: { response: { status: string } }) => response.status)).toEqual([
      '404 Not Found',
      '404 Not Found',
    ]);
    expect((await get('/Observation/oa-lab', server.TL)).status).toBe(200);
  });
});

describe('a search', () => {
  test('C32, C33 gives only what is mine, however it is asked', async () => {
    expect((await expectNothingOfPb('/Observation')).sort()).toEqual([...mine].sort());
    for (const query of [
      'patient=pb',
      'subject=Patient/pb',
      'subject:Patient=pb',
      `subject=${server.base}/Patient/pb`,
      'patient=Patient/pb',
    ])
      expect(await expectNothingOfPb(`/Observation?${query}`)).toEqual([]);
    expect((await expectNothingOfPb('/Observation?patient=pa,pb')).sort()).toEqual([...mine].sort());
    const posted = await server.request('POST', '/Observation/_search', {
      token: server.TP,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'patient=pb',
    });
    expect(posted.json.total).toBe(0);
  });

  test('C34 finds no other patient by id or number', async () => {
    for (const query of ['_id=pb', `identifier=${mrn}|mrn-pb`, 'identifier=mrn-pb', 'name=Bergstrom', 'phone=555-pb', '_id=pb,nobody'])
      expect(await totalOf(`/Patient?${query}`)).toBe(0);
    expect(await totalOf('/Patient?_id=pa,pb')).toBe(1);
  });

  test('C35, C36, C37 includes nothing that could not be read', async () => {
    expect(await expectNothingOfPb('/Observation?_id=oa-cross&_include=Observation:focus')).toEqual(['Observation/oa-cross']);
    expect(await expectNothingOfPb('/Observation?_id=oa-cross&_include=Observation:performer')).toEqual(['Observation/oa-cross']);
    expect((await expectNothingOfPb('/Observation?_id=oa-cross&_include=*')).sort()).toEqual(['Observation/oa-cross', 'Patient/pa']);
    expect(await expectNothingOfPb('/Patient?_id=pa&_revinclude=Observation:focus')).toEqual(['Patient/pa']);
    await expectNothingOfPb('/Patient?_id=pa&_revinclude=Observation:*');
    expect(await expectNothingOfPb('/Encounter?_include=Encounter:episode-of-care')).toEqual(['Encounter/ea']);
    // They are there for whoever may see them.
    expect(idsIn(await server.request('GET', '/Observation?_id=oa-cross&_include=Observation:focus'))).toContain('Patient/pb');
    expect(idsIn(await server.request('GET', '/Encounter?_include=Encounter:episode-of-care'))).toContain('EpisodeOfCare/eb');
  });

  test('C38, C39 by references goes through nothing invisible', async () => {
    const everyone = (query: string) => server.request('GET', `/${query}`).then(({ json }) => json.total);
    const hiv = { code: { coding: [{ system: loinc, code: '75622-1' }] } };
    // pb's Observation points to pa, who is visible: what it says of HIV has no say in whether pa is found.
    await server.request('PUT', '/Observation/ob-hiv', {
      body: observation('ob-hiv', 'pb', 'laboratory', { ...hiv, focus: [{ reference: 'Patient/pa' }] }),
    });
    const clinician = await server.token({ scope: 'user/*.rs', user: 'Practitioner/doc' });
    for (const query of [
      'Patient?_has:Observation:focus:code=75622-1',
      'Patient?_has:Observation:patient:code=75622-1',
      'Patient?_has:Observation:focus:subject.name=Bergstrom',
      'Observation?focus:Patient.name=Bergstrom',
      'Observation?performer:Patient.identifier=mrn-pb',
      'Observation?subject.name=Bergstrom&code=4548-4',
      'Encounter?episode-of-care.status=active',
    ]) {
      expect(await everyone(query), query).toBeGreaterThan(0);
      expect(await totalOf(`/${query}`), query).toBe(0);
      const hers = await get(`/${query}`, clinician);
      expect(hers.status === 200 ? hers.json.total : 0, query).toBe(0);
    }
    await server.request('DELETE', '/Observation/ob-hiv');
  });

  test('C40 by references through a type outside the scope is refused, not evaluated', async () => {
    const patients = await server.token({ scope: 'patient/Patient.rs', patient: 'pa' });
    const readers = await server.token({ scope: 'patient/Patient.rs patient/Observation.r', patient: 'pa' });
    for (const token of [patients, readers]) {
      const refusals: string[] = [];
      for (const code of ['4548-4', '0000-0']) {
        const answer = await get(`/Patient?_has:Observation:patient:code=${code}`, token);
        expectRefusal(answer, 403);
        refusals.push(answer.text);
      }
      expect(refusals[0]).toBe(refusals[1]);
      expectRefusal(await get('/Patient?_filter=_has:Observation:patient:code eq 4548-4'.replaceAll(' ', '%20'), token), 400, 403);
    }
    expectRefusal(await get('/Observation?subject.name=Ahlgren', server.TL), 403);
    expectRefusal(await get('/Observation?patient.name=Bergstrom', server.TSO), 403);
  });

  test('C69 under a scope whose parameter is not ready is refused, never without its bound', async () => {
    const flag = (rest: object) => ({
      resourceType: 'SearchParameter',
      id: 'flag',
      url: 'http://example.org/fhir/SearchParameter/flag',
      name: 'Flag',
      description: 'A flag',
      code: 'flag',
      base: ['Observation'],
      type: 'token',
      expression: "Observation.extension.where(url = 'http://example.org/flag').value.ofType(code)",
      status: 'active',
      ...rest,
    });
    const extension = [{ url: 'http://example.org/flag', valueCode: 'shown' }];
    await server.request('PUT', '/Observation/oa-flag', { body: observation('oa-flag', 'pa', 'survey', { extension }) });
    const token = await server.token({ scope: 'patient/Observation.rs?flag=shown', patient: 'pa' });
    const seen = async (): Promise<string> => {
      const answer = await get('/Observation', token);
      const one = await get('/Observation/oa-lab', token);
      expect([403, 404]).toContain(one.status);
      if (answer.status === 200) return idsIn(answer).sort().join();
      expectRefusal(answer, 403);
      return '403';
    };
    expect(await seen()).toBe('403');
    const ready = async (rest: object, expected: string) => {
      const { status, text } = await server.request('PUT', '/SearchParameter/flag', { body: flag(rest) });
      expect([200, 201], text).toContain(status);
      const states = new Set<string>();
      await expect
        .poll(
          async () => {
            const state = await seen();
            states.add(state);
            return state;
          },
          { timeout: 15_000, interval: 5 },
        )
        .toBe(expected);
      return [...states];
    };
    for (const state of await ready({}, 'Observation/oa-flag')) expect(['403', 'Observation/oa-flag']).toContain(state);
    for (const state of await ready({ status: 'retired' }, '403')) expect(['403', 'Observation/oa-flag']).toContain(state);
    await server.request('DELETE', '/SearchParameter/flag');
    expect(await seen()).toBe('403');
    await server.request('DELETE', '/Observation/oa-flag');
  }, 60_000);

  test('C41, C42 counts what is visible, whatever else there is', async () => {
    const answers = async () => {
      const counts: unknown[] = [];
      for (const query of ['_summary=count', '_total=accurate&_count=1', '_total=estimate&_count=1', `code=${loinc}|4548-4&_count=0`])
        counts.push(await totalOf(`/Observation?${query}`));
      return counts;
    };
    expect(await answers()).toEqual([3, 3, 3, 3]);
    const before = (await get('/Observation?_sort=_lastUpdated')).json.entry;
    const made = await server.request('POST', '/Observation', { body: observation(undefined, 'pb') });
    expect(await answers()).toEqual([3, 3, 3, 3]);
    expect((await get('/Observation?_sort=_lastUpdated')).json.entry).toEqual(before);
    await server.request('DELETE', `/Observation/${made.json.id}`);
  });

  test('C46 of histories lists only visible versions, and no deletion of another', async () => {
    const made = await server.request('POST', '/Observation', { body: observation(undefined, 'pb') });
    await server.request('DELETE', `/Observation/${made.json.id}`);
    for (const path of ['/_history', '/Observation/_history', '/Observation/_history?_since=2020-01-01', '/_history?_count=1000']) {
      const { text } = await get(path);
      expect(text).not.toMatch(new RegExp(`Observation/ob\\b|"id":"pb"|Bergstrom|${made.json.id}`));
      expect(text).toContain('Observation/oa-lab');
    }
  });

  test('C48, C50 of everything gives nothing of others', async () => {
    await expectNope(server, 'GET', '/Patient/pb/$everything', '/Patient/nobody/$everything', { token: server.TP });
    for (const path of ['/?_type=Patient,Observation', '?_type=Patient', '/Patient/$everything'])
      expect((await get(path)).text).not.toMatch(/Bergstrom|"ob"|mrn-pb/);
  });

  test('C63, C64, C65 goes on only for the caller who began it, and only with the link as it was given', async () => {
    const first = await get('/Observation?_count=1', server.TS);
    const next: string = first.json.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    expectRefusal(await server.request('GET', next, { token: null }), 401);
    expectRefusal(await server.request('GET', next, { token: server.TP }), 403);
    expectRefusal(await server.request('GET', next, { token: server.TX }), 403);
    expect((await server.request('GET', next, { token: server.TS })).status).toBe(200);
    const page = new URL(next).searchParams.get('_page') ?? '';
    for (const altered of [page.slice(0, -1), `${page.slice(0, 10)}${page[10] === 'A' ? 'B' : 'A'}${page.slice(11)}`, 'x', '', '%00']) {
      expectRefusal(await server.request('GET', `/Observation?_count=1&_page=${altered}`, { token: server.TS }), 400);
    }
    expectRefusal(await server.request('GET', next.replace('/Observation', '/Patient'), { token: server.TS }), 400);
    const history: string = (await get('/Observation/_history?_count=1', server.TS)).json.link[1].url;
    expectRefusal(await server.request('GET', history, { token: server.TP }), 403);
  });

  test('C67, C68 outside the category of the scope finds nothing, lenient or not', async () => {
    expect(await totalOf(`/Observation?category=${category}|vital-signs`, server.TL)).toBe(0);
    const lenient = await server.request('GET', '/Observation?bogus=1', { token: server.TL, headers: { prefer: 'handling=lenient' } });
    expect(idsIn(lenient).sort()).toEqual(['Observation/oa-cross', 'Observation/oa-lab']);
    expect(await totalOf('/Observation?category:not=laboratory', server.TL)).toBe(0);
    expect(await totalOf('/Observation?_summary=count', server.TL)).toBe(2);
    const broken = await server.token({ scope: 'patient/Observation.rs?bogus=1', patient: 'pa' });
    expectRefusal(await get('/Observation', broken), 400, 403);
  });

  test('C72, C73, C74 of types outside the scope is refused', async () => {
    for (const type of ['AuditEvent', 'Subscription', 'Group', 'OperationDefinition', 'Bundle', 'Parameters'])
      expectRefusal(await get(`/${type}`), 403);
    expectRefusal(await get('/Group/cohort'), 403);
    for (const body of [{ resourceType: 'Organization', name: 'x' }, { resourceType: 'Practitioner' }, { resourceType: 'Location' }])
      expectRefusal(await server.request('POST', `/${body.resourceType}`, { token: server.TP, body }), 403);
    expectRefusal(await get('/Patient/pa', server.TSO), 403);
    expectRefusal(await get('/Patient', server.TSO), 403);
    expect((await get('/Observation/ob', server.TSO)).status).toBe(200);
    expect((await get('/_history', server.TSO)).text).not.toContain('Bergstrom');
  });

  const named: Readonly<Record<string, (id: string, patient?: { reference: string }) => object>> = {
    Device: (id, patient) => ({ resourceType: 'Device', id, manufacturer: 'Bergstrom', patient }),
    Task: (id, patient) => ({ resourceType: 'Task', id, status: 'requested', intent: 'order', description: 'Bergstrom', for: patient }),
    Binary: (id, patient) => ({ resourceType: 'Binary', id, contentType: 'text/plain', data: 'QmVyZ3N0cm9t', securityContext: patient }),
  };

  test.each(Object.entries(named))(
    'C72 of type %s finds those of my record; of others, and of nobody, there never were any',
    async (type, make) => {
      const all = [make('da', { reference: 'Patient/pa' }), make('db', { reference: 'Patient/pb' }), make('dn')];
      for (const [n, body] of all.entries())
        expect((await server.request('PUT', `/${type}/${['da', 'db', 'dn'][n]}`, { body })).status).toBe(201);
      try {
        for (const query of ['', '?_id=da,db,dn,shared-device', '?_lastUpdated=gt2020-01-01']) {
          const found = await get(`/${type}${query}`);
          expect(idsIn(found), query).toEqual([`${type}/da`]);
          expect(found.json.total, query).toBe(1);
        }
        for (const query of ['_id=db', '_id=dn', '_id=shared-device']) expect(await totalOf(`/${type}?${query}`), query).toBe(0);
        for (const hidden of ['db', 'dn'])
          for (const rest of ['', '/_history', '/_history/1'])
            await expectNope(server, 'GET', `/${type}/${hidden}${rest}`, `/${type}/nothing${rest}`, { token: server.TP });
        expect((await get(`/${type}/da`)).status).toBe(200);
        // A scope that doesn't name the type is refused it, whosever they are.
        expectRefusal(await get(`/${type}`, server.TSO), 403);
        expectRefusal(await get(`/${type}/da`, server.TL), 403);
      } finally {
        for (const id of ['da', 'db', 'dn']) await server.request('DELETE', `/${type}/${id}`);
      }
    },
  );

  test('C72 of devices by their patient finds mine', async () => {
    for (const [id, patient] of [
      ['da', 'pa'],
      ['db', 'pb'],
    ] as const)
      await server.request('PUT', `/Device/${id}`, { body: { resourceType: 'Device', id, patient: { reference: `Patient/${patient}` } } });
    await expectNope(server, 'GET', '/Device/shared-device', '/Device/nothing', { token: server.TP });
    for (const query of ['patient=pa,pb', 'patient=Patient/pa']) expect(idsIn(await get(`/Device?${query}`)), query).toEqual(['Device/da']);
    expect(await totalOf('/Device?patient=pb')).toBe(0);
    for (const id of ['da', 'db']) await server.request('DELETE', `/Device/${id}`);
  });
});

describe('a bundle', () => {
  const post = (type: string, entry: readonly object[], token = server.TP) =>
    server.request('POST', '', { token, body: { resourceType: 'Bundle', type, entry } });

  test('C51, C53 is judged entry by entry', async () => {
    const asked = [
      ['Patient/pb', 404],
      ['Patient/nobody', 404],
      ['Patient/pa', 200],
      ['Group/cohort', 403],
      ['Observation/ob', 404],
      ['Observation?patient=pb', 200],
      ['Device', 200],
      ['Device/shared-device', 404],
      ['Device/nobody', 404],
      ['Subscription', 403],
    ] as const;
    const of = (n: number) => asked[n % asked.length] ?? asked[0];
    const answer = await post(
      'batch',
      Array.from({ length: 50 }, (_, n) => ({ request: { method: 'GET', url: of(n)[0] } })),
    );
    expect(answer.status).toBe(200);
    const statuses = answer.json.entry.map(({ response }: { response: { status: string } }) => Number(response.status.slice(0, 3)));
    expect(statuses).toEqual(Array.from({ length: 50 }, (_, n) => of(n)[1]));
    expect(answer.text).not.toMatch(/Bergstrom|"Device"/);
    for (const [hidden, absent] of [
      [0, 1],
      [7, 8],
    ] as const) {
      const [one, other] = [hidden, absent].map((n) =>
        JSON.stringify(answer.json.entry[n]).replaceAll(/Entry \d+|entry\[\d+\]|"valueInteger":\d+/g, ''),
      );
      expect(answer.json.entry[hidden].resource).toBeUndefined();
      expect(one).toBe(other);
    }
  });

  test('C52 of a transaction writes nothing if one entry is forbidden', async () => {
    const good = { resource: observation(undefined, 'pa', 'survey'), request: { method: 'POST', url: 'Observation' } };
    for (const bad of [
      { resource: observation(undefined, 'pb'), request: { method: 'POST', url: 'Observation' } },
      { resource: observation('ob', 'pa'), request: { method: 'PUT', url: 'Observation/ob' } },
      { request: { method: 'GET', url: 'Patient/pb' } },
      { resource: { resourceType: 'Organization', name: 'x' }, request: { method: 'POST', url: 'Organization' } },
    ]) {
      expectRefusal(await post('transaction', [good, bad]), 403, 404);
      expect(await totalOf(`/Observation?category=${category}|survey`)).toBe(0);
    }
    // A deletion of what isn't there changes nothing, and what is hidden isn't there.
    const deletions = await Promise.all(
      ['ob', 'nothing'].map((id) => post('transaction', [{ request: { method: 'DELETE', url: `Observation/${id}` } }])),
    );
    expect(deletions[0]?.json.entry).toEqual(deletions[1]?.json.entry);
    expect((await server.request('GET', '/Observation/ob')).json.meta.versionId).toBe('1');
  });
});

describe('a condition', () => {
  test('C56, C58, C59 matches no patient that is not mine, and says so in one way', async () => {
    for (const method of ['PUT', 'PATCH', 'POST']) {
      const texts: string[] = [];
      for (const number of ['mrn-pb', 'mrn-nobody']) {
        const criteria = `identifier=${mrn}|${number}`;
        const body = method === 'PATCH' ? [] : { resourceType: 'Patient', identifier: [{ system: mrn, value: 'x' }] };
        const answer = await server.request(method, method === 'POST' ? '/Patient' : `/Patient?${criteria}`, {
          token: server.TP,
          body,
          headers: {
            ...(method === 'POST' ? { 'if-none-exist': criteria } : {}),
            ...(method === 'PATCH' ? { 'content-type': 'application/json-patch+json' } : {}),
          },
        });
        expectRefusal(answer, 403, 404);
        texts.push(`${answer.status} ${answer.text}`);
      }
      expect(texts[0]).toBe(texts[1]);
    }
    expect((await server.request('GET', '/Patient/pb')).json.meta.versionId).toBe('1');
    expect((await server.request('GET', '/Patient?_summary=count')).json.total).toBe(2);
  });

  test('C57 deletes what is visible and leaves the rest', async () => {
    const code = { code: { coding: [{ system: loinc, code: 'to-delete' }] } };
    await server.request('POST', '/Observation', { body: observation(undefined, 'pa', 'laboratory', code) });
    const kept = await server.request('POST', '/Observation', { body: observation(undefined, 'pb', 'laboratory', code) });
    const deleted = await server.request('DELETE', '/Observation?code=to-delete', { token: server.TP });
    expect(deleted.status).toBe(200);
    expect((await server.request('GET', '/Observation?code=to-delete')).json.total).toBe(1);
    expect((await server.request('GET', `/Observation/${kept.json.id}`)).status).toBe(200);
    await server.request('DELETE', `/Observation/${kept.json.id}`);
  });

  test('C62 on a subject tells nothing of whether he exists', async () => {
    const answers = await Promise.all(
      ['pb', 'nobody'].map((id) => server.request('POST', '/Observation', { token: server.TP, body: observation(undefined, id) })),
    );
    expectRefusal(answers[0] as never, 403);
    expect(answers[0]?.text).toBe(answers[1]?.text);
    expect(answers[0]?.status).toBe(answers[1]?.status);
  });
});
