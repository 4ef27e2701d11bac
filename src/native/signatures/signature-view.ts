import type { components } from '../api-types.ts';
import { own } from '../extensions.ts';
import { filled, partOf, partsOf, referenceTo, resourceFrom, textOf } from '../parts.ts';
import type { Resource } from '../view.ts';
import type { Meaning, Signed } from './signer.ts';

export type Signature = components['schemas']['Signature'];

export const sessionTag = `${own}CodeSystem/signing-session`;
const purposes = 'urn:iso-astm:E1762-95:2013';
const joseFormat = 'application/jose';

/** The purpose of the signature, and the part of who signs. @see https://hl7.org/fhir/R4/valueset-signature-type.html */
const codes: Readonly<Record<Meaning, { readonly purpose: string; readonly part: string }>> = {
  author: { purpose: '1.2.840.10065.1.12.1.1', part: 'author' },
  reviewer: { purpose: '1.2.840.10065.1.12.1.13', part: 'verifier' },
  approver: { purpose: '1.2.840.10065.1.12.1.5', part: 'legal' },
};

/** The Provenance that holds a signature. It is about the patient too, and so in his record, under his key and his rights. */
export function provenanceFor(signed: Signed, jws: string, patient: string): Resource {
  const { purpose, part } = codes[signed.meaning];
  const when = new Date(signed.iat * 1000).toISOString();
  const who = { reference: signed.who, display: signed.name };
  return resourceFrom({
    resourceType: 'Provenance',
    meta: { tag: [{ system: sessionTag, code: signed.session }] },
    target: [{ reference: signed.target }, referenceTo('Patient', patient)],
    recorded: when,
    agent: [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: part }] }, who }],
    signature: [
      {
        type: [{ system: purposes, code: purpose }],
        when,
        who,
        targetFormat: 'application/fhir+json',
        sigFormat: joseFormat,
        data: Buffer.from(jws).toString('base64'),
      },
    ],
  });
}

/** The JWS of a Provenance; undefined where it holds none. */
export function jwsIn(provenance: Resource): string | undefined {
  const data = textOf(partsOf(provenance.signature).find(({ sigFormat }) => sigFormat === joseFormat)?.data);
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8');
}

/** The version that a Provenance is about, of the resource named. */
export function versionIn(provenance: Resource, type: string, id: string): number | undefined {
  const versions = partsOf(provenance.target).flatMap(({ reference }) => {
    const [, named, of, version] = /^([A-Za-z]+)\/([A-Za-z0-9\-.]+)\/_history\/([1-9]\d{0,8})$/.exec(textOf(reference) ?? '') ?? [];
    return named === type && of === id ? [Number(version)] : [];
  });
  return versions.length === 1 ? versions[0] : undefined;
}

export type Verdict = { readonly status: Signature['status']; readonly version: number | undefined; readonly signed: Signed | undefined };

/** What is signed is told as the signature has it; of one that isn't valid, what the Provenance says. */
export function signatureOf(provenance: Resource, { status, version, signed }: Verdict): Signature {
  const [told] = partsOf(provenance.signature);
  const purpose = textOf(partsOf(told?.type)[0]?.code);
  const meaning = (Object.keys(codes) as Meaning[]).find((each) => codes[each].purpose === purpose);
  const who = partOf(told?.who);
  return filled({
    signature_id: textOf(provenance.id) ?? '',
    record_version: version,
    status,
    meaning: signed?.meaning ?? meaning,
    signer: signed?.who ?? textOf(who?.reference),
    printed_name: signed?.name ?? textOf(who?.display),
    signed_at: signed === undefined ? textOf(told?.when) : new Date(signed.iat * 1000).toISOString(),
    components: signed?.components,
    jws: jwsIn(provenance),
  }) as Signature;
}
