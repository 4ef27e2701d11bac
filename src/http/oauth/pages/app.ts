import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Context as HonoContext, Hono } from 'hono';
import { FhirError } from '../../../fhir/error.ts';
import { withOrigin } from '../../../authorization/security-events.ts';
import type { Log } from '../../../telemetry/log.ts';
import type { Account, Interaction } from '../interaction.ts';
import { consentStep, type ConsentDoor, onChosen, onDecision, onPatients } from './consent-steps.ts';
import { demoApp, demoPath } from './demo.ts';
import { type Form, ForgedForm } from './forms.ts';
import { documentOf, type Page, pageHeaders, styleUrl } from './layout.ts';
import { accountDoor, appsDoor } from './own-frame.ts';
import { accountPage, appsPage, onOwnEnrol, onRemove, onSecondFactor, onSignOut } from './own-pages.ts';
import { onPasswordChange, ownPasswordPage, passwordPath } from './password.ts';
import { onBackFrom, onOutside } from './outside-sign-in.ts';
import { onSigningDecision, overPage, signingDoor, type SigningDoor, signingPage, signingPlace } from './signing.ts';
import { onCode, onEnrol, onEnrolled, onPassword, signInPage } from './sign-in.ts';
import { startPage, startPath } from './start.ts';
import { styleSheet } from './style.ts';
import { errorPage } from './views.ts';
import type { Answered, Door, PagesContext, Visit } from './visit.ts';

/** As the whole app's, of which these pages are a part. */
export type PagesEnv = {
  Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
  Variables: { requestId: string };
};

type Exchange = HonoContext<PagesEnv>;

export type PagesOptions = {
  readonly context: () => Promise<PagesContext>;
  readonly log: Log;
  /** The FHIR base. */
  readonly base: string;
  readonly hasDemo: boolean;
};

const signInDoor: Door = { place: '/oauth/sign-in' };

/** Whether a path is that of a page here, and not of the authorization server's own. */
export function isPage(path: string): boolean {
  return /^\/(?:oauth\/(?:interaction|pages|sign-in|sign|apps|account)|demo)(?:\/|\?|$)/.test(path);
}

/**
 * The pages that people see: sign in, choose a patient, decide on an app, take it back. Every form is answered only if it came from a
 * page of ours; the next page is one that can be loaded anew.
 *
 * @param options.context  made at the first visit: who never signs in pays nothing for it
 */
export function pagesApp(options: PagesOptions): Hono<PagesEnv> {
  const app = new Hono<PagesEnv>({ strict: false });
  app.get(styleUrl, (c) => c.body(styleSheet, 200, { 'content-type': 'text/css; charset=utf-8' }));
  interactionPages(app, options);
  signingPages(app, options);
  ownPages(app, options);
  // A browser asks for HTML by name; programs are told that there is nothing.
  app.get(startPath, (c) =>
    /\btext\/html\b/.test(c.req.header('accept') ?? '')
      ? answered(c, options, ({ texts }) => startPage({ ...options, texts }))
      : c.notFound(),
  );
  if (options.hasDemo) app.route(demoPath, demoApp(options.base));
  app.all('/oauth/interaction/*', (c) => answered(c, options, (ctx) => missing(ctx, c)));
  return app;
}

function missing({ texts }: PagesContext, c: Exchange): Page {
  return { ...errorPage(texts, texts.error.notFound, c.var.requestId), status: 404 };
}

type Work = (ctx: PagesContext, visit: Visit) => Answered | Promise<Answered>;

