import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

export type Files = Readonly<Record<string, string>>;

export async function writeFolder(folder: string, files: Files): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

/** A zip as releases come in, with compressed entries. */
export async function writeZip(path: string, files: Files): Promise<string> {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [bytes, title] = [Buffer.from(text), Buffer.from(name)];
    const packed = deflateRawSync(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(title.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, title, packed]);
    locals.push(local);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, title]));
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  await writeFile(path, Buffer.concat([...locals, directory, end]));
  return path;
}

const csv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\r\n');
const tabs = (rows: readonly (readonly string[])[]): string => `${rows.map((row) => row.join('\t')).join('\r\n')}\r\n`;

/** The columns of LOINC's table, in their order, and a few codes that the standard's examples carry. */
const loincColumns = [
  'LOINC_NUM',
  'COMPONENT',
  'PROPERTY',
  'TIME_ASPCT',
  'SYSTEM',
  'SCALE_TYP',
  'METHOD_TYP',
  'CLASS',
  'VersionLastChanged',
  'CHNG_TYPE',
  'DefinitionDescription',
  'STATUS',
  'CONSUMER_NAME',
  'CLASSTYPE',
  'FORMULA',
  'EXMPL_ANSWERS',
  'SURVEY_QUEST_TEXT',
  'SURVEY_QUEST_SRC',
  'UNITSREQUIRED',
  'RELATEDNAMES2',
  'SHORTNAME',
  'ORDER_OBS',
  'HL7_FIELD_SUBFIELD_ID',
  'EXTERNAL_COPYRIGHT_NOTICE',
  'EXAMPLE_UNITS',
  'LONG_COMMON_NAME',
  'EXAMPLE_UCUM_UNITS',
  'STATUS_REASON',
  'STATUS_TEXT',
  'DisplayName',
];

function loincRow(cells: Readonly<Record<string, string>>): string[] {
  return loincColumns.map((column) => cells[column] ?? '');
}

export const loincFiles: Files = {
  'LoincTable/Loinc.csv': `\ufeff${csv([
    loincColumns,
    loincRow({
      LOINC_NUM: '8867-4',
      COMPONENT: 'Heart rate',
      PROPERTY: 'NRat',
      TIME_ASPCT: 'Pt',
      SYSTEM: 'XXX',
      SCALE_TYP: 'Qn',
      CLASS: 'HRTRATE.ATOM',
      STATUS: 'ACTIVE',
      CLASSTYPE: '2',
      SHORTNAME: 'Heart rate',
      LONG_COMMON_NAME: 'Heart rate',
      DefinitionDescription: 'Two\r\nlines, "quoted"',
    }),
    loincRow({
      LOINC_NUM: '8310-5',
      COMPONENT: 'Body temperature',
      PROPERTY: 'Temp',
      TIME_ASPCT: 'Pt',
      SYSTEM: '^Patient',
      SCALE_TYP: 'Qn',
      CLASS: 'BDYTMP.ATOM',
      STATUS: 'ACTIVE',
      CLASSTYPE: '2',
      LONG_COMMON_NAME: 'Body temperature',
    }),
    loincRow({
      LOINC_NUM: '15074-8',
      COMPONENT: 'Glucose',
      PROPERTY: 'SCnc',
      TIME_ASPCT: 'Pt',
      SYSTEM: 'Bld',
      SCALE_TYP: 'Qn',
      CLASS: 'CHEM',
      STATUS: 'ACTIVE',
      CLASSTYPE: '1',
      SHORTNAME: 'Glucose Bld-sCnc',
      LONG_COMMON_NAME: 'Glucose [Moles/volume] in Blood',
    }),
    loincRow({
      LOINC_NUM: '35192-4',
      COMPONENT: 'Old glucose',
      CLASS: 'CHEM',
      STATUS: 'DEPRECATED',
      CLASSTYPE: '1',
      LONG_COMMON_NAME: 'Deprecated glucose',
    }),
    loincRow({
      LOINC_NUM: '72166-2',
      COMPONENT: 'Tobacco smoking status',
      CLASS: 'SOCIAL.HX',
      SCALE_TYP: 'Nom',
      STATUS: 'ACTIVE',
      LONG_COMMON_NAME: 'Tobacco smoking status',
    }),
  ])}`,
  'AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv': csv([
    ['PATH_TO_ROOT', 'SEQUENCE', 'IMMEDIATE_PARENT', 'CODE', 'CODE_TEXT'],
    ['', '1', '', 'LP29693-6', 'Laboratory'],
    ['LP29693-6', '1', 'LP29693-6', 'LP14635-4', 'Glucose'],
    ['LP29693-6.LP14635-4', '1', 'LP14635-4', '15074-8', 'Glucose [Moles/volume] in Blood'],
  ]),
  'AccessoryFiles/AnswerFile/AnswerList.csv': csv([
    [
      'AnswerListId',
      'AnswerListName',
      'AnswerListOID',
      'ExtDefinedYN',
      'AnswerStringId',
      'LocalAnswerCode',
      'SequenceNumber',
      'DisplayText',
    ],
    ['LL2201-3', 'Smoking status', '1.2', 'N', 'LA18976-3', '', '1', 'Current every day smoker'],
    ['LL2201-3', 'Smoking status', '1.2', 'N', 'LA18978-9', '', '2', 'Never smoker'],
    ['LL9999-9', 'Other', '1.3', 'N', 'LA18978-9', '', '1', 'Never smoker'],
  ]),
};

