import { ageAt, dateOf, dateTimeOf, YEAR_MS } from './calendar.ts';
import { coding, concept, type Resource, SYSTEM } from './coding.ts';
import { clinicianReference, organizationReference } from './directory.ts';
import { givenName, type Spelling, spellingOf } from './names.ts';
import { narrative } from './narrative.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';

const EXTENSION = 'http://hl7.org/fhir/StructureDefinition';

export function patient(person: Person, asOf: number, random: Random): Resource {
  const age = ageAt(person.birth, person.until);
  const names = humanNames(person, random);
  const birth = dateOf(person.birth);
  const [first] = names;
  const isTwin = random.chance(0.02);
  const identifiers = [
    {
      use: 'usual',
      type: concept(SYSTEM.identifierType, 'MR', 'Medical record number'),
      system: SYSTEM.record,
      value: person.recordNumber,
      assigner: { display: person.site.hospital.name },
    },
    // No Social Security number begins with 9.
    ...(random.chance(0.7)
      ? [
          {
            use: 'official',
            type: concept(SYSTEM.identifierType, 'SS', 'Social Security number'),
            system: SYSTEM.ssn,
            value: `9${random.int(10, 99)}-${random.int(10, 99)}-${random.int(1000, 9999)}`,
          },
        ]
      : []),
  ];
  return {
    resourceType: 'Patient',
    text: narrative(first?.text ?? '', [
      ['Born', birth],
      ['Died', person.death === undefined ? undefined : dateOf(person.death)],
      ['Record', person.recordNumber],
    ]),
    ...extensions(person, random),
    identifier: identifiers,
    active: person.death === undefined,
    name: names,
    ...(age > 12 || random.chance(0.3) ? { telecom: telecoms(person, age, random) } : {}),
    gender: random.chance(0.006) ? random.pick(['other', 'unknown']) : person.sex,
    birthDate: birth,
    ...(age < 1
      ? {
          _birthDate: {
            extension: [
              {
                url: `${EXTENSION}/patient-birthTime`,
                valueDateTime: dateTimeOf(person.birth + random.int(0, 86_399) * 1000, person.site.offset),
              },
            ],
          },
        }
      : {}),
    ...deceased(person, random),
    address: addresses(person, asOf, random),
    ...(age < 16 ? {} : { maritalStatus: maritalStatus(age, random) }),
    ...(isTwin ? { multipleBirthInteger: random.int(1, 2) } : random.chance(0.3) ? { multipleBirthBoolean: false } : {}),
    ...(age < 18 || random.chance(0.4) ? { contact: [contact(person, age, random)] } : {}),
    communication: communications(person, random),
    generalPractitioner: [clinicianReference(person.physician)],
    managingOrganization: organizationReference(person.site),
  };
}

function deceased(person: Person, random: Random): Readonly<Record<string, unknown>> {
  if (person.death === undefined) return random.chance(0.2) ? { deceasedBoolean: false } : {};
  const draw = random.float();
  if (draw < 0.1) return { deceasedBoolean: true };
  return { deceasedDateTime: draw < 0.6 ? dateTimeOf(person.death, person.site.offset) : dateOf(person.death) };
}

type HumanName = { readonly use: string; readonly text: string } & Readonly<Record<string, unknown>>;

/** The name as registered, then other spellings and names of the same person. */
function humanNames(person: Person, random: Random): HumanName[] {
  const { culture, given, otherFamily } = person;
  const names: HumanName[] = [];
  const latinFamily =
    culture.twoFamilies === true && otherFamily !== undefined ? `${person.family.latin} ${otherFamily.latin}` : person.family.latin;
  const family = person.prefix === undefined ? latinFamily : `${person.prefix} ${latinFamily}`;
  const latin = given.map((name) => name.latin);
  const text = culture.familyFirst === true && random.chance(0.5) ? `${family} ${latin.join(' ')}` : `${latin.join(' ')} ${family}`;
  const prefix =
    person.prefix === undefined
      ? {}
      : { _family: { extension: [{ url: `${EXTENSION}/humanname-own-prefix`, valueString: person.prefix }] } };
  names.push({
    use: 'official',
    text,
    family,
    ...prefix,
    given: latin,
    ...(random.chance(0.1) ? { prefix: [person.sex === 'female' ? 'Ms.' : 'Mr.'] } : {}),
  });
  if (person.family.native !== undefined) names.push(nativeName(person, person.family.native));
  if (otherFamily !== undefined && culture.twoFamilies !== true)
    names.push({ use: 'maiden', text: `${latin.join(' ')} ${otherFamily.latin}`, family: otherFamily.latin, given: latin });
  const [first = ''] = latin;
  if (first.length > 4 && random.chance(0.15)) names.push({ use: 'nickname', text: first.slice(0, 3), given: [first.slice(0, 3)] });
  return names;
}

