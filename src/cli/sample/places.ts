/** A city that people live in, with its streets, area code, offset from UTC (minutes, standard time) and post code prefix. */
export type City = {
  readonly weight: number;
  readonly name: string;
  readonly state: string;
  readonly postal: string;
  readonly area: string;
  readonly offset: number;
  readonly streets: readonly string[];
};

export const CITIES: readonly City[] = [
  {
    weight: 5,
    name: 'Boston',
    state: 'MA',
    postal: '021',
    area: '617',
    offset: -300,
    streets: ['Beacon Street', 'Tremont Street', 'Dorchester Avenue', 'Centre Street'],
  },
  {
    weight: 3,
    name: 'Worcester',
    state: 'MA',
    postal: '016',
    area: '508',
    offset: -300,
    streets: ['Shrewsbury Street', 'Chandler Street', 'Park Avenue'],
  },
  {
    weight: 6,
    name: 'Chicago',
    state: 'IL',
    postal: '606',
    area: '312',
    offset: -360,
    streets: ['Halsted Street', 'Western Avenue', 'Clark Street', 'Damen Avenue'],
  },
  { weight: 2, name: 'Naperville', state: 'IL', postal: '605', area: '630', offset: -360, streets: ['Washington Street', 'Ogden Avenue'] },
  {
    weight: 4,
    name: 'Denver',
    state: 'CO',
    postal: '802',
    area: '303',
    offset: -420,
    streets: ['Colfax Avenue', 'Larimer Street', 'Federal Boulevard'],
  },
  {
    weight: 4,
    name: 'Seattle',
    state: 'WA',
    postal: '981',
    area: '206',
    offset: -480,
    streets: ['Rainier Avenue South', 'Aurora Avenue North', 'Pike Street'],
  },
  {
    weight: 5,
    name: 'Miami',
    state: 'FL',
    postal: '331',
    area: '305',
    offset: -300,
    streets: ['Calle Ocho', 'Biscayne Boulevard', 'Flagler Street'],
  },
  {
    weight: 4,
    name: 'Austin',
    state: 'TX',
    postal: '787',
    area: '512',
    offset: -360,
    streets: ['Guadalupe Street', 'Lamar Boulevard', 'East 7th Street'],
  },
];

export type Hospital = {
  readonly name: string;
  readonly alias: string;
  /** Where it stands, and the other cities whose people it serves. */
  readonly city: string;
  readonly serves: readonly string[];
};

export const HOSPITALS: readonly Hospital[] = [
  { name: 'Harborview Community Hospital of Boston', alias: 'HCH Boston', city: 'Boston', serves: ['Boston', 'Worcester'] },
  { name: 'Lakeside Medical Center', alias: 'Lakeside', city: 'Chicago', serves: ['Chicago', 'Naperville'] },
  { name: 'Front Range Health Partners', alias: 'Front Range', city: 'Denver', serves: ['Denver'] },
  { name: 'Puget Sound Family Clinics', alias: 'Puget Clinics', city: 'Seattle', serves: ['Seattle'] },
  { name: 'Hospital Comunitario Nuestra Señora', alias: 'Nuestra Señora', city: 'Miami', serves: ['Miami'] },
  { name: 'Hill Country Regional Hospital', alias: 'Hill Country', city: 'Austin', serves: ['Austin'] },
];

export function cityNamed(name: string): City {
  const city = CITIES.find((known) => known.name === name);
  if (city === undefined) throw new RangeError(`no city ${name}`);
  return city;
}
