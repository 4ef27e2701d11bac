import { html } from 'hono/html';
import { Hono } from 'hono';
import { documentOf, type Page, pageHeaders } from './layout.ts';
import { demoScript } from './demo-script.ts';
import { english } from './texts.ts';

export const demoClientId = 'demo';
export const demoPath = '/demo';

/** A SMART app as small as one can be: sign in, choose a patient, see his name and newest observations. Never in production. */
export function demoApp(base: string): Hono {
  const app = new Hono({ strict: false });
  app.get('/', (c) => {
    const page: Page = {
      title: 'Demo app',
      script: `${demoPath}/app.js`,
      body: html`
<p>A SMART on FHIR app, to try this server. It asks for what is below, in the name of who signs in.</p>
<form id="launch">
<fieldset><legend>What to ask for</legend>
${scopesOffered.map(([scope, words, checked]) => html`<label class="choice"><input type="checkbox" name="scope" value="${scope}"${checked ? html` checked` : ''}><span>${words} <code>${scope}</code></span></label>`)}
</fieldset>
<div class="buttons"><button>Sign in and launch</button></div>
</form>
<noscript><p class="warning">This app is a page with a script. The pages it leads to need none.</p></noscript>
<section id="shown" hidden aria-live="polite">
<h2 id="who"></h2>
<dl id="facts"></dl>
<h2>Newest observations</h2>
<ul class="rows" id="observations"></ul>
<div class="buttons"><button class="second" id="refresh">Get a new token</button><button class="second" id="revoke">Give the token back</button></div>
<p><a href="/oauth/apps">Your apps</a></p>
<p class="quiet" id="told" role="status"></p>
</section>
<p class="fault" id="failed" role="alert" hidden></p>`,
    };
    return c.body(documentOf(page, english), 200, pageHeaders(page));
  });
  app.get('/app.js', (c) => c.body(demoScript(demoClientId, base), 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  return app;
}

const scopesOffered: readonly (readonly [scope: string, words: string, checked: boolean])[] = [
  ['launch/patient', 'A patient in context', true],
  ['openid fhirUser', 'Who signs in', true],
  ['patient/Patient.rs', 'The patient', true],
  ['patient/Observation.rs', 'Observations', true],
  ['patient/Condition.rs', 'Conditions', true],
  ['patient/MedicationRequest.rs', 'Prescriptions', false],
  ['patient/*.rs', 'Everything of the patient', false],
  ['offline_access', 'Access while you are away', false],
];
