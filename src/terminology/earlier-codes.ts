import { listOf, type Node, textOf } from './code-system.ts';

/**
 * A code system together with the codes that only its earlier copy has. HL7 took some out when it published R4's code systems anew;
 * R4's resources may still use them, so they are there, as retired.
 */
export function withEarlier(now: Node, earlier: object | undefined): Node {
  if (earlier === undefined || (earlier as Node)['version'] === now['version']) return now;
  const known = new Set(conceptsOf(now).map(({ code }) => code));
  const gone = conceptsOf(earlier as Node).filter(({ code }) => !known.has(code));
  if (gone.length === 0) return now;
  const retired = gone.map(({ code, display, definition }) => ({
    code,
    ...(textOf(display) === undefined ? {} : { display }),
    ...(textOf(definition) === undefined ? {} : { definition }),
    property: [{ code: 'status', valueCode: 'retired' }],
  }));
  return { ...now, concept: [...listOf(now['concept']), ...retired] };
}

function conceptsOf(system: Node): Node[] {
  const open = [...listOf(system['concept'])];
  for (let at = 0; at < open.length; at++) open.push(...listOf(open[at]?.['concept']));
  return open;
}
