/** CPU time of this thread in ms: for bounds on work that a busy machine can't break. */
export function cpuTimeMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
