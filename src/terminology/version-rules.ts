import type { Enumerating } from './members.ts';
import { untellable } from './refusals.ts';
import type { ExpandRequest } from './requests.ts';

/** Which version of a code system an expansion takes, by the three parameters that say so. */
export function versionRules(request: ExpandRequest): NonNullable<Enumerating['versionOf']> {
  const preferred = byUrl(request['system-version']);
  const checked = byUrl(request['check-system-version']);
  const forced = byUrl(request['force-system-version']);
  return (url, version) => {
    const check = checked.get(url);
    if (check !== undefined && version !== undefined && version !== check)
      throw untellable(
        `The value set takes version ${version} of ${url}, not ${check}, which "check-system-version" asks for.`,
        'conflict',
      );
    return forced.get(url) ?? version ?? check ?? preferred.get(url);
  };
}

function byUrl(canonicals: readonly string[] = []): ReadonlyMap<string, string> {
  return new Map(
    canonicals.flatMap((canonical) => {
      const [url = '', version] = canonical.split('|');
      return version === undefined ? [] : [[url, version] as const];
    }),
  );
}
