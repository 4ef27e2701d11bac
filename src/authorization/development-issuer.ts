import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { Config } from '../config.ts';

/** The issuer of tokens that `npm run token` prints. Trusted outside production only. */
export const developmentIssuer = 'urn:anamnesis:development';
const algorithm = 'ES256';

export type DevelopmentClaims = {
  readonly scope: string;
  readonly patient?: string;
  readonly fhirUser?: string;
  readonly roles?: readonly string[];
  /** Seconds. */
  readonly expiresIn: number;
  readonly audience: string;
};

/** Signs a development token with the key of the file, which is made at the first use. */
export async function signDevelopmentToken(keyFile: string, claims: DevelopmentClaims): Promise<string> {
  const jwk = await developmentKey(keyFile);
  const subject = claims.fhirUser ?? 'developer';
  return new SignJWT({
    scope: claims.scope,
    client_id: 'development',
    ...(claims.patient === undefined ? {} : { patient: claims.patient }),
    ...(claims.fhirUser === undefined ? {} : { fhirUser: claims.fhirUser }),
    ...(claims.roles === undefined ? {} : { roles: claims.roles }),
  })
    .setProtectedHeader({ alg: algorithm, kid: jwk.kid ?? '', typ: 'at+jwt' })
    .setIssuer(developmentIssuer)
    .setAudience(claims.audience)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + claims.expiresIn)
    .sign(await importJWK(jwk, algorithm));
}

/** The signing key of the development issuer; written once, readable by its owner only. Two processes may race to make it. */
export async function developmentKey(keyFile: string): Promise<JWK> {
  try {
    return JSON.parse(await readFile(keyFile, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const named = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithm };
  await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
  const draft = `${keyFile}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(named), { mode: 0o600, flush: true });
  await chmod(draft, 0o600);
  await link(draft, keyFile).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  return JSON.parse(await readFile(keyFile, 'utf8')) as JWK;
}

/** Beside the root key's file: outside DATA_DIR too. */
export function developmentKeyFileOf({ keyFile }: Pick<Config, 'keyFile'>): string {
  return join(dirname(keyFile), 'development-issuer.json');
}