const core = '900000000000207008';
const [fsn, synonym] = ['900000000000003001', '900000000000013009'];
const [isPreferred, isAcceptable] = ['900000000000548007', '900000000000549004'];
const us = '900000000000509007';
const [sd, pr] = ['900000000000073002', '900000000000074008'];

const named = (id: string, concept: string, type: string, term: string, active = '1'): string[] => [
  id,
  '20240101',
  active,
  core,
  concept,
  'en',
  type,
  term,
  '900000000000448009',
];
const isA = (id: string, child: string, parent: string, active = '1'): string[] => [
  id,
  '20240101',
  active,
  core,
  child,
  parent,
  '0',
  '116680003',
  '900000000000011006',
  '900000000000451002',
];
const inRefset = (id: string, description: string, acceptability: string): string[] => [
  id,
  '20240101',
  '1',
  core,
  us,
  description,
  acceptability,
];

const snapshot = 'SnomedCT_InternationalRF2_PRODUCTION_20240101T120000Z/Snapshot';

/** Release format 2; the concepts are those of the standard's examples. */
export const snomedFiles: Files = {
  [`${snapshot}/Terminology/sct2_Concept_Snapshot_INT_20240101.txt`]: tabs([
    ['id', 'effectiveTime', 'active', 'moduleId', 'definitionStatusId'],
    ['138875005', '20240101', '1', core, pr],
    ['404684003', '20240101', '1', core, pr],
    ['64572001', '20240101', '1', core, pr],
    ['195967001', '20240101', '1', core, sd],
    ['73211009', '20240101', '1', core, sd],
    ['44054006', '20240101', '1', core, sd],
    ['111111111', '20240101', '0', core, pr],
  ]),
  [`${snapshot}/Terminology/sct2_Description_Snapshot-en_INT_20240101.txt`]: tabs([
    ['id', 'effectiveTime', 'active', 'moduleId', 'conceptId', 'languageCode', 'typeId', 'term', 'caseSignificanceId'],
    named('1', '138875005', fsn, 'SNOMED CT Concept (SNOMED RT+CTV3)'),
    named('2', '404684003', fsn, 'Clinical finding (finding)'),
    named('3', '404684003', synonym, 'Clinical finding'),
    named('4', '64572001', fsn, 'Disease (disorder)'),
    named('5', '64572001', synonym, 'Disease'),
    named('6', '64572001', synonym, 'Disorder'),
    named('7', '195967001', fsn, 'Asthma (disorder)'),
    named('8', '195967001', synonym, 'Asthma "proper"'),
    named('9', '195967001', synonym, 'Gone', '0'),
    named('10', '73211009', fsn, 'Diabetes mellitus (disorder)'),
    named('11', '73211009', synonym, 'Diabetes mellitus'),
    named('12', '44054006', fsn, 'Diabetes mellitus type 2 (disorder)'),
    named('13', '44054006', synonym, 'Diabetes mellitus type II'),
    named('14', '44054006', synonym, 'Type 2 diabetes mellitus'),
    named('15', '111111111', fsn, 'Outdated (finding)'),
  ]),
  [`${snapshot}/Terminology/sct2_Relationship_Snapshot_INT_20240101.txt`]: tabs([
    [
      'id',
      'effectiveTime',
      'active',
      'moduleId',
      'sourceId',
      'destinationId',
      'relationshipGroup',
      'typeId',
      'characteristicTypeId',
      'modifierId',
    ],
    isA('20', '404684003', '138875005'),
    isA('21', '64572001', '404684003'),
    isA('22', '195967001', '64572001'),
    isA('23', '73211009', '64572001'),
    isA('24', '44054006', '73211009'),
    isA('25', '195967001', '73211009', '0'),
    ['26', '20240101', '1', core, '44054006', '138875005', '1', '363698007', '900000000000011006', '900000000000451002'],
  ]),
  [`${snapshot}/Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_20240101.txt`]: tabs([
    ['id', 'effectiveTime', 'active', 'moduleId', 'refsetId', 'referencedComponentId', 'acceptabilityId'],
    inRefset('a', '3', isPreferred),
    inRefset('b', '6', isAcceptable),
    inRefset('c', '5', isPreferred),
    inRefset('d', '8', isPreferred),
    inRefset('e', '11', isPreferred),
    inRefset('f', '14', isPreferred),
    inRefset('g', '12', isPreferred),
    inRefset('h', '13', isAcceptable),
  ]),
};
