import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from 'tar';

export type PackageParts = {
  readonly manifest?: object;
  /** By their path in the archive: `package/a.json`; objects are written as JSON. */
  readonly files?: Readonly<Record<string, object | string>>;
};

export const codeSystem = (url: string, version: string) => ({
  resourceType: 'CodeSystem',
  id: 'cs',
  url,
  version,
  status: 'active',
  content: 'complete',
  text: { status: 'generated', div: '<div>long</div>' },
});

/** A package as a folder; only for test files. */
export async function packageFolder({ manifest, files = {} }: PackageParts): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'anamnesis-package-'));
  const all = { ...(manifest === undefined ? {} : { 'package/package.json': manifest }), ...files };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

/** A package as a `.tgz`. */
export async function packageArchive(parts: PackageParts): Promise<string> {
  const folder = await packageFolder(parts);
  const file = join(folder, 'package.tgz');
  await create({ gzip: true, file, cwd: folder }, ['package']);
  return file;
}

export const manifestOf = (name: string, version: string, more: object = {}) => ({ name, version, fhirVersions: ['4.0.1'], ...more });
