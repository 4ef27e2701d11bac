import { type Proof, type User } from '../../../authorization/users.ts';
import { PasswordsBusy } from '../../../authorization/passwords.ts';
import type { Form } from './forms.ts';
import { codePage, enrolPage, loginPage, recoveryPage } from './sign-in-pages.ts';
import { type Answered, type Door, type PagesContext, placeOf, type Visit } from './visit.ts';

/** What is known between password and second factor, in a cookie that only we can read: where, who, and what he proved. */
type Begun = {
  readonly place: string;
  readonly id: string;
  readonly amr: readonly string[];
  /** The outside provider that vouches for him. */
  readonly by?: string;
  /** He has proved all that is asked of him, for what he came for. */
  readonly isDone?: true;
};

const cookie = 'anamnesis_sign_in';
const beginSeconds = 300;
/** Time to write the recovery codes down. */
const recoverySeconds = 1_800;

/** The page that is next for who signs in here. */
export async function signInPage(ctx: PagesContext, visit: Visit, door: Door): Promise<Answered> {
  const begun = await begunHere(ctx, visit, door);
  if (begun === undefined) return loginAgain(ctx, visit, door, {});
  if (begun.amr.includes('fed') && !isSecondFactorLeft(ctx, begun)) return finish(ctx, visit, door, begun);
  if (begun.user.hasSecondFactor) return codePage(placeOf(ctx, visit, door), ctx.texts);
  return enrolment(ctx, visit, door, begun.user);
}

export async function onPassword(ctx: PagesContext, visit: Visit, door: Door, form: Form): Promise<Answered> {
  const login = form.text('login');
  const attempt = { login, password: form.text('password'), network: ctx.networkOf(visit.incoming) };
  let proof: Proof | 'busy';
  try {
    proof = await ctx.users.provePassword(attempt);
  } catch (error) {
    if (!(error instanceof PasswordsBusy)) throw error;
    proof = 'busy';
  }
  const words = ctx.texts.signIn;
  if (proof === 'busy') return loginAgain(ctx, visit, door, { login, fault: words.busy, status: 503, headers: { 'retry-after': '5' } });
  if (proof === 'refused') return loginAgain(ctx, visit, door, { login, fault: words.refused, status: 403 });
  if ('waitSeconds' in proof) return loginAgain(ctx, visit, door, { login, ...waiting(ctx, proof.waitSeconds) });
  const { user } = proof;
  if (!user.hasSecondFactor && !ctx.needsSecondFactor(user)) return finish(ctx, visit, door, { user, amr: ['pwd'] });
  keep(ctx, visit, { place: door.place, id: user.id, amr: ['pwd'] });
  return { to: door.place };
}

export async function onCode(ctx: PagesContext, visit: Visit, door: Door, form: Form): Promise<Answered> {
  const begun = await begunHere(ctx, visit, door);
  if (begun === undefined) return expired(ctx, visit, door);
  const proof = await ctx.users.proveSecondFactor({
    id: begun.user.id,
    code: form.text('code'),
    network: ctx.networkOf(visit.incoming),
  });
  const place = placeOf(ctx, visit, door);
  if (proof === 'refused') return codePage({ ...place, fault: ctx.texts.secondFactor.refused, status: 403 }, ctx.texts);
  if ('waitSeconds' in proof) return codePage({ ...place, ...waiting(ctx, proof.waitSeconds) }, ctx.texts);
  return finish(ctx, visit, door, { ...begun, user: proof.user, amr: [...begun.amr, 'otp'] });
}

/** An outside provider vouches for him: what is left to prove is asked for at the place where he began. */
export function provedElsewhere(ctx: PagesContext, visit: Visit, begun: Begun): Answered {
  const { place } = begun;
  keep(ctx, visit, begun);
  return { to: place };
}

/** Whether a second factor of ours is asked for: not where his provider has seen one, and we take its word. */
function isSecondFactorLeft(ctx: PagesContext, { amr, user }: Pick<Begun, 'amr'> & { readonly user: User }): boolean {
  return !amr.includes('mfa') && (user.hasSecondFactor || ctx.needsSecondFactor(user));
}

