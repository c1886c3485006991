/** The loader behind planted-hook: replaces one text in one module. On the thread that Node keeps for loaders. */
import type { InitializeHook, LoadHook } from 'node:module';

interface Planting {
  readonly url: string;
  readonly before: string;
  readonly after: string;
}

let planting: Planting | null = null;

export const initialize: InitializeHook<Planting> = (data) => {
  planting = data;
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (planting === null || url !== planting.url) return loaded;
  const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
  const parts = source.split(planting.before);
  if (parts.length !== 2) throw new Error(`${url}: the place of the planted bug is there ${parts.length - 1} times`);
  return { ...loaded, source: parts.join(planting.after) };
};
