import type { Files } from './files.ts';
import type { FoundVersion } from './rows.ts';
import type { Opened, Opener } from './sealing.ts';
import type { StoredFile } from './stored-file.ts';

/**
 * The opener of all who show documents: a Binary whose file lies beside it has it as `data`, as if it had been stored so.
 *
 * @param bytesMax  how much of files is put into what is opened at once. A Binary beyond that lacks its `data`, and says so by the tag
 *                  SUBSETTED: a page of many files, or one larger than any JSON that is taken, would take all memory
 */
export function showingFiles(open: Opener, files: Files, bytesMax: number): Opener {
  return async <V extends FoundVersion>(rows: readonly V[]) => {
    const opened = await open(rows);
    if (opened.every(({ file }) => file === undefined)) return opened;
    let left = bytesMax;
    const shown: Opened<V>[] = [];
    for (const row of opened) {
      const { json, file } = row;
      if (file === undefined) shown.push(row);
      else if (file.size > left) shown.push({ ...row, json: subsetted(json), partial: true });
      else {
        left -= file.size;
        shown.push({ ...row, json: await withData(json, files, file) });
      }
    }
    return shown;
  };
}

const closing = 0x7d;

async function withData(json: Buffer, files: Files, file: StoredFile): Promise<Buffer> {
  const end = json.lastIndexOf(closing);
  const opening = Buffer.from(',"data":"');
  const out = Buffer.allocUnsafe(end + opening.length + 4 * Math.ceil(file.size / 3) + 2);
  json.copy(out, 0, 0, end);
  opening.copy(out, end);
  let at = end + opening.length;
  for await (const piece of files.read(file)) at += out.write(piece.toString('base64'), at, 'latin1');
  out.write('"}', at, 'latin1');
  return out;
}

/** @see https://hl7.org/fhir/R4/valueset-security-labels.html (SUBSETTED) */
const subsettedTag = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

function subsetted(json: Buffer): Buffer {
  const resource = JSON.parse(json.toString()) as { readonly meta?: { readonly tag?: readonly unknown[] } };
  const tag = [...(resource.meta?.tag ?? []), subsettedTag];
  return Buffer.from(JSON.stringify({ ...resource, meta: { ...resource.meta, tag } }));
}
