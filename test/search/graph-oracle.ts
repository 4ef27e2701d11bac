/**
 * Chains, `_has` and `_filter` as the specification tells them, on a graph in memory: no index, no token, no code of the server's.
 */

export type GraphType = 'Patient' | 'Organization' | 'Encounter' | 'Observation';

/** A resource by what can be asked of it: values and references by parameter, `Type/id` each. */
export type Vertex = {
  readonly type: GraphType;
  readonly id: string;
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly references: Readonly<Record<string, readonly string[]>>;
  /** It is inside another resource: seen from there alone. */
  readonly contained?: boolean;
};

export type Question =
  | {
      readonly kind: 'leaf';
      readonly param: string;
      readonly modifier?: 'not' | 'missing' | 'contains';
      readonly values: readonly string[];
    }
  | { readonly kind: 'chain'; readonly param: string; readonly type?: GraphType; readonly of: Question }
  | { readonly kind: 'has'; readonly type: GraphType; readonly param: string; readonly of: Question }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Question[] }
  | { readonly kind: 'not'; readonly of: Question };

/** Tokens are found by the whole code, strings by how they begin, `:contains` within. */
const strings = new Set(['family', 'name']);

/** What each type can be asked: its values, and its references with the types they count for. */
export const shapes: Readonly<
  Record<GraphType, { readonly values: readonly string[]; readonly references: Readonly<Record<string, readonly GraphType[]>> }>
> = {
  Patient: { values: ['gender', 'family', 'name', '_id'], references: { organization: ['Organization'], link: ['Patient'] } },
  Organization: { values: ['name', '_id'], references: { partof: ['Organization'] } },
  Encounter: {
    values: ['status', 'class', '_id'],
    references: { patient: ['Patient'], subject: ['Patient'], 'service-provider': ['Organization'] },
  },
  Observation: {
    values: ['status', 'code', '_id'],
    references: {
      patient: ['Patient'],
      subject: ['Patient'],
      encounter: ['Encounter'],
      performer: ['Patient', 'Organization'],
      'has-member': ['Observation'],
    },
  },
};

/** Whether the resource is what is asked for, where nothing else exists but `graph`. */
export function answers(vertex: Vertex, question: Question, graph: readonly Vertex[]): boolean {
  switch (question.kind) {
    case 'leaf':
      return meets(vertex, question);
    case 'chain':
      return graph.some(
        (other) =>
          pointsTo(vertex, question.param, other) &&
          (question.type === undefined || other.type === question.type) &&
          knows(other.type, question.of) &&
          answers(other, question.of, graph),
      );
    case 'has':
      return graph.some(
        (other) =>
          other.type === question.type &&
          (vertex.contained === true || other.contained !== true) &&
          pointsTo(other, question.param, vertex) &&
          answers(other, question.of, graph),
      );
    case 'and':
      return question.of.every((part) => answers(vertex, part, graph));
    case 'or':
      return question.of.some((part) => answers(vertex, part, graph));
    case 'not':
      return !answers(vertex, question.of, graph);
  }
}

function pointsTo(from: Vertex, param: string, to: Vertex): boolean {
  const counting = shapes[from.type].references[param] ?? [];
  return counting.includes(to.type) && (from.references[param] ?? []).includes(`${to.type}/${to.id}`);
}

/** Whether a type has the parameter that a question begins with: a chain without a type goes on at those that have it. */
function knows(type: GraphType, question: Question): boolean {
  if (question.kind === 'leaf') return shapes[type].values.includes(question.param);
  if (question.kind === 'chain') {
    const targets = shapes[type].references[question.param] ?? [];
    return targets.some((target) => (question.type === undefined || question.type === target) && knows(target, question.of));
  }
  if (question.kind === 'has') return (shapes[question.type].references[question.param] ?? []).includes(type);
  return true;
}

function meets(vertex: Vertex, { param, modifier, values }: Extract<Question, { kind: 'leaf' }>): boolean {
  const found = param === '_id' ? [vertex.id] : (vertex.values[param] ?? []);
  if (modifier === 'missing') return (found.length === 0) === (values[0] === 'true');
  const some = found.some((text) => values.some((value) => matches(param, text, value, modifier)));
  return modifier === 'not' ? !some : some;
}

function matches(param: string, text: string, value: string, modifier: string | undefined): boolean {
  if (!strings.has(param)) return text === value;
  return modifier === 'contains' ? text.toLowerCase().includes(value.toLowerCase()) : text.toLowerCase().startsWith(value.toLowerCase());
}
