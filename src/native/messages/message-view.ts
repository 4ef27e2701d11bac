import type { components } from '../api-types.ts';
import type { Person } from '../me.ts';
import { filled, given, idIn, type Part, partsOf, referenceTo, resourceFrom, stampOf, textOf, utcOf, wordsOf } from '../parts.ts';
import type { Resource, View } from '../view.ts';

export type Message = components['schemas']['Message'];

/** A message as it is sent. `thread`: the first message of what it answers. */
export type Draft = {
  readonly patient: string;
  readonly sender: Person;
  readonly recipient: Person;
  readonly subject?: string | null | undefined;
  readonly body: string;
  readonly sent: string;
  readonly parent?: { readonly id: string; readonly thread: string } | undefined;
};

/** `/messages`: a Communication about a patient. */
export const messageView: View<Draft, Message> = {
  type: 'Communication',
  name: 'message',
  shows: [],
  isShown: () => true,
  toView,
  toResource,
  queries: {
    patient_id: (value) => [['patient', `Patient/${value}`]],
    provider_id: (value) => [['_filter', `sender eq "Practitioner/${value}" or recipient eq "Practitioner/${value}"`]],
    thread_id: (value) => [['_filter', `_id eq "${value}" or part-of eq "Communication/${value}"`]],
    unread: (value) => [['received:missing', value]],
    from: (value) => [['sent', `ge${new Date(value).toISOString()}`]],
    to: (value) => [['sent', `lt${new Date(value).toISOString()}`]],
  },
  sort: '-sent',
  path: (id) => `/messages/${id}`,
};

function toView(resource: Resource): Message {
  const id = textOf(resource.id) ?? '';
  const sender = personIn(resource.sender);
  const recipient = personIn(partsOf(resource.recipient)[0]);
  const parent = partsOf(resource.inResponseTo).flatMap((each) => idIn(each, 'Communication') ?? [])[0];
  const thread = partsOf(resource.partOf).flatMap((each) => idIn(each, 'Communication') ?? [])[0];
  const texts = partsOf(resource.payload).flatMap(({ contentString }) => textOf(contentString) ?? []);
  return filled({
    message_id: id,
    patient_id: idIn(resource.subject, 'Patient'),
    sender_kind: sender && kindOf(sender),
    sender_id: sender?.id,
    recipient_kind: recipient && kindOf(recipient),
    recipient_id: recipient?.id,
    subject: wordsOf(resource.topic),
    body: texts.length === 0 ? undefined : texts.join('\n\n'),
    in_response_to: parent,
    // The first one begins its thread; an answer that FHIR wrote need not say which it is in.
    thread_id: thread ?? parent ?? id,
    sent_at: utcOf(resource.sent),
    read_at: utcOf(resource.received),
    ...stampOf(resource),
  }) as Message;
}

/** Whom a reference to a resource of this server names. */
export function personIn(reference: Part[string] | undefined): Person | undefined {
  const [type = '', id = ''] = textOf((reference as Part | undefined)?.reference)?.split('/') ?? [];
  return idIn(reference, type) === id && id !== '' ? { type, id } : undefined;
}

/** `provider`, `patient`, `related_person` */
function kindOf({ type }: Person): string {
  return type === 'Practitioner' ? 'provider' : type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
}

function toResource({ patient, sender, recipient, subject, body, sent, parent }: Draft): Resource {
  const topic = given(subject);
  return resourceFrom({
    resourceType: 'Communication',
    status: 'completed',
    subject: referenceTo('Patient', patient),
    sender: referenceTo(sender.type, sender.id),
    recipient: [referenceTo(recipient.type, recipient.id)],
    topic: topic === undefined ? undefined : { text: topic },
    payload: [{ contentString: body.trim() }],
    inResponseTo: parent === undefined ? undefined : [referenceTo('Communication', parent.id)],
    partOf: parent === undefined ? undefined : [referenceTo('Communication', parent.thread)],
    sent,
  });
}
