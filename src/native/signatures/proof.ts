import type { components } from '../api-types.ts';
import { PasswordsBusy } from '../../authorization/passwords.ts';
import type { Proof, User } from '../../authorization/users.ts';
import { type Detail, NativeError } from '../error.ts';
import type { NativeCall } from '../handler.ts';

type Sent = components['schemas']['SignatureInput'];

/** Who proved himself, and by what. */
export type Proven = { readonly user: User; readonly components: readonly string[] };

/**
 * Proof that who signs is whom the token names. The first signature in a session takes all components, login name, password and, where he
 * has one, second factor; a later one takes password or second factor. What he confirmed in his browser takes nothing more.
 *
 * @param target   the version to be signed
 * @param account  of the signer of the session's last signature, where it goes on
 * @throws         NativeError 401 where the proof is missing or wrong, 403 where he is another one, 429 after too many
 * @see            https://www.ecfr.gov/current/title-21/part-11/section-11.200
 */
export async function prove(request: NativeCall, sent: Sent, target: string, account: string | undefined): Promise<Proven> {
  const { users } = request.services;
  if (sent.confirmation_id != null) return confirmed(request, sent.confirmation_id, target, sent.meaning);
  await assertHasPassword(request);
  const known = account === undefined ? undefined : await users.find(account);
  const proven = known === undefined ? await all(request, sent) : await one(request, sent, known);
  assertCaller(request, proven.user);
  return proven;
}

/** He has confirmed this very signature, asked for by this very app, and it was not used before. */
async function confirmed(request: NativeCall, id: string, target: string, meaning: string): Promise<Proven> {
  const { grant, services } = request;
  const { confirmations, users } = services;
  const found = await confirmations?.confirmed(id);
  const isIt =
    found !== undefined &&
    found.account === grant.subject &&
    found.grantId === grant.grantId &&
    found.target === target &&
    found.meaning === meaning;
  const user = isIt ? await users.find(found.account) : undefined;
  if (found === undefined || user === undefined) throw unconfirmed();
  assertCaller(request, user);
  if ((await confirmations?.use(id)) !== true) throw unconfirmed();
  return { user, components: found.amr };
}

function unconfirmed(): NativeError {
  const message = 'It is not confirmed, used up, too old, or of another signature.';
  const details = [{ field: 'confirmation_id', code: 'invalid', message }];
  return new NativeError('unauthenticated', 'This signature has not been confirmed.', { details });
}

async function all(request: NativeCall, { login, password, otp }: Sent): Promise<Proven> {
  const missing = [...(login == null ? ['login'] : []), ...(password == null ? ['password'] : [])];
  if (login == null || password == null) throw unproven(missing);
  const user = await passwordOf(request, login, password);
  if (!user.hasSecondFactor) return { user, components: ['pwd'] };
  if (otp == null) throw unproven(['otp']);
  await secondFactorOf(request, user.id, otp);
  return { user, components: ['pwd', 'otp'] };
}

async function one(request: NativeCall, { password, otp }: Sent, { id, login }: User): Promise<Proven> {
  if (password != null) return { user: await passwordOf(request, login, password), components: ['pwd'] };
  if (otp == null) throw unproven(['password']);
  return { user: await secondFactorOf(request, id, otp), components: ['otp'] };
}

const networkOf = ({ call }: NativeCall): string => call.trail.agent.address ?? '';

async function passwordOf(request: NativeCall, login: string, password: string): Promise<User> {
  try {
    return userOf(await request.services.users.provePassword({ login, password, network: networkOf(request) }));
  } catch (error) {
    if (!(error instanceof PasswordsBusy)) throw error;
    throw new NativeError('unavailable', 'Too many passwords are being checked. Repeat it later.', { headers: { 'retry-after': '1' } });
  }
}

const secondFactorOf = async (request: NativeCall, id: string, code: string): Promise<User> =>
  userOf(await request.services.users.proveSecondFactor({ id, code, network: networkOf(request) }));

function userOf(proof: Proof): User {
  if (proof === 'refused') throw unproven([]);
  if ('waitSeconds' in proof) {
    const headers = { 'retry-after': String(Math.ceil(proof.waitSeconds)) };
    throw new NativeError('rate_limited', 'Too many proofs were wrong. Repeat it later.', { headers });
  }
  return proof.user;
}

function unproven(missing: readonly string[]): NativeError {
  const details: Detail[] = missing.map((field) => ({ field, code: 'required', message: 'It is needed to sign.' }));
  return new NativeError('unauthenticated', 'Who signs has to prove who he is.', { details });
}

/** Who signs in elsewhere has nothing to prove himself by to an app: he is told so before he tries his password of there and is locked out. */
async function assertHasPassword({ grant, services }: NativeCall): Promise<void> {
  const own = grant.grantId === undefined ? undefined : await services.users.find(grant.subject);
  if (own?.hasPassword === false) throw unproven(['confirmation_id']);
}

/** Nobody signs in another's name: neither with another's token nor with another's password. */
function assertCaller({ grant }: NativeCall, { fhirUser, id }: User): void {
  const relative = (reference: string | undefined): string | undefined =>
    /[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.exec(reference ?? '')?.[0];
  const isSame = fhirUser !== undefined && relative(grant.fhirUser) === relative(fhirUser);
  // Who else's tokens are of another issuer, whose names for people are its own.
  const isAccount = grant.grantId === undefined || grant.subject === id;
  if (!isSame || !isAccount) throw new NativeError('forbidden', 'The account is not that of the caller.');
}