function interactionPages(app: Hono<PagesEnv>, options: PagesOptions): void {
  const place = '/oauth/interaction/:uid';
  const doorAt = async (c: Exchange, ctx: PagesContext): Promise<(Door & { readonly interaction: Interaction }) | undefined> => {
    const uid = c.req.param('uid') ?? '';
    const interaction = await ctx.interactions.find(c.env.incoming, c.env.outgoing, uid);
    return interaction === undefined ? undefined : { place: `/oauth/interaction/${encodeURIComponent(uid)}`, interaction };
  };
  const over = ({ texts }: PagesContext, c: Exchange): Answered => ({
    ...errorPage(texts, texts.error.interaction, c.var.requestId),
    status: 404,
  });

  app.get(place, (c) =>
    answered(c, options, async (ctx, visit) => {
      const door = await doorAt(c, ctx);
      if (door === undefined) return over(ctx, c);
      return isConsent(door) ? consentStep(ctx, visit, door) : signInPage(ctx, visit, door);
    }),
  );
  app.get(`${place}/with/:provider`, (c) =>
    answered(c, options, async (ctx, visit) => {
      const door = await doorAt(c, ctx);
      if (door === undefined) return over(ctx, c);
      if (door.interaction.stage !== 'login') return { to: door.place };
      return (await onOutside(ctx, visit, door, c.req.param('provider') ?? '')) ?? missing(ctx, c);
    }),
  );
  const onForm = <D extends Door>(
    step: string,
    isAt: (door: Door & { readonly interaction: Interaction }) => door is Door & { readonly interaction: Interaction } & D,
    work: (ctx: PagesContext, visit: Visit, door: D, form: Form) => Promise<Answered>,
  ): void => {
    app.post(`${place}/${step}`, (c) =>
      answered(c, options, async (ctx, visit) => {
        const door = await doorAt(c, ctx);
        if (door === undefined) return over(ctx, c);
        const form = await ctx.forms.read(visit.incoming, door.place);
        // A form of a step that is over, as after "back": the page of now.
        return isAt(door) ? work(ctx, visit, door, form) : { to: door.place };
      }),
    );
  };
  onForm('password', isSignIn, onPassword);
  onForm('code', isSignIn, onCode);
  onForm('enrol', isSignIn, onEnrol);
  onForm('enrolled', isSignIn, onEnrolled);
  onForm('patients', isConsent, onPatients);
  onForm('patient', isConsent, onChosen);
  onForm('encounter', isConsent, onChosen);
  app.post(`${place}/decision`, (c) =>
    answered(c, options, async (ctx, visit) => {
      const door = await doorAt(c, ctx);
      if (door === undefined) return over(ctx, c);
      const form = await ctx.forms.read(visit.incoming, door.place);
      if (isConsent(door)) return onDecision(ctx, visit, door, form);
      return { to: await ctx.interactions.refuse(visit.incoming, visit.outgoing) };
    }),
  );
}

type AppDoor = Door & { readonly interaction: Interaction };

const isSignIn = (door: AppDoor): door is AppDoor => door.interaction.stage === 'login';
const isConsent = (door: AppDoor): door is AppDoor & ConsentDoor =>
  door.interaction.stage === 'consent' && door.interaction.account !== undefined;

function signingPages(app: Hono<PagesEnv>, options: PagesOptions): void {
  const place = `${signingPlace}/:id`;
  type SigningWork = (ctx: PagesContext, visit: Visit, door: SigningDoor) => Answered | Promise<Answered>;
  const at = (c: Exchange, work: SigningWork): Promise<Response> =>
    answered(c, options, async (ctx, visit) => {
      const door = await signingDoor(ctx, c.req.param('id') ?? '');
      return door === undefined ? overPage(ctx) : work(ctx, visit, door);
    });
  app.get(place, (c) => at(c, signingPage));
  app.get(`${place}/with/:provider`, (c) =>
    at(c, async (ctx, visit, door) => (await onOutside(ctx, visit, door, c.req.param('provider') ?? '')) ?? missing(ctx, c)),
  );
  const steps = { password: onPassword, code: onCode, enrol: onEnrol, enrolled: onEnrolled, decision: onSigningDecision };
  for (const [step, work] of Object.entries(steps))
    app.post(`${place}/${step}`, (c) =>
      at(c, async (ctx, visit, door) => work(ctx, visit, door, await ctx.forms.read(visit.incoming, door.place))),
    );
}

