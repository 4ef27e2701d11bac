/** Nothing in it that could be written otherwise. */
const plain = /^\/(?![/.])(?:[^%\\#/]|\/(?!\.))*$/;

/**
 * What a request is for, in the one way of writing it that all behind the listener go by: without scheme and host, folders resolved,
 * and letters, digits and `-._~` as themselves. Who counts, who routes and who answers would otherwise each read it in their own way.
 *
 * @param url  as it was sent: `/a/b?c`, `http://any.host/a/b?c`, `/x/../%61/b?c`. Its query stays as it is
 * @see        https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 * @see        https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2
 */
export function plainTarget(url: string): string {
  const mark = url.indexOf('?');
  const [path, query] = mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
  if (plain.test(path)) return url;
  const local = path.replace(/^https?:\/\/[^/\\]*/i, '');
  if (local !== '' && !/^[/\\]/.test(local)) return url;
  const resolved = URL.parse(`http://host${local}`)?.pathname;
  return resolved === undefined ? url : `${resolved.replaceAll(/%[2-7][\da-f]/gi, unescaped)}${query}`;
}

function unescaped(code: string): string {
  const character = String.fromCharCode(Number.parseInt(code.slice(1), 16));
  return /[\w.~-]/.test(character) ? character : code;
}
