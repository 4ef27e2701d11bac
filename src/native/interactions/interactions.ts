import type { Detail } from '../error.ts';
import { existing, invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { createView, listView, readView, type Resource } from '../view.ts';
import { type InteractionInput, interactionView } from './interaction-view.ts';
import { outcomeIn, outcomeSystem } from './outcome-view.ts';
import { outcomeHandlers } from './outcomes.ts';

export const interactionHandlers = {
  listInteractions: (request) => listView(interactionView, request),
  createInteraction: create,
  getInteraction: (request) => readView(interactionView, request, request.parameters.path.id ?? ''),
  ...outcomeHandlers,
} as const satisfies Record<string, NativeHandler>;

/** Clocks differ a little. */
const toleranceMs = 300_000;

async function create(request: NativeCall): Promise<NativeAnswer> {
  const input = request.body as InteractionInput;
  const details = faultsOf(input, Date.now());
  const { label, fault } = await outcomeOf(request, input.outcome);
  if (fault !== undefined) details.push(fault);
  // What the first request wrote is answered again, whatever has become of its outcome.
  if (details.length > 0 && request.replay === undefined) throw invalid(details);
  const referring = existing(request, [
    { field: 'patient_id', type: 'Patient', id: input.patient_id },
    { field: 'provider_id', type: 'Practitioner', id: input.provider_id },
  ]);
  return createView(interactionView, referring, { ...input, outcomeLabel: label });
}

/** What happened has begun, and ends after it began. */
function faultsOf({ started_at: started, ended_at: ended }: InteractionInput, now: number): Detail[] {
  const details: Detail[] = [];
  if (Date.parse(started) > now + toleranceMs) details.push({ field: 'started_at', code: 'in_future', message: 'It lies in the future.' });
  if (ended != null && Date.parse(ended) < Date.parse(started))
    details.push({ field: 'ended_at', code: 'too_early', message: 'It is not before started_at.' });
  return details;
}

/** Asked for the server, as callers need no right to read the list to use it. */
async function outcomeOf({ ctx }: NativeCall, code: string | null | undefined): Promise<{ label?: string | undefined; fault?: Detail }> {
  if (code == null) return {};
  const system = (await ctx.conformance.find('CodeSystem', outcomeSystem)) as Resource | undefined;
  const outcome = system === undefined ? undefined : outcomeIn(system, code);
  if (outcome === undefined) return { fault: { field: 'outcome', code: 'unknown', message: 'There is no such outcome. See /outcomes.' } };
  if (!outcome.is_active)
    return { fault: { field: 'outcome', code: 'inactive', message: 'This outcome is not in use any more. See /outcomes.' } };
  return { label: outcome.label };
}
