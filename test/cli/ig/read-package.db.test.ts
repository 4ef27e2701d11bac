import { symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync, zstdDecompressSync } from 'node:zlib';
import { create, Header } from 'tar';
import { describe, expect, test } from 'vitest';
import { packageLimits } from '../../../src/cli/ig/package-files.ts';
import { readPackage } from '../../../src/cli/ig/read-package.ts';
import { codeSystem, manifestOf, packageArchive, packageFolder } from './make-package.ts';

const url = 'http://example.org/cs';
const good = { manifest: manifestOf('example.good', '1.0.0'), files: { 'package/CodeSystem-cs.json': codeSystem(url, '1.0.0') } };

describe('a package', () => {
  test.each(['folder', 'archive'])('is read from its %s, without narratives, examples and what defines nothing', async (kind) => {
    const parts = {
      manifest: manifestOf('example.good', '1.0.0', { title: 'Good', canonical: 'http://example.org', dependencies: { 'a.b': '2.0.0' } }),
      files: {
        ...good.files,
        'package/.index.json': '{',
        'package/notes.txt': 'no JSON',
        'package/Patient-p.json': { resourceType: 'Patient', id: 'p' },
        'package/example/CodeSystem-e.json': codeSystem('http://example.org/example', '1'),
        'package/Profile.json': {
          resourceType: 'StructureDefinition',
          url: 'http://example.org/p',
          name: 'P',
          kind: 'resource',
          derivation: 'constraint',
          type: 'Patient',
        },
        'package/NamingSystem-n.json': {
          resourceType: 'NamingSystem',
          id: 'n',
          uniqueId: [
            { type: 'oid', value: '1.2.3' },
            { type: 'uri', value: 'http://example.org/n' },
            { type: 'other', value: 'x' },
          ],
        },
      },
    };
    const { head, resources } = await readPackage(kind === 'folder' ? await packageFolder(parts) : await packageArchive(parts));
    expect(head).toEqual({
      name: 'example.good',
      version: '1.0.0',
      title: 'Good',
      canonical: 'http://example.org',
      dependencies: { 'a.b': '2.0.0' },
    });
    const read = resources.map(({ content, ...rest }) => ({ ...rest, text: 'text' in JSON.parse(zstdDecompressSync(content).toString()) }));
    expect(read.toSorted((a, b) => (a.url < b.url ? -1 : 1))).toEqual([
      { type: 'CodeSystem', url, id: 'cs', version: '1.0.0', constrains: undefined, text: false },
      { type: 'NamingSystem', url: 'http://example.org/n', id: 'n', constrains: undefined, text: false },
      { type: 'StructureDefinition', url: 'http://example.org/p', id: 'Profile.json', name: 'P', constrains: 'Patient', text: false },
      { type: 'NamingSystem', url: 'urn:oid:1.2.3', id: 'n', constrains: undefined, text: false },
    ]);
  });

  test.each([
    ['has no manifest', { files: good.files }, 'no package.json'],
    ['has a manifest that is no JSON', { files: { 'package/package.json': '{' } }, 'its package.json is no JSON'],
    ['has no usable name', { manifest: manifestOf('../../etc', '1.0.0') }, 'no usable name'],
    ['has no usable version', { manifest: manifestOf('example.a', '1.0.0; drop') }, 'no usable version'],
    ['is for another FHIR', { manifest: manifestOf('example.five', '1.0.0', { fhirVersions: ['5.0.0'] }) }, 'it is for FHIR 5.0.0'],
    ['does not say for which FHIR', { manifest: { name: 'example.npm', version: '1.0.0' } }, 'needs fhirVersions'],
    ['holds something that is no JSON', { ...good, files: { 'package/CodeSystem-a.json': '{"a"' } }, 'CodeSystem-a.json in it is no JSON'],
  ])('that %s is refused', async (_what, parts, message) => {
    await expect(readPackage(await packageArchive(parts))).rejects.toThrow(message);
    await expect(readPackage(await packageFolder(parts))).rejects.toThrow(message);
  });

  test('of FHIR R4 by what it depends on alone is one', async () => {
    const manifest = { name: 'example.old', version: '0.1.0', dependencies: { 'hl7.fhir.r4.core': '4.0.1' } };
    expect((await readPackage(await packageArchive({ manifest }))).head.name).toBe('example.old');
  });

  test.each([
    ['nothing', '', 'there is no'],
    ['no archive', 'text', 'damaged, or no .tgz'],
  ])('that is %s is refused', async (_what, content, message) => {
    const file = join(await packageFolder(good), 'x.tgz');
    if (content !== '') await writeFile(file, content);
    await expect(readPackage(file)).rejects.toThrow(message);
  });

  test('that ends half-way is refused', async () => {
    const file = await packageArchive(good);
    const bytes = gzipSync(Buffer.alloc(4096, 'x'));
    await writeFile(file, bytes.subarray(0, bytes.length - 20));
    await expect(readPackage(file)).rejects.toThrow('damaged, or no .tgz');
  });
});

describe('a hostile archive', () => {
  test.each(['package/../../out.json', '/etc/out.json', 'package\\..\\out.json'])('with a file %s is refused', async (path) => {
    const file = join(await packageFolder(good), 'hostile.tgz');
    await writeFile(
      file,
      gzipSync(Buffer.concat([archived('package/package.json', JSON.stringify(good.manifest)), archived(path, '{}'), Buffer.alloc(1024)])),
    );
    await expect(readPackage(file)).rejects.toThrow('leads out of it');
  });

  test('with a link is refused, and a link in a folder is passed over', async () => {
    const folder = await packageFolder(good);
    await symlink('/etc/hostname', join(folder, 'package', 'CodeSystem-link.json'));
    await create({ gzip: true, file: join(folder, 'link.tgz'), cwd: folder }, ['package']);
    await expect(readPackage(join(folder, 'link.tgz'))).rejects.toThrow('a link instead of a file');
    expect((await readPackage(folder)).resources).toHaveLength(1);
  });

  test.each([
    ['too many files', { filesMax: 2 }, 'more than 2 files'],
    ['a file that is too large', { fileBytesMax: 300 }, 'a file of more than 300 bytes'],
    ['too much in all', { bytesMax: 1500 }, 'unpacks to more than 1500 bytes'],
  ])('with %s is refused', async (_what, limits, message) => {
    const parts = { ...good, files: { ...good.files, 'package/CodeSystem-b.json': 'x'.repeat(400), 'package/c.txt': 'x' } };
    await expect(readPackage(await packageArchive(parts), { ...packageLimits, ...limits })).rejects.toThrow(message);
  });

  test('of nothing but padding is refused before it is unpacked', async () => {
    const file = join(dirname(await packageArchive(good)), 'bomb.tgz');
    await writeFile(file, gzipSync(Buffer.alloc(20 * 2 ** 20)));
    await expect(readPackage(file, { ...packageLimits, bytesMax: 2 ** 20 })).rejects.toThrow('unpacks to more than');
  });
});

/** One file as tar writes it, whatever its name. */
function archived(path: string, content: string): Buffer {
  const header = new Header({ path, mode: 0o644, size: Buffer.byteLength(content), type: 'File', mtime: new Date(0) });
  const block = Buffer.alloc(512);
  header.encode(block, 0);
  const padded = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
  padded.write(content);
  return Buffer.concat([block, padded]);
}
