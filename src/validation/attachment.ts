import { createHash } from 'node:crypto';
import type { ObjectRule } from './objects.ts';
import { reportChild } from './walk.ts';

/** Size and hash are those of the data, where that is given. @see https://hl7.org/fhir/R4/datatypes.html#Attachment */
export const attachmentRule: ObjectRule = (walk, { data, size, hash }) => {
  if (typeof data !== 'string' || (size === undefined && hash === undefined)) return;
  if (typeof size === 'number' && size !== Buffer.byteLength(data.replace(/\s/g, ''), 'base64')) {
    const sentence = 'must be the number of bytes that the data has once its base64 is decoded: correct it, or leave it out.';
    reportChild(walk, 'size', 'value', 'attachment-size', sentence);
  }
  if (typeof hash === 'string' && hash !== createHash('sha1').update(data, 'base64').digest('base64')) {
    const sentence = 'must be the SHA-1 hash, in base64, of the data once its base64 is decoded: correct it, or leave it out.';
    reportChild(walk, 'hash', 'value', 'attachment-hash', sentence);
  }
};
