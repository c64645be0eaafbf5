import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '..');
const LANGUAGES = ['en', 'ru', 'zh'] as const;
const PLURAL = /_(zero|one|two|few|many|other)$/;
/** Words that are the same in every language: signs, keys of the keyboard, formats. */
const PLAIN = /^[\s\d·…—–(),.:/+×%#?|«»“”"'→←-]*$|^(Ctrl K|\?)$/;
/** Attributes whose text people read or hear. */
const SPOKEN = new Set(['label', 'title', 'placeholder', 'description', 'alt', 'hint', 'lead', 'aria-label', 'note', 'head']);

function flat(value: unknown, path: string[] = []): [string, string][] {
  if (typeof value === 'string') return [[path.join('.'), value]];
  return Object.entries(value as object).flatMap(([key, inner]) => flat(inner, [...path, key]));
}

function catalogue(language: string): Map<string, string> {
  const folder = join(SRC, 'words', language);
  const found = readdirSync(folder).flatMap((file) =>
    flat(JSON.parse(readFileSync(join(folder, file), 'utf8')), [file.replace('.json', '')]),
  );
  return new Map(found);
}

const words = Object.fromEntries(LANGUAGES.map((language) => [language, catalogue(language)])) as Record<string, Map<string, string>>;
const stems = (language: string) => new Set([...(words[language]?.keys() ?? [])].map((key) => key.replace(PLURAL, '')));

function sources(): { path: string; tree: ts.SourceFile }[] {
  const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.tsx?$/.test(path) && !/\.test\.ts$|schema\.d\.ts$/.test(path),
  );
  return paths.map((path) => ({
    path,
    tree: ts.createSourceFile(path, readFileSync(join(SRC, path), 'utf8'), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX),
  }));
}

function each(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => each(child, visit));
}

describe('catalogues', () => {
  it.each(['ru', 'zh'])('%s has exactly the keys of en', (language) => {
    const [here, there] = [stems('en'), stems(language)];
    expect([...here].filter((key) => !there.has(key))).toEqual([]);
    expect([...there].filter((key) => !here.has(key))).toEqual([]);
  });

  it('every plural has the forms its language needs', () => {
    const missing: string[] = [];
    for (const language of LANGUAGES) {
      const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      const plurals = new Set([...(words[language]?.keys() ?? [])].filter((key) => PLURAL.test(key)).map((key) => key.replace(PLURAL, '')));
      for (const stem of plurals) {
        for (const form of forms) if (!words[language]?.has(`${stem}_${form}`)) missing.push(`${language}: ${stem}_${form}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('translations fill in the same names', () => {
    const wrong: string[] = [];
    const names = (text: string) => [...new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]))].sort().join();
    for (const language of ['ru', 'zh']) {
      for (const [key, text] of words[language] ?? []) {
        const english = words.en?.get(key.replace(PLURAL, '_other')) ?? words.en?.get(key);
        if (english !== undefined && names(english) !== names(text)) wrong.push(`${language}: ${key}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('no text is empty', () => {
    const empty = LANGUAGES.flatMap((language) => [...(words[language] ?? [])].filter(([, text]) => text.trim() === '').map(([key]) => `${language}: ${key}`));
    expect(empty).toEqual([]);
  });
});

describe('pages', () => {
  const trees = sources();

  it('every key a page names is in the catalogue', () => {
    const known = stems('en');
    const missing: string[] = [];
    for (const { path, tree } of trees) {
      each(tree, (node) => {
        if (!ts.isCallExpression(node) || !/(^|\.)t$/.test(node.expression.getText())) return;
        const [key] = node.arguments;
        if (key && ts.isStringLiteral(key) && !known.has(key.text)) missing.push(`${path}: ${key.text}`);
        if (key && ts.isTemplateExpression(key) && ![...known].some((one) => one.startsWith(key.head.text))) missing.push(`${path}: ${key.getText()}`);
        if (key && ts.isConditionalExpression(key)) {
          for (const side of [key.whenTrue, key.whenFalse]) {
            if (ts.isStringLiteral(side) && !known.has(side.text)) missing.push(`${path}: ${side.text}`);
          }
        }
      });
    }
    expect(missing).toEqual([]);
  });

  it('no page holds a text of its own', () => {
    const literal: string[] = [];
    const note = (path: string, text: string) => {
      if (!PLAIN.test(text)) literal.push(`${path}: ${text.trim()}`);
    };
    for (const { path, tree } of trees) {
      each(tree, (node) => {
        if (ts.isJsxText(node)) note(path, node.text);
        if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText()) && node.initializer) {
          if (ts.isStringLiteral(node.initializer)) note(path, node.initializer.text);
          else if (ts.isJsxExpression(node.initializer) && node.initializer.expression && ts.isStringLiteral(node.initializer.expression)) {
            note(path, node.initializer.expression.text);
          }
        }
      });
    }
    expect(literal).toEqual([]);
  });

  it('no file is too long to read in one sitting', () => {
    const long = trees.filter(({ tree }) => tree.getLineStarts().length > 255).map(({ path }) => path);
    expect(long).toEqual([]);
  });
});
