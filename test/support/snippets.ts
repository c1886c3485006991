/** The fenced examples of README.md and docs/, as a reader copies them. Used by the tests that run them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryRoot } from './repository.js';

export interface Snippet {
  readonly page: string;
  /** Of its first line, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(path.join(repositoryRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export function snippetsOf(page: string, text = readFileSync(path.join(repositoryRoot, page), 'utf8')): Snippet[] {
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length + 1,
    language: match[1]!.trim(),
    text: match[2]!,
  }));
}

export const snippets: readonly Snippet[] = pages.flatMap((page) => snippetsOf(page));
