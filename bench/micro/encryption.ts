/**
 * Times tokens, compression and sealing.
 *
 *     node bench/micro/encryption.ts [resources.ndjson]
 *
 * The resources are those of bench/generate.ts, or of a file with one stored resource a line; the dictionaries were not trained with either.
 * Prints ns of CPU a token or resource: the median of seven rounds, all candidates of a block taking turns.
 */
import { createHmac, hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { constants, deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { makeCodec } from '../../src/encryption/codec.ts';
import { makeDictionaries } from '../../src/encryption/dictionaries.ts';
import { type ContentAddress, makeDataKey, open, seal } from '../../src/encryption/seal.ts';
import { openBytes, sealBytes } from '../../src/encryption/seal-bytes.ts';
import { makeTokenKey } from '../../src/encryption/token.ts';
import { makeTokenSet } from '../../src/encryption/token-set.ts';
import { patientBundle } from '../generate.ts';

type Document = { readonly type: string; readonly text: Buffer };
type Candidate = { readonly calls: number; readonly run: () => unknown };

const rounds = 7;
const roundMs = 60;

tokens();
const documents = readDocuments(process.argv[2]);
compression(documents);
sealing(documents);

function tokens(): void {
  const secret = randomBytes(16);
  const observation = Array.from({ length: 20 }, (_, i) => ['t', 'Observation.code', `http://loinc.org|${8000 + i}-4`]);
  const names = [
    'zimmermann',
    'margarethe',
    'elisabeth',
    'hauptstrasse',
    'springfield',
    'massachusetts',
    'müllerström',
    '12 main street',
    'boston',
    'ann',
  ];
  const prefixed = names.reduce((sum, name) => sum + Math.min(12, name.length), 0);
  const candidates: Record<string, Candidate> = {};
  for (const algorithm of ['siphash', 'sha256'] as const) {
    const key = makeTokenKey(secret, algorithm);
    const set = makeTokenSet(key);
    candidates[`${algorithm}: compute`] = { calls: observation.length, run: () => observation.forEach(key.compute) };
    candidates[`${algorithm}: add 20, take`] = {
      calls: observation.length,
      run: () => {
        for (const parts of observation) set.add(parts);
        return set.take();
      },
    };
    candidates[`${algorithm}: addPrefixes ${names.length} words, take`] = {
      calls: prefixed,
      run: () => {
        for (const name of names) set.addPrefixes(['s', 'Patient.name'], name, 12);
        return set.take();
      },
    };
  }
  const joined = observation.map((parts) => parts.join('\0'));
  candidates['(HMAC-SHA-256, for comparison)'] = {
    calls: joined.length,
    run: () => joined.map((text) => createHmac('sha256', secret).update(text).digest()),
  };
  candidates['(SHA-256, for comparison)'] = { calls: joined.length, run: () => joined.map((text) => hash('sha256', text, 'buffer')) };
  report(`tokens (ns a token)`, candidates);
}

function compression(list: readonly Document[]): void {
  const codec = makeCodec({ encrypted: true, textBytesMax: 20_000_000 });
  const dictionaries = makeDictionaries();
  const dictionaryOf = ({ type }: Document): Buffer => dictionaries.of(type, dictionaries.current) ?? Buffer.alloc(0);
  const zstd = { params: { [constants.ZSTD_c_compressionLevel]: 3 }, chunkSize: 1024 };
  const packed = list.map(({ text, type }) => codec.pack(text, type));
  const plain = list.map(({ text }) => deflateRawSync(text));
  const zipped = list.map((document) => zstdCompressSync(document.text, { ...zstd, dictionary: dictionaryOf(document) }));
  const bare = list.map((document) => deflateRawSync(document.text, { dictionary: dictionaryOf(document) }));
  const mean = (buffers: readonly Buffer[]): number => Math.round(buffers.reduce((sum, { length }) => sum + length, 0) / buffers.length);
  const calls = list.length;
  report(`compression of ${calls} resources, ${mean(list.map(({ text }) => text))} bytes (ns a resource)`, {
    [`pack: ${mean(packed)} bytes`]: { calls, run: () => list.map(({ text, type }) => codec.pack(text, type)) },
    expand: { calls, run: () => packed.map((bytes, i) => codec.expand(bytes, list[i]?.type ?? '', codec.dictionaryVersion)) },
    [`(deflate without dictionary: ${mean(plain)} bytes)`]: { calls, run: () => list.map(({ text }) => deflateRawSync(text)) },
    '(inflate without dictionary)': { calls, run: () => plain.map((bytes) => inflateRawSync(bytes)) },
    [`(deflate, dictionary, zlib's own buffers: ${mean(bare)} bytes)`]: {
      calls,
      run: () => list.map((document) => deflateRawSync(document.text, { dictionary: dictionaryOf(document) })),
    },
    "(inflate, dictionary, zlib's own buffers)": {
      calls,
      run: () => bare.map((bytes, i) => inflateRawSync(bytes, { dictionary: dictionaryOf(list[i] ?? nothing) })),
    },
    [`(zstd 3, dictionary: ${mean(zipped)} bytes)`]: {
      calls,
      run: () => list.map((document) => zstdCompressSync(document.text, { ...zstd, dictionary: dictionaryOf(document) })),
    },
    '(unzstd, dictionary)': {
      calls,
      run: () =>
        zipped.map((bytes, i) => {
          const document = list[i] ?? nothing;
          return zstdDecompressSync(bytes, { dictionary: dictionaryOf(document), chunkSize: document.text.length + 64 });
        }),
    },
  });
}

const nothing: Document = { type: 'Basic', text: Buffer.alloc(0) };

function sealing(list: readonly Document[]): void {
  const codec = makeCodec({ encrypted: true, textBytesMax: 20_000_000 });
  const off = makeCodec({ encrypted: false, textBytesMax: 20_000_000 });
  const keys = [1, 2, 3].map(() => makeDataKey(randomBytes(16), randomBytes(32)));
  const one = keys.slice(0, 1);
  const [key] = keys;
  if (key === undefined) return;
  const address = ({ type }: Document): ContentAddress => ({ type, id: 'f7e2c1d0-1111-4222-8333-444455556666', version: 3 });
  const single = list.map((document) => seal(document.text, address(document), one, codec));
  const shared = list.map((document) => seal(document.text, address(document), keys, codec));
  const unsealed = list.map((document) => seal(document.text, address(document), one, off));
  const bytes = randomBytes(400);
  const boxed = sealBytes(key, 'cursor', bytes);
  const calls = list.length;
  const opening = (contents: readonly Buffer[], with_: typeof codec): Candidate => ({
    calls,
    run: () => contents.map((content, i) => open(content, address(list[i] ?? nothing), key, with_)),
  });
  report(`sealing of the same, compression included (ns a resource)`, {
    'seal, one key': { calls, run: () => list.map((document) => seal(document.text, address(document), one, codec)) },
    'open, one key': opening(single, codec),
    'seal, three owners': { calls, run: () => list.map((document) => seal(document.text, address(document), keys, codec)) },
    'open, three owners': opening(shared, codec),
    'seal, PHI_ENCRYPTION=off': { calls, run: () => list.map((document) => seal(document.text, address(document), one, off)) },
    'open, PHI_ENCRYPTION=off': opening(unsealed, off),
    'sealBytes, 400 bytes': { calls: 1, run: () => sealBytes(key, 'cursor', bytes) },
    'openBytes, 400 bytes': { calls: 1, run: () => openBytes(key, 'cursor', boxed) },
  });
}

function readDocuments(file: string | undefined): Document[] {
  const texts = file === undefined ? generated() : readFileSync(file, 'utf8').trim().split('\n');
  return texts.map((text) => ({ type: /^\{"resourceType":"([A-Za-z]+)"/.exec(text)?.[1] ?? 'Basic', text: Buffer.from(text) }));
}

/** As they would be stored: with ids. */
function generated(): string[] {
  return Array.from({ length: 6 }, (_, number) => patientBundle(1, number).entry).flatMap((entries) =>
    entries.map(({ resource: { resourceType, ...rest } }, i) =>
      JSON.stringify({ resourceType, id: hash('sha256', `${i}`).slice(0, 32), ...rest }),
    ),
  );
}

function report(title: string, candidates: Readonly<Record<string, Candidate>>): void {
  const measured = new Map<string, number[]>();
  for (let round = -2; round < rounds; round++) {
    for (const [name, { calls, run }] of Object.entries(candidates)) {
      const ns = timed(run) / calls;
      if (round >= 0) measured.set(name, [...(measured.get(name) ?? []), ns]);
    }
  }
  console.log(`\n${title}`);
  for (const [name, list] of measured) {
    const sorted = list.toSorted((a, b) => a - b);
    console.log(`${name.padEnd(56)} ${(sorted[rounds >> 1] ?? Number.NaN).toFixed(0).padStart(7)}`);
  }
}

/** CPU time of this thread, so that other processes on the machine count for little. */
function timed(run: () => unknown): number {
  const end = performance.now() + roundMs;
  const begin = process.threadCpuUsage();
  let count = 0;
  do {
    run();
    count++;
  } while (performance.now() < end);
  const { user, system } = process.threadCpuUsage(begin);
  return ((user + system) * 1000) / count;
}
