import { badRequest, FhirError, type Issue, issue } from '../fhir/error.ts';
import type { Decimals, JsonObject } from '../fhir/json.ts';
import { withPositions } from '../fhir/locate.ts';
import type { Answer } from '../interactions/answer.ts';
import type { Context } from '../interactions/context.ts';
import { gravestFirst } from '../interactions/outcomes.ts';
import { assertIfMatch } from '../interactions/preconditions.ts';
import { validatorFor } from '../interactions/validator-for.ts';
import { noRows } from '../storage/filter.ts';
import { type Invocation, type Operation, resourceOf, textOf } from './operation.ts';
import { type Instance, readInstance } from './instance.ts';

const modes = ['create', 'update', 'delete', 'profile'] as const;
type Mode = (typeof modes)[number];

/**
 * Says whether a resource is valid, and whether a create, update or delete of it would be accepted; nothing is written. The answer is 200
 * with an OperationOutcome, whatever it has to say. On an instance, without a resource, it is of the stored one.
 *
 * @see https://hl7.org/fhir/R4/resource-operation-validate.html
 */
export const validateOperation: Operation = {
  code: 'validate',
  definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate',
  type: 'Resource',
  levels: ['type', 'instance'],
  unreadable,
  async run(ctx, invocation) {
    assertConcerned(invocation);
    const mode = modeOf(invocation);
    const instance = await readInstance(ctx, invocation);
    const refusals = mode === undefined ? [] : await refusalsOf(invocation, mode, instance);
    const subject = mode === 'delete' ? undefined : subjectOf(invocation, instance);
    const found = subject === undefined ? [] : await findingsOf(ctx, invocation, subject);
    return { ...outcomeOf([...refusals, ...found], mode), disclosed: instance === undefined ? [] : [instance.row] };
  },
};

/** Faults of the JSON that leave nothing to validate but are told as findings: what was sent is a document all the same. */
function unreadable(error: unknown): Answer | undefined {
  if (!(error instanceof FhirError) || error.status !== 400) return undefined;
  const none = ['json-syntax', 'json-empty', 'json-trailing', 'json-encoding'];
  return error.issues.every(({ id }) => id.startsWith('json-') && !none.includes(id)) ? outcomeOf(error.issues) : undefined;
}

/** Whoever has nothing to do with the type gets no answer about it. @throws FhirError 403 */
function assertConcerned({ call, type }: Invocation): void {
  const letters = ['r', 's', 'c', 'u', 'd'] as const;
  if (type !== undefined && letters.every((letter) => call.access.filter(letter, type) === noRows)) call.access.permit('r', type);
}

function outcomeOf(issues: readonly Issue[], mode?: string): Answer {
  return { status: 200, issues: issues.length === 0 ? [allOk(mode)] : gravestFirst(issues) };
}

function allOk(mode: string | undefined): Issue {
  const text = mode === undefined || mode === 'profile' ? 'No faults were found.' : `No faults were found: the ${mode} would be accepted.`;
  return { severity: 'information', code: 'informational', id: 'validation-ok', text };
}

function modeOf({ args, id }: Invocation): Mode | undefined {
  const asked = textOf(args, 'mode');
  if (asked === undefined) return undefined;
  const mode = modes.find((known) => known === asked);
  if (mode === undefined) throw badRequest('validate-mode', `"mode" is one of ${modes.join(', ')}.`, undefined, 'value');
  if (id === undefined && (mode === 'update' || mode === 'delete')) {
    throw badRequest('validate-mode', `mode=${mode} is of one resource: call $validate at Type/id/$validate.`, undefined, 'value');
  }
  if (id !== undefined && mode === 'create') {
    throw badRequest('validate-mode', 'mode=create is of a new resource: call $validate at Type/$validate.', undefined, 'value');
  }
  return mode;
}

/** What is validated, and where in the body it stands. */
type Subject = { readonly value: JsonObject; readonly decimals: Decimals; readonly path: string; readonly stored: boolean };

function subjectOf({ args, decimals, type, id }: Invocation, instance: Instance | undefined): Subject {
  const sent = resourceOf(args, 'resource');
  if (sent !== undefined) return { ...sent, decimals, stored: false };
  if (instance !== undefined) return { value: instance.value, decimals: instance.decimals, path: '', stored: true };
  throw badRequest(
    'validate-without-resource',
    `$validate needs the resource: POST it to ${type}/$validate, alone or as the parameter "resource".${id === undefined ? '' : ' No stored one is to be seen here.'}`,
    undefined,
    'required',
  );
}

async function findingsOf(ctx: Context, { call, type, args, received }: Invocation, subject: Subject): Promise<readonly Issue[]> {
  const profile = textOf(args, 'profile');
  const found = await validatorFor(ctx, call).validate(subject, profile === undefined ? {} : { profiles: [profile] });
  const { resourceType } = subject.value;
  const misplaced =
    type === undefined || resourceType === undefined || resourceType === type
      ? []
      : [issue('invalid', 'resource-type-mismatch', `The URL names ${type} but the resource is of another type.`, 'Resource')];
  const all = [...misplaced, ...found];
  return received === undefined || subject.stored ? all : withPositions(all, received, subject.path);
}

/** Why the create, update or delete would be refused, whatever the content. */
async function refusalsOf(
  { call, type = '', id, args, ifMatch }: Invocation,
  mode: Mode,
  instance: Instance | undefined,
): Promise<Issue[]> {
  if (mode === 'profile') return [];
  const refusals: Issue[] = [];
  const letter = mode === 'create' ? 'c' : mode === 'update' ? 'u' : 'd';
  const permitted = instance === undefined ? call.access.filter(letter, type) !== noRows : await instance.permits(letter);
  if (!permitted) {
    refusals.push(issue('forbidden', 'scope-insufficient', `The token's scopes don't permit this ${mode}.`));
  }
  if (type === 'AuditEvent' && mode !== 'create') {
    refusals.push(issue('not-supported', 'audit-event-unchangeable', 'An AuditEvent is never changed or deleted. Add a new one instead.'));
  }
  if (mode === 'update' && resourceOf(args, 'resource')?.value.id !== id) {
    refusals.push(issue('invalid', 'id-mismatch', 'The resource has another id than the URL, or none.', `${type}.id`));
  }
  try {
    assertIfMatch(ifMatch, instance?.version);
  } catch (error) {
    if (!(error instanceof FhirError)) throw error;
    refusals.push(...error.issues);
  }
  return refusals;
}
