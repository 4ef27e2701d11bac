import { operatorTrail } from '../../audit/operator.ts';
import { serverAccess } from '../../authorization/server-access.ts';
import { FhirError } from '../../fhir/error.ts';
import type { Call, Context } from '../../interactions/context.ts';
import { askFirst, askSearch } from '../ask.ts';
import { own } from '../extensions.ts';
import { resourceFrom } from '../parts.ts';
import { documentFrom, entriesOf, parsed, type Resource } from '../view.ts';
import { outcomeSystem, withOutcome } from './outcome-view.ts';
import { outcomesId } from './outcomes.ts';

const outcomeCode = 'interaction-outcome';

/** What interactions are found by their outcome with; the server indexes it as any that an administrator adds. */
export const outcomeParameter = { id: 'encounter-interaction-outcome', url: `${own}SearchParameter/encounter-interaction-outcome` };

/**
 * Makes what `/outcomes` and `/interactions` start with, where there is none: a first list of outcomes, which administrators change,
 * and the search parameter of outcomes. Several processes may do so at once, and somebody may add an outcome meanwhile: what is there stays.
 */
export async function prepareOutcomes(ctx: Context): Promise<void> {
  const call: Call = { access: serverAccess('outcomes'), lenient: false, trail: operatorTrail({ kind: 'update' }, 'server') };
  const made = (id: string, resource: Resource) =>
    askFirst({ ctx, call }, id, documentFrom(ctx, { ...resource, id })).catch((error: unknown) => {
      if (!(error instanceof FhirError) || error.status !== 412) throw error;
    });
  if ((await ctx.conformance.find('CodeSystem', outcomeSystem)) === undefined) await made(outcomesId, firstOutcomes());
  // One that is in force needn't be asked for: all starts but the first find it so.
  if (ctx.registry.of('Encounter').params.get(outcomeCode)?.url === outcomeParameter.url) return;
  const stored = await askSearch({ ctx, call }, { type: 'SearchParameter' }, [['url', outcomeParameter.url]]);
  if (entriesOf(parsed(stored)).length === 0) await made(outcomeParameter.id, searchParameter());
}

function firstOutcomes(): Resource {
  const healthy = withOutcome(undefined, 'healthy', { label: 'Healthy', severity: 'none' });
  const monitor = withOutcome(healthy, 'monitor', { label: 'Monitor', severity: 'moderate' });
  return { ...withOutcome(monitor, 'critical', { label: 'Critical', severity: 'critical' }), version: '1' };
}

function searchParameter(): Resource {
  return resourceFrom({
    resourceType: 'SearchParameter',
    ...outcomeParameter,
    version: '1.0.0',
    name: 'EncounterInteractionOutcome',
    status: 'active',
    publisher: 'Anamnesis',
    description: 'The outcome of an interaction.',
    code: outcomeCode,
    base: ['Encounter'],
    type: 'token',
    expression: `Encounter.extension.where(url = '${own}StructureDefinition/interaction-outcome').value.ofType(Coding)`,
  });
}
