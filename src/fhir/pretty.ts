/** Lays compact JSON text out over lines, two spaces a level. Works on the text, so numbers keep their digits. */
export function prettyJson(text: string): string {
  let out = '';
  let indent = '\n';
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? '';
    if (letter === '"') {
      const end = stringEnd(text, at);
      out += text.slice(at, end);
      at = end - 1;
    } else if (letter === '{' || letter === '[') {
      const closing = text[at + 1];
      if (closing === '}' || closing === ']') {
        out += letter + closing;
        at++;
      } else {
        indent += '  ';
        out += letter + indent;
      }
    } else if (letter === '}' || letter === ']') {
      indent = indent.slice(0, -2);
      out += indent + letter;
    } else if (letter === ',') out += `,${indent}`;
    else if (letter === ':') out += ': ';
    else out += letter;
  }
  return out;
}

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"' || at >= text.length) return at + 1;
  }
}
