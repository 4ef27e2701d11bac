/** The demo app's script: authorization code with PKCE by what a browser has, and nothing kept beyond the tab. */
export function demoScript(clientId: string, base: string): string {
  return `'use strict';
const clientId = ${JSON.stringify(clientId)};
const here = location.origin + '/demo';
const base = ${JSON.stringify(base)};
const $ = (id) => document.getElementById(id);
const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));
let token;

async function configuration(iss) {
  const answer = await fetch(iss + '/.well-known/smart-configuration', { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error('The server does not tell its SMART configuration.');
  return answer.json();
}

async function launch(iss, scopes, launchId) {
  const { authorization_endpoint } = await configuration(iss);
  const verifier = random();
  const state = random();
  sessionStorage.setItem('begun', JSON.stringify({ iss, verifier, state }));
  const challenge = text(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  const asked = new URLSearchParams({ response_type: 'code', client_id: clientId, redirect_uri: here, scope: scopes, state, aud: iss,
    code_challenge: challenge, code_challenge_method: 'S256' });
  if (launchId) asked.set('launch', launchId);
  location.assign(authorization_endpoint + '?' + asked);
}

async function exchange(iss, fields) {
  const { token_endpoint } = await configuration(iss);
  const answer = await fetch(token_endpoint, { method: 'POST', body: new URLSearchParams({ client_id: clientId, ...fields }) });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error_description || body.error);
  return body;
}

async function fhir(iss, path) {
  const answer = await fetch(iss + '/' + path, { headers: { authorization: 'Bearer ' + token.access_token, accept: 'application/fhir+json' } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.issue?.[0]?.details?.text || body.issue?.[0]?.diagnostics || 'HTTP ' + answer.status);
  return body;
}

function nameOf(patient) {
  const name = patient.name?.[0];
  return name?.text || [...(name?.given || []), name?.family || ''].join(' ').trim() || patient.id;
}

function fact(label, value) {
  const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
  dt.textContent = label;
  dd.textContent = value;
  $('facts').append(dt, dd);
}

function valueOf(o) {
  if (o.valueQuantity) return o.valueQuantity.value + ' ' + (o.valueQuantity.unit || '');
  if (o.valueCodeableConcept) return o.valueCodeableConcept.text || o.valueCodeableConcept.coding?.[0]?.display || '';
  if (o.component) return o.component.map((c) => (c.valueQuantity ? c.valueQuantity.value + ' ' + (c.valueQuantity.unit || '') : '')).join(', ');
  return o.valueString || '';
}

async function show(iss) {
  $('launch').hidden = true;
  $('shown').hidden = false;
  $('facts').replaceChildren();
  $('observations').replaceChildren();
  fact('Scopes', token.scope);
  fact('Token ends in', token.expires_in + ' s');
  fact('Refresh token', token.refresh_token ? 'yes' : 'no');
  if (token.patient) {
    const patient = await fhir(iss, 'Patient/' + encodeURIComponent(token.patient));
    $('who').textContent = nameOf(patient);
    fact('Born', patient.birthDate || '');
    fact('Gender', patient.gender || '');
  } else $('who').textContent = 'Signed in';
  const found = await fhir(iss, 'Observation?_sort=-date&_count=10').catch((error) => ({ fault: error.message }));
  if (found.fault) fact('Observations', found.fault);
  for (const { resource } of found.entry || []) {
    if (resource.resourceType !== 'Observation') continue;
    const li = document.createElement('li');
    li.textContent = (resource.effectiveDateTime || '').slice(0, 10) + ' ' + (resource.code?.text || resource.code?.coding?.[0]?.display || '') + ': ' + valueOf(resource);
    $('observations').append(li);
  }
}

function fail(error) {
  $('failed').textContent = error.message;
  $('failed').hidden = false;
}

async function start() {
  const asked = new URLSearchParams(location.search);
  const begun = JSON.parse(sessionStorage.getItem('begun') || 'null');
  if (asked.has('code') || asked.has('error')) {
    sessionStorage.removeItem('begun');
    history.replaceState(null, '', here);
    if (!begun || asked.get('state') !== begun.state) throw new Error('This answer is to no question of ours.');
    if (asked.has('error')) throw new Error(asked.get('error_description') || asked.get('error'));
    token = await exchange(begun.iss, { grant_type: 'authorization_code', code: asked.get('code'), redirect_uri: here, code_verifier: begun.verifier });
    await show(begun.iss);
    $('refresh').hidden = !token.refresh_token;
    $('refresh').onclick = () => exchange(begun.iss, { grant_type: 'refresh_token', refresh_token: token.refresh_token })
      .then((fresh) => { token = fresh; return show(begun.iss); }).then(() => { $('told').textContent = 'A new token is here.'; }).catch(fail);
    $('revoke').onclick = async () => {
      const { revocation_endpoint } = await configuration(begun.iss);
      await fetch(revocation_endpoint, { method: 'POST', body: new URLSearchParams({ client_id: clientId, token: token.refresh_token || token.access_token }) });
      $('told').textContent = 'The token is given back.';
    };
    return;
  }
  if (asked.has('launch')) {
    if (asked.get('iss') !== base) throw new Error('This app is for this server alone.');
    await launch(base, 'launch openid fhirUser patient/*.rs', asked.get('launch'));
  }
}

$('launch').addEventListener('submit', (event) => {
  event.preventDefault();
  launch(base, [...new FormData(event.target).getAll('scope')].join(' ')).catch(fail);
});
start().catch(fail);
`;
}
