import type { Detail } from '../error.ts';
import type { NativeCall } from '../handler.ts';
import type { Resource } from '../view.ts';
import type { InteractionInput } from './interaction-view.ts';
import { outcomeIn, outcomeSystem } from './outcome-view.ts';

/** Clocks differ a little. */
const toleranceMs = 300_000;

/** The interaction with the label of its outcome, and what of it the contract's schema can't say. */
export async function checkInteraction(
  request: Pick<NativeCall, 'ctx'>,
  input: InteractionInput,
): Promise<{ readonly labelled: InteractionInput; readonly faults: readonly Detail[] }> {
  const { label, fault } = await outcomeOf(request, input.outcome);
  const faults = faultsOf(input, Date.now());
  return { labelled: { ...input, outcomeLabel: label }, faults: fault === undefined ? faults : [...faults, fault] };
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
async function outcomeOf(
  { ctx }: Pick<NativeCall, 'ctx'>,
  code: string | null | undefined,
): Promise<{ label?: string | undefined; fault?: Detail }> {
  if (code == null) return {};
  const system = (await ctx.conformance.find('CodeSystem', outcomeSystem)) as Resource | undefined;
  const outcome = system === undefined ? undefined : outcomeIn(system, code);
  if (outcome === undefined) return { fault: { field: 'outcome', code: 'unknown', message: 'There is no such outcome. See /outcomes.' } };
  if (!outcome.is_active)
    return { fault: { field: 'outcome', code: 'inactive', message: 'This outcome is not in use any more. See /outcomes.' } };
  return { label: outcome.label };
}
