import { type Grammar, plainConcept } from '../system.ts';

const token = String.raw`[A-Za-z0-9!#$%&'*+.^_\`|~-]{1,127}`;
/** What has to be quoted, often isn't: official examples have `variant=XDA/XDS` and `variant=IHE IID`, others a profile's url. */
const word = String.raw`[A-Za-z0-9!#$%&'*+.^_\`|~/:?=@-]{1,255}`;
const value = `${word}(?: ${word})*`;
const quoted = String.raw`"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"`;
const mediaType = new RegExp(
  `^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}(?: *; *${token}=(?:${value}|${quoted}))*$`,
);

/**
 * Media types by their form, with parameters: new ones are registered every month and private ones needn't be, so a list
 * would refuse right ones.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2, https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1
 */
export function mediaTypeGrammar(): Grammar {
  return {
    url: 'urn:ietf:bcp:13',
    name: 'Media Types (BCP 13)',
    version: undefined,
    find: (code) => (code.length <= 500 && mediaType.test(code) ? plainConcept(code) : undefined),
  };
}
