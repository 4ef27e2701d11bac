import type { Client } from './client.ts';
import type { Step } from './drive.ts';

/** One kind of load. `unit` is what its rate counts. */
export type Workload = {
  readonly name: string;
  readonly unit: 'requests' | 'resources';
  readonly workers: number;
  /** Makes the step of one window; what it needs first (versions to update) it reads now. */
  prepare(client: Client): Promise<Step>;
};
