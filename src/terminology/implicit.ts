/**
 * The value sets that a code system defines by the form of a url, and nobody has to store.
 *
 * @see https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html#implicit, https://hl7.org/fhir/R4/ucum.html
 */
export function implicitValueSet(canonical: string): object | undefined {
  if (canonical.startsWith('http://snomed.info/sct')) return ofSnomed(canonical);
  const [url = ''] = canonical.split('|');
  if (url === 'http://unitsofmeasure.org/vs') return valueSet(canonical, 'All units of UCUM', { system: 'http://unitsofmeasure.org' });
  const [, loinc, list] = /^http:\/\/loinc\.org\/vs(\/(LL\d+-\d|LP\d+-\d|LG\d+-\d))?$/.exec(url) ?? [];
  if (url === 'http://loinc.org/vs') return valueSet(canonical, 'All codes of LOINC', { system: 'http://loinc.org' });
  if (loinc === undefined || list === undefined) return undefined;
  const filter = list.startsWith('LL') ? { property: 'LIST', op: '=', value: list } : { property: 'ancestor', op: '=', value: list };
  return valueSet(canonical, `LOINC ${list}`, { system: 'http://loinc.org', filter: [filter] });
}

/** `?fhir_vs`, `=isa/…`, `=refset/…`, `=ecl/…`, with an edition or a version before the question mark. */
function ofSnomed(canonical: string): object | undefined {
  const [, edition, asked] = /^http:\/\/snomed\.info\/sct((?:\/\d+(?:\/version\/\d+)?)?)\?fhir_vs(?:=(.*))?$/s.exec(canonical) ?? [];
  if (edition === undefined) return undefined;
  const about = { system: 'http://snomed.info/sct', ...(edition === '' ? {} : { version: `http://snomed.info/sct${edition}` }) };
  if (asked === undefined) return valueSet(canonical, 'All concepts of SNOMED CT', about);
  const at = asked.indexOf('/');
  const [kind, value] = [asked.slice(0, at), asked.slice(at + 1)];
  const filter = (property: string, op: string, text: string): object =>
    valueSet(canonical, `SNOMED CT ${asked}`, { ...about, filter: [{ property, op, value: text }] });
  if (kind === 'isa' && /^\d{6,18}$/.test(value)) return filter('concept', 'is-a', value);
  if (kind === 'refset' && /^\d{6,18}$/.test(value)) return filter('concept', 'in', value);
  if (kind === 'ecl' && value !== '') return filter('constraint', '=', decoded(value));
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that stands for itself.
    return text;
  }
}

const valueSet = (url: string, name: string, include: object): object => ({
  resourceType: 'ValueSet',
  url,
  name,
  status: 'active',
  compose: { include: [include] },
});
