const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

/** A generated narrative: a heading, and a line for each fact that is there. @see https://hl7.org/fhir/R4/narrative.html */
export function narrative(heading: string, facts: readonly (readonly [label: string, value: string | undefined])[], language?: string) {
  const attributes = language === undefined ? '' : ` lang="${language}" xml:lang="${language}"`;
  const rows = facts
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([label, value]) => `<li>${escapeHtml(label)}: ${escapeHtml(value ?? '')}</li>`)
    .join('');
  const list = rows === '' ? '' : `<ul>${rows}</ul>`;
  return {
    status: 'generated',
    div: `<div xmlns="http://www.w3.org/1999/xhtml"${attributes}><p><b>${escapeHtml(heading)}</b></p>${list}</div>`,
  };
}
