import { ageAt, DAY_MS, dateOf, dateTimeOf, YEAR_MS } from './calendar.ts';
import { concept, quantity, type Resource, SYSTEM } from './coding.ts';
import { clinicianReference, locationReference } from './directory.ts';
import { narrative } from './narrative.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';
import { atClinicHour, type Visit } from './visits.ts';

type Vaccine = { readonly cvx: string; readonly display: string; readonly doseMl: number; readonly route: 'IM' | 'PO' };

/** Doses by age in months, from 18 on in years: a plan of our own that follows what is usual in the United States. */
const CHILDHOOD: readonly (Vaccine & { readonly months: readonly number[] })[] = [
  { cvx: '08', display: 'Hep B, adolescent or pediatric', doseMl: 0.5, route: 'IM', months: [0.05, 1, 6] },
  { cvx: '119', display: 'rotavirus, monovalent', doseMl: 1, route: 'PO', months: [2, 4] },
  { cvx: '20', display: 'DTaP', doseMl: 0.5, route: 'IM', months: [2, 4, 6, 15, 50] },
  { cvx: '133', display: 'Pneumococcal conjugate PCV 13', doseMl: 0.5, route: 'IM', months: [2, 4, 6, 12] },
  { cvx: '10', display: 'IPV', doseMl: 0.5, route: 'IM', months: [2, 4, 9, 50] },
  { cvx: '03', display: 'MMR', doseMl: 0.5, route: 'IM', months: [12, 51] },
  { cvx: '21', display: 'varicella', doseMl: 0.5, route: 'IM', months: [12, 51] },
  { cvx: '83', display: 'Hep A, ped/adol, 2 dose', doseMl: 0.5, route: 'IM', months: [13, 20] },
  { cvx: '115', display: 'Tdap', doseMl: 0.5, route: 'IM', months: [134] },
  { cvx: '165', display: 'HPV9', doseMl: 0.5, route: 'IM', months: [134, 141] },
  { cvx: '114', display: 'meningococcal MCV4P', doseMl: 0.5, route: 'IM', months: [135, 193] },
];
const ADULT: readonly (Vaccine & { readonly years: readonly number[]; readonly share: number })[] = [
  { cvx: '113', display: 'Td (adult) preservative free', doseMl: 0.5, route: 'IM', years: [21, 31, 41, 51, 61, 71, 81], share: 0.7 },
  { cvx: '187', display: 'zoster recombinant', doseMl: 0.5, route: 'IM', years: [52, 52.4], share: 0.5 },
  { cvx: '33', display: 'pneumococcal polysaccharide PPV23', doseMl: 0.5, route: 'IM', years: [66], share: 0.75 },
];
const INFLUENZA: Vaccine = { cvx: '140', display: 'Influenza, seasonal, injectable, preservative free', doseMl: 0.5, route: 'IM' };
const COVID: Vaccine = { cvx: '208', display: 'COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose', doseMl: 0.3, route: 'IM' };

type Dose = { readonly vaccine: Vaccine; readonly time: number; readonly number: number };

/** The shots of a life: all of a child's, an adult's since the record begins. Shots on the day of a visit name its encounter. */
export function immunizations(
  person: Person,
  visits: readonly Visit[],
  encounters: readonly string[],
  patient: string,
  random: Random,
): Resource[] {
  return doses(person, random)
    .filter((dose) => dose.time < person.until)
    .sort((a, b) => a.time - b.time)
    .map((dose) => {
      const near = visits.findIndex((visit) => visit.acute === undefined && Math.abs(visit.start - dose.time) < 25 * DAY_MS);
      const visit = visits[near];
      return immunization(person, visit === undefined ? dose : { ...dose, time: visit.start }, patient, encounters[near], random);
    });
}

function doses(person: Person, random: Random): Dose[] {
  const found: Dose[] = [];
  const isMinor = ageAt(person.birth, person.until) < 18;
  const due = (vaccine: Vaccine, time: number, number: number, share: number): void => {
    const isTaken = random.chance(share);
    if (isTaken && (isMinor || time >= person.from)) found.push({ vaccine, time, number });
  };
  for (const vaccine of CHILDHOOD)
    vaccine.months.forEach((months, i) => due(vaccine, person.birth + (months / 12) * YEAR_MS + random.int(0, 12) * DAY_MS, i + 1, 0.93));
  for (const vaccine of ADULT)
    vaccine.years.forEach((years, i) => due(vaccine, person.birth + years * YEAR_MS + random.int(0, 200) * DAY_MS, i + 1, vaccine.share));
  const elderly = ageAt(person.birth, person.until) > 65 ? 0.7 : 0.4;
  for (let year = new Date(person.from).getUTCFullYear(); year <= new Date(person.until).getUTCFullYear(); year++) {
    const autumn = Date.UTC(year, 8, 15) + random.int(0, 80) * DAY_MS;
    if (ageAt(person.birth, autumn) > 0.6) due(INFLUENZA, autumn, 1, elderly);
  }
  const campaign = Date.UTC(2021, 2, 1) + random.int(0, 150) * DAY_MS;
  if (ageAt(person.birth, campaign) > 12 && random.chance(0.7))
    [0, 21].forEach((days, i) => due(COVID, campaign + days * DAY_MS, i + 1, 1));
  return found;
}

function immunization(
  person: Person,
  { vaccine, time, number }: Dose,
  patient: string,
  encounter: string | undefined,
  random: Random,
): Resource {
  const isRefused = random.chance(0.02);
  const offset = person.site.offset;
  const occurrence =
    time < person.from
      ? dateOf(time)
      : dateTimeOf(encounter === undefined ? atClinicHour(person, Math.floor(time / DAY_MS) * DAY_MS, random) : time, offset);
  const common = {
    resourceType: 'Immunization',
    text: narrative(vaccine.display, [
      ['Given', isRefused ? undefined : occurrence.slice(0, 10)],
      ['Refused', isRefused ? occurrence.slice(0, 10) : undefined],
    ]),
    status: isRefused ? 'not-done' : 'completed',
  };
  const what = {
    vaccineCode: concept(SYSTEM.cvx, vaccine.cvx, vaccine.display),
    patient: { reference: patient },
    ...(encounter === undefined ? {} : { encounter: { reference: encounter } }),
    occurrenceDateTime: occurrence,
    primarySource: time >= person.from,
  };
  if (isRefused) return { ...common, statusReason: concept(SYSTEM.actReason, 'PATOBJ', 'patient objection'), ...what };
  return {
    ...common,
    ...what,
    location: locationReference(person.site),
    lotNumber: `${String.fromCharCode(65 + random.int(0, 25))}${String(random.int(1, 99999)).padStart(5, '0')}`,
    expirationDate: dateOf(time + random.int(40, 500) * DAY_MS),
    ...(vaccine.route === 'IM'
      ? {
          site: random.chance(0.5) ? concept(SYSTEM.actSite, 'LA', 'left arm') : concept(SYSTEM.actSite, 'RA', 'right arm'),
          route: concept(SYSTEM.route, 'IM', 'Injection, intramuscular'),
        }
      : { route: concept(SYSTEM.route, 'PO', 'Swallow, oral') }),
    doseQuantity: quantity(vaccine.doseMl, 1, 'mL', 'mL'),
    performer: [{ actor: clinicianReference(person.physician) }],
    protocolApplied: [{ doseNumberPositiveInt: number }],
  };
}
