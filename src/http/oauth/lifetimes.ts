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
  grant: 96 * 86_400,
  session: 43_200,
} as const;
