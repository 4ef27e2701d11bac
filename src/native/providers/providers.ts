import { randomUUID } from 'node:crypto';
import { noRows } from '../../storage/filter.ts';
import { askSearch } from '../ask.ts';
import { NativeError } from '../error.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { given } from '../parts.ts';
import { type Change, transact } from '../transact.ts';
import { readAt } from '../versions.ts';
import { entriesOf, listView, parsed, readShown, type Resource, shown, writtenOnce } from '../view.ts';
import { assertProvider } from './provider-rules.ts';
import { practitionerOf, type Provider, type ProviderInput, providerView, roleFor, specialtyOf } from './provider-view.ts';

export const providerHandlers = {
  listProviders: list,
  createProvider: register,
  getProvider: get,
  replaceProvider: replace,
} as const satisfies Record<string, NativeHandler>;

/** As he was he is shown without a specialty: that is told by roles, which have times of their own. */
async function get(request: NativeCall): Promise<NativeAnswer> {
  const answer = await readAt(providerView, request, request.parameters.path.id ?? '');
  return request.parameters.query.as_of === undefined ? withSpecialty(request, answer) : answer;
}

async function list(request: NativeCall): Promise<NativeAnswer> {
  const answer = await listView(providerView, request);
  const { data, ...rest } = answer.body as { data: Provider[] };
  const roles = await rolesOf(
    request,
    data.map(({ provider_id: id }) => id),
  );
  return { ...answer, body: { data: data.map((provider) => specialised(provider, roles)), ...rest } };
}

/** The Practitioner and, where there is a specialty, his PractitionerRole: both or none. */
function register(request: NativeCall): Promise<NativeAnswer> {
  const input = request.body as ProviderInput;
  assertProvider(input);
  const specialty = given(input.specialty);
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const written = writtenOnce(providerView, request, 201, async () => {
    const role: Change[] =
      specialty === undefined ? [] : [{ method: 'POST', url: 'PractitionerRole', resource: roleFor(fullUrl, specialty) }];
    const practitioner = { method: 'POST', url: 'Practitioner', fullUrl, resource: providerView.toResource(input) } as const;
    const [first] = await transact(request, [practitioner, ...role]);
    return first ?? { status: 201 };
  });
  return written.then((answer) => withSpecialty(request, answer));
}

async function replace(request: NativeCall): Promise<NativeAnswer> {
  const input = request.body as ProviderInput;
  assertProvider(input);
  // Which role he has must be known, or a second one would be made.
  if (!seesRoles(request)) throw new NativeError('forbidden', 'Providers are replaced with a right to search PractitionerRole too.');
  const { path, header } = request.parameters;
  const id = path.id ?? '';
  const before = await readShown(providerView, request, id);
  const role = (await rolesOf(request, [id]))?.get(`Practitioner/${id}`);
  const change = {
    method: 'PUT',
    url: `Practitioner/${id}`,
    ifMatch: header['if-match'] ?? `W/"${before.stamp?.version}"`,
    resource: { ...providerView.toResource(input, parsed(before)), id },
  } as const;
  const [first] = await transact(request, [change, ...roleChange(id, given(input.specialty), role)]);
  return withSpecialty(request, shown(providerView, first ?? { status: 200 }));
}

function roleChange(id: string, specialty: string | undefined, role: Resource | undefined): Change[] {
  if (specialtyOf(role) === specialty) return [];
  const resource = roleFor(`Practitioner/${id}`, specialty, role);
  if (role === undefined) return [{ method: 'POST', url: 'PractitionerRole', resource }];
  const { versionId } = role.meta as { versionId: string };
  return [{ method: 'PUT', url: `PractitionerRole/${role.id as string}`, ifMatch: `W/"${versionId}"`, resource }];
}

async function withSpecialty(request: NativeCall, answer: NativeAnswer): Promise<NativeAnswer> {
  if (answer.body === undefined) return answer;
  const provider = answer.body as Provider;
  return { ...answer, body: specialised(provider, await rolesOf(request, [provider.provider_id])) };
}

type Roles = ReadonlyMap<string, Resource>;

function specialised(provider: Provider, roles: Roles | undefined): Provider {
  const specialty = specialtyOf(roles?.get(`Practitioner/${provider.provider_id}`));
  return specialty === undefined ? provider : { ...provider, specialty };
}

const seesRoles = ({ call }: NativeCall): boolean => call.access.filter('s', 'PractitionerRole') !== noRows;

/** So many roles of one page of practitioners are looked at. */
const rolesMax = 500;

/** The oldest role in force of each practitioner; undefined where the caller may not search roles: then no specialty is told. */
async function rolesOf(request: NativeCall, ids: readonly string[]): Promise<Roles | undefined> {
  if (!seesRoles(request)) return undefined;
  if (ids.length === 0) return new Map();
  const bundle = parsed(
    await askSearch(request, { type: 'PractitionerRole' }, [
      ['practitioner', ids.map((id) => `Practitioner/${id}`).join(',')],
      ['active:not', 'false'],
      ['_sort', '-_lastUpdated'],
      ['_count', String(rolesMax)],
    ]),
  );
  const roles = entriesOf(bundle).filter(({ resourceType }) => resourceType === 'PractitionerRole');
  // What is written last wins: it is the oldest of each.
  return new Map(roles.flatMap((role) => (practitionerOf(role) === undefined ? [] : [[practitionerOf(role) ?? '', role]])));
}
