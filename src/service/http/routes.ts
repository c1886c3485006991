/**
 * Which handler a path and a method have. A part of a path in braces stands for any text: `/v1/push/{id}`. Pure; main
 * thread.
 */
import type { HttpAnswer } from './answer.js';
import type { Exchange } from './exchange.js';

export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Whether a bearer token is needed, where the service has any. */
  readonly isOpen?: boolean;
  /** Whether it is answered while the service drains. */
  readonly isAnsweredToTheEnd?: boolean;
  /** Whether problems have the form that gorush gives them. */
  readonly isGorush?: boolean;
  /** Null: the handler writes the answer itself. */
  readonly handle: (exchange: Exchange) => Promise<HttpAnswer | null> | HttpAnswer;
}

/** What is found for a path. */
interface FoundPath {
  /** By method. */
  readonly methods: ReadonlyMap<string, HttpRoute>;
  readonly params: readonly string[];
}

interface Pattern {
  readonly parts: readonly string[];
  readonly methods: Map<string, HttpRoute>;
}

const noParams: readonly string[] = [];

export class Routes {
  readonly all: readonly HttpRoute[];
  readonly #fixed = new Map<string, FoundPath & { readonly methods: Map<string, HttpRoute> }>();
  readonly #patterns: Pattern[] = [];

  constructor(routes: readonly HttpRoute[]) {
    this.all = routes;
    for (const route of routes) this.#methodsOf(route.path).set(route.method, route);
  }

  /** Null: there is nothing at this path. */
  find(path: string): FoundPath | null {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return fixed;
    const parts = path.split('/');
    for (const { parts: pattern, methods } of this.#patterns) {
      const params = paramsOf(pattern, parts);
      if (params !== null) return { methods, params };
    }
    return null;
  }

  #methodsOf(path: string): Map<string, HttpRoute> {
    if (!path.includes('{')) {
      const known = this.#fixed.get(path) ?? { methods: new Map<string, HttpRoute>(), params: noParams };
      this.#fixed.set(path, known);
      return known.methods;
    }
    const parts = path.split('/');
    const known = this.#patterns.find((pattern) => pattern.parts.join('/') === path);
    if (known !== undefined) return known.methods;
    const methods = new Map<string, HttpRoute>();
    this.#patterns.push({ parts, methods });
    return methods;
  }
}

function paramsOf(pattern: readonly string[], parts: readonly string[]): readonly string[] | null {
  if (pattern.length !== parts.length) return null;
  const params: string[] = [];
  for (const [index, part] of parts.entries()) {
    if (!pattern[index]!.startsWith('{')) {
      if (pattern[index] !== part) return null;
    } else {
      const text = decoded(part);
      if (text === null || text === '') return null;
      params.push(text);
    }
  }
  return params;
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
