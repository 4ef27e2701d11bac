import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultsIn } from '../../src/validation/narrative-parse.ts';
import { isPlainDiv } from '../../src/validation/narrative-scan.ts';

const div = (inside: string, attributes = ''): string => `<div xmlns="http://www.w3.org/1999/xhtml"${attributes}>${inside}</div>`;
const kindsOf = (text: string) => faultsIn(text).map(({ kind }) => kind);

describe('what most narratives are made of is told without a parser', () => {
  test.each([
    ['text', 'Ada'],
    ['formatting', '<p><b>Name</b>: <i>Ada</i><br/></p>'],
    ['a table', '<table class="grid" border="1"><tbody><tr><td colspan="2">a</td><td/></tr></tbody></table>'],
    ['entities of XML', '<p>5 &lt; 6 &amp; &quot;a&quot;</p>'],
    ['links', '<a href="http://example.org/a?b=c">a</a><a href="Patient/1">b</a><a name="c">d</a>'],
    ['an image and nothing else', '<img src="https://example.org/a.png" alt="a"/>'],
    ['style', '<p style="color: red; padding:0px 4px">a</p>'],
    ['white space in tags', '<p\n class="a" >a</p\n>'],
  ])('%s', (_, inside) => {
    expect([isPlainDiv(div(inside)), faultsIn(div(inside))]).toEqual([true, []]);
  });
});

describe('what is rare is allowed by the parser', () => {
  test.each([
    ['numeric entities', 'a&#160;b&#x20AC;'],
    ['a comment', '<!-- a -->a'],
    ['CDATA', '<![CDATA[a < b]]>'],
    ['single quotes', "<p class='a'>a</p>"],
    ['a namespace said again', '<p xmlns="http://www.w3.org/1999/xhtml">a</p>'],
    ['a language', '<p xml:lang="nl">a</p>'],
    ['an image in the text', '<img src="data:image/png;base64,iVBORw0KGgo=" alt="a"/>'],
    ['an image in a style', '<td style="background-image: url(data:image/png;base64,iVBORw0KGgo=)">a</td>'],
  ])('%s', (_, inside) => {
    expect(faultsIn(div(inside))).toEqual([]);
  });
});

describe('what runs, loads or asks is refused, and what is no XHTML', () => {
  test.each<[string, string, string[]]>([
    ['a script', '<script>alert(1)</script>a', ['element']],
    ['a script in capitals', '<SCRIPT>alert(1)</SCRIPT>a', ['element']],
    ['a style sheet', '<style>p { color: red }</style>a', ['element']],
    ['an embedded page', '<iframe src="https://example.org"/>a', ['element', 'active'].slice(0, 1)],
    ['a form', '<form action="https://example.org"><input name="a"/></form>a', ['element', 'attribute', 'element']],
    ['an svg', '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>a', ['namespace']],
    ['a prefixed element', '<x:script xmlns:x="http://www.w3.org/1999/xhtml">a</x:script>', ['element']],
    ['an event', '<p onclick="a()">a</p>', ['attribute']],
    ['a javascript link', '<a href="javascript:a()">a</a>', ['active']],
    ['the same in capitals, with a tab and an entity', '<a href=" Java&#x9;Script&#58;a()">a</a>', ['active']],
    ['a vbscript link', '<a href="vbscript:a">a</a>', ['active']],
    ['a page as data', '<a href="data:text/html,a">a</a>', ['active']],
    ['an svg as an image', '<img src="data:image/svg+xml,a" alt="a"/>', ['active']],
    ['a script as a style', '<p style="width: expression(alert(1))">a</p>', ['active']],
    ['the same behind an escape', String.raw`<p style="width: expr\65 ssion(alert(1))">a</p>`, ['active']],
    ['the same behind a comment', '<p style="width: expr/**/ession(alert(1))">a</p>', ['active']],
    ['a style that loads a script', '<p style="background: url(javascript:a)">a</p>', ['active']],
    ['an entity of HTML', '<p>&nbsp;a</p>', ['malformed']],
    ['an element left open', '<p>a', ['malformed']],
    ['elements that overlap', '<b><i>a</b></i>', ['malformed']],
    ['an attribute twice', '<p class="a" class="b">a</p>', ['malformed']],
    ['an attribute without quotes', '<p class=a>a</p>', ['malformed']],
    ['a bare ampersand', 'a & b', ['malformed']],
    ['nothing', '', ['empty']],
    ['white space and empty elements', ' <p>\n</p> <br/>', ['empty']],
  ])('%s', (_, inside, kinds) => {
    expect(isPlainDiv(div(inside))).toBe(false);
    expect(kindsOf(div(inside))).toEqual(kinds);
  });

  test('entities cannot be declared, so that none can grow', () => {
    const bomb = `<!DOCTYPE div [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>${div('&b;')}`;
    expect(isPlainDiv(bomb)).toBe(false);
    expect(kindsOf(bomb)).toContain('malformed');
  });

  test('a second element beside the div', () => {
    expect(isPlainDiv(`${div('a')}<p>b</p>`)).toBe(false);
    expect(kindsOf(`${div('a')}<p>b</p>`)).toEqual(['malformed']);
  });
});

const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '<p>',
      '</p>',
      '<b>',
      '</b>',
      '<br/>',
      '<td',
      '>',
      '/>',
      ' class="a"',
      ' href="javascript:a"',
      ' onclick="a"',
      ' xmlns="x"',
      'a',
      ' ',
      '&amp;',
    ],
    ...[
      '&nbsp;',
      '&',
      '<',
      '"',
      ']]>',
      '<!--',
      '-->',
      '<script>',
      '</script>',
      '<img src="a"/>',
      '<a href="',
      '">',
      '</a>',
      '<?a?>',
      '</div>',
      '<div>',
    ],
  ),
  fc.string({ maxLength: 3 }),
);

test('the quick look never allows what the parser refuses', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = div(pieces.join(''));
      fc.pre(isPlainDiv(text));
      expect(faultsIn(text)).toEqual([]);
    }),
    { numRuns: 3_000, maxSkipsPerRun: 1_000 },
  );
});

test('long narratives of odd shapes are judged in time that grows with their length', () => {
  const odd = [
    '<p'.repeat(50_000),
    `<p${' class="a"'.repeat(20_000)}>`,
    '<p>'.repeat(50_000),
    `<p ${'a'.repeat(100_000)}`,
    '&'.repeat(100_000),
    `<p style="${' '.repeat(100_000)}url(">`,
  ];
  for (const inside of odd) {
    const begin = performance.now();
    isPlainDiv(div(inside));
    faultsIn(div(inside));
    expect(performance.now() - begin).toBeLessThan(2_000);
  }
});
