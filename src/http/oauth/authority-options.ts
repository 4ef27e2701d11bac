import type { Pool } from 'pg';
import type { Revocations } from '../../authorization/revocations.ts';
import type { SecurityEvents } from '../../authorization/security-events.ts';
import type { Config } from '../../config.ts';
import type { DataKey } from '../../encryption/seal.ts';
import type { OauthItems } from '../../storage/oauth-items.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ClientKeys } from './client-keys.ts';
import type { Accounts, Views } from './interaction.ts';
import type { Launches } from './launch-context.ts';

/** What the authorization server is made of. */
export type AuthorityOptions = {
  /** `https://host/oauth`. */
  readonly issuer: string;
  /** The FHIR base: whom its tokens are for. */
  readonly base: string;
  readonly config: Config;
  readonly pool: Pool;
  readonly key: DataKey;
  readonly items: OauthItems;
  readonly accounts: Accounts;
  readonly views: Views;
  readonly launches: Launches;
  readonly clientKeys: ClientKeys;
  readonly revocations: Revocations;
  readonly events: SecurityEvents;
  readonly makeSecret: () => string;
  readonly log: Log;
};
