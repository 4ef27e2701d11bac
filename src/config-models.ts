import { optional, secret, type Variable, webAddress, whole } from './config-kinds.ts';

/** The language model that may put lab results into words. Part of the table in config-variables.ts. */
export const modelVariables = {
  LLM_URL: optional(
    'none: lab results are explained by rules',
    overTls(
      webAddress('', 'An API as OpenAI’s that explains lab results. It is told code, value, unit, range, age band and sex, nothing else.'),
    ),
  ),
  LLM_MODEL: optional('none', word('a name without spaces', /^\S{1,200}$/, 'The model that is asked for; needed with LLM_URL.')),
  LLM_API_KEY: secret(optional('none', word('a text without spaces', /^[\x21-\x7e]{1,4096}$/, 'What that API is asked with.'))),
  LLM_TIMEOUT_MS: whole(10_000, [100, 60_000], 'ms', 'Longest time that it may take; then the rules explain.'),
} as const;

function word(accepts: string, pattern: RegExp, description: string): Variable<string> {
  return { fallback: '', accepts, description, read: (written) => (pattern.test(written) ? written : undefined) };
}

/** Health data leaves this machine encrypted or not at all. */
function overTls(variable: Variable<string>): Variable<string> {
  return {
    ...variable,
    accepts: 'an https address without user, query and fragment; http on this machine',
    read(written, directory) {
      const address = variable.read(written, directory);
      return address !== undefined && /^(?:https:|http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::|\/|$))/.test(address)
        ? address
        : undefined;
    },
  };
}
