import type { Grant } from '../../authorization/grant.ts';
import { FhirError } from '../../fhir/error.ts';
import type { Answer } from '../../interactions/answer.ts';
import { askCreate, askRead, askUpdate } from '../ask.ts';
import type { components } from '../api-types.ts';
import { NativeError } from '../error.ts';
import { existing, invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { patientOf, type Person, userOf } from '../me.ts';
import { keptOf, partsOf } from '../parts.ts';
import { readAt } from '../versions.ts';
import { documentFrom, listView, parsed, readShown, writtenOnce } from '../view.ts';
import { type Draft, messageView, personIn } from './message-view.ts';

type Schemas = components['schemas'];

export const messageHandlers = {
  listMessages: (request) => listView(messageView, request),
  sendMessage: fromProvider,
  getMessage: (request) => readAt(messageView, request, request.parameters.path.id ?? ''),
  readMessage: markRead,
  listMyMessages: async (request) => listView(messageView, request, [['patient', `Patient/${patientOf(request.grant)}`]]),
  sendMyMessage: fromPatient,
} as const satisfies Record<string, NativeHandler>;

/** A patient, or who acts for him, writes to a provider. */
async function fromPatient(request: NativeCall): Promise<NativeAnswer> {
  const { provider_id: provider, ...input } = request.body as Schemas['MyMessageInput'];
  const patient = patientOf(request.grant);
  const user = userOf(request.grant) ?? { type: 'Patient', id: patient };
  if (user.type !== 'Patient' && user.type !== 'RelatedPerson')
    throw new NativeError('forbidden', 'Only the patient, or who acts for him, writes in his name. Providers write to /messages.');
  const referring = existing(request, [{ field: 'provider_id', type: 'Practitioner', id: provider }]);
  return send(referring, input, { patient, sender: user, recipient: { type: 'Practitioner', id: provider } });
}

/** A provider writes to a patient in his own name; a client without a user says in whose. */
async function fromProvider(request: NativeCall): Promise<NativeAnswer> {
  const { patient_id: patient, provider_id: named, ...input } = request.body as Schemas['MessageInput'];
  const sender = senderOf(request.grant, named ?? undefined);
  const referring = existing(request, [
    { field: 'patient_id', type: 'Patient', id: patient },
    { field: 'provider_id', type: 'Practitioner', id: named },
  ]);
  return send(referring, input, { patient, sender, recipient: { type: 'Patient', id: patient } });
}

function senderOf(grant: Grant, named: string | undefined): Person {
  const user = userOf(grant);
  const isPatients = user?.type === 'Patient' || user?.type === 'RelatedPerson' || grant.scopes.some(({ level }) => level === 'patient');
  if (isPatients) throw new NativeError('forbidden', 'Patients write to /patients/me/messages.');
  if (user !== undefined && named !== undefined && (user.type !== 'Practitioner' || user.id !== named))
    throw new NativeError('forbidden', 'Nobody writes in the name of another provider.');
  if (user !== undefined) return user;
  if (named === undefined)
    throw invalid([{ field: 'provider_id', code: 'required', message: 'It is needed, as the caller is no provider.' }]);
  return { type: 'Practitioner', id: named };
}

type Written = Pick<Schemas['MessageInput'], 'subject' | 'body' | 'in_response_to'>;

function send(
  request: NativeCall,
  { subject, body, in_response_to: parent }: Written,
  people: Pick<Draft, 'patient' | 'sender' | 'recipient'>,
) {
  return writtenOnce(messageView, request, 201, async () => {
    const draft = { ...people, subject, body, sent: new Date().toISOString(), parent: await parentOf(request, parent, people.patient) };
    return askCreate(request, documentFrom(request.ctx, messageView.toResource(draft)));
  });
}

/** What is answered is a message of the same patient that the caller sees. */
async function parentOf(request: NativeCall, id: string | null | undefined, patient: string): Promise<Draft['parent']> {
  if (id == null) return undefined;
  const found = await askRead(request, 'Communication', id).then(
    (answer) => messageView.toView(parsed(answer)),
    (error: unknown) => {
      if (error instanceof FhirError && (error.status === 404 || error.status === 410)) return undefined;
      throw error;
    },
  );
  if (found?.patient_id !== patient)
    throw invalid([{ field: 'in_response_to', code: 'not_found', message: 'There is no such message of this patient.' }]);
  return { id, thread: found.thread_id };
}

/** So often it is tried anew where something was written of the message meanwhile. */
const attemptsMax = 5;

/** Notes when its recipient read it first. */
async function markRead(request: NativeCall): Promise<NativeAnswer> {
  return writtenOnce(messageView, request, 200, async () => {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const answer = await marked(request, request.parameters.path.id ?? '');
      if (answer !== undefined) return answer;
    }
    throw new NativeError('conflict', 'The message was changed at the same time. Try again.');
  });
}

/** @returns undefined where another version came between */
async function marked(request: NativeCall, id: string): Promise<Answer | undefined> {
  const answer = await readShown(messageView, request, id);
  const before = parsed(answer);
  const reader = readerOf(request.grant);
  const isRecipient = partsOf(before.recipient).some((each) => {
    const person = personIn(each);
    return person !== undefined && person.type === reader?.type && person.id === reader.id;
  });
  if (!isRecipient) throw new NativeError('forbidden', 'Only its recipient has read a message.');
  if (before.received !== undefined) return answer;
  const document = documentFrom(request.ctx, { ...keptOf(before), received: new Date().toISOString(), id });
  return askUpdate(request, id, document, `W/"${answer.stamp?.version}"`).catch((error: unknown) => {
    if (error instanceof FhirError && error.status === 412) return undefined;
    throw error;
  });
}

/** Without a user, an app of a patient stands for him. */
function readerOf(grant: Grant): Person | undefined {
  const isPatients = grant.patient !== undefined && grant.scopes.some(({ level }) => level === 'patient');
  return userOf(grant) ?? (isPatients ? { type: 'Patient', id: grant.patient ?? '' } : undefined);
}
