import { existsSync } from 'node:fs';

const usual = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** @returns the executable of a Chromium of this machine, if there is one */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH: named } = process.env;
  return named === undefined || named === '' ? usual.find((path) => existsSync(path)) : named;
}
