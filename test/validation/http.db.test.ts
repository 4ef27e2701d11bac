import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Issue, IssueCode, Severity } from '../../src/fhir/error.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { caseFiles, faultsOf, listOf, profilesOf, textOf } from './case.ts';

/** Every fifth case over HTTP, as a write and by $validate; definitions are stored as a client stores them. */

type Coding = { readonly system?: string; readonly code: string };
type OutcomeIssue = {
  readonly severity: Severity;
  readonly code: IssueCode;
  readonly expression?: readonly string[];
  readonly details: { readonly coding: readonly Coding[]; readonly text: string };
};
type Outcome = { readonly resourceType: string; readonly issue: readonly OutcomeIssue[] };

/** What is never stored, or not under a type's own address. */
const neverStored = /^\{"resourceType":"(?:Parameters|Resource|DomainResource|HumanName|Pat|patient)"/;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 120_000);
afterAll(() => server?.stop());

describe.each(caseFiles())('$name, $spec', (file) => {
  beforeAll(async () => {
    for (const definition of file.definitions ?? []) {
      const id = definition.url.slice(definition.url.lastIndexOf('/') + 1);
      const stored = await server.request('PUT', `/${definition.resourceType}/${id}`, { body: JSON.stringify({ ...definition, id }) });
      if (stored.status !== 201) throw new Error(`${definition.url}: ${stored.status} ${stored.text}`);
    }
  });

  const sample = file.cases
    .filter((_, index) => index % 5 === 0)
    .map((asked) => ({ title: asked.title, asked, text: textOf(file, asked) }))
    .filter(({ text }) => /"resourceType":"[A-Z][A-Za-z]+"/.test(text) && !neverStored.test(text));

  test.each(sample)('$title', async ({ asked, text }) => {
    const type = /"resourceType":"([A-Za-z]+)"/.exec(text)?.[1] ?? '';
    const profiles = profilesOf(file, asked);
    const query = profiles.map((profile) => `?profile=${encodeURIComponent(profile)}`).join('');
    const validated = await server.request('POST', `/${type}/$validate${query}`, { body: text });
    expect([validated.status, validated.text]).toEqual([200, expect.any(String)]);
    expect(faultsOf(asked, issuesOf(validated.json as Outcome))).toEqual([]);

    if (profiles.length > 0) return;
    const written = await server.request('POST', `/${type}`, { body: text });
    const refused = listOf(asked.error).some((each) => !each.startsWith('?'));
    if (refused || asked.valid === true)
      expect([written.status, written.text]).toEqual([refused ? refusal(written.status) : 201, expect.any(String)]);
    if (refused)
      expect(
        faultsOf({ ...asked, warning: undefined, information: undefined } as never, issuesOf(written.json as unknown as Outcome)),
      ).toEqual([]);
  });
});

/** 400 for what isn't shaped as its type says, 422 for the rest. */
function refusal(status: number): number {
  return status === 400 ? 400 : 422;
}

function issuesOf({ issue }: Outcome): Issue[] {
  return issue.map(({ severity, code, expression, details: { coding, text } }) => {
    const [{ code: id } = { code: '' }, rule] = coding;
    return {
      severity,
      code,
      id,
      text,
      ...(expression && { expression }),
      ...(rule?.system !== undefined && { rule: { profile: rule.system, key: rule.code } }),
    };
  });
}
