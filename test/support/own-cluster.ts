import { startCluster } from '../../src/storage/embedded/cluster.ts';
import { settingsFor } from '../../src/storage/embedded/settings.ts';

// A server process reduced to its cluster, to be killed: `node own-cluster.ts <dir>`. Says `{"pid":…,"url":…}` when it is up.
// Ends by an error, without stop(), when its standard input does: so it never outlives a test.
process.stdin
  .once('end', () => {
    throw new Error('Nobody is left to serve.');
  })
  .resume();
const cluster = await startCluster({ dir: process.argv[2] ?? '', settings: settingsFor('keys', 2 ** 30) });
process.stdout.write(`${JSON.stringify({ pid: cluster.pid, url: cluster.url({ ...cluster.superuser, database: 'postgres' }) })}\n`);
