import type { JsonObject } from '../fhir/json.ts';
import type { Answer } from '../interactions/answer.ts';
import type { Context } from '../interactions/context.ts';

/** An answer that handlers read. */
export type Told = Answer & {
  /** Its body to the letter, where that is another: what is signed and compared. */
  readonly asStored?: Buffer | string;
};

/** The answer with references into this server as views know them, relative to its base: an EHR may have written them with it. */
export function withOwnReferences({ config }: Context, answer: Answer): Told {
  if (answer.body === undefined) return answer;
  const body = ownReferences(config.baseUrl, answer.body);
  return body === answer.body ? answer : { ...answer, body, asStored: answer.body };
}

/** @param json  without white space between its tokens, so that no text within a string looks like a member */
export function ownReferences(base: string, json: Buffer | string): Buffer | string {
  const [reference, file] = [`"reference":"${base}/`, `"url":"${base}/Binary/`];
  if (!json.includes(reference) && !json.includes(file)) return json;
  return json.toString().replaceAll(reference, '"reference":"').replaceAll(file, '"url":"Binary/');
}

/** The resource to the letter. */
export function asStored({ body, asStored: letters = body ?? '{}' }: Told): JsonObject {
  return JSON.parse(letters.toString()) as JsonObject;
}
