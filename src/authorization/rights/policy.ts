import type { Alternatives } from '../../storage/filter.ts';
import type { Grant } from '../grant.ts';
import type { Letter } from '../scopes.ts';
import { belongingToken, mayBelong } from './belonging.ts';
import type { Circumstances } from './circumstances.ts';
import type { Coded, PatientConsent } from './consent.ts';
import { type Asker, deniedBy, isLabelGranted, permittedBy, type RowTokens } from './consent-filter.ts';
import { labelOf, looselyOf } from './labels.ts';
import type { Rights } from './rights.ts';
import { groupsOfParams, type TokenContext, tokensOfAny } from './token-groups.ts';
import { isRead } from './user-rows.ts';
import { type Privilege, privilegeOf } from './writes.ts';

/** What a hospital decides, by configuration. Labels as `R` or `system|code`; roles by name. */
export type Policy = {
  readonly sensitiveLabels: readonly string[];
  readonly labelClearance: ReadonlyMap<string, readonly string[]>;
  readonly labelWriters: readonly string[];
  readonly labelsSeenByPatient: boolean;
  readonly privilegedWriters: ReadonlyMap<string, readonly string[]>;
};

/** Nothing is sensitive, nobody privileged. */
export const openPolicy: Policy = {
  sensitiveLabels: [],
  labelClearance: new Map(),
  labelWriters: [],
  labelsSeenByPatient: true,
  privilegedWriters: new Map(),
};

export type PolicyAsking = {
  readonly grant: Grant;
  readonly context: TokenContext;
  readonly rights: Rights;
  readonly circumstances: Circumstances;
  readonly policy: Policy;
};

/** What labels, consents and privileges say of one interaction on one type, each computed when asked. */
export type PolicyRows = {
  readonly denied: () => Alternatives;
  readonly permitted: () => Alternatives;
  /** The patients of whom consents permit something. */
  readonly permittedPatients: () => readonly string[];
  readonly privilege: Privilege;
  /** Tokens of Consents with effect. */
  readonly active: () => readonly bigint[];
  /** Compartments of the patients whom the caller is himself. */
  readonly own: () => readonly bigint[];
  /** Labels that a write has to leave as they are. */
  readonly kept: () => readonly bigint[];
};

export function policyRows(letter: Letter, type: string, asking: PolicyAsking): PolicyRows {
  const { grant, context, rights, circumstances, policy } = asking;
  const rows = rowTokens(letter, type, context);
  const asker: Asker = { identities: identitiesOf(rights), purposes: circumstances.purposes, now: Date.now() };
  // A patient is not bound by what he says of others.
  const others = mayBelong(type, 'Patient', context.registry)
    ? rights.consents.filter(({ patient }) => !rights.selves.includes(patient))
    : [];
  const consents = others.filter((consent) => gives(consent, asking));
  const own = (): bigint[] => rights.selves.map((id) => rows.compartment('Patient', id));
  return {
    // What is in two patients' records is denied by either.
    denied: () => [...deniedBy(others, asker, rows), ...deniedLabels(consents, asker, rows, asking)],
    permitted: () => permittedBy(consents, asker, rows),
    permittedPatients: () => consents.filter((consent) => permittedBy([consent], asker, rows).length > 0).map(({ patient }) => patient),
    privilege: isRead(letter) ? 'free' : privilegeOf(type, grant.roles, policy.privilegedWriters),
    active: () => groupsOfParams(type, [['status', 'active']], context).flat(),
    own,
    kept() {
      const isWriting = letter === 'c' || letter === 'u';
      if (!isWriting || grant.roles.some((role) => policy.labelWriters.includes(role))) return [];
      return policy.sensitiveLabels.flatMap((label) => rows.labelled(labelOf(label), true));
    },
  };
}

/** Whom only a role is told of, or someone of elsewhere, may be anybody. */
function identitiesOf({ identities }: Rights): Asker['identities'] {
  return identities?.size === 0 ? undefined : identities;
}

/** To a caller for one patient only that patient's consents can give anything. */
function gives({ patient }: PatientConsent, { grant }: PolicyAsking): boolean {
  return grant.scopes.some(({ level }) => level === 'user') || grant.patient === patient;
}

