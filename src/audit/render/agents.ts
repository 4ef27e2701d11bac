import { type Code, iheUserAgent, reasonSystem, roleSystem, tokenIdPolicy, uriSystem } from '../codes.ts';
import type { KindShape } from '../kinds.ts';
import type { RecordedAgent, RecordedUser } from '../record.ts';
import type { Surroundings } from './surroundings.ts';

type Agent = Readonly<Record<string, unknown>> & { readonly requestor: boolean };

/**
 * Who took part: the client where anything is known of it, this server, and the user. One of them asked for it. What the token was stands
 * with whom it speaks for.
 */
export function renderAgents(agent: RecordedAgent, kind: KindShape, about: Surroundings): readonly Agent[] {
  const { user, client, address } = agent;
  const hasClient = client !== undefined || address !== undefined;
  return [
    ...(hasClient ? [clientAgent(agent, kind)] : []),
    serverAgent(kind, about, user === undefined && !hasClient),
    ...(user === undefined ? [] : [userAgent(user, agent, kind, about)]),
  ];
}

function clientAgent({ user, client, tokenId, address, purposes }: RecordedAgent, kind: KindShape): Agent {
  return {
    type: conceptOf(kind.client),
    who: client === undefined ? { display: 'unknown client' } : { identifier: { value: client } },
    requestor: user === undefined,
    ...(user === undefined ? tokenOf(tokenId) : {}),
    // 2: an IP address.
    ...(address === undefined ? {} : { network: { address, type: '2' } }),
    ...(user === undefined ? purposesOf(purposes) : {}),
  };
}

function serverAgent(kind: KindShape, about: Surroundings, requestor: boolean): Agent {
  // 5: a URI.
  return { type: conceptOf(kind.server), who: serverReference(about), requestor, network: { address: about.base, type: '5' } };
}

/** This server, as an agent and as the source of what it tells: the same in both places. */
export const serverReference = ({ base }: Surroundings): object => ({
  identifier: { system: uriSystem, value: base },
  display: 'Anamnesis',
});

const oauthUser = iheUserAgent('UserOauthAgent', 'User OAuth Agent participant');

function userAgent(user: RecordedUser, { tokenId, purposes }: RecordedAgent, kind: KindShape, about: Surroundings): Agent {
  const { name, roles } = user;
  return {
    // He is the user of the interaction's profile and the one of the token's.
    type: { coding: tokenId === undefined ? [kind.user] : [kind.user, oauthUser] },
    ...(roles.length === 0 ? {} : { role: roles.map((code) => ({ coding: [{ system: roleSystem, code }] })) }),
    who: { ...referenceOf(user, about), identifier: { system: user.issuer, value: user.subject } },
    ...(name === undefined ? {} : { name }),
    requestor: true,
    ...tokenOf(tokenId),
    ...purposesOf(purposes),
  };
}

/** A patient whose key is destroyed is told by what his account was called alone. */
function referenceOf({ fhirUser, patient }: RecordedUser, { patientId }: Surroundings): object {
  if (patient === undefined) return fhirUser === undefined ? {} : { reference: fhirUser };
  const id = patientId(patient);
  return { ...(id === undefined ? {} : { reference: `Patient/${id}` }), type: 'Patient' };
}

const tokenOf = (tokenId: string | undefined): object => (tokenId === undefined ? {} : { policy: [`${tokenIdPolicy}${tokenId}`] });

const purposesOf = (purposes: readonly string[]): object => (purposes.length === 0 ? {} : { purposeOfUse: purposes.map(purposeOf) });

export const purposeOf = (code: string): object => ({ coding: [{ system: reasonSystem, code }] });

const conceptOf = (code: Code): object => ({ coding: [code] });
