/** JSON data with one place changed: what another version, or another program, may have written. */

interface Node {
  [name: string]: unknown;
}

const others: readonly unknown[] = [undefined, null, '', 'text', 7, -1, true, [], {}, [null], { a: null }];

export interface Mutation<Data> {
  /** As `services.0.reasons`, and what stands there now. */
  readonly name: string;
  readonly data: Data;
}

/** Each value of the data replaced by values of other kinds, or removed. */
export function* mutationsOf<Data>(data: Data): Generator<Mutation<Data>> {
  for (const path of pathsOf(data)) {
    for (const other of others) {
      const copy = structuredClone(data);
      const parent = path.slice(0, -1).reduce((value, key) => value[key] as Node, copy as Node);
      if (other === undefined && !Array.isArray(parent)) delete parent[path.at(-1)!];
      else parent[path.at(-1)!] = other ?? null;
      yield { name: `${path.join('.')}: ${JSON.stringify(other) ?? 'missing'}`, data: copy };
    }
  }
}

function* pathsOf(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    yield [...path, key];
    yield* pathsOf(child, [...path, key]);
  }
}
