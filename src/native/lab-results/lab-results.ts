import type { Config } from '../../config.ts';
import { existing } from '../existing.ts';
import type { NativeAnswer, NativeCall, NativeHandler } from '../handler.ts';
import { patientOf } from '../me.ts';
import { readAt } from '../versions.ts';
import { createView, listView, parsed, readShown, type Resource } from '../view.ts';
import { modelExplainer } from './explain-by-model.ts';
import { explainByRules, findingsOf } from './explain-by-rules.ts';
import { disclaimer, type Explained, type ResultFacts } from './explainer.ts';
import { factsOf } from './facts.ts';
import { assertLabResult } from './lab-result-rules.ts';
import { type LabResultInput, labResultView } from './lab-result-view.ts';
import { seriesOf } from './series.ts';
import { trendsOf } from './trends.ts';

export const labResultHandlers = {
  listLabResults: (request) => listView(labResultView, request),
  createLabResult: create,
  getLabResult: (request) => readAt(labResultView, request, request.parameters.path.id ?? ''),
  getLabTrends: trends,
  explainLabResult: explain,
  listMyLabResults: async (request) => listView(labResultView, request, [['patient', `Patient/${patientOf(request.grant)}`]]),
} as const satisfies Record<string, NativeHandler>;

/** Points of one curve. */
const pointsMax = 1_000;

async function create(request: NativeCall): Promise<NativeAnswer> {
  const input = request.body as LabResultInput;
  assertLabResult(input);
  const referring = existing(request, [
    { field: 'patient_id', type: 'Patient', id: input.patient_id },
    { field: 'provider_id', type: 'Practitioner', id: input.provider_id },
  ]);
  return createView(labResultView, referring, input);
}

async function trends(request: NativeCall): Promise<NativeAnswer> {
  const resource = await asked(request);
  const { query } = request.parameters;
  const within = ['from', 'to'].flatMap((name) => {
    const value = query[name];
    return value === undefined ? [] : (labResultView.queries[name]?.(String(value)) ?? []);
  });
  const { results, isCut } = await seriesOf(request, resource, within, pointsMax);
  return { status: 200, body: trendsOf(resource, results, isCut) };
}

/** Nothing is kept of it: asked again, it is made again. */
async function explain(request: NativeCall): Promise<NativeAnswer> {
  const resource = await asked(request);
  const facts = await factsOf(request, resource);
  const { text, source, isFallback } = await explained(request.ctx.config, facts);
  const body = {
    lab_result_id: resource.id,
    explanation: text,
    findings: findingsOf(facts),
    source,
    is_fallback: isFallback,
    disclaimer,
    generated_at: new Date().toISOString(),
  };
  return { status: 200, body };
}

/** By the model where one is configured and the result can be told by a code and a number; by rules otherwise, and where it fails. */
async function explained(config: Config, facts: ResultFacts): Promise<Explained & { readonly isFallback: boolean }> {
  const { llmUrl: url, llmModel: model, llmApiKey: apiKey, llmTimeoutMs: timeoutMs } = config;
  if (url === undefined || model === undefined || facts.code === undefined || facts.value === undefined)
    return { ...explainByRules(facts), isFallback: false };
  try {
    const ask = modelExplainer({ url, model, timeoutMs, ...(apiKey === undefined ? {} : { apiKey }) });
    return { ...(await ask(facts)), isFallback: false };
  } catch {
    // Whatever is wrong there, the result can be explained; the answer tells that it was not by the model.
    return { ...explainByRules(facts), isFallback: true };
  }
}

async function asked(request: NativeCall): Promise<Resource> {
  return parsed(await readShown(labResultView, request, request.parameters.path.id ?? ''));
}
