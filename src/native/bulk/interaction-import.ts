import { invalid } from '../existing.ts';
import { checkInteraction } from '../interactions/interaction-rules.ts';
import { type InteractionInput, interactionView } from '../interactions/interaction-view.ts';
import { columnsOf, type ImportKind, type Needed } from './import-kind.ts';

export const interactionImport: ImportKind = {
  type: interactionView.type,
  operation: 'createInteraction',
  columnOf: columnsOf(
    {
      patient_id: 'text',
      provider_id: 'text',
      type: 'text',
      setting: 'text',
      started_at: 'text',
      ended_at: 'text',
      note: 'text',
      outcome: 'text',
    },
    [],
  ),
  ignored: new Set(['interaction_id', 'outcome_label', 'status', 'updated_at', 'version']),
  async read(value, idOf, ctx) {
    const { labelled, faults } = await checkInteraction({ ctx }, value as InteractionInput);
    if (faults.length > 0) throw invalid(faults);
    const { type } = interactionView;
    const id = idOf(type, 0);
    return { made: [{ type, id, resource: { ...interactionView.toResource(labelled), id } }], unique: [], needed: neededBy(labelled) };
  },
};

function neededBy({ patient_id: patient, provider_id: provider }: InteractionInput): Needed[] {
  return [
    { field: 'patient_id', type: 'Patient', id: patient },
    ...(provider == null ? [] : [{ field: 'provider_id', type: 'Practitioner', id: provider }]),
  ];
}