/** The name in its own writing, marked as such. @see https://hl7.org/fhir/R4/extension-iso21090-en-representation.html */
function nativeName(person: Person, family: string): HumanName {
  const isIdeographic = /\p{Script=Han}/u.test(family);
  const given = person.given.map((name) => name.native ?? name.latin);
  const join = person.culture.familyFirst === true ? [family, ...given].join('') : [...given, family].join(' ');
  const extension = [
    {
      url: `${EXTENSION}/iso21090-EN-representation`,
      valueCode: isIdeographic ? 'IDE' : person.culture.language[0] === 'ko' ? 'SYL' : 'ABC',
    },
  ];
  return { use: 'usual', extension, text: join, family, given };
}

function extensions(person: Person, random: Random): Readonly<Record<string, unknown>> {
  const found: unknown[] = [];
  const origin = person.culture.origins.length > 0 && random.chance(0.6) ? random.pick(person.culture.origins) : undefined;
  if (origin !== undefined) found.push({ url: `${EXTENSION}/patient-birthPlace`, valueAddress: { city: origin[0], country: origin[1] } });
  if (random.chance(0.2))
    found.push({
      url: `${EXTENSION}/patient-mothersMaidenName`,
      valueString: spellingOf(random.pick(person.culture.family), 'female').latin,
    });
  return found.length === 0 ? {} : { extension: found };
}

function telecoms(person: Person, age: number, random: Random) {
  const phone = (use: string, rank: number) => ({
    system: 'phone',
    value: `+1-${person.city.area}-555-01${random.int(10, 99)}`,
    use,
    rank,
  });
  const name = `${plain(person.given[0])}.${plain(person.family)}`;
  return [
    phone(random.chance(0.7) ? 'mobile' : 'home', 1),
    ...(age > 20 && age < 66 && random.chance(0.3)
      ? [{ ...phone('work', 2), period: { start: dateOf(person.until - random.int(1, 4) * YEAR_MS) } }]
      : []),
    ...(random.chance(0.75) ? [{ system: 'email', value: `${name}.${person.recordNumber}@mail.example.org`, use: 'home' }] : []),
  ];
}

/** Letters that fit into a mail address. */
function plain(name: Spelling | undefined): string {
  const letters = (name?.latin ?? '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z]/g, '');
  return letters === '' ? 'p' : letters;
}

function addresses(person: Person, asOf: number, random: Random) {
  const { city } = person;
  const line = [
    `${random.int(1, 9800)} ${random.pick(city.streets)}`,
    ...(random.chance(0.3) ? [`Apt ${random.int(1, 40)}${random.pick(['', 'A', 'B'])}`] : []),
  ];
  const postalCode = `${city.postal}${String(random.int(1, 89)).padStart(2, '0')}`;
  const moved = dateOf(asOf - (1 + random.float() * 12) * YEAR_MS);
  const isMover = random.chance(0.25) && moved > dateOf(person.birth);
  const home = { use: 'home', type: 'both', line, city: city.name, state: city.state, postalCode, country: 'US' };
  if (!isMover) return [{ ...home, text: `${line.join(', ')}, ${city.name}, ${city.state} ${postalCode}` }];
  const [place, country] = person.culture.origins.length > 0 ? random.pick(person.culture.origins) : ([city.name, 'US'] as const);
  return [
    { ...home, period: { start: moved } },
    { use: 'old', type: 'physical', city: place, country, period: { end: moved } },
  ];
}

function maritalStatus(age: number, random: Random) {
  const draw = random.float();
  if (age < 25 ? draw < 0.9 : draw < 0.25) return concept(SYSTEM.marital, 'S', 'Never Married');
  if (age > 70 && draw > 0.7) return concept(SYSTEM.marital, 'W', 'Widowed');
  return draw > 0.88 ? concept(SYSTEM.marital, 'D', 'Divorced') : concept(SYSTEM.marital, 'M', 'Married');
}

function contact(person: Person, age: number, random: Random) {
  const sex = random.pick(['female', 'male'] as const);
  const name = givenName(person.culture, sex, random);
  return {
    relationship: [concept(SYSTEM.contactRole, age < 18 ? 'N' : 'C', age < 18 ? 'Next-of-Kin' : 'Emergency Contact')],
    name: { family: person.family.latin, given: [name.latin] },
    telecom: [{ system: 'phone', value: `+1-${person.city.area}-555-01${random.int(10, 99)}`, use: 'mobile' }],
    gender: sex,
  };
}

function communications(person: Person, random: Random) {
  const [code, display] = person.culture.language;
  const english = { language: { coding: [coding(SYSTEM.language, 'en', 'English')], text: 'English' } };
  if (code === 'en') return [{ ...english, preferred: true }];
  const prefersOwn = random.chance(0.4);
  return [
    { language: { coding: [coding(SYSTEM.language, code, display)], text: display }, preferred: prefersOwn },
    { ...english, preferred: !prefersOwn },
  ];
}
