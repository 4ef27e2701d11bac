import { SaxesParser } from 'saxes';
import { isHarmless, isNarrativeAttribute, isNarrativeElement } from './narrative-rules.ts';

export type NarrativeFault = {
  readonly kind: 'malformed' | 'element' | 'attribute' | 'active' | 'namespace' | 'empty';
  readonly sentence: string;
};

const XHTML = 'http://www.w3.org/1999/xhtml';
const FAULTS_MAX = 10;
const DEPTH_MAX = 200;

/**
 * What is wrong with a narrative, by a parser. There are no entities but XML's own, as a document type is a fault, so nothing can
 * grow; each kind of fault in each kind of element or attribute is told once.
 */
export function faultsIn(div: string): readonly NarrativeFault[] {
  const faults = new Map<string, NarrativeFault>();
  const add = (kind: NarrativeFault['kind'], sentence: string): void => {
    if (faults.size < FAULTS_MAX) faults.set(`${kind} ${sentence}`, { kind, sentence });
  };
  let content = false;
  let depth = 0;
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', () => {
    throw new Malformed();
  });
  parser.on('doctype', () => add('malformed', 'must have no document type declaration: leave it out.'));
  parser.on('processinginstruction', () => add('malformed', 'must have no processing instruction: leave it out.'));
  parser.on('text', (text) => {
    content ||= /[^ \t\r\n]/.test(text);
  });
  parser.on('cdata', (text) => {
    content ||= /[^ \t\r\n]/.test(text);
  });
  parser.on('opentag', (tag) => {
    if (++depth > DEPTH_MAX) throw new TooDeep();
    if (tag.local === 'img' && 'src' in tag.attributes) content = true;
    checkElement(add, tag.prefix === '' ? tag.local : tag.name, tag.uri);
    for (const { name, value, prefix } of Object.values(tag.attributes)) {
      if (name !== 'xmlns' && prefix !== 'xmlns') checkAttribute(add, name, value);
    }
  });
  parser.on('closetag', () => {
    depth--;
  });
  try {
    parser.write(div).close();
  } catch (error) {
    if (error instanceof TooDeep)
      return [{ kind: 'malformed', sentence: `has elements more than ${DEPTH_MAX} deep in each other: nest less.` }];
    if (!(error instanceof Malformed)) throw error;
    const sentence =
      'is not well-formed XHTML: close each element in the order they were opened, put attributes in quotes, and write &amp; and &lt; for & and <; of entities there are only &amp; &lt; &gt; &quot; &apos; and numbers (&#160;).';
    add('malformed', sentence);
    return [...faults.values()];
  }
  if (!content) add('empty', 'has nothing to read: give it text or an image, or leave the narrative out.');
  return [...faults.values()];
}

/** Ends the parsing at the first fault: what follows it can't be told. */
class Malformed extends Error {}

/** The parser looks for a namespace in all open elements, for each element. */
class TooDeep extends Error {}

type Add = (kind: NarrativeFault['kind'], sentence: string) => void;

function checkElement(add: Add, name: string, uri: string): void {
  if (uri !== XHTML) add('namespace', 'has an element of another namespace than http://www.w3.org/1999/xhtml: leave it out.');
  else if (!isNarrativeElement(name)) {
    add(
      'element',
      `has ${quotable(name, 'an element')}, which no narrative may have: only text, formatting, lists, tables, links and images.`,
    );
  }
}

function checkAttribute(add: Add, name: string, value: string): void {
  if (!isNarrativeAttribute(name)) {
    add('attribute', `has ${quotable(name, 'an attribute')} as an attribute, which no narrative may have: leave it out.`);
  } else if (!isHarmless(name, value)) {
    const allowed =
      name === 'style'
        ? 'a style may load and run nothing'
        : 'it may begin with http:, https:, mailto: or tel:, and an image with data:image/';
    add('active', `has ${name} with content that is not allowed: ${allowed}.`);
  }
}

/** A name is quoted if it is one of HTML: it may be text that was never meant as markup. */
function quotable(name: string, otherwise: string): string {
  return HTML.has(name.toLowerCase()) || /^on[a-z]{3,20}$/i.test(name) ? `"${name}"` : otherwise;
}

const HTML = new Set(
  (
    'action applet article aside audio background base basefont body button canvas center data del details embed fieldset figure font footer ' +
    'form formaction frame frameset head header html http-equiv iframe input ins label legend link main mark math menu meta nav noscript object ' +
    'option param picture role s script section select slot source srcdoc srcset strike style svg target template textarea title u video xlink:href'
  ).split(' '),
);
