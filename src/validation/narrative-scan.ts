import { isHarmless, isNarrativeAttribute, isNarrativeElement } from './narrative-rules.ts';

/**
 * Whether a narrative is well-formed and allowed, told by one pass over what most narratives are made of: elements in lower case,
 * attributes in double quotes, text with the five entities of XML. False says nothing: then a parser has to judge.
 *
 * @param div  begins with `<div` and its namespace, and ends with `</div>`
 */
export function isPlainDiv(div: string): boolean {
  const open: string[] = [];
  let content = false;
  let at = 0;
  while (at < div.length) {
    if (div.charCodeAt(at) !== 0x3c) {
      const end = div.indexOf('<', at);
      const text = div.slice(at, end === -1 ? div.length : end);
      if (open.length === 0 ? !isBlank(text) : text.includes('&') && STRANGE_ENTITY.test(text)) return false;
      if (text.includes(']]>')) return false;
      content ||= !isBlank(text);
      at += text.length;
      continue;
    }
    TAG.lastIndex = at;
    const tag = TAG.exec(div);
    if (tag === null) return false;
    const [whole, closed, opened, attributes, empty] = tag;
    if (closed !== undefined) {
      if (open.pop() !== closed) return false;
      if (open.length === 0) return content && isBlank(div.slice(at + whole.length));
    } else if (opened !== undefined) {
      if (!isNarrativeElement(opened) || open.length >= DEPTH_MAX) return false;
      if (open.length === 0 && (opened !== 'div' || at !== 0)) return false;
      if (attributes !== undefined && attributes !== '' && !arePlain(attributes, open.length === 0)) return false;
      content ||= opened === 'img';
      if (empty === '') open.push(opened);
      else if (open.length === 0) return false;
    }
    at += whole.length;
  }
  return false;
}

const DEPTH_MAX = 200;
const TAG = /<(?:\/([a-z][a-z0-9]*)\s*|([a-z][a-z0-9]*)((?:\s+[a-z][a-z:-]*="[^"<&]*")*)\s*(\/?))>/y;
const ATTRIBUTE = /\s+([a-z][a-z:-]*)="([^"]*)"/y;
const STRANGE_ENTITY = /&(?!(?:amp|lt|gt|quot|apos);)/;
const XHTML = 'http://www.w3.org/1999/xhtml';

function arePlain(attributes: string, root: boolean): boolean {
  const seen: string[] = [];
  let namespace = false;
  ATTRIBUTE.lastIndex = 0;
  for (let match = ATTRIBUTE.exec(attributes); match !== null; match = ATTRIBUTE.exec(attributes)) {
    const [, name = '', value = ''] = match;
    if (seen.includes(name)) return false;
    seen.push(name);
    if (name === 'xmlns' && value === XHTML) namespace = true;
    else if (!isNarrativeAttribute(name) || !isHarmless(name, value)) return false;
  }
  return namespace || !root;
}

function isBlank(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return false;
  }
  return true;
}
