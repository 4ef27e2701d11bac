/** A link of a Bundle. */
export type BundleLink = { readonly relation: 'self' | 'next' | 'previous' | 'first'; readonly url: string };

/**
 * Writes Bundles from resources that are already bytes: nothing is parsed or written again on the way out.
 * `entry` members are given as JSON text but for `resource`, which is spliced in.
 */
export type BundleEntry = {
  readonly fullUrl?: string;
  readonly resource?: Buffer | string | { readonly start: string; readonly rest: Buffer };
  /** `"search":{"mode":"match"}` and the like: complete members as JSON text. */
  readonly rest: string;
};

export type BundleHead = {
  readonly type: string;
  readonly id: string;
  readonly lastUpdated: string;
  readonly total?: number;
  readonly links: readonly BundleLink[];
};

export function writeBundle(head: BundleHead, entries: readonly BundleEntry[]): Buffer {
  const total = head.total === undefined ? '' : `,"total":${head.total}`;
  const link = head.links.length === 0 ? '' : `,"link":${JSON.stringify(head.links)}`;
  const opening = `{"resourceType":"Bundle","id":"${head.id}","meta":{"lastUpdated":"${head.lastUpdated}"},"type":"${head.type}"${total}${link}`;
  const parts: Buffer[] = [];
  let text = opening;
  entries.forEach((entry, at) => {
    text += at === 0 ? ',"entry":[{' : ',{';
    if (entry.fullUrl !== undefined) text += `"fullUrl":${JSON.stringify(entry.fullUrl)}`;
    if (entry.resource !== undefined) {
      text += `${entry.fullUrl === undefined ? '' : ','}"resource":`;
      const { resource } = entry;
      if (typeof resource === 'string') text += resource;
      else {
        const [start, rest] = 'rest' in resource ? [resource.start, resource.rest] : ['', resource];
        parts.push(Buffer.from(text + start), rest);
        text = '';
      }
    }
    const bare = entry.fullUrl === undefined && entry.resource === undefined;
    text += entry.rest === '' ? '}' : `${bare ? '' : ','}${entry.rest}}`;
  });
  text += entries.length === 0 ? '}' : ']}';
  parts.push(Buffer.from(text));
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}
