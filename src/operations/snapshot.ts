import { badRequest, FhirError, issue } from '../fhir/error.ts';
import { assertShaped } from '../interactions/prepare.ts';
import { assertReadable, conformanceFor } from '../interactions/terminology.ts';
import type { Context } from '../interactions/context.ts';
import type { StructureDefinition } from '../fhir/structure-definition.ts';
import { completeSnapshot } from '../validation/snapshot/complete.ts';
import { type Instance, readInstance } from './instance.ts';
import { answerOf, type Invocation, type Operation, resourceOf, textOf } from './operation.ts';

/**
 * A StructureDefinition with a snapshot, made from its differential if it has one.
 *
 * @see https://hl7.org/fhir/R4/structuredefinition-operation-snapshot.html
 */
export const snapshotOperation: Operation = {
  code: 'snapshot',
  definition: 'http://hl7.org/fhir/OperationDefinition/StructureDefinition-snapshot',
  type: 'StructureDefinition',
  levels: ['type', 'instance'],
  async run(ctx, invocation) {
    if (invocation.id === undefined) assertReadable(invocation.call, 'StructureDefinition');
    const instance = await readInstance(ctx, invocation);
    const definition = await definitionOf(ctx, invocation, instance);
    const conformance = conformanceFor(ctx, invocation.call);
    const made =
      definition.derivation === 'constraint' && definition.differential !== undefined
        ? await completeSnapshot(definition, (canonical) => conformance.find('StructureDefinition', canonical))
        : definition;
    return answerOf(made, instance === undefined ? [] : [instance.row]);
  },
};

/** The one that is sent, named by its url, or in the URL. What was sent has the shape of one then, and so has what is stored. */
async function definitionOf(
  ctx: Context,
  { args, call, decimals }: Invocation,
  instance: Instance | undefined,
): Promise<StructureDefinition> {
  const sent = resourceOf(args, 'definition')?.value;
  const url = textOf(args, 'url');
  if ([instance, sent, url].filter((given) => given !== undefined).length !== 1) {
    throw badRequest('operation-parameter', '$snapshot takes one of "definition" and "url", or the instance in the URL.');
  }
  if (sent !== undefined) await assertShaped(ctx, { type: 'StructureDefinition', value: sent, decimals });
  const found: object | undefined =
    instance?.value ?? sent ?? (url === undefined ? undefined : await conformanceFor(ctx, call).find('StructureDefinition', url));
  if (found === undefined) {
    throw new FhirError(404, [issue('not-found', 'definition-unknown', 'No StructureDefinition with this url is known here.')]);
  }
  return found as StructureDefinition;
}
