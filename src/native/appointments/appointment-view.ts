import type { components } from '../api-types.ts';
import {
  filled,
  given,
  idIn,
  keptOf,
  numberOf,
  type Part,
  partsOf,
  referenceTo,
  resourceFrom,
  stampOf,
  textOf,
  utcOf,
  wordsOf,
} from '../parts.ts';
import type { Resource, View } from '../view.ts';

type Schemas = components['schemas'];
export type AppointmentInput = Schemas['AppointmentInput'];
export type Appointment = Schemas['Appointment'];

/** Our words for R4's codes. */
const statusCodes: Readonly<Record<Schemas['AppointmentStatus'], string>> = {
  requested: 'proposed',
  pending: 'pending',
  scheduled: 'booked',
  checked_in: 'checked-in',
  arrived: 'arrived',
  completed: 'fulfilled',
  cancelled: 'cancelled',
  no_show: 'noshow',
  waitlisted: 'waitlist',
  entered_in_error: 'entered-in-error',
};
const statusWords = new Map(Object.entries(statusCodes).map(([word, code]) => [code, word]));

const minutesDefault = 30;
const minuteMs = 60_000;

/** `/appointments`: an Appointment of one patient with one provider. */
export const appointmentView: View<AppointmentInput, Appointment> = {
  type: 'Appointment',
  name: 'appointment',
  shows: [],
  isShown: () => true,
  toView,
  toResource,
  queries: {
    patient_id: (value) => [['patient', `Patient/${value}`]],
    provider_id: (value) => [['practitioner', `Practitioner/${value}`]],
    from: (value) => [['date', `ge${new Date(value).toISOString()}`]],
    to: (value) => [['date', `lt${new Date(value).toISOString()}`]],
    status: (value) => [['status', Object.hasOwn(statusCodes, value) ? statusCodes[value as Schemas['AppointmentStatus']] : value]],
  },
  sort: 'date',
  path: (id) => `/appointments/${id}`,
};

function toView(resource: Resource): Appointment {
  const start = Date.parse(textOf(resource.start) ?? '');
  const end = Date.parse(textOf(resource.end) ?? '');
  const status = textOf(resource.status) ?? '';
  return filled({
    appointment_id: textOf(resource.id) ?? '',
    patient_id: idOf(actorOf(resource, 'Patient'), 'Patient'),
    provider_id: idOf(actorOf(resource, 'Practitioner'), 'Practitioner'),
    starts_at: utcOf(resource.start),
    ends_at: utcOf(resource.end),
    duration_minutes: Number.isNaN(end - start) ? numberOf(resource.minutesDuration) : (end - start) / minuteMs,
    appointment_type: wordsOf(resource.appointmentType),
    status: statusWords.get(status) ?? status,
    notes: textOf(resource.comment),
    ...stampOf(resource),
  }) as Appointment;
}

const actorOf = (resource: Resource | undefined, type: string): Part | undefined =>
  partsOf(resource?.participant).find(({ actor }) => idIn(actor, type) !== undefined);

const idOf = (participant: Part | undefined, type: string): string | undefined => idIn(participant?.actor, type);

function toResource(input: AppointmentInput, before: Resource | undefined): Resource {
  const start = Date.parse(input.starts_at);
  const minutes = input.duration_minutes ?? minutesDefault;
  const code = statusCodes[input.status ?? 'scheduled'];
  const { cancelationReason, ...kept } = keptOf(before);
  const type = given(input.appointment_type);
  const patient = actorOf(before, 'Patient');
  const provider = actorOf(before, 'Practitioner');
  return resourceFrom({
    ...kept,
    resourceType: 'Appointment',
    status: code,
    // R4 permits a reason to these alone (app-4).
    cancelationReason: code === 'cancelled' || code === 'noshow' ? cancelationReason : undefined,
    appointmentType: type === undefined ? undefined : type === wordsOf(kept.appointmentType) ? kept.appointmentType : { text: type },
    start: instantOf(start),
    end: instantOf(start + minutes * minuteMs),
    minutesDuration: minutes,
    comment: given(input.notes),
    participant: [
      participant('Patient', input.patient_id, patient),
      participant('Practitioner', input.provider_id, provider),
      ...partsOf(before?.participant).filter((each) => each !== patient && each !== provider),
    ],
  });
}

/** Somebody else hasn't said what the one before had. */
function participant(type: string, id: string, before: Part | undefined): object {
  return idOf(before, type) === id && before !== undefined ? before : { actor: referenceTo(type, id), status: 'accepted' };
}

export const instantOf = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');

/** A time of one provider that nobody else can have. */
export type Slot = { readonly provider: string; readonly from: number; readonly until: number };

/** Codes of appointments that take their providers' time. */
export const occupying: readonly string[] = ['pending', 'booked', 'arrived', 'checked-in', 'fulfilled'];

/** The slots that an appointment takes, one for each of its practitioners; those who declined have theirs. */
export function slotsOf(resource: Resource): Slot[] {
  const { from, until } = timeOf(resource);
  if (!occupying.includes(textOf(resource.status) ?? '') || !(from < until)) return [];
  return partsOf(resource.participant).flatMap((each) => {
    const provider = idOf(each, 'Practitioner');
    return provider === undefined || each.status === 'declined' ? [] : [{ provider, from, until }];
  });
}

/** Epoch ms; without an end it lasts as many minutes as it says. NaN: it has no time. */
export function timeOf(resource: Resource): { from: number; until: number } {
  const from = Date.parse(textOf(resource.start) ?? '');
  const end = Date.parse(textOf(resource.end) ?? '');
  return { from, until: Number.isNaN(end) ? from + (numberOf(resource.minutesDuration) ?? minutesDefault) * minuteMs : end };
}
