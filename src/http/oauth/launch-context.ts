import { randomBytes } from 'node:crypto';
import type { OauthItems } from '../../storage/oauth-items.ts';
import { lifetimes } from './lifetimes.ts';

/** What an app is launched with; kept with the grant under this name. */
export const launchProperty = 'launched';

/** Ids, but for `fhirContext`. @see https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html */
export type LaunchContext = {
  readonly patient?: string;
  readonly encounter?: string;
  readonly fhirContext?: readonly object[];
  readonly needPatientBanner?: boolean;
  readonly smartStyleUrl?: string;
  readonly intent?: string;
};

/** A launch that an EHR has begun: for one app and one user, once. */
export type Launch = { readonly client: string; readonly user: string; readonly context: LaunchContext };

export type Launches = {
  /** @returns the id to give to the app */
  readonly begin: (launch: Launch) => Promise<string>;
  /** Refuses a launch that isn't this client's, or is over; undefined, no launch at all, is fine. */
  readonly assertFor: (id: string | undefined, client: string, refusal: () => Error) => Promise<void>;
  readonly find: (id: string) => Promise<Launch | undefined>;
  /** Ends it. @returns the launch, to the one who ends it */
  readonly take: (id: string) => Promise<Launch | undefined>;
};

const kind = 'Launch';

export function makeLaunches(items: OauthItems): Launches {
  async function find(id: string): Promise<Launch | undefined> {
    const found = await items.find(kind, id);
    return found === undefined || found.consumedAt !== undefined ? undefined : (found.payload as Launch);
  }
  return {
    async begin(launch) {
      const id = randomBytes(32).toString('base64url');
      await items.put({ kind, id, payload: launch, client: launch.client, ttlSeconds: lifetimes.launch });
      return id;
    },
    async assertFor(id, client, refusal) {
      if (id === undefined) return;
      const launch = await find(id);
      if (launch?.client !== client) throw refusal();
    },
    find,
    async take(id) {
      return (await items.take(kind, id))?.payload as Launch | undefined;
    },
  };
}

/** The members of a token answer that tell of the launch. */
export function launchMembers(context: LaunchContext): Readonly<Record<string, unknown>> {
  const { patient, encounter, fhirContext, needPatientBanner, smartStyleUrl, intent } = context;
  return {
    ...(patient === undefined ? {} : { patient }),
    ...(encounter === undefined ? {} : { encounter }),
    ...(fhirContext === undefined || fhirContext.length === 0 ? {} : { fhirContext }),
    ...(intent === undefined ? {} : { intent }),
    need_patient_banner: needPatientBanner ?? true,
    ...(smartStyleUrl === undefined ? {} : { smart_style_url: smartStyleUrl }),
  };
}
