/** How long things live, in seconds. */
export const lifetimes = {
  accessToken: 3_600,
  /** Of a client that acts for itself. */
  clientToken: 300,
  code: 60,
  interaction: 1_800,
  launch: 300,
  /** Anew with each use. */
  refreshToken: 95 * 86_400,
  /** Of an app with `offline_access`. */
  grant: 96 * 86_400,
  session: 43_200,
} as const;

/** A grant lives as long as what was given by it last: no row, and no line on the user's page of apps, stays for a launch that is over. */
export function grantSeconds(scopes: readonly string[]): number {
  if (scopes.includes('offline_access')) return lifetimes.grant;
  const untilRedeemed = 2 * lifetimes.code;
  return lifetimes.accessToken + untilRedeemed + (scopes.includes('online_access') ? lifetimes.session : 0);
}