/** Whoever has to have a second factor sets it up before he gets any further. */
export async function onEnrol(ctx: PagesContext, visit: Visit, door: Door, form: Form): Promise<Answered> {
  const begun = await begunHere(ctx, visit, door);
  if (begun === undefined || begun.user.hasSecondFactor) return expired(ctx, visit, door);
  const { user } = begun;
  const secret = ctx.forms.opened(`totp/${user.id}`, form.text('secret'));
  const codes = secret === undefined ? undefined : await ctx.users.enrol(user, secret, form.text('code'));
  if (codes === undefined) return enrolment(ctx, visit, door, user, { secret, fault: ctx.texts.enrol.refused });
  const { by } = begun;
  const enrolled = { place: door.place, id: user.id, amr: [...begun.amr, 'otp'], ...(by === undefined ? {} : { by }) };
  keep(ctx, visit, enrolled, recoverySeconds);
  return recoveryPage(placeOf(ctx, visit, door), codes, ctx.texts);
}

export async function onEnrolled(ctx: PagesContext, visit: Visit, door: Door): Promise<Answered> {
  const begun = await begunHere(ctx, visit, door);
  if (begun?.amr.includes('otp') !== true) return expired(ctx, visit, door);
  return finish(ctx, visit, door, begun);
}

export async function enrolment(
  ctx: PagesContext,
  visit: Visit,
  door: Door,
  user: User,
  again: { readonly secret?: string | undefined; readonly fault?: string } = {},
): Promise<Answered> {
  const { secret, fault } = again;
  const enrolment = secret === undefined ? ctx.users.beginEnrolment(user) : ctx.users.enrolmentOf(user, secret);
  const place = { ...placeOf(ctx, visit, door), ...(fault === undefined ? {} : { fault, status: 403 }) };
  return enrolPage(place, enrolment, ctx.forms.sealed(`totp/${user.id}`, enrolment.secret), ctx.texts);
}

type Proved = Pick<Begun, 'amr' | 'by'> & { readonly user: User };

async function finish(ctx: PagesContext, visit: Visit, door: Door, { user, amr, by }: Proved): Promise<Answered> {
  const { interaction, signing } = door;
  ctx.forms.keep(visit.outgoing, cookie, undefined);
  if (signing !== undefined && signing.account !== user.id)
    return loginAgain(ctx, visit, door, { fault: ctx.texts.signing.another, status: 403 });
  await ctx.users.signedIn(user, by === undefined ? amr : amr.map((each) => (each === 'fed' ? `fed:${by}` : each)));
  // Nobody is signed in by signing something.
  if (signing !== undefined) {
    keep(ctx, visit, { place: door.place, id: user.id, amr, isDone: true });
    return { to: door.place };
  }
  const login = { accountId: user.id, amr };
  if (interaction !== undefined) return { to: await ctx.interactions.signIn(visit.incoming, visit.outgoing, login) };
  await ctx.interactions.openSession(visit.incoming, visit.outgoing, login);
  return { to: '/oauth/apps' };
}

function keep(ctx: PagesContext, { outgoing }: Visit, begun: Begun, seconds = beginSeconds): void {
  ctx.forms.keep(outgoing, cookie, begun, seconds);
}

export async function begunHere(
  ctx: PagesContext,
  { incoming }: Visit,
  { place }: Door,
): Promise<(Begun & { readonly user: User }) | undefined> {
  const begun = ctx.forms.kept(incoming, cookie) as Begun | undefined;
  if (begun?.place !== place) return undefined;
  const user = await ctx.users.find(begun.id);
  return user === undefined ? undefined : { ...begun, user };
}

function expired(ctx: PagesContext, visit: Visit, door: Door): Answered {
  return loginAgain(ctx, visit, door, { fault: ctx.texts.secondFactor.expired, status: 403 });
}

type Again = {
  readonly login?: string;
  readonly fault?: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

function loginAgain(ctx: PagesContext, visit: Visit, door: Door, { login, ...again }: Again): Answered {
  const { interaction, signing } = door;
  const app = interaction === undefined ? {} : { appName: interaction.client.name };
  const lead = signing === undefined ? {} : { lead: ctx.texts.signing.proveFirst };
  const providers = ctx.federation?.providers ?? [];
  return loginPage(
    { ...placeOf(ctx, visit, door), ...app, ...lead, ...again, providers, login: login ?? interaction?.loginHint ?? '' },
    ctx.texts,
  );
}

/** What is said to who has to wait before he may try again. */
export function waiting({ texts }: PagesContext, seconds: number): Required<Pick<Again, 'fault' | 'status' | 'headers'>> {
  const [value, unit] = seconds < 60 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  const inWords = new Intl.NumberFormat(texts.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
  return { fault: texts.signIn.wait(inWords), status: 429, headers: { 'retry-after': String(seconds) } };
}
