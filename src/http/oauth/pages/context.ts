import { hkdfSync } from 'node:crypto';
import type { Access } from '../../../authorization/access.ts';
import type { Role } from '../../../authorization/roles.ts';
import type { SignatureConfirmations } from '../../../authorization/signature-confirmations.ts';
import type { Users } from '../../../authorization/users.ts';
import type { Config } from '../../../config.ts';
import { makeDataKey } from '../../../encryption/seal.ts';
import type { Context } from '../../../interactions/context.ts';
import { addressReader, networkOf } from '../../peers.ts';
import type { Federation } from '../federation/federation.ts';
import type { Account, Accounts, Interactions, Patients } from '../interaction.ts';
import { makeForms } from './forms.ts';
import { recordsOf } from './records.ts';
import { english } from './texts.ts';
import type { PagesContext, Records } from './visit.ts';

export type PagesContextOptions = {
  readonly config: Pick<Config, 'baseUrl' | 'trustedProxies' | 'secondFactor'>;
  readonly users: Users;
  readonly federation?: Federation | undefined;
  readonly interactions: Interactions;
  readonly confirmations: SignatureConfirmations;
  readonly records: Records;
  /** 32 bytes that the main database doesn't hold. */
  readonly secret: Buffer;
};

const mustHaveSecondFactor: Readonly<Record<Config['secondFactor'], readonly Role[]>> = {
  optional: [],
  staff: ['viewer', 'provider', 'admin'],
  all: ['patient', 'viewer', 'provider', 'admin'],
};

export function makePagesContext({ config, secret, ...rest }: PagesContextOptions): PagesContext {
  const derived = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `pages/${purpose}`, 32));
  const addressOf = addressReader(config.trustedProxies);
  const needs = mustHaveSecondFactor[config.secondFactor];
  return {
    ...rest,
    texts: english,
    forms: makeForms({
      origin: new URL(config.baseUrl).origin,
      key: makeDataKey(Buffer.alloc(16), derived('seal')),
      secret: derived('forms'),
    }),
    needsSecondFactor: ({ roles }) => roles.some((role) => needs.includes(role)),
    addressOf,
    networkOf: (incoming) => networkOf(addressOf(incoming)),
  };
}

/** Local users as the authorization server asks for them. */
export function accountsOf(users: Users): Accounts {
  return {
    async find(id) {
      const user = await users.find(id);
      if (user === undefined) return undefined;
      const { name, fhirUser, roles } = user;
      return { id, name, roles, ...(fhirUser === undefined ? {} : { fhirUser }) };
    },
  };
}

/** What users may choose, and whether they may. */
export function choicesOf(context: Context, accessOf: (account: Account) => Promise<Access>): { records: Records; patients: Patients } {
  const records = recordsOf(context, accessOf);
  return {
    records,
    patients: {
      maySee: async (account, patient) => (await records.patient(account, patient)) !== undefined,
      isEncounterOf: (account, patient, encounter) => records.isEncounterOf(account, patient, encounter),
    },
  };
}
