import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Hono } from 'hono';
import { makeCapabilities } from '../interactions/capabilities.ts';
import type { Context } from '../interactions/context.ts';
import { type Capabilities, fhirOpenapi } from '../interactions/fhir-openapi.ts';
import { operations } from '../operations/operations.ts';
import type { Env } from './exchange.ts';
import type { RateLimits } from './rate-limits.ts';

/** What of Swagger UI is served, from the package installed here: the page works where no other host is in reach. */
const files: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** The page runs our own files and asks our own API: no inline script or style sheet, no other host, no frame around it. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  // The one style sheet that Swagger UI puts into the page itself, by what it says.
  "style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Anamnesis APIs</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/swagger-ui-standalone-preset.js" defer></script>
<script src="/docs/start.js" defer></script>
</head>
<body>
<div id="docs"></div>
</body>
</html>
`;

/** Tokens are kept in the page alone; no validator elsewhere is asked. */
const start = `SwaggerUIBundle({
  dom_id: '#docs',
  urls: [
    { name: 'Native API', url: '/api/v1/openapi.yaml' },
    { name: 'FHIR R4 API', url: '/fhir/R4/openapi.json' },
  ],
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: 'StandaloneLayout',
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

export type DocsOptions = { readonly context: Context; readonly limits: RateLimits };

type File = { readonly bytes: Buffer; readonly packed: Buffer };

/** Documentation of both APIs at `/docs`, made in the browser from their OpenAPI documents. */
export function docsApp({ context, limits }: DocsOptions): Hono<Env> {
  const app = new Hono<Env>();
  const capabilities = makeCapabilities(context, operations);
  // Some megabytes, anew when the statement is.
  let made: { readonly of: string | Buffer; readonly text: string } | undefined;
  app.get('/fhir/R4/openapi.json', async (c) => {
    await limits.takeAt(c.env.incoming, 'public');
    const { body = '{}' } = await capabilities();
    if (made?.of !== body) made = { of: body, text: openapiOf(body, context.config.baseUrl) };
    return c.body(made.text, 200, { 'content-type': 'application/json; charset=utf-8' });
  });
  const read = new Map<string, Promise<File>>();
  app.get('/docs', (c) => c.body(page, 200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': contentPolicy }));
  app.get('/docs/start.js', (c) => c.body(start, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  for (const [name, type] of Object.entries(files)) {
    app.get(`/docs/${name}`, async (c) => {
      const found = read.get(name) ?? readPackaged(name);
      read.set(name, found);
      const { bytes, packed } = await found;
      const takesGzip = /\bgzip\b(?!\s*;\s*q=0)/.test(c.req.header('accept-encoding') ?? '');
      const body = new Uint8Array(takesGzip ? packed : bytes);
      return c.body(body, 200, {
        'content-type': type,
        'cache-control': 'public, max-age=86400',
        ...(takesGzip ? { 'content-encoding': 'gzip' } : {}),
      });
    });
  }
  return app;
}

function openapiOf(statement: string | Buffer, base: string): string {
  return JSON.stringify(fhirOpenapi(JSON.parse(statement.toString()) as Capabilities, base, operations));
}

async function readPackaged(name: string): Promise<File> {
  const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const bytes = await readFile(join(folder, name));
  return { bytes, packed: await promisify(gzip)(bytes) };
}
