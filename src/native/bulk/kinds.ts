import type { ImportKind } from './import-kind.ts';
import { interactionImport } from './interaction-import.ts';
import { patientImport } from './patient-import.ts';

/** What can be imported, by the name of the resource in the native API. */
export const importKinds: Readonly<Record<string, ImportKind>> = { patients: patientImport, interactions: interactionImport };
