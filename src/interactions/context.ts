import type { Pool } from 'pg';
import type { Audit, Trail } from '../audit/trail.ts';
import type { Access } from '../authorization/access.ts';
import type { Config } from '../config.ts';
import type { LiveConformance } from '../fhir/conformance.ts';
import type { Definitions } from '../definitions/load.ts';
import type { Extractor } from '../search/extract.ts';
import type { LiveRegistry } from '../search/live-registry.ts';
import type { Registry } from '../search/registry.ts';
import type { PlanContext } from '../search/sink.ts';
import type { Reseal } from '../storage/binary-owners.ts';
import type { Files } from '../storage/files.ts';
import type { Opener, SealedFor } from '../storage/sealing.ts';
import type { Queryable } from '../storage/database.ts';
import type { NewVersion } from '../storage/rows.ts';
import type { RowIds } from '../storage/row-ids.ts';
import type { Statistics } from '../storage/statistics.ts';
import type { CreateBatch } from '../storage/create-batch.ts';
import type { UpdateBatch } from '../storage/update-batch.ts';
import type { CodeTables } from '../storage/terminology.ts';
import type { Terminology } from '../terminology/terminology.ts';
import type { Validator } from '../validation/validate.ts';
import type { CursorCodec } from './cursor.ts';
import type { Document } from './document.ts';

/** All that interactions work with: opened once in services.ts and passed down. */
export type Context = {
  readonly config: Config;
  readonly definitions: Definitions;
  /** Where conformance resources are found, and who is told when they change. */
  readonly conformance: LiveConformance;
  /** Told of the types that were written: rights may follow from them. */
  readonly rightsWritten?: (types: readonly string[]) => void;
  /** As it is at this moment. */
  readonly registry: Registry;
  readonly live: LiveRegistry;
  /** Where transactions begin. */
  readonly pool: Pool;
  /** Reads by key: statements keep their generic plans. Inside a transaction, its client. */
  readonly reader: Queryable;
  /** Searches: each statement is planned with its values. Inside a transaction, its client. */
  readonly searcher: Queryable;
  /** Totals: like searches, with less time. Inside a transaction, its client. */
  readonly counter: Queryable;
  /** How frequent tokens are. */
  readonly statistics: Statistics;
  readonly rowIds: RowIds;
  readonly creates: CreateBatch;
  readonly updates: UpdateBatch;
  readonly extract: Extractor;
  readonly validator: Validator;
  /** All of it; `terminologyFor` is what a caller may know. */
  readonly terminology: Terminology;
  readonly codeTables?: CodeTables;
  readonly audit: Audit;
  readonly seal: (json: string, address: SealedFor) => Promise<Buffer>;
  /** As they are shown: Binaries with their files as `data`. */
  readonly open: Opener;
  /** As they are stored: files lie beside. */
  readonly openStored: Opener;
  readonly files: Files;
  readonly reseal: Reseal;
  readonly cursors: CursorCodec;
  readonly refKeyOf: (type: string, id: string) => bigint;
  readonly planContext: () => PlanContext;
};

/** One caller's request to an interaction. */
export type Call = {
  readonly access: Access;
  readonly lenient: boolean;
  /** What it leaves behind. */
  readonly trail: Trail;
  /** It writes very many, which nobody asks for at once: no cache keeps what it needs for them. */
  readonly passing?: boolean;
  /** Written with what the call writes, about it. */
  readonly provenance?: StatedProvenance;
  /** Asked in the transaction of a write, once the caller's right to it is sure: what it throws refuses all of it. */
  readonly guard?: (client: Queryable, versions: readonly Pick<NewVersion, 'type' | 'id' | 'version'>[]) => Promise<void>;
};

/** What a client says of where its change comes from: a Provenance that is yet without targets, and the text it was sent as. */
export type StatedProvenance = { readonly document: Document; readonly text: string };
