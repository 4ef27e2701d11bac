import { badRequest } from '../fhir/error.ts';

/** Seals and opens page positions: what a cursor says, and whom and which query it belongs to, is nobody else's to read. */
export type CursorCodec = {
  /** @param bound  what the cursor is good for: caller and query */
  readonly seal: (position: unknown, bound: string) => string;
  readonly open: (cursor: string, bound: string) => unknown;
};

export type BytesSealer = {
  readonly seal: (purpose: string, bytes: Buffer) => Buffer;
  /** Throws if the bytes were altered or sealed for another purpose. */
  readonly open: (purpose: string, sealed: Buffer) => Buffer;
};

export function cursorCodec(sealer: BytesSealer): CursorCodec {
  return {
    seal: (position, bound) => sealer.seal(bound, Buffer.from(JSON.stringify(position))).toString('base64url'),
    open(cursor, bound) {
      try {
        return JSON.parse(sealer.open(bound, Buffer.from(cursor, 'base64url')).toString('utf8'));
      } catch (error) {
        throw Object.assign(
          badRequest(
            'page-invalid',
            'The page link is not one this server gave to this caller for this query. Start again from the first page.',
          ),
          { cause: error },
        );
      }
    },
  };
}
