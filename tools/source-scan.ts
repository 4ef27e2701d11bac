import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';

export type Import = {
  readonly line: number;
  /** A path from the root of the repository for a relative import, else the specifier as written. */
  readonly target: string;
  readonly isRelative: boolean;
  /** Only names the file, in `new URL('./x.ts', import.meta.url)`: another process or thread will run it. */
  readonly isUrl: boolean;
};

/** Something that a rule may refuse, with the place where it stands. */
export type Sighting = {
  readonly line: number;
  readonly kind: 'default-export' | 'environment' | 'console' | 'computed-import';
};

export type Source = {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  readonly sightings: readonly Sighting[];
};

/** Reads the TypeScript files below some folders of the repository; a folder that doesn't exist holds none. */
export function readSources(root: URL, folders: readonly string[]): Source[] {
  return folders.flatMap((folder) => filesBelow(root, folder)).map((path) => scanSource(path, readFileSync(new URL(path, root), 'utf8')));
}

/** Finds what a file imports, in every form (types, `import()` and `new URL('./x.ts', import.meta.url)` too), and what rules speak of. */
export function scanSource(path: string, text: string): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const imports: Import[] = [];
  const sightings: Sighting[] = [];
  const visit = (node: ts.Node): void => {
    const line = () => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
    const specifier = specifierOf(node);
    if (specifier !== undefined) imports.push({ line: line(), ...resolve(path, specifier), isUrl: ts.isNewExpression(node) });
    const kind = sightingOf(node);
    if (kind !== undefined) sightings.push({ line: line(), kind });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, lines: text.replace(/\n$/, '').split('\n').length, imports, sightings };
}

function filesBelow(root: URL, folder: string): string[] {
  try {
    const entries = readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
    return files.map((entry) => new URL(`${entry.parentPath}/${entry.name}`, 'file:').href.replace(root.href, '')).toSorted();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function resolve(path: string, specifier: string): Pick<Import, 'target' | 'isRelative'> {
  const isRelative = /^\.\.?(\/|$)/.test(specifier);
  return { isRelative, target: isRelative ? posix.join(posix.dirname(path), specifier) : specifier };
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : undefined;
  if (ts.isImportEqualsDeclaration(node)) {
    return ts.isExternalModuleReference(node.moduleReference) ? textOf(node.moduleReference.expression) : undefined;
  }
  if (ts.isCallExpression(node) && isImportCall(node)) return textOf(node.arguments[0]);
  if (ts.isNewExpression(node) && isName(node.expression, 'URL') && node.arguments?.length === 2) {
    const file = textOf(node.arguments[0]);
    return file?.endsWith('.ts') ? file : undefined;
  }
  return undefined;
}

function sightingOf(node: ts.Node): Sighting['kind'] | undefined {
  if (ts.isExportAssignment(node)) return 'default-export';
  if (ts.isExportSpecifier(node) && node.name.text === 'default') return 'default-export';
  if (ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword))
    return 'default-export';
  if (readsEnvironment(node)) return 'environment';
  if ((ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) && isName(node.expression, 'console')) return 'console';
  if (ts.isCallExpression(node) && isImportCall(node) && textOf(node.arguments[0]) === undefined) return 'computed-import';
  return undefined;
}

/** `process.env`, `process['env']`, `const { env } = process`, and `env` imported from node:process. */
function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env';
  if (ts.isElementAccessExpression(node)) return isProcess(node.expression) && textOf(node.argumentExpression) === 'env';
  if (ts.isVariableDeclaration(node) && node.initializer !== undefined && isProcess(node.initializer)) {
    return (
      ts.isObjectBindingPattern(node.name) && node.name.elements.some((element) => isName(element.propertyName ?? element.name, 'env'))
    );
  }
  if (ts.isImportDeclaration(node) && /^(node:)?process$/.test(textOf(node.moduleSpecifier) ?? '')) {
    const names = node.importClause?.namedBindings;
    return (
      names !== undefined &&
      ts.isNamedImports(names) &&
      names.elements.some(({ name, propertyName }) => isName(propertyName ?? name, 'env'))
    );
  }
  return false;
}

function isProcess(node: ts.Node): boolean {
  return (
    isName(node, 'process') ||
    (ts.isPropertyAccessExpression(node) && isName(node.expression, 'globalThis') && node.name.text === 'process')
  );
}

function isImportCall(node: ts.CallExpression): boolean {
  return node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

function isName(node: ts.Node, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}
