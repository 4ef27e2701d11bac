/** One audit event ready to be written: sealed, with the tokens it is found by. Such rows have no facts; their date is `at`. */
export type AuditRow = {
  readonly rid: number;
  readonly id: string;
  readonly refKey: bigint;
  /** Epoch ms: `recorded`, and what places the row in its month. */
  readonly at: number;
  readonly patient: bigint | null;
  /** 64-bit tokens in network order, back to back. */
  readonly tokens: Buffer;
  readonly content: Buffer;
  /** Of all the above. */
  readonly mac: Buffer;
};
