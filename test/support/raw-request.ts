import { type IncomingHttpHeaders, request } from 'node:http';

export type RawAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly bytes: Buffer };

export type RawOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  /** Written piece by piece; an async source is sent chunked. */
  readonly body?: Buffer | AsyncIterable<Buffer>;
};

/** One request as it is written here: the path isn't normalised, no header is added but Host, nothing is decompressed. */
export function rawRequest(origin: string, method: string, path: string, options: RawOptions = {}): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, headers: options.headers ?? {}, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, bytes: Buffer.concat(chunks) }));
    });
    sending.on('error', reject);
    void send(sending, options.body).catch(reject);
  });
}

async function send(sending: ReturnType<typeof request>, body: RawOptions['body']): Promise<void> {
  if (body === undefined || Buffer.isBuffer(body)) {
    sending.end(body);
    return;
  }
  for await (const chunk of body) {
    if (sending.destroyed) return;
    if (!sending.write(chunk)) await new Promise((resolve) => sending.once('drain', resolve).once('close', resolve));
  }
  sending.end();
}