/**
 * Rows with a sensitive label are seen by the patient himself, by practitioners who took part, by whom a consent names for the label, by
 * roles with clearance, and in an emergency.
 */
function deniedLabels(consents: readonly PatientConsent[], asker: Asker, rows: RowTokens, asking: PolicyAsking): Alternatives {
  const { grant, rights, circumstances, policy } = asking;
  // Who decides on labels has to see what they hide.
  if (grant.roles.some((role) => policy.labelWriters.includes(role))) return [];
  const cleared = new Set(grant.roles.flatMap((role) => policy.labelClearance.get(role) ?? []));
  const those = (compartment: 'Patient' | 'Practitioner', ids: readonly string[]): readonly bigint[] =>
    mayBelong(rows.type, compartment, asking.context.registry) ? ids.map((id) => rows.compartment(compartment, id)) : [];
  const practitioners = [...(rights.identities ?? [])].filter((each) => each.startsWith('Practitioner/'));
  const exempt = [
    ...those('Patient', policy.labelsSeenByPatient ? rights.selves : []),
    ...those('Patient', circumstances.breakGlass === undefined ? [] : [circumstances.breakGlass.patient]),
    ...those(
      'Practitioner',
      practitioners.map((each) => each.slice('Practitioner/'.length)),
    ),
    ...(rows.type === 'Binary' ? authored(practitioners, asking.context) : []),
  ];
  const byExemption = new Map<string, { readonly labels: bigint[]; readonly exempt: readonly bigint[] }>();
  for (const text of policy.sensitiveLabels) {
    if (cleared.has(text)) continue;
    const label = labelOf(text);
    const granted = consents.filter((consent) => isLabelGranted(consent, label, asker, rows)).map(({ patient }) => patient);
    const all = [...exempt, ...granted.map((patient) => rows.compartment('Patient', patient))];
    const known = byExemption.get(all.join());
    if (known === undefined) byExemption.set(all.join(), { labels: [...rows.labelled(label, true)], exempt: all });
    else known.labels.push(...rows.labelled(label, true));
  }
  return [...byExemption.values()].map(({ labels, exempt: who }) => (who.length === 0 ? [labels] : [labels, { without: who }]));
}

/** Whose a file is that was put under a document: a Binary has no author, so its tag names him. */
export const attachmentAuthor = 'https://anamnesis.health/fhir/CodeSystem/attachment-author';

function authored(practitioners: readonly string[], context: TokenContext): bigint[] {
  const ids = practitioners.map((each) => each.slice('Practitioner/'.length));
  return tokensOfAny(
    'Binary',
    ids.map((id) => ['_tag', `${attachmentAuthor}|${escaped(id)}`]),
    context,
  );
}

const compartmentTypes = new Set(['Patient', 'Encounter', 'Practitioner', 'RelatedPerson', 'Device']);

function rowTokens(letter: Letter, type: string, context: TokenContext): RowTokens {
  const { registry } = context;
  const textOf = ({ system, code }: Coded): string => (system === undefined ? escaped(code) : `${escaped(system)}|${escaped(code)}`);
  return {
    type,
    letter,
    compartment: belongingToken(type, context),
    isCompartment: (of) => compartmentTypes.has(of),
    isType: (code) => registry.isType(code),
    coded(codes, by) {
      const params = [...registry.of(type).params.values()].filter(({ type: kind, code }) => kind === 'token' && !code.startsWith('_'));
      const names = by === 'main' ? params.filter(({ code }) => code === 'code') : params;
      return [
        ...new Set(
          names.flatMap(({ code }) =>
            tokensOfAny(
              type,
              codes.map((each) => [code, textOf(each)]),
              context,
            ),
          ),
        ),
      ];
    },
    labelled: (label, takesAway) =>
      tokensOfAny(
        type,
        (takesAway ? looselyOf(label) : [label]).map((each) => ['_security', textOf(each)]),
        context,
      ),
  };
}

/** A code stands in a search value as itself. */
const escaped = (text: string): string => text.replace(/[\\,|$]/g, String.raw`\$&`);
