import { badRequest } from '../fhir/error.ts';
import type { JsonObject } from '../fhir/json.ts';
import { assertReadable, terminologyFor } from '../interactions/terminology.ts';
import type { TerminologyOperations } from '../terminology/requests.ts';
import { type Instance, readInstance } from './instance.ts';
import { answerOf, type Invocation, type Level, type Operation } from './operation.ts';

type Ask = (terminology: TerminologyOperations, request: JsonObject) => Promise<JsonObject>;

/**
 * What codes mean, over HTTP. The parameters have been checked by the operation's definition, whose names the requests have; on an
 * instance, that resource stands for the one that would be named.
 *
 * @see https://hl7.org/fhir/R4/terminology-service.html
 */
export const terminologyOperations: readonly Operation[] = [
  operation('expand', 'ValueSet', 'valueSet', (terminology, request) => terminology.expand(request)),
  operation('validate-code', 'ValueSet', 'valueSet', (terminology, request) => terminology.validateCode(request)),
  operation('validate-code', 'CodeSystem', 'codeSystem', (terminology, request) => terminology.validateSystemCode(request)),
  operation('lookup', 'CodeSystem', undefined, (terminology, request) => terminology.lookup(request)),
  operation('subsumes', 'CodeSystem', 'system', (terminology, request) => terminology.subsumes(request)),
  operation('translate', 'ConceptMap', 'conceptMap', (terminology, request) => terminology.translate(request)),
];

type TerminologyType = 'ValueSet' | 'CodeSystem' | 'ConceptMap';

/** @param own  the parameter that the instance in the URL stands for; undefined: it is called on the type alone */
function operation(code: string, type: TerminologyType, own: string | undefined, ask: Ask): Operation {
  const levels: readonly Level[] = own === undefined ? ['type'] : ['type', 'instance'];
  return {
    code,
    definition: `http://hl7.org/fhir/OperationDefinition/${type}-${code}`,
    type,
    levels,
    async run(ctx, invocation) {
      const { call, request } = invocation;
      if (invocation.id === undefined) assertReadable(call, type);
      const instance = own === undefined ? undefined : await readInstance(ctx, invocation);
      const asked = own === undefined || instance === undefined ? request : { ...request, ...instanceAs(invocation, instance, own) };
      return answerOf(await ask(terminologyFor(ctx, call, type), asked), instance === undefined ? [] : [instance.row]);
    },
  };
}

function instanceAs(invocation: Invocation, instance: Instance, own: string): JsonObject {
  if ('url' in invocation.request || own in invocation.request) {
    const text = 'The URL names the resource already: leave it out of the parameters, or call the operation on the type.';
    throw badRequest('operation-parameter', text);
  }
  if (own !== 'system') return { [own]: instance.value };
  const { url, version } = instance.value;
  if (typeof url !== 'string')
    throw badRequest('operation-instance-unsuited', 'This code system has no url, by which its codes are known.');
  return { system: url, ...(typeof version === 'string' ? { version } : {}) };
}
