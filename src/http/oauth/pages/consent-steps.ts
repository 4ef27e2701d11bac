import { html } from 'hono/html';
import type { Account, Interaction } from '../interaction.ts';
import { encounterPage, type PatientSearch, patientPage } from './choices.ts';
import { allowsSomething, consentPage, keptScopes } from './consent.ts';
import type { Form } from './forms.ts';
import type { Markup } from './layout.ts';
import { type Answered, type Door, type PagesContext, placeOf, type Visit } from './visit.ts';

/** A door behind which somebody is signed in and an app waits. */
export type ConsentDoor = Door & { readonly interaction: Interaction & { readonly account: Account } };

/** What was chosen so far: forms carry it, and it is looked at anew each time. */
type Chosen = { readonly patient?: string; readonly encounter?: string; readonly fault?: string };

/** The patient, then the visit, then the scopes: whichever is still to be chosen. */
export async function consentStep(ctx: PagesContext, visit: Visit, door: ConsentDoor, chosen: Chosen = {}): Promise<Answered> {
  const { interaction } = door;
  const { account, client } = interaction;
  const patientId = interaction.patient ?? chosen.patient;
  if (interaction.needsPatient && patientId === undefined) return onPatients(ctx, visit, door);
  const patient = patientId === undefined ? undefined : await ctx.records.patient(account, patientId);
  if (interaction.needsPatient && patient === undefined) return onPatients(ctx, visit, door, undefined, ctx.texts.patients.refused);
  const place = placeOf(ctx, visit, door);
  const carried = carriedOf(place.token, chosen);
  if (interaction.needsEncounter && patientId !== undefined) {
    const { encounter } = chosen;
    if (encounter === undefined || !(await ctx.records.isEncounterOf(account, patientId, encounter))) {
      const found = await ctx.records.encounters(account, patientId);
      const fault = chosen.encounter === undefined ? {} : { fault: ctx.texts.encounters.refused };
      return encounterPage({ ...place, ...fault, appName: client.name, carried, found }, ctx.texts);
    }
  }
  return consentPage(
    {
      client,
      scopes: interaction.scopes,
      userName: account.name ?? account.id,
      ...(patient === undefined ? {} : { patientName: [patient.name, patient.birthDate ?? ''].filter((each) => each !== '').join(', ') }),
      action: `${door.place}/decision`,
      carried,
      ...(chosen.fault === undefined ? {} : { fault: chosen.fault }),
    },
    ctx.texts,
  );
}

/** A search among the patients whom the user may see; without one, the first of them. */
export async function onPatients(ctx: PagesContext, visit: Visit, door: ConsentDoor, form?: Form, fault?: string): Promise<Answered> {
  const { account, client } = door.interaction;
  const words = ctx.texts.patients;
  const asked: PatientSearch = { name: (form?.text('name') ?? '').trim().slice(0, 100), birthDate: (form?.text('birthDate') ?? '').trim() };
  const isDate = asked.birthDate === '' || (/^\d{4}(-\d\d(-\d\d)?)?$/.test(asked.birthDate) && !Number.isNaN(Date.parse(asked.birthDate)));
  const next = form?.text('next') ?? '';
  const { found, next: more } = isDate ? await ctx.records.patients(account, asked, next === '' ? undefined : next) : { found: [] };
  return patientPage(
    {
      ...placeOf(ctx, visit, door),
      appName: client.name,
      asked,
      found,
      ...(more === undefined ? {} : { next: more }),
      ...(fault === undefined ? {} : { fault }),
      ...(isDate ? {} : { dateFault: words.invalidDate }),
    },
    ctx.texts,
  );
}

export function onChosen(ctx: PagesContext, visit: Visit, door: ConsentDoor, form: Form): Promise<Answered> {
  return consentStep(ctx, visit, door, chosenOf(form));
}

/** Allows what is left, to the app that asked; or refuses. */
export async function onDecision(ctx: PagesContext, visit: Visit, door: ConsentDoor, form: Form): Promise<Answered> {
  const { interaction } = door;
  const { incoming, outgoing } = visit;
  if (form.text('decision') !== 'allow') return { to: await ctx.interactions.refuse(incoming, outgoing) };
  const chosen = chosenOf(form);
  const scopes = keptScopes(interaction.scopes, form, ctx.texts);
  if (!allowsSomething(scopes)) return consentStep(ctx, visit, door, { ...chosen, fault: ctx.texts.consent.nothing });
  // Who may be chosen is looked at once more where it counts; here, so that the user sees the page to choose again.
  const patient = interaction.needsPatient ? chosen.patient : undefined;
  const encounter = interaction.needsEncounter ? chosen.encounter : undefined;
  const isChosen =
    !interaction.needsPatient || (patient !== undefined && (await ctx.records.patient(interaction.account, patient)) !== undefined);
  const of = interaction.patient ?? patient;
  const isVisit =
    !interaction.needsEncounter ||
    (of !== undefined && encounter !== undefined && (await ctx.records.isEncounterOf(interaction.account, of, encounter)));
  if (!isChosen || !isVisit) return consentStep(ctx, visit, door, chosen);
  const allowed = {
    scopes,
    ...(patient === undefined ? {} : { patient }),
    ...(encounter === undefined ? {} : { encounter }),
  };
  return { to: await ctx.interactions.allow(incoming, outgoing, allowed) };
}

function chosenOf(form: Form): Chosen {
  const [patient, encounter] = [form.text('patient'), form.text('encounter')];
  return { ...(patient === '' ? {} : { patient }), ...(encounter === '' ? {} : { encounter }) };
}

function carriedOf(token: Markup, { patient, encounter }: Chosen): Markup {
  return html`${token}${patient === undefined ? '' : html`<input type="hidden" name="patient" value="${patient}">`}${
    encounter === undefined ? '' : html`<input type="hidden" name="encounter" value="${encounter}">`
  }`;
}
