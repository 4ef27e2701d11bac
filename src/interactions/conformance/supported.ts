import { ownDefinitions } from '../../definitions/own.ts';
import { packagedProfiles } from '../../storage/packages.ts';
import type { Context } from '../context.ts';

/** More profiles than this are not listed, of all types together: the statement is read as a whole. */
const profilesMax = 2_000;

/**
 * The profiles that resources of a type may conform to, by type: those that are required, the product's own, and those of the packages.
 * Profiles that clients stored are no promise of the server's and are found by searching for them.
 */
export async function supportedProfiles(ctx: Pick<Context, 'config' | 'searcher'>): Promise<ReadonlyMap<string, readonly string[]>> {
  const own = await ownDefinitions().entries();
  const listed: (readonly [type: string | undefined, url: string])[] = [
    ...[...ctx.config.requiredProfiles].flatMap(([type, urls]) => urls.map((url) => [type, url] as const)),
    ...own.filter(({ resourceType }) => resourceType === 'StructureDefinition').map(({ type, url }) => [type, url] as const),
    ...(await packagedProfiles(ctx.searcher, profilesMax)).map(({ type, url }) => [type, url] as const),
  ];
  const byType = new Map<string, string[]>();
  for (const [type, url] of listed.slice(0, profilesMax)) {
    if (type === undefined) continue;
    const urls = byType.get(type) ?? [];
    if (!urls.includes(url)) urls.push(url);
    byType.set(type, urls);
  }
  return byType;
}
