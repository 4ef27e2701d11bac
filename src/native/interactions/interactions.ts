import { existing, invalid } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { readAt } from '../versions.ts';
import { createView, listView } from '../view.ts';
import { checkInteraction } from './interaction-rules.ts';
import { type InteractionInput, interactionView } from './interaction-view.ts';
import { outcomeHandlers } from './outcomes.ts';

export const interactionHandlers = {
  listInteractions: (request) => listView(interactionView, request),
  createInteraction: create,
  getInteraction: (request) => readAt(interactionView, request, request.parameters.path.id ?? ''),
  ...outcomeHandlers,
} as const satisfies Record<string, NativeHandler>;

async function create(request: NativeCall): Promise<NativeAnswer> {
  const input = request.body as InteractionInput;
  // Who may write none learns nothing of which outcomes there are.
  request.call.access.permit('c', interactionView.type);
  const { labelled, faults } = await checkInteraction(request, input);
  // What the first request wrote is answered again, whatever has become of its outcome.
  if (faults.length > 0 && request.replay === undefined) throw invalid(faults);
  const referring = existing(request, [
    { field: 'patient_id', type: 'Patient', id: input.patient_id },
    { field: 'provider_id', type: 'Practitioner', id: input.provider_id },
  ]);
  return createView(interactionView, referring, labelled);
}
