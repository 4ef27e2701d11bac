import { FhirError } from '../../fhir/error.ts';
import type { Answer } from '../../interactions/answer.ts';
import { matchUnderLock, parseCriteria } from '../../interactions/conditional.ts';
import { alone } from '../../storage/alone.ts';
import type { components } from '../api-types.ts';
import { askAhead, askFirst, askSearch, askUpdate } from '../ask.ts';
import { invalidRequest } from '../contract-errors.ts';
import { NativeError } from '../error.ts';
import { withGuard } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { textOf } from '../parts.ts';
import { documentFrom, entriesOf, listed, notFound, parsed, type Resource, shown, writtenOnce } from '../view.ts';
import { outcomeIn, outcomesOf, outcomeSystem, outcomeView } from './outcome-view.ts';

type Schemas = components['schemas'];

export const outcomeHandlers = {
  listOutcomes: list,
  createOutcome: create,
  replaceOutcome: replace,
} as const satisfies Record<string, NativeHandler>;

/** The id of the list where it has none yet. */
export const outcomesId = 'interaction-outcome';
/** Of our one-part advisory locks. */
const outcomesLock = 7_213;
/** So often a write is tried anew that one of FHIR went before. */
const attemptsMax = 5;
const outcomesMax = 500;

/** In the order of the list; a cursor is the code that the page before ended with. */
async function list(request: NativeCall): Promise<NativeAnswer> {
  const system = await systemOf(request);
  const { is_active: isActive, limit = 20, cursor, total } = request.parameters.query;
  const all = system === undefined ? [] : outcomesOf(system);
  const start = cursor === undefined ? 0 : all.findIndex(({ code }) => cursorOf(code) === cursor) + 1;
  if (cursor !== undefined && start === 0)
    throw invalidRequest([{ field: 'cursor', code: 'invalid', message: 'It is none that this list gave. Begin at the first page.' }]);
  const isAsked = (each: Schemas['Outcome']): boolean => isActive === undefined || each.is_active === isActive;
  const rest = all.slice(start).filter(isAsked);
  const data = rest.slice(0, Number(limit));
  const last = data.at(-1);
  const next = last === undefined || rest.length === data.length ? null : cursorOf(last.code);
  return listed(request, data, next, total === true ? all.filter(isAsked).length : undefined);
}

const cursorOf = (code: string): string => Buffer.from(code).toString('base64url');

function create(request: NativeCall): Promise<NativeAnswer> {
  const { code, ...input } = request.body as Schemas['OutcomeInput'];
  const view = outcomeView(code);
  return writtenOnce(view, request, 201, () =>
    changing(request, (system) => {
      if (system !== undefined && outcomeIn(system, code) !== undefined) {
        const details = [{ field: 'code', code: 'duplicate', message: 'There is an outcome with this code.' }];
        throw new NativeError('duplicate', 'There is an outcome with this code; see details.', { details });
      }
      if (system !== undefined && outcomesOf(system).length >= outcomesMax)
        throw new NativeError('conflict', `There are ${outcomesMax} outcomes already.`);
      return view.toResource(input, system);
    }),
  );
}

async function replace(request: NativeCall): Promise<NativeAnswer> {
  const view = outcomeView(request.parameters.path.code ?? '');
  const answer = await changing(request, (system) => {
    if (system === undefined || !view.isShown(system)) throw notFound(view.name);
    return view.toResource(request.body as Schemas['OutcomeChange'], system);
  });
  return shown(view, answer);
}

/**
 * Writes the list anew, of the version that the change was made to, one change after the other: what another one changes is not lost.
 * What FHIR changed meanwhile is read again.
 */
async function changing(request: NativeCall, change: (system: Resource | undefined) => Resource): Promise<Answer> {
  const named = request.parameters.header['if-match'];
  const asked = { kind: 'update', data: { type: 'CodeSystem', id: outcomesId } } as const;
  await askAhead(request, asked, ({ access }) => Promise.resolve(access.permit('u', 'CodeSystem')));
  return alone(request.ctx.pool, outcomesLock, async () => {
    for (let attempt = 1; ; attempt++) {
      const system = await systemOf(request);
      const id = textOf(system?.id) ?? outcomesId;
      const { versionId } = (system?.meta ?? {}) as { versionId?: string };
      const document = documentFrom(request.ctx, { ...change(system), id });
      try {
        if (system !== undefined) return await askUpdate(request, id, document, named ?? `W/"${versionId}"`);
        return await askFirst(isFirst(request), id, document);
      } catch (error) {
        const isOvertaken = error instanceof Overtaken || (error instanceof FhirError && error.status === 412 && named === undefined);
        if (!isOvertaken) throw error;
        if (attempt === attemptsMax) throw new Overtaken();
      }
    }
  });
}

/** Nobody else makes the list at once under another id, as FHIR may. */
function isFirst(request: NativeCall): NativeCall {
  const { ctx, call } = request;
  const criteria = parseCriteria(ctx, 'CodeSystem', `url=${encodeURIComponent(outcomeSystem)}`, 'The list');
  return withGuard(request, async (client) => {
    if ((await matchUnderLock(ctx, call, client, criteria)).some(({ id }) => id !== outcomesId)) throw new Overtaken();
  });
}

class Overtaken extends NativeError {
  constructor() {
    super('conflict', 'The outcomes were changed at the same time. Try again.');
  }
}

async function systemOf(request: NativeCall): Promise<Resource | undefined> {
  const bundle = parsed(
    await askSearch(request, { type: 'CodeSystem' }, [
      ['url', outcomeSystem],
      ['_sort', '-_lastUpdated'],
      ['_count', '1'],
    ]),
  );
  return entriesOf(bundle).find(({ resourceType }) => resourceType === 'CodeSystem');
}
