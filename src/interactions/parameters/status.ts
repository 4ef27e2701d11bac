import { notFound } from '../../fhir/error.ts';
import { isRecord } from '../../search/sink.ts';
import { readCurrent } from '../../storage/read.ts';
import { type InForce, readParameterSet } from '../../storage/search-parameters.ts';
import type { Answer } from '../answer.ts';
import type { Call, Context } from '../context.ts';
import { gone, openOne } from '../read.ts';

/**
 * `SearchParameter/{id}/$status`: whether one can search by it, and how far its build is.
 *
 * @returns Parameters with `status`: `inactive` (only stored), `waiting` (for this process to notice, which takes a second at most), `building` (with `done` and `total`
 *          resources), `ready`, `failed` (with `reason`); `skipped` counts resources that could not be read
 */
export async function parameterStatus(ctx: Context, call: Call, id: string): Promise<Answer> {
  const type = 'SearchParameter';
  const filter = call.access.permit('r', type);
  const current = await readCurrent(ctx.reader, { type, id, refKey: ctx.refKeyOf(type, id) }, filter);
  if (current === undefined) throw notFound(type);
  if (current.deleted) throw gone(current);
  const { json } = await openOne(ctx, current);
  const value: unknown = JSON.parse(json.toString('utf8'));
  const active = isRecord(value) && value.status === 'active';
  const inForce = (await readParameterSet(ctx.reader)).parameters.find((each) => each.id === id);
  const parameter = active ? stateOf(ctx, inForce, current.version) : [{ name: 'status', valueCode: 'inactive' }];
  return { status: 200, body: JSON.stringify({ resourceType: 'Parameters', parameter }), disclosed: [current] };
}

function stateOf({ live }: Context, inForce: InForce | undefined, version: number): readonly object[] {
  const status = (valueCode: string): object => ({ name: 'status', valueCode });
  if (inForce === undefined || inForce.version < version) return [status('waiting')];
  const { id, fault, job } = inForce;
  if (fault !== undefined) return [status('failed'), { name: 'reason', valueString: fault }];
  if (job === undefined) {
    // Who is told that it is ready can search by it at once, here at least.
    const known = live.added().find((each) => each.id === id);
    return [status(known?.version === inForce.version && known.building === undefined ? 'ready' : 'waiting')];
  }
  const count = (name: 'done' | 'total' | 'skipped'): object => ({ name, valueInteger: job[name] });
  return [status('building'), count('done'), count('total'), ...(job.skipped === 0 ? [] : [count('skipped')])];
}
