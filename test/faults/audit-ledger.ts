import { setTimeout as delay } from 'node:timers/promises';
import { type Answers, newAnswers, type Target } from './answers.ts';
import { send } from './ledger.ts';

/** As much of an AuditEvent as is looked at. */
type Event = {
  readonly id: string;
  readonly action?: string;
  readonly outcome: string;
  readonly entity?: readonly { readonly what?: { readonly reference?: string; readonly identifier?: { readonly value: string } } }[];
};
type Page = {
  readonly entry?: readonly { readonly resource: Event }[];
  readonly link: readonly { readonly relation: string; readonly url: string }[];
};

/** @returns  answers without an event, and events of what isn't there; in words, empty if all is well */
export async function brokenAudit(target: Target, { answered }: Answers): Promise<string[]> {
  const events = await eventsOf(target);
  const recorded = new Set(events.flatMap(({ entity = [] }) => entity.flatMap(({ what }) => what?.identifier?.value ?? [])));
  const missing = answered.filter(({ requestId }) => !recorded.has(requestId));
  const claimed = new Set(
    events.flatMap(({ action = '', outcome, entity = [] }) =>
      outcome === '0' && /[CU]/.test(action) ? entity.flatMap(({ what }) => what?.reference ?? []) : [],
    ),
  );
  const versions = [...claimed].filter((reference) => /^[A-Z]\w+\/[^/]+\/_history\/\d+$/.test(reference));
  const absent: string[] = [];
  for (let at = 0; at < versions.length; at += 16) {
    const found = await Promise.all(
      versions.slice(at, at + 16).map(async (version) => ({ version, status: await statusOf(target, version) })),
    );
    absent.push(
      ...found.filter(({ status }) => status !== 200).map(({ version, status }) => `${version} is claimed, and answers ${status}`),
    );
  }
  if (versions.length === 0) absent.push('no event tells of a version');
  return [...missing.map(({ what, requestId }) => `no event of ${what} (${requestId})`), ...absent].slice(0, 50);
}

async function eventsOf(target: Target): Promise<Event[]> {
  const events: Event[] = [];
  let path: string | undefined = '/AuditEvent?_count=1000&_sort=date';
  while (path !== undefined) {
    const page: Page = await pageOf(target, path);
    events.push(...(page.entry ?? []).map(({ resource }) => resource));
    const next: { readonly url: string } | undefined = page.link.find(({ relation }) => relation === 'next');
    path = next === undefined || page.entry === undefined ? undefined : next.url.slice(target.base.length);
  }
  return events;
}

async function pageOf(target: Target, path: string): Promise<Page> {
  for (let again = 0; again < 300; again++) {
    const answer = await send(target, newAnswers(), 'GET', path);
    if (answer?.status === 200) return answer.json as unknown as Page;
    await delay(100);
  }
  throw new Error(`no page of events: ${path}`);
}

async function statusOf(target: Target, reference: string): Promise<number | undefined> {
  return (await send(target, newAnswers(), 'GET', `/${reference}`))?.status;
}
