import type { Queryable } from './database.ts';

/** What was settled when the store was first filled, and what each of it means to an operator who finds it changed. */
export type Choices = {
  readonly PHI_ENCRYPTION: 'on' | 'off';
  readonly TOKEN_ALGORITHM: string;
  /** The id of the key that all tokens are made with. */
  readonly tokenKey: string;
};

/**
 * Holds the store to what it was filled under: with another token function or another key database nothing in it would be found,
 * and what was stored in clear is refused where all has to be sealed. The first start records the choices.
 *
 * @throws Error that names what has changed
 */
export async function assertChoices(db: Queryable, choices: Choices): Promise<void> {
  const text = JSON.stringify(choices);
  const { rows } = await db.query<{ value: string }>(
    `with first as (insert into store_state values ('choices', $1) on conflict (name) do nothing returning value)
     select value from first union all select value from store_state where name = 'choices'`,
    [text],
  );
  const settled = JSON.parse(rows[0]?.value ?? text) as Choices;
  for (const name of ['PHI_ENCRYPTION', 'TOKEN_ALGORITHM'] as const) {
    if (settled[name] === choices[name]) continue;
    throw new Error(
      `${name} was "${settled[name]}" when this store was made and can't change: set it to that, or start with an empty store.`,
    );
  }
  if (settled.tokenKey !== choices.tokenKey)
    throw new Error(
      "The key database is not the one this store was filled with: nothing in it could be found. Bring back the store's own.",
    );
}
