import { readFile, writeFile } from 'node:fs/promises';
import openapiTypes, { astToString } from 'openapi-typescript';

/**
 * Writes the types of openapi.yaml to src/native/api-types.ts. With `--check`, says whether they are as they should be.
 */
const source = new URL('../openapi.yaml', import.meta.url);
const target = new URL('../src/native/api-types.ts', import.meta.url);
const note = '// Made of openapi.yaml by `npm run openapi`. Not to be edited.\n';
const text = `${note}${astToString(await openapiTypes(source, { immutable: true, defaultNonNullable: false }))}`;
if (!process.argv.includes('--check')) await writeFile(target, text);
else if ((await readFile(target, 'utf8').catch(() => '')) !== text) {
  process.stderr.write('src/native/api-types.ts is not that of openapi.yaml: npm run openapi\n');
  process.exitCode = 1;
}
