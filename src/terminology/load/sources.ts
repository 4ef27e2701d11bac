import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Entry, open as openZip, type ZipFile } from 'yauzl';

/** The files of a release, in a folder or a zip; or the one file that was named. */
export type Release = {
  /** What was named, without its folder. */
  readonly name: string;
  /** Paths with slashes, relative to the folder. */
  readonly files: readonly string[];
  readonly open: (file: string) => Promise<Readable>;
  readonly close: () => void;
};

/** @throws the system's error if it can't be read, or yauzl's for what isn't a zip */
export async function openRelease(path: string): Promise<Release> {
  if ((await stat(path)).isDirectory()) return folderRelease(path);
  return path.endsWith('.zip') ? zipRelease(path) : fileRelease(path);
}

async function folderRelease(path: string): Promise<Release> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return {
    name: basename(path),
    files: files.sort(),
    open: (file) => Promise.resolve(createReadStream(join(path, file), { highWaterMark })),
    close: () => {},
  };
}

const highWaterMark = 256 * 1024;

function fileRelease(path: string): Release {
  const name = basename(path);
  return {
    name: name.replace(/\.gz$/, ''),
    files: [name.replace(/\.gz$/, '')],
    open() {
      const stream = createReadStream(path, { highWaterMark });
      if (!path.endsWith('.gz')) return Promise.resolve(stream);
      const expanded = createGunzip();
      stream.on('error', (error) => expanded.destroy(error));
      return Promise.resolve(stream.pipe(expanded));
    },
    close: () => {},
  };
}

async function zipRelease(path: string): Promise<Release> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    openZip(path, { lazyEntries: true, autoClose: false }, (error, opened) => (error === null ? resolve(opened) : reject(error)));
  });
  const entries = await entriesOf(zip);
  return {
    name: basename(path),
    files: [...entries.keys()].sort(),
    open: (file) =>
      new Promise((resolve, reject) => {
        const entry = entries.get(file);
        if (entry === undefined) return reject(new Error(`${file} is not in ${path}`));
        zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(error)));
      }),
    close: () => zip.close(),
  };
}

function entriesOf(zip: ZipFile): Promise<ReadonlyMap<string, Entry>> {
  return new Promise((resolve, reject) => {
    const entries = new Map<string, Entry>();
    zip.on('entry', (entry: Entry) => {
      if (!entry.fileName.endsWith('/')) entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', reject);
    zip.readEntry();
  });
}
