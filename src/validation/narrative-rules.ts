/**
 * What XHTML a narrative may have: formatting of text, lists, tables, links and images; nothing that runs, asks or embeds.
 *
 * @see https://hl7.org/fhir/R4/narrative.html#xhtml, https://www.w3.org/TR/html401/ chapters 7 to 11 (but 9.4) and 15
 */
export function isNarrativeElement(name: string): boolean {
  return ELEMENTS.has(name);
}

export function isNarrativeAttribute(name: string): boolean {
  return ATTRIBUTES.has(name);
}

/** Whether an attribute's value, with its entities resolved, does no more than such an attribute should: it loads and runs nothing. */
export function isHarmless(name: string, value: string): boolean {
  switch (name) {
    case 'href':
    case 'cite':
    case 'longdesc':
      return hasScheme(packed(value), LINKED);
    case 'src':
      return hasScheme(packed(value), SHOWN) && !/^data:(?!image\/(?:png|jpeg|gif|webp|bmp|x-icon)[;,])/i.test(packed(value));
    case 'usemap':
      return value.startsWith('#');
    case 'style':
      return !RISKY_STYLE.test(packed(value));
    default:
      return true;
  }
}

/** Without white space and control characters, of which browsers take no notice in a URL. */
function packed(value: string): string {
  return value.replace(/[\s\p{Cc}]/gu, '');
}

const ELEMENTS = new Set(
  (
    'a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd ' +
    'li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var'
  ).split(' '),
);

const ATTRIBUTES = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite class colspan ' +
    'compact coords dir frame headers height href hreflang hspace id idref ismap lang longdesc name nohref nowrap rel rev rowspan rules scope ' +
    'shape span src start style summary tabindex title type usemap valign value vspace width xml:lang xml:space'
  ).split(' '),
);

const LINKED = new Set(['http', 'https', 'mailto', 'tel', 'ftp', 'urn', 'cid']);
const SHOWN = new Set(['http', 'https', 'data', 'cid']);

function hasScheme(value: string, schemes: ReadonlySet<string>): boolean {
  const [, scheme] = /^([^/?#:]*):/.exec(value) ?? [];
  return scheme === undefined || schemes.has(scheme.toLowerCase());
}

/** What CSS has that loads or runs something, or hides that by an escape or a comment. */
const RISKY_STYLE =
  /expression|javascript|vbscript|behaviou?r|-moz-binding|@import|url\(['"]?(?!#|https?:|data:image\/(?:png|jpeg|gif|webp)[;,]|[\w./-]+['"]?\))|\\|\/\*/i;