function ownPages(app: Hono<PagesEnv>, options: PagesOptions): void {
  type Own = (ctx: PagesContext, visit: Visit, account: Account) => Answered | Promise<Answered>;
  /** For who is signed in; others are led to sign in. */
  const own = (work: Own): Work => {
    return async (ctx, visit) => {
      const account = await ctx.interactions.session(visit.incoming, visit.outgoing);
      return account === undefined ? { to: signInDoor.place } : work(ctx, visit, account);
    };
  };
  const post = (path: string, door: Door, work: (form: Form) => Work): void => {
    app.post(path, (c) =>
      answered(c, options, async (ctx, visit) => {
        const form = await ctx.forms.read(visit.incoming, door.place);
        return work(form)(ctx, visit);
      }),
    );
  };
  app.get(signInDoor.place, (c) => answered(c, options, (ctx, visit) => signInPage(ctx, visit, signInDoor)));
  post(`${signInDoor.place}/password`, signInDoor, (form) => (ctx, visit) => onPassword(ctx, visit, signInDoor, form));
  post(`${signInDoor.place}/code`, signInDoor, (form) => (ctx, visit) => onCode(ctx, visit, signInDoor, form));
  post(`${signInDoor.place}/enrol`, signInDoor, (form) => (ctx, visit) => onEnrol(ctx, visit, signInDoor, form));
  post(`${signInDoor.place}/enrolled`, signInDoor, () => (ctx, visit) => onEnrolled(ctx, visit, signInDoor));

  app.get(`${signInDoor.place}/with/:provider`, (c) =>
    answered(c, options, async (ctx, visit) => (await onOutside(ctx, visit, signInDoor, c.req.param('provider'))) ?? missing(ctx, c)),
  );
  app.get(`${signInDoor.place}/from/:provider`, (c) =>
    answered(c, options, async (ctx, visit) => (await onBackFrom(ctx, visit, c.req.param('provider'))) ?? missing(ctx, c)),
  );

  app.get(appsDoor.place, (c) => answered(c, options, own(appsPage)));
  post(`${appsDoor.place}/remove`, appsDoor, (form) => own((ctx, visit, account) => onRemove(ctx, visit, account, form)));
  post(`${appsDoor.place}/sign-out`, appsDoor, () => own(onSignOut));
  app.get(accountDoor.place, (c) => answered(c, options, own(accountPage)));
  app.get(passwordPath, (c) => answered(c, options, own(ownPasswordPage)));
  post(passwordPath, accountDoor, (form) => own((ctx, visit, account) => onPasswordChange(ctx, visit, account, form)));
  post(`${accountDoor.place}/second-factor`, accountDoor, () => own(onSecondFactor));
  post(`${accountDoor.place}/enrol`, accountDoor, (form) => own((ctx, visit, account) => onOwnEnrol(ctx, visit, account, form)));
  post(`${accountDoor.place}/enrolled`, accountDoor, () => () => ({ to: accountDoor.place }));
}

async function answered(c: Exchange, { context, log }: PagesOptions, work: Work): Promise<Response> {
  const ctx = await context();
  const { incoming, outgoing } = c.env;
  try {
    const origin = { address: ctx.addressOf(incoming), requestId: c.var.requestId };
    const answer = await withOrigin(origin, () => work(ctx, { incoming, outgoing }));
    if ('to' in answer) return c.body(null, 303, { location: answer.to, 'referrer-policy': 'same-origin' });
    return sent(c, ctx, answer);
  } catch (error) {
    return sent(c, ctx, faultPage(ctx, error, log, c.var.requestId));
  }
}

function faultPage({ texts }: PagesContext, error: unknown, log: Log, requestId: string): Page {
  if (error instanceof ForgedForm) return { ...errorPage(texts, texts.error.form, requestId), status: 403 };
  if (error instanceof FhirError && error.status < 500) {
    const reason = error.status === 429 ? texts.error.tooMany : texts.error.interaction;
    return { ...errorPage(texts, reason, requestId), status: error.status, headers: error.headers };
  }
  log.error({ requestId }, 'a page failed', error);
  return { ...errorPage(texts, texts.error.failed, requestId), status: error instanceof FhirError ? error.status : 500 };
}

function sent(c: Exchange, { texts }: PagesContext, page: Page): Response {
  return c.body(documentOf(page, texts), { status: (page.status ?? 200) as 200, headers: pageHeaders(page) });
}
