import type { TokenKey } from '../encryption/token.ts';
import { makeExtractor } from '../search/extract.ts';
import type { Registry } from '../search/registry.ts';
import type { PlanContext } from '../search/sink.ts';
import type { Queryable } from '../storage/database.ts';
import type { KeyStore } from '../storage/keys.ts';
import type { RowIds } from '../storage/row-ids.ts';
import type { Opener } from '../storage/sealing.ts';
import { makeFacets } from './facets.ts';
import { auditOpener } from './open.ts';
import { patientNames } from './patient-names.ts';
import { auditRows, type MakeAuditRows } from './rows.ts';
import type { AuditSeal } from './seal.ts';

export type AuditModelOptions = {
  readonly key: TokenKey;
  /** The server's own base URL. */
  readonly base: string;
  /** Without added parameters: audit events have none. */
  readonly registry: Registry;
  readonly keys: Pick<KeyStore, 'idsOf' | 'ofOwners' | 'ownedBy' | 'opening'>;
  readonly seal: AuditSeal;
  readonly rowIds: RowIds;
  /** Where Patients are read. */
  readonly db: Queryable;
  /** Opens what is stored as documents. */
  readonly documents: Opener;
  readonly cacheMax: number;
};

/** How our own events become rows, how rows are found, and how they are told as AuditEvents. */
export type AuditModel = {
  readonly rows: MakeAuditRows;
  readonly open: Opener;
  readonly standingFor: NonNullable<PlanContext['standingFor']>;
};

export function auditModel({ registry, db, documents, ...options }: AuditModelOptions): AuditModel {
  const { key, base, keys, seal, cacheMax } = options;
  const extract = makeExtractor({ registry, key, base });
  const facets = makeFacets({ key, base, extract });
  return {
    rows: auditRows({ ...options, extract, facets }),
    open: auditOpener({ documents, seal, keys, base, names: patientNames(db, keys, cacheMax) }),
    standingFor: (type) => (type === 'AuditEvent' ? facets.standingFor() : undefined),
  };
}
