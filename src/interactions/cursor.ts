import { FhirError, forbidden, issue } from '../fhir/error.ts';

/** Seals and opens page positions: what a cursor says, and whom and which query it belongs to, is nobody else's to read. */
export type CursorCodec = {
  /** @param query  what the cursor is good for */
  readonly seal: (position: unknown, query: string, caller: string) => string;
  /** @throws FhirError 403 if it was given to another caller, 400 if it is none of ours or of another query */
  readonly open: (cursor: string, query: string, caller: string) => unknown;
};

type Sealed = { readonly position: unknown; readonly caller: string };

export type BytesSealer = {
  readonly seal: (purpose: string, bytes: Buffer) => Buffer;
  /** Throws if the bytes were altered or sealed for another purpose. */
  readonly open: (purpose: string, sealed: Buffer) => Buffer;
};

export function cursorCodec(sealer: BytesSealer): CursorCodec {
  return {
    seal: (position, query, caller) => sealer.seal(query, Buffer.from(JSON.stringify({ position, caller }))).toString('base64url'),
    open(cursor, query, caller) {
      const sealed = opened(sealer, cursor, query);
      if (sealed.caller !== caller)
        throw forbidden('page-of-another', 'The page link was given to another caller. Start from your own first page.');
      return sealed.position;
    },
  };
}

function opened(sealer: BytesSealer, cursor: string, query: string): Sealed {
  try {
    return JSON.parse(sealer.open(query, Buffer.from(cursor, 'base64url')).toString('utf8')) as Sealed;
  } catch (cause) {
    const text = 'The page link is not one this server gave for this query. Start again from the first page.';
    throw new FhirError(400, [issue('invalid', 'page-invalid', text)], { cause });
  }
}
