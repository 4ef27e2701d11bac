import { describe, expect, test } from 'vitest';
import type { ElementDefinition, StructureDefinition } from '../../src/definitions/r4-source.ts';
import { compileTypes, isTypeDefinition } from '../../src/definitions/schema-compiler.ts';
import { openSchema } from '../../src/definitions/schema-reader.ts';

const element = (path: string, given: Partial<ElementDefinition> = {}): ElementDefinition => ({ path, min: 0, max: '1', ...given });

const definition = (elements: readonly ElementDefinition[], given: Partial<StructureDefinition> = {}): StructureDefinition => ({
  resourceType: 'StructureDefinition',
  id: 'Thing',
  url: 'http://hl7.org/fhir/StructureDefinition/Thing',
  kind: 'resource',
  type: 'Thing',
  abstract: false,
  baseDefinition: 'http://hl7.org/fhir/StructureDefinition/DomainResource',
  derivation: 'specialization',
  snapshot: { element: [element('Thing'), ...elements] },
  ...given,
});

describe('compileTypes', () => {
  test('a nested element is a type of its own, named by its path', () => {
    const [thing, part, ...others] = compileTypes(
      definition([
        element('Thing.part', { max: '*', type: [{ code: 'BackboneElement' }] }),
        element('Thing.part.size', { min: 1, type: [{ code: 'decimal' }] }),
      ]),
    );
    expect(thing).toEqual({
      name: 'Thing',
      kind: 'resource',
      base: 'DomainResource',
      elements: [{ name: 'part', type: 'Thing.part', max: null }],
    });
    expect(part).toEqual({
      name: 'Thing.part',
      kind: 'backbone',
      base: 'BackboneElement',
      elements: [{ name: 'size', type: 'decimal', min: 1 }],
    });
    expect(others).toEqual([]);
  });

  test('a content reference has the type of what it refers to', () => {
    const [, part] = compileTypes(
      definition([
        element('Thing.part', { type: [{ code: 'BackboneElement' }] }),
        element('Thing.part.part', { contentReference: '#Thing.part' }),
      ]),
    );
    expect(part?.elements).toEqual([{ name: 'part', type: 'Thing.part' }]);
  });

  test('a content reference to nothing is refused', () => {
    expect(() => compileTypes(definition([element('Thing.part', { contentReference: '#Thing.nothing' })]))).toThrow(
      'Thing.part refers to Thing.nothing',
    );
  });

  test('a choice stands once per type, with the targets and the binding that are for that type', () => {
    const [thing] = compileTypes(
      definition([
        element('Thing.of[x]', {
          isModifier: true,
          type: [
            { code: 'CodeableConcept' },
            { code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'] },
            { code: 'dateTime' },
          ],
          binding: { strength: 'required', valueSet: 'http://example.org/vs|4.0.1' },
        }),
      ]),
    );
    expect(thing?.elements).toEqual([
      {
        name: 'ofCodeableConcept',
        element: 'of[x]',
        type: 'CodeableConcept',
        modifier: true,
        binding: { strength: 'required', valueSet: 'http://example.org/vs' },
      },
      { name: 'ofReference', element: 'of[x]', type: 'Reference', modifier: true, targets: ['Patient'] },
      { name: 'ofDateTime', element: 'of[x]', type: 'dateTime', modifier: true },
    ]);
  });

  test('a reference to any resource has no targets', () => {
    const [thing] = compileTypes(
      definition([
        element('Thing.to', { type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Resource'] }] }),
      ]),
    );
    expect(thing?.elements).toEqual([{ name: 'to', type: 'Reference' }]);
  });

  test('types of FHIRPath are those of FHIR the extension names; the id of a resource is an id', () => {
    const fhirType = { url: 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type', valueUrl: 'uri' };
    const [thing] = compileTypes(
      definition([
        element('Thing.id', { type: [{ code: 'http://hl7.org/fhirpath/System.String' }] }),
        element('Thing.url', { type: [{ code: 'http://hl7.org/fhirpath/System.String', extension: [fhirType] }] }),
      ]),
    );
    expect(thing?.elements).toEqual([
      { name: 'id', type: 'id' },
      { name: 'url', type: 'uri' },
    ]);
  });

  test('two types without [x] are refused', () => {
    const both = definition([element('Thing.of', { type: [{ code: 'string' }, { code: 'code' }] })]);
    expect(() => compileTypes(both)).toThrow('Thing.of should have exactly one type');
  });
});

describe('isTypeDefinition', () => {
  test.each([
    ['a resource', {}, true],
    ['the root of all, which derives from nothing', { derivation: undefined, baseDefinition: undefined }, true],
    ['a profile', { derivation: 'constraint', url: 'http://hl7.org/fhir/StructureDefinition/bp' }, false],
    ['a profile under the url of the type', { derivation: 'constraint' }, false],
    ['a logical model', { kind: 'logical' }, false],
    ['an extension of another name', { url: 'http://hl7.org/fhir/StructureDefinition/other' }, false],
  ])('%s: %s', (_what, given, expected) => {
    expect(isTypeDefinition(definition([], given as Partial<StructureDefinition>))).toBe(expected);
  });
});

describe('openSchema', () => {
  const packed = Buffer.from('{"name":"A","kind":"complex","base":"Element","elements":[{"name":"x","type":"code","max":null,"min":1}]}');

  test('fills in what the packed form leaves out', () => {
    const type = openSchema(packed, new Map([['A', [0, packed.length]]]))('A');
    expect(type).toMatchObject({ name: 'A', kind: 'complex', base: 'Element', abstract: false });
    expect([...(type?.elements ?? [])]).toEqual([
      ['x', { name: 'x', element: 'x', type: 'code', array: true, min: 1, max: Infinity, summary: false, modifier: false, targets: [] }],
    ]);
  });

  test('reads a type once', () => {
    const schema = openSchema(packed, new Map([['A', [0, packed.length]]]));
    expect(schema('A')).toBe(schema('A'));
    expect(schema('B')).toBeUndefined();
  });
});
