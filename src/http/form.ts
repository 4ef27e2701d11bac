import type { Context } from '../interactions/context.ts';
import { readBody, unsupported } from './body.ts';
import { type Exchange, headerOf } from './exchange.ts';

const formBytesMax = 1_048_576;

/** The form of a search by POST. @see https://hl7.org/fhir/R4/http.html#search */
export async function formOf(ctx: Context, c: Exchange): Promise<string> {
  const [media = ''] = (headerOf(c, 'content-type') ?? '').split(';');
  const bytes = await readBody(c.env.incoming, Math.min(formBytesMax, ctx.config.bodyLimitBytes));
  if (bytes.length === 0) return '';
  if (media.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    throw unsupported('A search by POST is a form: application/x-www-form-urlencoded.');
  return bytes.toString('utf8');
}
