import { writeFileSync } from 'node:fs';
import { sections } from '../src/config-variables.ts';
import type { Variable } from '../src/config-kinds.ts';

/**
 * Writes down the configuration from its table in src/config-variables.ts: `npm run -s config` prints docs/configuration.md,
 * `npm run -s config -- env` prints .env.example, `npm run config -- write` puts both where they belong.
 * test/architecture.test.ts fails when the files say something else.
 */
const documents = new Map([
  ['docs', { file: 'docs/configuration.md', text: configurationPage }],
  ['env', { file: '.env.example', text: environmentExample }],
]);

export function configurationPage(): string {
  const head = [
    '# Configuration',
    '',
    '<!-- Written by `npm run config -- write` from src/config-variables.ts. -->',
    '',
    'Every setting is an environment variable. A file `.env` in the working directory is read as well; the environment wins over it.',
    'A variable that is empty counts as not set. Relative paths start at the working directory.',
    'A value that is not accepted stops the start with a list of all faults, which names the variables and never repeats a value.',
    'What is marked as secret may be given by a file: `DATABASE_URL_FILE=/run/secrets/database-url` in place of `DATABASE_URL`.',
  ];
  const parts = namedSections().flatMap(([title, variables]) => [
    '',
    `## ${title}`,
    '',
    '| Variable | Default | Accepts | Meaning |',
    '| --- | --- | --- | --- |',
    ...variables.map(([name, variable]) => {
      const { fallback, unset = `\`${fallback}\``, accepts, description, isSecret } = variable;
      return `| \`${name}\` | ${unset} | ${accepts} | ${description}${isSecret === true ? ' Secret.' : ''} |`;
    }),
  ]);
  return `${[...head, ...parts].join('\n')}\n`;
}

export function environmentExample(): string {
  const head = ['# Copy this file to .env, and remove the # before a variable to set it. docs/configuration.md has the same as tables.'];
  const parts = namedSections().flatMap(([title, variables]) => [
    '',
    `# ${title} ${'-'.repeat(100 - title.length)}`,
    ...variables.flatMap(([name, { fallback, unset, accepts, description }]) => [
      '',
      `# ${description}`,
      `# Accepts ${accepts}.${unset === undefined ? '' : ` Default: ${unset}.`}`,
      `#${name}=${fallback}`,
    ]),
  ]);
  return `${[...head, ...parts].join('\n')}\n`;
}

function namedSections(): [title: string, variables: [name: string, variable: Variable<unknown>][]][] {
  return Object.entries<Readonly<Record<string, Variable<unknown>>>>(sections).map(([title, table]) => [title, Object.entries(table)]);
}

function main(wanted: string): number {
  const shown = documents.get(wanted);
  if (shown !== undefined) process.stdout.write(shown.text());
  else if (wanted === 'write')
    for (const { file, text } of documents.values()) writeFileSync(new URL(`../${file}`, import.meta.url), text());
  else {
    process.stderr.write('usage: npm run -s config [-- docs | env | write]\n');
    return 2;
  }
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv[2] ?? 'docs');
