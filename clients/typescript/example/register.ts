// A patient registered by the native API, read by FHIR: ANAMNESIS_TOKEN=$(npm run -s token) node clients/typescript/example/register.ts
import { bearer, fhirClient, nativeClient } from '../src/index.ts';

const origin = process.env.ANAMNESIS_URL ?? 'http://127.0.0.1:8080';
const credentials = bearer(process.env.ANAMNESIS_TOKEN ?? '');
const native = nativeClient({ baseUrl: `${origin}/api/v1`, credentials });
const fhir = fhirClient({ baseUrl: `${origin}/fhir/R4`, credentials });

const { data, error } = await native.POST('/patients', {
  body: { given_name: 'Ada', family_name: 'Lovelace', date_of_birth: '1985-12-10' },
});
if (data === undefined) throw new Error(error?.message);
process.stdout.write(`${JSON.stringify(await fhir.read('Patient', data.patient_id))}\n`);
for await (const { id } of fhir.searchAll('Patient', { family: 'Lovelace', _count: 10 })) process.stdout.write(`${id}\n`);
