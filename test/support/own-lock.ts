import { lockDataDir } from '../../src/storage/embedded/lock.ts';

// Takes a folder's lock, says so, and keeps it until it is killed or its standard input ends: `node own-lock.ts <dir>`.
process.stdin.resume();
try {
  await lockDataDir(process.argv[2] ?? '');
  process.stdout.write('locked\n');
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : 'refused'}\n`);
  process.exitCode = 1;
  process.stdin.destroy();
}
