/**
 * Why sealed bytes can't be opened: `seal-format`: they are no content of ours, or one cut short; `seal-key`: the key given isn't one they
 * are sealed with; `seal-altered`: they, the key or what they are bound to (row, version, purpose) isn't what it was when they were sealed;
 * `seal-text`: they are genuine, but what they hold can't be expanded or is over the limit.
 */
export type SealFault = 'seal-format' | 'seal-key' | 'seal-altered' | 'seal-text';

const texts: Readonly<Record<SealFault, string>> = {
  'seal-format': 'the sealed bytes have no known format or are cut short',
  'seal-key': 'the sealed bytes are not sealed with this key',
  'seal-altered': 'the sealed bytes, their key or their place were altered',
  'seal-text': 'the sealed text cannot be expanded',
};

/** A fault of ours or an attack on the store, never of a client. Its text names neither row nor key nor content. */
export class SealBroken extends Error {
  readonly code: SealFault;

  constructor(code: SealFault, options: { readonly cause?: unknown } = {}) {
    super(texts[code], options);
    this.name = 'SealBroken';
    this.code = code;
  }
}
