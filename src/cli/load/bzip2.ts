/**
 * Decompresses bzip2, block after block: concatenated streams too, with each block's and stream's checksum checked.
 * Memory is bound by bzip2's largest block (900 kB, some MB while it is decoded).
 *
 * @throws  Error when the bytes are no bzip2, are damaged, or end too early
 */
export async function* bunzip2(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { default: unbzip2 } = await import('unbzip2-stream');
  const decoder = unbzip2();
  const decoded: Uint8Array[] = [];
  let failure: unknown;
  decoder.on('data', (chunk: Uint8Array) => decoded.push(chunk));
  decoder.on('error', (error: unknown) => {
    failure ??= error;
  });
  const rethrow = (): void => {
    if (failure !== undefined) throw new Error('not a sound bzip2 file', { cause: failure });
  };
  let isEmpty = true;
  // The decoder works inside write(), so reading on only after what it gave is taken keeps the memory bound.
  for await (const chunk of source) {
    isEmpty &&= chunk.length === 0;
    decoder.write(chunk);
    yield* decoded.splice(0);
    rethrow();
  }
  if (isEmpty) throw new Error('not a sound bzip2 file: it is empty');
  decoder.end();
  yield* decoded.splice(0);
  rethrow();
}
